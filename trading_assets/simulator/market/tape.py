"""The tape: column access to one market's bars, fast enough to serve; shared by the synthetic and replayed market."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.sessions import NEW_YORK, is_session, session_close
from trading_assets.simulator.market.protocol import Bar, Instrument
from trading_assets.simulator.state import Correction

Floats = NDArray[np.float64]
Days = NDArray[np.int32]

EPOCH_DAY = date(1970, 1, 1)
PUBLICATION_DELAY = timedelta(minutes=10)
"""The vendors know the bar of a session so long after its close, early closes included."""
USUAL_CLOSE = time(16, 0)

ACTION_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "ex_date": pl.Date,
        "kind": pl.String,
        "split_ratio": pl.Float64,
        "cash_usd": pl.Float64,
        "new_symbol": pl.String,
        "share_ratio": pl.Float64,
        "price_factor": pl.Float64,
    }
)


class Rows(NamedTuple):
    """Bars as equally long columns; ``place`` is the instrument's place in the market's list, ``day`` days since 1970."""

    place: NDArray[np.int32]
    day: Days
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Rows:
        """Return the chosen rows."""
        return Rows._make(column[which] for column in self)

    @property
    def vwap(self) -> Floats:
        """Volume-weighted average price: modelled, inside the day's range."""
        value: Floats = (self.open + self.high + self.low + 2.0 * self.close) / 5.0
        inside: Floats = np.clip(value, self.low, np.maximum(self.low, self.high))
        return np.round(inside, 4)

    @property
    def trade_count(self) -> NDArray[np.int64]:
        """Trades: modelled from volume, at least one where anything traded."""
        volume = np.nan_to_num(self.volume)
        count = np.ceil(volume / (60.0 + 4.0 * np.cbrt(np.maximum(volume, 0.0))))
        return count.astype(np.int64)


NO_ROWS = Rows(np.empty(0, np.int32), np.empty(0, np.int32), *(np.empty(0, np.float64) for _ in range(5)))


def joined_rows(parts: Sequence[Rows]) -> Rows:
    """Return the rows of several columns' sets in one."""
    return Rows._make(map(np.concatenate, zip(*parts, strict=True)))


class Action(NamedTuple):
    """A corporate action of one instrument, with the instant from which anybody could know it.

    ``new_symbol`` is the company spun off, the ticker after a change, or the acquirer; ``share_ratio`` its shares for
    one held; ``price_factor`` what a spin-off leaves of the price; ``detail`` how a listing ends.
    """

    symbol: str
    ex_date: date
    kind: str
    split_ratio: float | None
    cash_usd: float | None
    known_at: datetime
    new_symbol: str | None = None
    share_ratio: float | None = None
    price_factor: float | None = None
    detail: str | None = None


def day_number(day: date) -> int:
    """Return days since 1970-01-01."""
    return (day - EPOCH_DAY).days


@lru_cache(maxsize=65536)
def day_of(number: int) -> date:
    """Return the date of a day number."""
    return EPOCH_DAY + timedelta(days=number)


@lru_cache(maxsize=65536)
def publication(day: date) -> datetime:
    """Return the instant (UTC) at which rows of collection day ``day`` are known."""
    usual = datetime.combine(day, USUAL_CLOSE, NEW_YORK).astimezone(UTC)
    return (session_close(day) if is_session(day) else usual) + PUBLICATION_DELAY


def published_day(known_at: datetime) -> int:
    """Return the newest day number whose rows are known at ``known_at``."""
    day = known_at.astimezone(NEW_YORK).date()
    return day_number(day) - (publication(day) > known_at)


