"""Daily features: one row per (symbol, session), from raw bars and the corporate actions known to the caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.errors import DataQualityError
from trading_assets.features.adjust import PRICES, SymbolRuns, factor_arrays, symbol_runs
from trading_assets.indicators.kernel import FloatArray, IndexArray
from trading_assets.indicators.registry import FEATURES, INDICATORS
from trading_assets.schemas import DAILY_FEATURES

BENCHMARK = "SPY"
BAR_COLUMNS = ("symbol", "session", *PRICES, "volume")
"""Columns of ``daily_bars`` that the features need."""

_CHUNK_ROWS = 32_768  # a column of a chunk is 256 KiB: the working set stays in the processor's caches


@dataclass(frozen=True)
class _Market:
    # All rows, sorted by (symbol, session); what a thread reads while it computes its own symbols.
    symbols: SymbolRuns
    prices: dict[str, FloatArray]
    volume: FloatArray
    price_factor: FloatArray
    share_factor: FloatArray
    benchmark: FloatArray  # by day: the benchmark's last adjusted close
    wanted: NDArray[np.bool_]  # by day: whether the session's rows are asked for
    first_day: int


def build_daily_features(
    bars: pl.DataFrame, actions: pl.DataFrame, *, sessions: Sequence[date], threads: int = 2
) -> pl.DataFrame:
    """Compute every registered feature for the given sessions.

    Input: accepted raw bars (``BAR_COLUMNS``) sorted by (symbol, session), with each symbol's **whole** stored
    history up to the last session: averages that never forget (EMA, RSI, ATR, ADX, MACD) begin at its first
    bar, so the same history gives the same values, to the last bit, for one session or for a whole range.
    Actions as in ``adjust.adjustment_factors``: those known when the features are made. An action recorded
    after its ex-date therefore enters when a session is made again, and not before; one that lies after a
    session never touches it.

    Output: ``DAILY_FEATURES``, a row for each bar of the given sessions, sorted by (symbol, session). Prices
    and shares are in the row's own session's scale (``close`` and ``volume`` are the raw ones).

    Nulls: until a symbol has the feature's ``warm_up`` bars, and where a value is not defined (nothing traded,
    a price that did not move, no benchmark).

    Look-ahead: a row of session S knows bars and ex-dates up to S.

    Parameters
    ----------
    bars
        Raw bars, no nulls, prices above 0.
    actions
        Corporate actions to adjust for.
    sessions
        Sessions to return; those without bars have no rows.
    threads
        Threads to compute with; their number changes no value.

    Returns
    -------
    pl.DataFrame
        One row per (symbol, session).

    Raises
    ------
    DataQualityError
        If bars are out of order, duplicated, null, not finite or not above 0.
    """
    bars = bars.select(BAR_COLUMNS).rechunk()
    if bars.is_empty() or not sessions:
        return pl.DataFrame(schema=DAILY_FEATURES.schema)
    _refuse_impossible(bars)
    market = _market(bars, actions, sessions)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda span: _features(market, *span), _spans(market)))
    parts = [part for part in parts if part.height]
    return pl.concat(parts) if parts else pl.DataFrame(schema=DAILY_FEATURES.schema)


def _refuse_impossible(bars: pl.DataFrame) -> None:
    numbers = bars.select(pl.col(*PRICES, "volume").cast(pl.Float64))
    wrong = numbers.select(
        *((~(pl.col(name).is_finite() & (pl.col(name) > 0))).fill_null(True).sum() for name in PRICES),
        (~(pl.col("volume").is_finite() & (pl.col("volume") >= 0))).fill_null(True).sum(),
    ).row(0, named=True)
    if any(wrong.values()):
        raise DataQualityError(
            "Features need bars with prices above 0 and volumes; rows that are not", **wrong
        )


def _market(bars: pl.DataFrame, actions: pl.DataFrame, sessions: Sequence[date]) -> _Market:
    symbols = symbol_runs(bars)
    price_factor, share_factor = factor_arrays(bars, actions, symbols)
    prices = {name: bars[name].cast(pl.Float64).to_numpy() for name in PRICES}
    first_day, last_day = int(symbols.days.min()), int(symbols.days.max())
    wanted = np.zeros(last_day - first_day + 1, dtype=np.bool_)
    asked = np.array(sessions, dtype="datetime64[D]").astype(np.int64) - first_day
    wanted[asked[(asked >= 0) & (asked < len(wanted))]] = True
    return _Market(
        symbols=symbols,
        prices=prices,
        volume=bars["volume"].cast(pl.Float64).to_numpy(),
        price_factor=price_factor,
        share_factor=share_factor,
        benchmark=_benchmark(symbols, prices["close"], price_factor, first_day, len(wanted)),
        wanted=wanted,
        first_day=first_day,
    )


def _benchmark(
    symbols: SymbolRuns, close: FloatArray, price_factor: FloatArray, first_day: int, days: int
) -> FloatArray:
    # A symbol may trade on a day on which the benchmark has no bar: its last close stands.
    by_day = np.full(days, np.nan)
    position = symbols.symbols.index_of(BENCHMARK)
    if position is None:
        return by_day
    rows = slice(symbols.starts[position], symbols.starts[position + 1])
    own_days = symbols.days[rows] - first_day
    newest = np.searchsorted(own_days, np.arange(days), side="right") - 1
    known = newest >= 0
    by_day[known] = (close[rows] / price_factor[rows])[newest[known]]
    return by_day


def _spans(market: _Market) -> Iterator[tuple[int, int]]:
    # Whole symbols, about as many rows each as a chunk should have.
    first, rows = 0, 0
    for number, length in enumerate(market.symbols.lengths.tolist()):
        if rows and rows + length > _CHUNK_ROWS:
            yield first, number
            first, rows = number, 0
        rows += length
    yield first, len(market.symbols.lengths)


def _features(market: _Market, first: int, last: int) -> pl.DataFrame:
    borders = market.symbols.starts[first : last + 1]
    rows = slice(int(borders[0]), int(borders[-1]))
    day = market.symbols.days[rows] - market.first_day
    keep = np.flatnonzero(market.wanted[day])
    if not len(keep):
        return pl.DataFrame(schema=DAILY_FEATURES.schema)
    values = _computed(_inputs(market, rows, day), borders - borders[0])
    scales = {"price": market.price_factor[rows][keep], "shares": market.share_factor[rows][keep]}
    columns = {}
    for name, feature in FEATURES.items():
        column = values[name][keep]
        if feature.scale != "none":
            column *= scales[feature.scale]
        columns[name] = pl.Series(name, column, dtype=pl.Float64, nan_to_null=True)
    owner = np.repeat(np.arange(first, last), market.symbols.lengths[first:last])[keep]
    return pl.DataFrame(
        {
            "symbol": market.symbols.symbols.gather(owner),
            "session": pl.Series(market.symbols.days[rows][keep].astype(np.int32)).cast(pl.Date),
            **columns,
        }
    )


def _inputs(market: _Market, rows: slice, day: IndexArray) -> dict[str, FloatArray]:
    price_factor, share_factor = market.price_factor[rows], market.share_factor[rows]
    close, volume = market.prices["close"][rows], market.volume[rows]
    return {
        **{name: market.prices[name][rows] / price_factor for name in PRICES},
        "volume": volume / share_factor,
        "raw_close": close,
        "raw_volume": volume,
        "traded_usd": close * volume,
        "benchmark_close": market.benchmark[day],
    }


def _computed(inputs: dict[str, FloatArray], borders: IndexArray) -> dict[str, FloatArray]:
    # Features share names with inputs (`close` is the raw one), so inputs are looked up first.
    values: dict[str, FloatArray] = {}
    for indicator in INDICATORS:
        arguments = [inputs[name] if name in inputs else values[name] for name in indicator.inputs]
        result = indicator.function(*arguments, *indicator.parameters, starts=borders)
        outputs = result if isinstance(result, tuple) else (result,)
        values.update(zip((feature.name for feature in indicator.features), outputs, strict=True))
    return values
