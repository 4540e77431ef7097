"""What the broker knows of the market: session windows, true bars as price paths, marks, assets, splits."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from trading_assets.sessions import NEW_YORK, session_close, session_open, sessions_between
from trading_assets.simulator.market.price_path import TradingDay, as_price, trading_day
from trading_assets.simulator.market.protocol import Instrument, Market

FINAL_TRUTH = datetime(2200, 1, 1, tzinfo=UTC)
LOOK_BACK_SESSIONS = 30
_NUMBERS = ("split_ratio", "cash_usd", "share_ratio", "price_factor")
_NEEDED = {"split": "split_ratio", "cash_dividend": "cash_usd", "spin_off": "share_ratio"}


@dataclass(frozen=True)
class Window:
    """One session and its opening hours."""

    session: date
    open_at: datetime
    close_at: datetime


@dataclass(frozen=True)
class Opening:
    """The open of a session at which corporate actions are booked: its hours, those of the one before, and prices then.

    ``price`` is that of a symbol at the open, None if it does not trade.
    """

    hours: Window
    previous: Window
    price: Callable[[str], Decimal | None]


@dataclass(frozen=True)
class Entitlement:
    """What the holders of one symbol get or give up on an ex-date; ``kind`` as in ``Action``."""

    symbol: str
    kind: str
    split_ratio: Decimal | None = None
    cash_usd: Decimal | None = None
    new_symbol: str | None = None
    share_ratio: Decimal | None = None
    price_factor: Decimal | None = None


@lru_cache(maxsize=16_384)
def window(session: date) -> Window:
    """Return the opening hours of a session."""
    return Window(session, session_open(session), session_close(session))


def window_after(at: datetime) -> Window:
    """Return the session that is open at ``at`` or, if none is, the next one."""
    day = at.astimezone(NEW_YORK).date()
    for session in _sessions_from(day):
        if window(session).close_at > at:
            return window(session)
    raise ValueError(f"The exchange calendar ends before {at.isoformat()}")


def window_before(at: datetime) -> Window:
    """Return the last session that had closed at ``at``."""
    day = at.astimezone(NEW_YORK).date()
    for session in reversed(_sessions_until(day)):
        if window(session).close_at <= at:
            return window(session)
    raise ValueError(f"The exchange calendar begins after {at.isoformat()}")


@lru_cache(maxsize=4096)
def _sessions_from(day: date) -> tuple[date, ...]:
    return tuple(sessions_between(day, day + timedelta(days=14)))


@lru_cache(maxsize=4096)
def _sessions_until(day: date) -> tuple[date, ...]:
    return tuple(sessions_between(day - timedelta(days=60), day))


class Quotes:
    """The market as the broker sees it: always the true bars, but never a price later than it was asked for.

    Parameters
    ----------
    market
        The market behind.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._days = lru_cache(maxsize=200_000)(self._trading_day)
        instruments = market.instruments()
        self._by_symbol = {instrument.symbol: instrument for instrument in instruments}
        self._by_id = {instrument.asset_id: instrument for instrument in instruments}
        self._entitlements: dict[date, list[Entitlement]] | None = None
        self._ex_dates: list[date] = []

    def instruments(self) -> Sequence[Instrument]:
        """List all instruments, sorted by symbol."""
        return list(self._by_symbol.values())

    def instrument(self, symbol_or_id: str) -> Instrument | None:
        """Find an instrument by symbol or asset id."""
        return self._by_symbol.get(symbol_or_id) or self._by_id.get(symbol_or_id)

    def day(self, symbol: str, session: date) -> TradingDay | None:
        """Return a symbol's session, None if it did not trade."""
        return self._days(symbol, session)

    def price(self, symbol: str, at: datetime) -> Decimal | None:
        """Return the last price at ``at``: on the path of a session that is open, else the last close."""
        current = window_after(at)
        if current.open_at <= at:
            day = self.day(symbol, current.session)
            if day is not None:
                return day.price_at(at)
        return self.last_close(symbol, at)

    def last_close(self, symbol: str, at: datetime) -> Decimal | None:
        """Return the close of the last session that had ended at ``at``, None if there is none lately."""
        last = window_before(at).session
        for session in reversed(_sessions_until(last)[-LOOK_BACK_SESSIONS:]):
            day = self.day(symbol, session)
            if day is not None:
                return day.close
        return None

    def entitlements(self, session: date, previous: date) -> list[Entitlement]:
        """List what has an ex-date after ``previous`` and up to ``session``."""
        if self._entitlements is None:
            self._entitlements = self._load_entitlements()
            self._ex_dates = sorted(self._entitlements)
        found: list[Entitlement] = []
        for ex_date in self._ex_dates[bisect_left(self._ex_dates, previous + timedelta(days=1)) :]:
            if ex_date > session:
                break
            found += self._entitlements[ex_date]
        return found

    def _trading_day(self, symbol: str, session: date) -> TradingDay | None:
        hours = window(session)
        halt = self._market.halt(symbol, session)
        if halt is None:
            return trading_day(self._market.bar(symbol, session), hours.open_at, hours.close_at)
        midnight = datetime.combine(session, time(0), NEW_YORK)
        pause = (midnight + timedelta(seconds=halt[0]), midnight + timedelta(seconds=halt[1]))
        return trading_day(self._market.bar(symbol, session), hours.open_at, hours.close_at, pause)

    def _load_entitlements(self) -> dict[date, list[Entitlement]]:
        frame = self._market.corporate_actions(
            self._market.first_session(), self._market.last_session(), known_at=FINAL_TRUTH
        )
        found: dict[date, list[Entitlement]] = defaultdict(list)
        for row in frame.iter_rows(named=True):
            numbers = {name: _amount(row[name]) for name in _NUMBERS}
            needed = _NEEDED.get(row["kind"])
            if needed is None or numbers[needed] is not None:
                found[row["ex_date"]].append(
                    Entitlement(row["symbol"], row["kind"], new_symbol=row["new_symbol"], **numbers)
                )
        return dict(found)


def _amount(value: float | None) -> Decimal | None:
    return as_price(value) if value is not None and math.isfinite(value) and value > 0 else None
