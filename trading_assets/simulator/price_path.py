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

from trading_assets.simulator.market import Bar

Direction = Literal["down", "up"]

PIECE_FRAC = Decimal("0.10")
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

    @property
    def open(self) -> Decimal:
        """The official opening price."""
        return self.vertices[0][1]

    @property
    def close(self) -> Decimal:
        """The official closing price."""
        return self.vertices[-1][1]

    def price_at(self, at: datetime) -> Decimal:
        """Return the price at ``at`` on the tick grid; the bar's own prices are returned as they are."""
        for instant, price in self.vertices:
            if instant == at:
                return price
        return self._on_grid(self._raw_price_at(at))

    def first_touch(self, level: Decimal, direction: Direction, start: datetime) -> Touch | None:
        """Return when the price is first at or beyond ``level``, at ``start`` or later.

        The price of the touch is the market's if it is beyond the level already at ``start``, else the level.
        """
        price = self.price_at(start)
        if _is_beyond(price, level, direction):
            return Touch(start, price)
        for (left, from_price), (right, to_price) in self._legs(start):
            if _is_beyond(to_price, level, direction):
                return Touch(_crossing(left, from_price, right, to_price, level), level)
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
        best = self._best(high_water, self.price_at(start), direction)
        first = self._trail_level(best, trail, is_frac=is_frac, direction=direction)
        if _is_beyond(self.price_at(start), first, direction):
            return Touch(start, self.price_at(start), best)
        for (left, from_price), (right, to_price) in self._legs(start):
            level = self._trail_level(best, trail, is_frac=is_frac, direction=direction)
            if _is_beyond(to_price, level, direction):
                return Touch(_crossing(left, from_price, right, to_price, level), level, best)
            best = self._best(best, to_price, direction)
        return None

    def high_water(self, so_far: Decimal | None, direction: Direction, start: datetime) -> Decimal:
        """Return the best price from ``start`` to the close, or ``so_far`` if that is better."""
        best = self._best(so_far, self.price_at(start), direction)
        for _, (_, price) in self._legs(start):
            best = self._best(best, price, direction)
        return best

    def _legs(self, start: datetime) -> list[tuple[tuple[datetime, Decimal], tuple[datetime, Decimal]]]:
        points = [(start, self._raw_price_at(start))]
        points += [vertex for vertex in self.vertices if vertex[0] > start]
        return list(pairwise(points))

    def _raw_price_at(self, at: datetime) -> Decimal:
        for (left, from_price), (right, to_price) in pairwise(self.vertices):
            if at <= right:
                elapsed = max(at - left, timedelta(0)) // _MICROSECOND
                return from_price + (to_price - from_price) * elapsed / ((right - left) // _MICROSECOND)
        return self.close

    def _on_grid(self, price: Decimal) -> Decimal:
        return min(max(price.quantize(tick_usd(price)), self.low), self.high)

    def _best(self, so_far: Decimal | None, price: Decimal, direction: Direction) -> Decimal:
        if so_far is None:
            return price
        return max(so_far, price) if direction == "down" else min(so_far, price)

    def _trail_level(self, best: Decimal, trail: Decimal, *, is_frac: bool, direction: Direction) -> Decimal:
        distance = best * trail if is_frac else trail
        level = best - distance if direction == "down" else best + distance
        return level.quantize(tick_usd(level))


def trading_day(bar: Bar | None, open_at: datetime, close_at: datetime) -> TradingDay | None:
    """Draw the path of a bar; None if the symbol did not trade or the bar is no price at all."""
    if bar is None or not _is_tradable(bar):
        return None
    opened, high, low, close = (as_price(value) for value in (bar.open, bar.high, bar.low, bar.close))
    lowest, highest = min(opened, high, low, close), max(opened, high, low, close)
    turns = (lowest, highest) if close >= opened else (highest, lowest)
    third = (close_at - open_at) // 3
    piece = (as_price(bar.volume) * PIECE_FRAC).to_integral_value(ROUND_DOWN)
    return TradingDay(
        open_at=open_at,
        close_at=close_at,
        low=lowest,
        high=highest,
        piece_shares=max(piece, Decimal(1)),
        vertices=(
            (open_at, opened),
            (open_at + third, turns[0]),
            (open_at + 2 * third, turns[1]),
            (close_at, close),
        ),
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
