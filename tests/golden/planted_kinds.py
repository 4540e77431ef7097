"""Kinds of bad data, and planting them into a market: each kind into names of its own, on a clean stretch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from tests.golden.recorded_market import PRICES, RecordedMarket

REPEATS = 8
"""Names into which each kind is planted."""
CLEAN_BEFORE, CLEAN_AFTER = 25, 15
"""Sessions around the planted ones that no action falls into."""
EVERY = 6
"""Faults begin on every sixth session: fewer evenings are judged."""
LEFT = 100
"""Sessions after the first planted one, for what stays."""
LEAST_PRICE_USD = 10.0


@dataclass(frozen=True)
class Kind:
    """One kind: factors of the columns over so many sessions, 0 for the rest of the history; or another change."""

    name: str
    factors: dict[str, float]
    sessions: int = 1
    change: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    moved: tuple[float, float] = (0.0, 0.03)


def scaled(price: float, volume: float = 1.0) -> dict[str, float]:
    return {**dict.fromkeys(PRICES, price), "volume": volume}


def repeated(bars: pl.DataFrame) -> pl.DataFrame:
    """Let each bar be the one before the first."""
    names = (*PRICES, "volume")
    return bars.with_columns(pl.col(f"{name}_before").first().alias(name) for name in names)


def flat(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(*(pl.col("close_before").alias(name) for name in PRICES), volume=pl.lit(0.0))


def turned(bars: pl.DataFrame) -> pl.DataFrame:
    return bars.with_columns(high="low", low="high")


QUIET, LOUD = (0.0, 0.01), (0.04, 0.06)
KINDS = (
    Kind("100x whole bar, 1 day", scaled(100.0)),
    Kind("1/100 whole bar, 1 day", scaled(0.01)),
    Kind("10x whole bar, 1 day", scaled(10.0)),
    Kind("100x high only", {"high": 100.0}),
    Kind("1/100 low only", {"low": 0.01}),
    Kind("100x open only", {"open": 100.0}),
    Kind("1/100 close only", {"close": 0.01}),
    Kind("100x close and high only", {"close": 100.0, "high": 100.0}),
    Kind("1/100 close and low only", {"close": 0.01, "low": 0.01}),
    Kind("100x block of 10 days", scaled(100.0), 10),
    Kind("1/100 for good (unit switch)", scaled(0.01), 0),
    Kind("100x for good (unit switch)", scaled(100.0), 0),
    Kind("bad split: 4-day block x2.2", scaled(2.2), 4),
    Kind("bad split: 2-day block x0.5", scaled(0.5), 2),
    Kind("5:1 split without action", scaled(1 / 5, 5.0), 0),
    Kind("1:10 reverse split without action", scaled(10.0, 0.1), 0),
    Kind("2:1 split without action, quiet day", scaled(1 / 2, 2.0), 0, moved=QUIET),
    Kind("2:1 split without action, 4-6% day", scaled(1 / 2, 2.0), 0, moved=LOUD),
    Kind("3:2 split without action, quiet day", scaled(2 / 3, 1.5), 0, moved=QUIET),
    Kind("3:1 split without action, 4-6% day", scaled(1 / 3, 3.0), 0, moved=LOUD),
    Kind("1:2 reverse split without action, quiet", scaled(2.0, 0.5), 0, moved=QUIET),
    Kind("spin-off 1/1.324 without action", scaled(1 / 1.324), 0),
    Kind("zero OHLC", scaled(0.0)),
    Kind("zero open only", {"open": 0.0}),
    Kind("zero low only", {"low": 0.0}),
    Kind("zero volume, price moved", {"volume": 0.0}),
    Kind("zero OHLCV row", scaled(0.0, 0.0)),
    Kind("stale: previous bar repeated, 1 day", {}, change=repeated),
    Kind("stale: repeated 4 days", {}, 4, repeated),
    Kind("no-trade placeholder (flat, volume 0)", {}, change=flat),
    Kind("row missing, 1 day", {}, change=lambda bars: bars.clear()),
    Kind("high and low swapped", {}, change=turned),
    Kind("currency mix-up x0.78, 1 day", scaled(0.78)),
    Kind("currency mix-up x0.78, for good", scaled(0.78), 0),
    Kind("currency mix-up x1.27, 1 day", scaled(1.27)),
    Kind("volume x100", {"volume": 100.0}),
    Kind("volume /1000", {"volume": 0.001}),
    Kind("volume /100 (lots)", {"volume": 0.01}),
    Kind("3x whole bar, 1 day", scaled(3.0)),
    Kind("x0.5 whole bar, 1 day", scaled(0.5)),
    Kind("x0.3 whole bar, 1 day", scaled(0.3)),
    Kind("x0.7 close and low only, 1 day (bad tick)", {"close": 0.7, "low": 0.7}),
    Kind("missing dividend adjustment x0.98, 1 day", scaled(0.98)),
    Kind("negative close", {"close": -1.0}),
)
ANY_DAY = Kind("any", {}, moved=(0.0, 0.02))
SWAPPED = "two symbols swapped, 1 day (price ratio 0.7 to 0.85)"


@dataclass(frozen=True)
class Planted:
    """Where a kind was planted: its bad sessions, and the bars that take their place."""

    kind: str
    symbol: str
    sessions: list[date]
    bars: pl.DataFrame

    @property
    def cells(self) -> pl.DataFrame:
        """Its bad bars: ``symbol, session, kind``."""
        return pl.DataFrame({"session": self.sessions}).select(
            pl.lit(self.symbol).alias("symbol"), "session", pl.lit(self.kind).alias("kind")
        )


def clean_places(bars: pl.DataFrame, busy: set[date], kind: Kind) -> list[int]:
    """Return the places of the bars of one name around which nothing happens, and whose move fits the kind."""
    closes, days = bars["close"].to_list(), bars["session"].to_list()
    low, high = kind.moved
    return [
        place
        for place in range(2 * CLEAN_BEFORE, len(days) - LEFT, EVERY)
        if low <= abs(closes[place] / closes[place - 1] - 1) <= high
        and busy.isdisjoint(days[place - CLEAN_BEFORE : place + CLEAN_AFTER])
    ]


def changed(kind: Kind, bars: pl.DataFrame, place: int) -> Planted:
    until = place + kind.sessions if kind.sessions else bars.height
    names = (*PRICES, "volume")
    was = bars.with_columns(pl.col(name).shift(1).alias(f"{name}_before") for name in names)[place:until]
    now = kind.change(was) if kind.change else was
    now = now.with_columns(pl.col(name) * factor for name, factor in kind.factors.items())
    return Planted(kind.name, bars["symbol"][0], was["session"].to_list(), now.select(bars.columns))


def plant_all(market: RecordedMarket, alarms: pl.DataFrame) -> list[Planted]:
    """Plant every kind into names of its own, on sessions without an action or a finding around them."""
    busy: dict[str, set[date]] = {}
    actions = market.actions.select("symbol", "ex_date")
    for symbol, day in [*actions.iter_rows(), *alarms.select("symbol", "session").iter_rows()]:
        busy.setdefault(symbol, set()).add(day)
    wanted = [kind for kind in KINDS for _ in range(REPEATS)]
    own = market.bars.partition_by("symbol", as_dict=True, maintain_order=True)
    waiting = [bars for bars in own.values() if bars["close"].min() > LEAST_PRICE_USD]
    planted = []
    for number, kind in enumerate(wanted):
        for at, bars in enumerate(waiting):
            places = clean_places(bars, busy.get(bars["symbol"][0], set()), kind)
            if places:
                planted.append(changed(kind, bars, places[number * 37 % len(places)]))
                del waiting[at]
                break
    return planted + swapped(waiting, busy)


def swapped(names: list[pl.DataFrame], busy: dict[str, set[date]]) -> list[Planted]:
    """Give pairs of the names that are left each other's bar of one session."""
    planted: list[Planted] = []
    left = [bars for bars in names if clean_places(bars, busy.get(bars["symbol"][0], set()), ANY_DAY)]
    while left and len(planted) < 2 * REPEATS:
        first = left.pop()
        places = clean_places(first, busy.get(first["symbol"][0], set()), ANY_DAY)
        for at, second in enumerate(left):
            fit = [
                place
                for place in places
                if 0.7 < first["close"][place] / second["close"][place] < 0.85
                and place in clean_places(second, busy.get(second["symbol"][0], set()), ANY_DAY)
            ]
            if fit:
                place = fit[len(fit) // 2]
                day = first["session"][place]
                for one, other in ((first, second), (second, first)):
                    symbol = one["symbol"][0]
                    bar = other[place : place + 1].with_columns(symbol=pl.lit(symbol))
                    planted.append(Planted(SWAPPED, symbol, [day], bar))
                del left[at]
                break
    return planted
