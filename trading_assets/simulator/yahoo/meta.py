"""The head of a Yahoo chart: what the symbol is, its last trade, and the trading periods of days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import numpy as np

from trading_assets.sessions import NEW_YORK, is_session, session_close, session_open
from trading_assets.simulator.market.tape import day_of
from trading_assets.simulator.wire import whole_numbers
from trading_assets.simulator.yahoo.history import History
from trading_assets.simulator.yahoo.picture import EXCHANGES
from trading_assets.simulator.yahoo.spelling import as_yahoo

RANGES = {"1d": 1, "5d": 7, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653}
_VALID_RANGES = [*RANGES, "ytd", "max"]
_SESSIONS_A_YEAR = 252

Period = dict[str, Any]


def meta(seen: History, first: int, now: datetime, *, interval: str, span: str) -> dict[str, Any]:
    """Return the head of a chart that begins at the UTC second ``first``."""
    rows, instrument = seen.rows, seen.instrument
    year = rows.take(slice(-_SESSIONS_A_YEAR, None))
    local = now.astimezone(NEW_YORK)
    exchange, full_name = EXCHANGES[instrument.mic]
    last_close = _bounds(day_of(int(rows.day[-1])))[1]
    return {
        "currency": "USD",
        "symbol": as_yahoo(instrument.symbol),
        "exchangeName": exchange,
        "fullExchangeName": full_name,
        "instrumentType": "ETF" if instrument.asset_type == "ETF" else "EQUITY",
        "firstTradeDate": int(seen.opens[0]),
        "regularMarketTime": int(min(last_close, now).timestamp()),
        "hasPrePostMarketData": True,
        "gmtoffset": _offset(local),
        "timezone": local.tzname(),
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": round(float(rows.close[-1]), 4),
        "fiftyTwoWeekHigh": round(float(year.high.max()), 4),
        "fiftyTwoWeekLow": round(float(year.low.min()), 4),
        "regularMarketDayHigh": round(float(rows.high[-1]), 4),
        "regularMarketDayLow": round(float(rows.low[-1]), 4),
        "regularMarketVolume": whole_numbers(rows.volume[-1:]).item(),
        "longName": instrument.name,
        "shortName": instrument.name[:30],
        "chartPreviousClose": previous_close(seen, first),
        "priceHint": 2,
        "currentTradingPeriod": _periods(local.date()),
        "dataGranularity": interval,
        "range": span,
        "validRanges": _VALID_RANGES,
    }


def intraday_meta(seen: History, days: Sequence[date], now: datetime, *, extended: bool) -> dict[str, Any]:
    """Return what a chart of hours or minutes says besides: the trading periods of its days, if it has any."""
    today = int(datetime.combine(now.astimezone(NEW_YORK).date(), time(0), NEW_YORK).timestamp())
    periods = [_periods(day) for day in days]
    found: object = [[part["regular"]] for part in periods]
    if extended:
        found = {name: [[part[name]] for part in periods] for name in ("pre", "post", "regular")}
    head = {"previousClose": previous_close(seen, today), "scale": 3}
    return {**head, "tradingPeriods": found} if periods else head


def previous_close(seen: History, at: int) -> float:
    """Return the last close before a UTC second; the first close if there is none."""
    before = max(0, int(np.searchsorted(seen.opens, at)) - 1)
    return round(float(seen.rows.close[before]), 3)


def _bounds(day: date) -> tuple[datetime, datetime]:
    if is_session(day):
        return session_open(day), session_close(day)
    return datetime.combine(day, time(9, 30), NEW_YORK), datetime.combine(day, time(16), NEW_YORK)


def _periods(day: date) -> dict[str, Period]:
    opened, closed = _bounds(day)
    begin, end = datetime.combine(day, time(4), NEW_YORK), datetime.combine(day, time(20), NEW_YORK)
    bounds = {"pre": (begin, opened), "regular": (opened, closed), "post": (closed, end)}
    return {
        name: {
            "timezone": opened.astimezone(NEW_YORK).tzname(),
            "start": int(first.timestamp()),
            "end": int(last.timestamp()),
            "gmtoffset": _offset(opened.astimezone(NEW_YORK)),
        }
        for name, (first, last) in bounds.items()
    }


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
