"""Intraday bars: one row per (symbol, session, window), cut from the path that the matching engine fills against.

Between open and close the price runs along ``price_path``; before and after, it drifts from and to a price nearby
on little volume. The windows of the regular session add up exactly to the daily bar: first open, highest high,
lowest low, last close, and the sum of the volumes. A window in which no whole share traded is no bar; what the
price did in it belongs to the next one that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trading_assets.sessions import NEW_YORK, is_session, session_close, session_open
from trading_assets.simulator.market.price_path import LEGS, MICROS_PER_USD, turning_points
from trading_assets.simulator.market.tape import (
    NO_ROWS,
    Floats,
    Rows,
    TapeMarket,
    day_number,
    day_of,
    joined_rows,
    published_day,
)

Whole = NDArray[np.int64]

PRE_OPEN, POST_CLOSE = 4 * 3600, 20 * 3600
PRE_BUSY, POST_BUSY = 8 * 3600, 5400
"""Extended trading: from eight o'clock to the open, and for an hour and a half after the close."""
EARLY_POST_CLOSE = 17 * 3600
PRE_VOLUME_FRAC, POST_VOLUME_FRAC = 0.012, 0.009
"""Extended volume over the session's; it comes on top of the daily bar's."""
AUCTION_FRAC = 0.06
"""Part of the session's volume that trades at the very close."""
_VALUES = ("open", "high", "low", "close", "volume")
_DRIFT_FRAC = 0.004
_RIPPLE = 0.03


Halts = Mapping[int, tuple[int, int]]


class Shape(NamedTuple):
    """The day's trading hours in seconds since midnight in New York."""

    open: int
    close: int
    post_close: int


class Intraday(NamedTuple):
    """Bars as equally long columns; ``row`` is the daily row behind, ``start`` the window's start in UTC seconds.

    ``minutes`` counts the one-minute bars inside, ``trade_count`` and ``vwap`` are modelled as for daily bars.
    """

    row: Whole
    start: Whole
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    minutes: Whole

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Intraday:
        """Return the chosen bars."""
        return Intraday._make(column[which] for column in self)

    def scaled(self, prices: Floats, volumes: Floats) -> Intraday:
        """Return bars with prices multiplied by a factor per daily row, and volumes divided by another."""
        price, volume = prices[self.row], volumes[self.row]
        return self._replace(
            open=self.open * price,
            high=self.high * price,
            low=self.low * price,
            close=self.close * price,
            volume=np.rint(self.volume / volume),
        )

    def without(self, hours: Sequence[tuple[int, int, int]]) -> Intraday:
        """Return the bars that do not start in an hour of New York on days from a first to a last day number."""
        if not hours or len(self.start) == 0:
            return self
        local = [datetime.fromtimestamp(at, NEW_YORK) for at in self.start.tolist()]
        kept = [
            not any(low <= day_number(at.date()) <= high and at.hour == hour for low, high, hour in hours)
            for at in local
        ]
        return self.take(np.array(kept, np.bool_))

    def columns(self) -> Rows:
        """Return the bars with a daily row's columns, for the modelled vwap and trade count."""
        none = np.zeros(len(self.row), np.int32)
        return Rows(none, none, self.open, self.high, self.low, self.close, self.volume)


_WHOLE, _NUMBERS = np.empty(0, np.int64), np.empty(0, np.float64)
NOTHING = Intraday(_WHOLE, _WHOLE, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _WHOLE)


def rows_behind(market: TapeMarket, symbol: str, first: int, last: int, now: datetime) -> Rows:
    """Return the daily rows that intraday bars from day number ``first`` to ``last`` are cut from at ``now``.

    Published rows as they are known; the last days' others (the running session, a row collected late) as they
    will be.
    """
    rows = market.series(symbol, day_of(first), day_of(last), now)
    today = day_number(now.astimezone(NEW_YORK).date())
    known = set(rows.day[rows.day > published_day(now) - 5].tolist())
    recent = range(max(first, published_day(now) - 4), min(last, today) + 1)
    missing = [day_of(day) for day in recent if day not in known and is_session(day_of(day))]
    if not missing:
        return rows
    joined = joined_rows([rows, *(market.truth(symbol, day) for day in missing)])
    return joined.take(np.argsort(joined.day, kind="stable"))


def halts_behind(market: TapeMarket, tickers: Sequence[str], rows: Rows) -> Halts:
    """Return when trading was halted on the days of some rows, by day number."""
    found = {}
    for ticker in tickers:
        for day in rows.day.tolist():
            halt = market.halt(ticker, day_of(day))
            if halt is not None:
                found[day] = halt
    return found


def day_so_far(market: TapeMarket, symbol: str, now: datetime) -> Rows:
    """Return the unfinished daily bar of the running session; no row before its first trade, or once it is published."""
    today = now.astimezone(NEW_YORK).date()
    if not is_session(today) or now <= session_open(today) or day_number(today) <= published_day(now):
        return NO_ROWS
    rows = market.truth(symbol, today)
    bar = intraday(rows, 24 * 60, now, extended=False, halts=halts_behind(market, [symbol], rows))
    return rows.take(bar.row)._replace(**{name: getattr(bar, name) for name in _VALUES})


