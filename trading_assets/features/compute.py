"""Compute: every feature of a tile of symbols, from the first row on that the rows asked for need."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.features.action_effects import Factors
from trading_assets.features.adjust import PRICES
from trading_assets.features.state import CarriedRuns
from trading_assets.features.symbol_runs import SymbolRuns
from trading_assets.features.tiles import Picked, Tile
from trading_assets.indicators.feature import Feature
from trading_assets.indicators.kernel import FloatArray, IndexArray, Memory
from trading_assets.indicators.registry import INDICATORS, WINDOW_BARS
from trading_assets.indicators.workspace import like
from trading_assets.tables.table import Table

_INPUTS = {*PRICES, "volume", "raw_close", "raw_volume", "traded_usd", "benchmark_close"}


@dataclass(frozen=True)
class Market:
    """All bars, symbol after symbol; what a thread reads while it computes its own tile."""

    table: Table
    symbols: SymbolRuns
    prices: dict[str, FloatArray]
    volume: FloatArray
    factors: Factors
    slots: IndexArray  # of each row: its place in time, in days or hours since 1970
    first_slot: int
    benchmark: FloatArray  # by slot: the benchmark's last adjusted close
    carried: CarriedRuns
    picked: Picked
    annual: float  # what annualised values are multiplied by


def inputs_of(market: Market, tile: Tile) -> dict[str, FloatArray]:
    """Return what indicators may name as inputs, besides features: (bars, symbols) arrays of the tile."""
    close, volume = tile.filled(market.prices["close"]), tile.filled(market.volume)
    raw = {"close": close} | {name: tile.filled(market.prices[name]) for name in PRICES if name != "close"}
    return {
        **_divided(raw, tile, market.factors.price, market.factors.has_price),
        **_divided({"volume": volume}, tile, market.factors.share, market.factors.has_share),
        "raw_close": close,
        "raw_volume": volume,
        "traded_usd": np.multiply(close, volume, out=like(close)),
        "benchmark_close": market.carried.benchmark(
            tile, tile.looked_up(market.benchmark, market.slots, market.first_slot)
        ),
    }


def _divided(
    values: dict[str, FloatArray], tile: Tile, factors: FloatArray, has_factor: NDArray[np.bool_]
) -> dict[str, FloatArray]:
    if not has_factor[tile.runs].any():
        return values
    factor = tile.filled(factors)
    return {name: np.divide(numbers, factor, out=like(factor)) for name, numbers in values.items()}


def recent_bars() -> dict[str, int]:
    """Return the columns of the bars of which features read the last few only, and how many, the row's own included."""
    _, bars = reaches()
    bars["volume"] = max(bars.get(name, 0) for name in ("volume", "raw_volume", "traded_usd"))
    bars["close"] = max(bars.get(name, 0) for name in ("close", "raw_close", "traded_usd", "benchmark_close"))
    return {name: int(bars[name]) for name in (*PRICES, "volume") if bars.get(name, 0) < WINDOW_BARS}


def reaches() -> tuple[list[float], dict[str, float]]:
    """Return how far back each indicator and each input is needed: bars up to a row, its own included."""
    bars: dict[str, float] = {}
    reach = []
    for indicator in reversed(INDICATORS):
        own = math.inf if indicator.carries else max(feature.warm_up for feature in indicator.features)
        names = [feature.name for feature in indicator.features if feature.name not in _INPUTS]
        needed = max([own, *(bars.get(name, 0) for name in names)])
        for name in indicator.inputs:
            bars[name] = max(needed, bars.get(name, 0))
        reach.append(needed)
    return reach[::-1], bars


def computed(
    inputs: dict[str, FloatArray], memories: dict[str, Memory], reach: list[float], row: int | None
) -> Iterator[tuple[Feature, int, FloatArray]]:
    """Compute each feature from the first row on that the rows asked for (``row`` and later) need; without, what is carried."""
    # Features share names with inputs (`close` is the raw one), so inputs are looked up first.
    values: dict[str, tuple[int, FloatArray]] = {name: (0, array) for name, array in inputs.items()}
    needed = {name for indicator in INDICATORS for name in indicator.inputs} - inputs.keys()
    for indicator, bars in zip(INDICATORS, reach, strict=True):
        if row is None and bars < math.inf:
            continue
        first = 0 if bars == math.inf or row is None else max(0, row - int(bars) + 1)
        arguments = [array[first - begun :] for begun, array in (values[name] for name in indicator.inputs)]
        memory = {"memory": memories[indicator.features[0].name]} if indicator.carries else {}
        result = indicator.function(*arguments, *indicator.parameters, **memory)
        outputs = result if isinstance(result, tuple) else (result,)
        for feature, output in zip(indicator.features, outputs, strict=True):
            if row is not None:
                yield feature, first, output
            if feature.name in needed:
                values[feature.name] = first, output
