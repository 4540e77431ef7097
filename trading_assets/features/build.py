"""Features: one row per bar, daily or hourly, from raw bars and the corporate actions known to the caller."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.errors import DataQualityError
from trading_assets.features.adjust import PRICES, SymbolRuns, factor_arrays, symbol_runs
from trading_assets.features.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.indicators.feature import HOURS_PER_YEAR
from trading_assets.indicators.kernel import FloatArray, IndexArray
from trading_assets.indicators.registry import FEATURES, INDICATORS
from trading_assets.indicators.volatility import SESSIONS_PER_YEAR
from trading_assets.schemas import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.sessions import sessions_between
from trading_assets.table import Table

BENCHMARK = "SPY"
BAR_COLUMNS = ("symbol", "session", *PRICES, "volume")
"""Columns of ``daily_bars`` that the features need."""
HOURLY_BAR_COLUMNS = ("symbol", "bar_start", "session", *PRICES, "volume")
"""Columns of ``hourly_bars`` that the features need."""

_CHUNK_ROWS = 32_768  # a column of a chunk is 256 KiB: the working set stays in the processor's caches


@dataclass(frozen=True)
class _Market:
    # All rows, sorted by (symbol, session); what a thread reads while it computes its own symbols.
    table: Table
    symbols: SymbolRuns
    slots: IndexArray  # of each row: its place in time, in days or hours since 1970
    first_slot: int
    bar_starts: pl.Series | None
    prices: dict[str, FloatArray]
    volume: FloatArray
    price_factor: FloatArray
    share_factor: FloatArray
    benchmark: FloatArray  # by slot: the benchmark's last adjusted close
    annual: float  # what annualised values are multiplied by
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

    Output: ``DAILY_FEATURES`` without the fundamental ratios, a row for each bar of the given sessions, sorted by (symbol, session). Prices
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
    return _build(bars.select(BAR_COLUMNS), actions, sessions, threads, DAILY_FEATURES)


def build_hourly_features(
    bars: pl.DataFrame, actions: pl.DataFrame, *, sessions: Sequence[date], threads: int = 2
) -> pl.DataFrame:
    """Compute every registered feature for each hourly bar of the given sessions: the daily ones, with bars for sessions.

    Input: accepted raw hourly bars (``HOURLY_BAR_COLUMNS``) sorted by (symbol, bar_start), otherwise as for
    ``build_daily_features``. A symbol that has no bar in a whole session (its bars were not kept then, or it did not
    trade) begins anew after it: no average spans bars that are not there.

    Output: ``HOURLY_FEATURES`` without the fundamental ratios, a row for each bar of the given sessions, sorted by (symbol, bar_start), in the price
    and share scale of the bar's session. Windows count bars. Annualised values count ``HOURS_PER_YEAR`` bars a year;
    bars of half an hour, of one hour and over night count the same in them, as a session's seven bars together do.
    The benchmark is SPY's own last hourly close.

    Look-ahead: a row knows bars up to its own, and ex-dates up to its session.

    Parameters
    ----------
    bars
        Raw hourly bars, no nulls, prices above 0.
    actions
        Corporate actions to adjust for; they apply from the first bar of their ex-date.
    sessions
        Sessions to return; those without bars have no rows.
    threads
        Threads to compute with; their number changes no value.

    Returns
    -------
    pl.DataFrame
        One row per (symbol, bar_start).

    Raises
    ------
    DataQualityError
        If bars are out of order, duplicated, null, not finite or not above 0.
    """
    return _build(bars.select(HOURLY_BAR_COLUMNS), actions, sessions, threads, HOURLY_FEATURES)


def _build(
    bars: pl.DataFrame, actions: pl.DataFrame, sessions: Sequence[date], threads: int, table: Table
) -> pl.DataFrame:
    if bars.is_empty() or not sessions:
        return pl.DataFrame(schema=_schema(table))
    bars = bars.rechunk()
    _refuse_impossible(bars)
    market = _market(bars, actions, sessions, table)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda span: _features(market, *span), _spans(market)))
    parts = [part for part in parts if part.height]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_schema(table))


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


def _market(bars: pl.DataFrame, actions: pl.DataFrame, sessions: Sequence[date], table: Table) -> _Market:
    is_hourly = table is HOURLY_FEATURES
    symbols = _hourly_runs(bars) if is_hourly else symbol_runs(bars)
    price_factor, share_factor = factor_arrays(bars, actions, symbols)
    prices = {name: bars[name].cast(pl.Float64).to_numpy() for name in PRICES}
    first_day, last_day = int(symbols.days.min()), int(symbols.days.max())
    wanted = np.zeros(last_day - first_day + 1, dtype=np.bool_)
    asked = np.array(sessions, dtype="datetime64[D]").astype(np.int64) - first_day
    wanted[asked[(asked >= 0) & (asked < len(wanted))]] = True
    slots = bars["bar_start"].dt.epoch("s").to_numpy() // 3600 if is_hourly else symbols.days
    return _Market(
        table=table,
        symbols=symbols,
        slots=slots,
        first_slot=int(slots.min()),
        bar_starts=bars["bar_start"] if is_hourly else None,
        prices=prices,
        volume=bars["volume"].cast(pl.Float64).to_numpy(),
        price_factor=price_factor,
        share_factor=share_factor,
        benchmark=_benchmark(symbols, slots, prices["close"], price_factor),
        annual=math.sqrt(HOURS_PER_YEAR / SESSIONS_PER_YEAR) if is_hourly else 1.0,
        wanted=wanted,
        first_day=first_day,
    )


def _hourly_runs(bars: pl.DataFrame) -> SymbolRuns:
    # A hole of a session ends a run; the benchmark is only looked up, so it may have one.
    days = bars["session"]
    calendar = sessions_between(days.min(), days.max())  # type: ignore[arg-type] # dates, as the frame is not empty
    number = pl.col("session").replace_strict(calendar, range(len(calendar)), return_dtype=pl.Int64)
    hole = (number - number.shift(1) > 1) & (pl.col("symbol") != BENCHMARK)
    return symbol_runs(bars, time="bar_start", run=hole.fill_null(value=False).cast(pl.Int64).cum_sum())


def _benchmark(
    symbols: SymbolRuns, slots: IndexArray, close: FloatArray, price_factor: FloatArray
) -> FloatArray:
    # A symbol may trade in a slot in which the benchmark has no bar: its last close stands.
    first_slot = int(slots.min())
    by_slot = np.full(int(slots.max()) - first_slot + 1, np.nan)
    position = symbols.symbols.index_of(BENCHMARK)
    if position is None:
        return by_slot
    rows = slice(symbols.starts[position], symbols.starts[position + 1])
    newest = np.searchsorted(slots[rows] - first_slot, np.arange(len(by_slot)), side="right") - 1
    known = newest >= 0
    by_slot[known] = (close[rows] / price_factor[rows])[newest[known]]
    return by_slot


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
    keep = np.flatnonzero(market.wanted[market.symbols.days[rows] - market.first_day])
    if not len(keep):
        return pl.DataFrame(schema=_schema(market.table))
    values = _computed(_inputs(market, rows), borders - borders[0])
    scales = {"price": market.price_factor[rows][keep], "shares": market.share_factor[rows][keep]}
    columns = {}
    for name, feature in FEATURES.items():
        column = values[name][keep]
        if feature.scale != "none":
            column *= scales[feature.scale]
        if feature.is_annualised and market.annual != 1:
            column *= market.annual
        columns[name] = pl.Series(name, column, dtype=pl.Float64, nan_to_null=True)
    owner = np.repeat(np.arange(first, last), market.symbols.lengths[first:last])[keep]
    starts = {} if market.bar_starts is None else {"bar_start": market.bar_starts[rows].gather(keep)}
    return pl.DataFrame(
        {
            "symbol": market.symbols.symbols.gather(owner),
            **starts,
            "session": pl.Series(market.symbols.days[rows][keep].astype(np.int32)).cast(pl.Date),
            **columns,
            "price_factor": market.price_factor[rows][keep],
            "share_factor": market.share_factor[rows][keep],
        }
    )


def _schema(table: Table) -> dict[str, pl.DataType]:
    # what is computed here: the fundamental ratios are joined to it
    return {name: dtype for name, dtype in table.schema.items() if name not in {*FUNDAMENTALS, AGE_COLUMN}}


def _inputs(market: _Market, rows: slice) -> dict[str, FloatArray]:
    price_factor, share_factor = market.price_factor[rows], market.share_factor[rows]
    close, volume = market.prices["close"][rows], market.volume[rows]
    return {
        **{name: market.prices[name][rows] / price_factor for name in PRICES},
        "volume": volume / share_factor,
        "raw_close": close,
        "raw_volume": volume,
        "traded_usd": close * volume,
        "benchmark_close": market.benchmark[market.slots[rows] - market.first_slot],
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