def intraday(
    rows: Rows,
    minutes: int,
    until: datetime,
    *,
    from_open: bool = False,
    extended: bool = True,
    halts: Halts | None = None,
) -> Intraday:
    """Cut daily rows into bars.

    Parameters
    ----------
    rows
        Daily bars; those on days without a session, and those that are no prices, have no intraday bars.
    minutes
        Width of a window; 1 to 1440.
    until
        What happens at or after this instant is not known yet: the window it falls into is cut short.
    from_open
        Whether windows are counted from the open (Yahoo) or from midnight (the others).
    extended
        Whether trades before the open and after the close are shown.
    halts
        When nothing traded, in seconds since midnight in New York, by day number.

    Returns
    -------
    Intraday
        Bars in the order of ``rows``, then by time.
    """
    seconds = int(until.timestamp())
    parts: list[Intraday] = []
    is_sound = _sound(rows)
    for day in np.unique(rows.day).tolist():
        if not is_session(day_of(day)):
            is_sound &= rows.day != day
    groups: dict[tuple[Shape, int | None], list[int]] = {}
    midnights = np.zeros(len(rows.day), np.int64)
    for number in np.flatnonzero(is_sound).tolist():
        shape, midnight = _hours(int(rows.day[number]))
        midnights[number] = midnight
        known = seconds - midnight
        if known > PRE_OPEN:
            groups.setdefault((shape, known if known < shape.post_close else None), []).append(number)
    pauses = np.array([(halts or {}).get(day, (0, 0)) for day in rows.day.tolist()], np.int64).reshape(-1, 2)
    for (shape, cut), numbers in groups.items():
        chosen = np.array(numbers, np.int64)
        window = _bounds(shape, minutes, from_open=from_open, extended=extended)
        bars = _cut(rows.take(chosen), shape, cut, window, pauses[chosen])
        parts.append(bars._replace(row=chosen[bars.row], start=bars.start + midnights[chosen[bars.row]]))
    if not parts:
        return NOTHING
    joined = Intraday._make(map(np.concatenate, zip(*parts, strict=True)))
    return joined if len(parts) == 1 else joined.take(np.argsort(joined.row, kind="stable"))


@lru_cache(maxsize=16_384)
def _hours(day: int) -> tuple[Shape, int]:
    # opening hours, and the UTC second of midnight as the session's own offset has it
    opened, closed = (bound(day_of(day)).astimezone(NEW_YORK) for bound in (session_open, session_close))
    shape = Shape(
        opened.hour * 3600 + opened.minute * 60,
        closed.hour * 3600 + closed.minute * 60,
        POST_CLOSE if closed.hour >= 16 else EARLY_POST_CLOSE,
    )
    return shape, int(opened.timestamp()) - shape.open


@lru_cache(maxsize=64)
def _bounds(shape: Shape, minutes: int, *, from_open: bool, extended: bool) -> tuple[Whole, Whole, int]:
    # windows as seconds since midnight, clipped to the hours that are shown, and the first second shown
    first, last = (PRE_OPEN, shape.post_close) if extended else (shape.open, shape.close)
    width = minutes * 60
    anchor = shape.open % width if from_open else 0
    begin = first - (first - anchor) % width
    starts = np.arange(begin, last, width, dtype=np.int64)
    if from_open and extended:
        # windows counted from the open restart at the close of a half day
        ends = np.minimum(starts + width, last)
        return np.maximum(starts, first), ends, first
    return starts, np.minimum(starts + width, last), first


