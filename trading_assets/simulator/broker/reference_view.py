"""What the assets, clock and calendar endpoints show, in Alpaca's shape."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import orjson

from trading_assets.sessions import NEW_YORK, next_session, sessions_between
from trading_assets.simulator.broker.account_view import exchange
from trading_assets.simulator.broker.quotes import window, window_after
from trading_assets.simulator.market.protocol import Instrument

CALENDAR_START = date(2000, 1, 3)


def is_listed(instrument: Instrument, today: date) -> bool:
    """Say whether the broker knows the instrument today."""
    return instrument.listed <= today


def asset_body(instrument: Instrument, today: date) -> dict[str, object]:
    """Return one asset as it stands today."""
    is_active = instrument.delisted is None or today <= instrument.delisted
    can_borrow = is_active and instrument.is_shortable and instrument.is_easy_to_borrow
    return {
        "id": instrument.asset_id,
        "class": "us_equity",
        "exchange": exchange(instrument),
        "symbol": instrument.symbol,
        "name": instrument.name,
        "status": "active" if is_active else "inactive",
        "tradable": is_active,
        "marginable": True,
        "maintenance_margin_requirement": 30,
        "margin_requirement_long": "30",
        "margin_requirement_short": "30",
        "shortable": is_active and instrument.is_shortable,
        "easy_to_borrow": can_borrow,
        "borrow_status": "easy_to_borrow" if can_borrow else "hard_to_borrow",
        "fractionable": is_active and instrument.is_fractionable,
        "attributes": [],
    }


def clock_body(at: datetime) -> dict[str, object]:
    """Return the body of GET /v2/clock, in New York time."""
    hours = window_after(at)
    is_open = hours.open_at <= at
    next_open = window(next_session(hours.session)).open_at if is_open else hours.open_at
    return {
        "timestamp": at.astimezone(NEW_YORK).isoformat(),
        "is_open": is_open,
        "next_open": next_open.astimezone(NEW_YORK).isoformat(),
        "next_close": hours.close_at.astimezone(NEW_YORK).isoformat(),
    }


def calendar_json(start: date, end: date) -> bytes:
    """Return the body of GET /v2/calendar: sessions from ``start`` to ``end``, early closes included."""
    return b"[" + b",".join(_calendar_day(session) for session in sessions_between(start, end)) + b"]"


@lru_cache(maxsize=16_384)
def _calendar_day(session: date) -> bytes:
    hours = window(session)
    return orjson.dumps(
        {
            "date": session.isoformat(),
            "open": f"{hours.open_at.astimezone(NEW_YORK):%H:%M}",
            "close": f"{hours.close_at.astimezone(NEW_YORK):%H:%M}",
            "session_open": "0400",
            "session_close": "2000",
            "settlement_date": _settlement(session).isoformat(),
        }
    )


def _settlement(session: date) -> date:
    # Trades settled two sessions later until May 2024, one since.
    following = sessions_between(session + timedelta(days=1), session + timedelta(days=14))
    return following[0 if session >= date(2024, 5, 28) else 1]
