"""The price of one symbol at any instant of one session, drawn from its daily bar.

The path runs open, low, high, close when the bar closes at or above its open, and open, high, low, close
otherwise, in straight lines that meet at one and two thirds of the session. It touches every price of the
bar's range, never leaves it, and depends on nothing but the bar, so that cutting time into other pieces
cannot change a fill.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trading_assets.simulator.market.protocol import Bar

Direction = Literal["down", "up"]

PIECE_FRAC = Decimal("0.10")
LEGS = 3
"""Straight lines of equal duration that a session's path consists of."""
MICROS_PER_USD = 1_000_000
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Touch:
    """The first instant at which a level was reached, and the price then."""

    at: datetime
    price: Decimal
    high_water: Decimal | None = None


@dataclass(frozen=True)
class TradingDay:
    """One symbol's session: when it trades, along which path, and how many shares one execution may take."""

    open_at: datetime
    close_at: datetime
    low: Decimal
    high: Decimal
    piece_shares: Decimal
    vertices: tuple[tuple[datetime, Decimal], ...]
    halt: tuple[datetime, datetime] | None = None

    @property
    def open(self) -> Decimal:
        """The official opening price."""
        return self.vertices[0][1]

    @property
    def close(self) -> Decimal:
        """The official closing price."""
        return self.vertices[-1][1]

    def price_at(self, at: datetime) -> Decimal:
        """Return the last price at ``at`` on the tick grid; the bar's own prices are returned as they are.

        Rounding never leaves the leg: between two turning points the price goes one way.
        """
        if self.halt is not None and self.halt[0] <= at < self.halt[1]:
            at = self.halt[0]
        for instant, price in self.vertices:
            if instant == at:
                return price
        raw, turns = self._on_leg(at)
        return min(max(raw.quantize(tick_usd(raw)), min(turns)), max(turns))

    def resumed(self, at: datetime) -> datetime:
        """Return when trading goes on: ``at``, or the end of the halt that it falls into."""
        return self.halt[1] if self.halt is not None and self.halt[0] <= at < self.halt[1] else at

    def first_touch(self, level: Decimal, direction: Direction, start: datetime) -> Touch | None:
        """Return when the price is first at or beyond ``level``, at ``start`` or later.

        The price of the touch is the market's if it is beyond the level already at ``start``, else the level.
        """
        start = self.resumed(start)
        price = self.price_at(start)
        if _is_beyond(price, level, direction):
            return Touch(start, price)
        for (left, from_price), (right, to_price) in self._legs(start):
            if _is_beyond(to_price, level, direction):
                at = _crossing(left, from_price, right, to_price, level)
                if self.resumed(at) != at:
                    return self.first_touch(level, direction, self.resumed(at))
                return Touch(at, level)
        return None

    def trail_touch(
        self,
        trail: Decimal,
        *,
        is_frac: bool,
        direction: Direction,
        start: datetime,
        high_water: Decimal | None,
    ) -> Touch | None:
        """Return when a stop that trails the best price since ``start`` is first hit ("down" protects a long)."""
        start = self.resumed(start)
        best = self._best(high_water, self.price_at(start), direction)
        first = self._trail_level(best, trail, is_frac=is_frac, direction=direction)
        if _is_beyond(self.price_at(start), first, direction):
            return Touch(start, self.price_at(start), best)
        for (left, from_price), (right, to_price) in self._legs(start):
            level = self._trail_level(best, trail, is_frac=is_frac, direction=direction)
            if _is_beyond(to_price, level, direction):
                at = _crossing(left, from_price, right, to_price, level)
                if self.resumed(at) != at:
                    return self.trail_touch(
                        trail, is_frac=is_frac, direction=direction, start=self.resumed(at), high_water=best
                    )
                return Touch(at, level, best)
            best = self._best(best, to_price, direction)
        return None

    def high_water(self, so_far: Decimal | None, direction: Direction, start: datetime) -> Decimal:
        """Return the best price from ``start`` to the close, or ``so_far`` if that is better."""
        best = self._best(so_far, self.price_at(start), direction)
        for _, (_, price) in self._legs(start):
            best = self._best(best, price, direction)
        return best

    def _legs(self, start: datetime) -> list[tuple[tuple[datetime, Decimal], tuple[datetime, Decimal]]]:
        points = [(start, self._on_leg(start)[0])]
        points += [vertex for vertex in self.vertices if vertex[0] > start]
        return list(pairwise(points))

    def _on_leg(self, at: datetime) -> tuple[Decimal, tuple[Decimal, Decimal]]:
        # the price before rounding, and the two prices that its leg runs between
        for (left, from_price), (right, to_price) in pairwise(self.vertices):
            if at <= right:
                elapsed = max(at - left, timedelta(0)) // _MICROSECOND
                price = from_price + (to_price - from_price) * elapsed / ((right - left) // _MICROSECOND)
                return price, (from_price, to_price)
        return self.close, (self.close, self.close)

    def _best(self, so_far: Decimal | None, price: Decimal, direction: Direction) -> Decimal:
        if so_far is None:
            return price
        return max(so_far, price) if direction == "down" else min(so_far, price)

    def _trail_level(self, best: Decimal, trail: Decimal, *, is_frac: bool, direction: Direction) -> Decimal:
        distance = best * trail if is_frac else trail
        level = best - distance if direction == "down" else best + distance
        return level.quantize(tick_usd(level))


def trading_day(
    bar: Bar | None,
    open_at: datetime,
    close_at: datetime,
    halt: tuple[datetime, datetime] | None = None,
) -> TradingDay | None:
    """Draw the path of a bar; None if the symbol did not trade or the bar is no price at all."""
    if bar is None or not _is_tradable(bar):
        return None
    [turns] = turning_points(*(np.array([value]) for value in (bar.open, bar.high, bar.low, bar.close)))
    points = [Decimal(micros).scaleb(-6).normalize() for micros in turns.tolist()]
    leg = (close_at - open_at) // LEGS
    piece = (as_price(bar.volume) * PIECE_FRAC).to_integral_value(ROUND_DOWN)
    return TradingDay(
        open_at=open_at,
        close_at=close_at,
        low=min(points),
        high=max(points),
        piece_shares=max(piece, Decimal(1)),
        vertices=(
            *((open_at + number * leg, points[number]) for number in range(LEGS)),
            (close_at, points[-1]),
        ),
        halt=halt,
    )


def turning_points(
    opened: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return the prices at which the legs of each bar's path meet: (bars, legs + 1), in millionths of a dollar.

    A bar whose open or close lies outside its range is given the range that holds all four prices.
    """
    prices = np.rint(np.stack([opened, high, low, close]) * MICROS_PER_USD).astype(np.int64)
    lowest, highest = prices.min(axis=0), prices.max(axis=0)
    rises = prices[3] >= prices[0]
    return np.column_stack(
        [prices[0], np.where(rises, lowest, highest), np.where(rises, highest, lowest), prices[3]]
    )


def as_price(value: float) -> Decimal:
    """Return a price of the market as an exact number of at most six decimals."""
    return Decimal(str(round(value, 6))).normalize()


def tick_usd(price: Decimal) -> Decimal:
    """Return the smallest price step: a cent from one dollar up, a hundredth of a cent below."""
    return Decimal("0.01") if price >= 1 else Decimal("0.0001")


def _is_tradable(bar: Bar) -> bool:
    prices = (bar.open, bar.high, bar.low, bar.close)
    return all(math.isfinite(price) and price >= 1e-6 for price in prices) and bar.volume > 0


def _is_beyond(price: Decimal, level: Decimal, direction: Direction) -> bool:
    return price <= level if direction == "down" else price >= level


def _crossing(
    left: datetime, from_price: Decimal, right: datetime, to_price: Decimal, level: Decimal
) -> datetime:
    # Rounded up to the microsecond: never before the level was reached.
    if from_price == to_price:
        return left
    micros = (right - left) // _MICROSECOND
    share = (level - from_price) / (to_price - from_price)
    return left + timedelta(microseconds=min(max(math.ceil(share * micros), 0), micros))