def _cut(
    rows: Rows, shape: Shape, cut: int | None, windows: tuple[Whole, Whole, int], pauses: Whole
) -> Intraday:
    starts, ends, first = windows
    if cut is not None:
        starts, ends = starts[starts < cut], np.minimum(ends[starts < cut], cut)
    if len(starts) == 0:
        return NOTHING
    shown = np.maximum(starts, first)
    times, path = _path(rows, shape)
    bounds = np.append(shown, ends[-1])
    prices = _prices_at(bounds, times, path)
    opened, close = prices[:, :-1], prices[:, 1:]
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    for vertex, at in enumerate(times.tolist()):
        inside = (shown <= at) & (at <= ends)
        high[:, inside] = np.maximum(high[:, inside], path[:, vertex, None])
        low[:, inside] = np.minimum(low[:, inside], path[:, vertex, None])
    volume = np.diff(_volume_until(bounds, rows, shape, pauses), axis=1)
    opened, high, low, volume = _without_quiet(
        opened.copy(), high, low, volume, np.flatnonzero((ends > shape.open) & (shown < shape.close))
    )
    kept = volume > 0
    row, window = np.nonzero(kept)
    busy = np.minimum(ends, shape.close + POST_BUSY) - np.maximum(shown, PRE_BUSY)
    return Intraday(
        row=row.astype(np.int64),
        start=starts[window],
        open=opened[kept] / MICROS_PER_USD,
        high=high[kept] / MICROS_PER_USD,
        low=low[kept] / MICROS_PER_USD,
        close=close[kept] / MICROS_PER_USD,
        volume=volume[kept],
        minutes=np.maximum(np.broadcast_to(-(-busy // 60), kept.shape)[kept], 1),
    )


def _sound(rows: Rows) -> NDArray[np.bool_]:
    prices = np.stack([rows.open, rows.high, rows.low, rows.close])
    with np.errstate(invalid="ignore"):
        return np.isfinite(prices).all(axis=0) & (prices >= 1e-6).all(axis=0) & (rows.volume > 0)


def _path(rows: Rows, shape: Shape) -> tuple[Whole, Whole]:
    # instants of the turning points, and the prices there in millionths of a dollar, (rows, points)
    turns = turning_points(rows.open, rows.high, rows.low, rows.close)
    draw = _draws(rows)
    before = np.rint(turns[:, 0] * (1.0 + _DRIFT_FRAC * (draw[0] - 0.5)) / 1e4).astype(np.int64) * 10_000
    after = np.rint(turns[:, -1] * (1.0 + _DRIFT_FRAC * (draw[1] - 0.5)) / 1e4).astype(np.int64) * 10_000
    length = shape.close - shape.open
    times = [shape.open + length * part // LEGS for part in range(LEGS + 1)]
    path = np.column_stack([np.maximum(before, 1), turns, np.maximum(after, 1)])
    return np.array([PRE_OPEN, *times, shape.post_close], np.int64), path


def _prices_at(at: Whole, times: Whole, path: Whole) -> Whole:
    # straight lines between turning points, on the tick grid (a half goes to the even side), inside the leg
    leg = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    begin, end = path[:, leg], path[:, leg + 1]
    length = times[leg + 1] - times[leg]
    total = begin * length + (end - begin) * (at - times[leg])
    step = np.where(total >= MICROS_PER_USD * length, 10_000, 100) * length
    ticks, rest = np.divmod(total, step)
    ticks += (2 * rest > step) | ((2 * rest == step) & (ticks % 2 == 1))
    price = ticks * step // length
    low, high = np.minimum(begin, end), np.maximum(begin, end)
    regular = (leg > 0) & (leg < len(times) - 2)
    price = np.where(regular, np.clip(price, low, high), price)
    exact = np.searchsorted(times, at)
    is_turn = times[np.minimum(exact, len(times) - 1)] == at
    result: Whole = np.where(is_turn, path[:, np.minimum(exact, len(times) - 1)], price)
    return result


def _volume_until(at: Whole, rows: Rows, shape: Shape, pauses: Whole) -> Floats:
    # whole shares traded until each instant, (rows, instants); all of the session's at its close
    start, length = pauses[:, :1], pauses[:, 1:] - pauses[:, :1]
    waited = np.clip(at - start, 0, length)
    part = np.clip((at - waited - shape.open) / (shape.close - shape.open - length), 0.0, 1.0)
    curve = 0.55 * part + 1.8 * ((part - 0.5) ** 3 + 0.125)
    phase = 2.0 * np.pi * _draws(rows)[2][:, None]
    curve = curve + _RIPPLE * (np.sin(4.0 * np.pi * part + phase) - np.sin(phase))
    curve = np.where(part >= 1.0, 1.0, np.where(part <= 0.0, 0.0, (1.0 - AUCTION_FRAC) * curve))
    volume = rows.volume[:, None]
    session = np.where(part >= 1.0, volume, np.floor(volume * curve))
    early = np.clip((at - PRE_BUSY) / (shape.open - PRE_BUSY), 0.0, 1.0) * PRE_VOLUME_FRAC
    late = np.clip((at - shape.close) / POST_BUSY, 0.0, 1.0) * POST_VOLUME_FRAC
    result: Floats = session + np.floor(volume * early) + np.floor(volume * late)
    return result


def _without_quiet(
    opened: Whole, high: Whole, low: Whole, volume: Floats, regular: NDArray[np.intp]
) -> tuple[Whole, Whole, Whole, Floats]:
    # what the price did in a quiet window of the session belongs to the next window with a trade
    for row in np.flatnonzero((volume[:, regular] <= 0).any(axis=1)).tolist():
        for window, following in zip(regular[:-1].tolist(), regular[1:].tolist(), strict=True):
            if volume[row, window] <= 0:
                opened[row, following] = opened[row, window]
                high[row, following] = max(high[row, following], high[row, window])
                low[row, following] = min(low[row, following], low[row, window])
    return opened, high, low, volume


def _draws(rows: Rows) -> list[Floats]:
    # three fractions from 0 to 1 that depend on the bar's prices alone: vendors count volume differently
    state = np.rint(rows.close * 1e4).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state ^= np.rint((rows.open + rows.high + rows.low) * 1e4).astype(np.uint64) << np.uint64(17)
    found = []
    for _ in range(3):
        state = (state ^ (state >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
        found.append((state >> np.uint64(11)).astype(np.float64) / 2.0**53)
    return found