class TapeMarket(ABC):
    """A market with column access; ``Market`` of market.py is one face of it, the vendors' protocols the other."""

    def __init__(self, instruments: Sequence[Instrument], actions: Iterable[Action]) -> None:
        self._instruments = tuple(instruments)
        self.symbols = tuple(item.symbol for item in self._instruments)
        self.names = pl.Series("symbol", self.symbols, dtype=pl.String)
        self.places = {symbol: place for place, symbol in enumerate(self.symbols)}
        self._actions = sorted(actions, key=lambda action: (action.ex_date, action.symbol, action.kind))
        self._action_dates = [action.ex_date for action in self._actions]
        self._actions_of: dict[str, list[Action]] = defaultdict(list)
        for action in self._actions:
            self._actions_of[action.symbol].append(action)
        changes = [action for action in self._actions if action.kind == "symbol_change"]
        self._renamed_to = {action.symbol: action for action in changes}
        self._renamed_from = {action.new_symbol: action for action in changes}
        self._corrections: dict[tuple[int, int], list[Correction]] = defaultdict(list)
        self._corrected_days: dict[int, set[int]] = defaultdict(set)
        self.revision = 0

    @property
    @abstractmethod
    def identity(self) -> dict[str, object]:
        """What makes this market this one: kind and parameters."""

    @abstractmethod
    def first_session(self) -> date:
        """Return the first session with bars."""

    @abstractmethod
    def last_session(self) -> date:
        """Return the last session that this market can ever show."""

    @abstractmethod
    def shares_outstanding(self, symbol: str, day: date) -> float | None:
        """Return the shares outstanding at the end of ``day``, splits included; None if nobody knows."""

    def capital_at_year_start(self, symbol: str, year: int) -> float | None:
        """Return the market value of a company before the first trade of a year; None if nobody knows."""
        del symbol, year
        return None

    def halt(self, symbol: str, day: date) -> tuple[int, int] | None:
        """Return from when to when trading was halted, in seconds since midnight in New York; None if it was not."""
        del symbol, day
        return None

    def tickers_before(self, symbol: str, now: datetime) -> list[str]:
        """Return the tickers that a company had before ``symbol``, oldest first, as far as they changed by now."""
        found: list[str] = []
        today = now.astimezone(NEW_YORK).date()
        while (before := self._renamed_from.get(symbol)) and before.ex_date <= today:
            symbol = before.symbol
            found.insert(0, symbol)
        return found

    def ticker_after(self, symbol: str, now: datetime) -> str | None:
        """Return what ``symbol`` was changed to by now; None if it was not."""
        after = self._renamed_to.get(symbol)
        return after.new_symbol if after and after.ex_date <= now.astimezone(NEW_YORK).date() else None

    def tickers_of_holder(self, symbol: str, as_of: date, now: datetime) -> list[str]:
        """Return every ticker by now of the company that had ``symbol`` on a day, oldest first."""
        after = self._renamed_to.get(symbol)
        if after is not None and after.ex_date <= as_of:
            return [symbol]
        found = [*self.tickers_before(symbol, now), symbol]
        while (following := self.ticker_after(found[-1], now)) is not None:
            found.append(following)
        return found

    @abstractmethod
    def _series(self, place: int, first: int, last: int, known: int) -> Rows:
        """Return rows of one instrument, by day, as known at the end of day number ``known``."""

    @abstractmethod
    def _section(self, day: int, known: int) -> Rows:
        """Return rows of one day, by place, as known at the end of day number ``known``."""

    @abstractmethod
    def _final(self, place: int, day: int) -> Rows:
        """Return the last version of one bar; no row if there never was one."""

    def instruments(self) -> Sequence[Instrument]:
        """List every instrument that was ever listed, sorted by symbol."""
        return self._instruments

    def correct(self, correction: Correction) -> None:
        """Replace fields of one bar, for everybody who asks at or after the correction's instant."""
        place, day = self.places[correction.symbol], day_number(correction.session)
        self._corrections[place, day].append(correction)
        self._corrected_days[day].add(place)
        self.revision += 1

    def series(self, symbol: str, start: date, end: date, known_at: datetime) -> Rows:
        """Return one symbol's bars from ``start`` to ``end`` as known at ``known_at``; no rows if unknown."""
        place = self.places.get(symbol)
        if place is None:
            return NO_ROWS
        rows = self._series(place, day_number(start), day_number(end), published_day(known_at))
        return self._corrected(rows, known_at) if self._corrections else rows

    def section(self, session: date, known_at: datetime) -> Rows:
        """Return the bars of every symbol on one date as known at ``known_at``."""
        rows = self._section(day_number(session), published_day(known_at))
        return self._corrected(rows, known_at) if self._corrections else rows

    def daily_bars(
        self, start: date, end: date, *, known_at: datetime, symbols: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return bars dated ``start`` to ``end`` as known at ``known_at``, sorted by (symbol, session)."""
        if symbols is None and start == end:
            parts = [self.section(start, known_at)]
        else:
            wanted = self.symbols if symbols is None else sorted(set(symbols))
            parts = [self.series(symbol, start, end, known_at) for symbol in wanted]
        rows = joined_rows(parts) if parts else NO_ROWS
        return pl.DataFrame(
            {
                "symbol": self.names.gather(rows.place),
                "session": pl.Series(rows.day).cast(pl.Date),
                "open": rows.open,
                "high": rows.high,
                "low": rows.low,
                "close": rows.close,
                "volume": rows.volume,
                "vwap": rows.vwap,
                "trade_count": rows.trade_count,
            }
        )

    def actions(
        self, start: date, end: date, *, known_at: datetime, symbol: str | None = None
    ) -> list[Action]:
        """List actions with ex-date ``start`` to ``end`` known at ``known_at``, by ex-date."""
        if symbol is not None:
            chosen = [a for a in self._actions_of.get(symbol, ()) if start <= a.ex_date <= end]
        else:
            low = bisect_right(self._action_dates, start - timedelta(days=1))
            chosen = self._actions[low : bisect_right(self._action_dates, end)]
        return [action for action in chosen if action.known_at <= known_at]

    def corporate_actions(self, start: date, end: date, *, known_at: datetime) -> pl.DataFrame:
        """Return actions with ex-date ``start`` to ``end`` known at ``known_at``; columns of ``ACTION_SCHEMA``."""
        rows = [action[:5] + action[6:9] for action in self.actions(start, end, known_at=known_at)]
        return pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row")

    def truth(self, symbol: str, session: date) -> Rows:
        """Return the last version of one bar, whatever the clock says; no row if there never is one."""
        place = self.places.get(symbol)
        if place is None:
            return NO_ROWS
        return self._corrected(self._final(place, day_number(session)), None)

    def bar(self, symbol: str, session: date) -> Bar | None:
        """Return the true bar of one symbol, whatever the clock says; None if it did not trade."""
        rows = self.truth(symbol, session)
        if len(rows.day) == 0:
            return None
        bar = Bar(*(float(column[0]) for column in rows[2:]))
        return bar if 0.0 < bar.low <= bar.high and bar.open > 0.0 and bar.close > 0.0 else None

    def _corrected(self, rows: Rows, known_at: datetime | None) -> Rows:
        places = rows.place
        hits = [
            number
            for number, day in enumerate(rows.day.tolist())
            if day in self._corrected_days and int(places[number]) in self._corrected_days[day]
        ]
        if not hits:
            return rows
        fresh = Rows._make(column.copy() for column in rows)
        for number in hits:
            for correction in self._corrections[int(places[number]), int(rows.day[number])]:
                if known_at is None or correction.known_at <= known_at:
                    for field, value in correction.fields.items():
                        getattr(fresh, field)[number] = value
        return fresh
