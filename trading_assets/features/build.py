"""Features: one row per bar, daily or hourly, from raw bars and the corporate actions known to the caller."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.errors import DataQualityError
from trading_assets.features.action_effects import accumulate, place
from trading_assets.features.adjust import PRICES
from trading_assets.features.compute import Market, computed, inputs_of, reaches
from trading_assets.features.seams import Instruments
from trading_assets.features.state import CARRIED_SCHEMA, CarriedRuns, Kept
from trading_assets.features.symbol_runs import SymbolRuns, looked_up, symbol_runs
from trading_assets.features.tiles import Picked, Tile, column_of, spread, tiles
from trading_assets.indicators.feature import HOURS_PER_YEAR
from trading_assets.indicators.kernel import FloatArray, IndexArray
from trading_assets.indicators.registry import FEATURES
from trading_assets.indicators.volatility import SESSIONS_PER_YEAR
from trading_assets.indicators.workspace import new_array
from trading_assets.sessions import sessions_between
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.tables.table import Table

BENCHMARK = "SPY"
BAR_COLUMNS = ("symbol", "session", *PRICES, "volume")
"""Columns of ``daily_bars`` that the features need."""
HOURLY_BAR_COLUMNS = ("symbol", "bar_start", "session", *PRICES, "volume")
"""Columns of ``hourly_bars`` that the features need."""


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

    A symbol that had no bar for more than ``seams.SILENCE`` is another instrument after it: nothing spans the two.

    Nulls: until an instrument has the feature's ``warm_up`` bars, and where a value is not defined (nothing traded,
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


def build_resumable(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    *,
    sessions: Sequence[date],
    carried: pl.DataFrame,
    checkpoints: Sequence[date] = (),
    runs: SymbolRuns | None = None,
    threads: int = 2,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compute the daily features of some sessions from the bars since a checkpoint, and what to carry on from new ones.

    Input: as ``build_daily_features``, except that the bars of a symbol may begin at the last bar of which ``carried``
    (``state.CARRIED_SCHEMA``) says what the indicators carry: that bar is the symbol's first. A symbol that is not in
    ``carried`` begins with its whole history. The bars up to the first session asked for must hold every window
    (``registry.WINDOW_BARS``) of a symbol that is carried.

    Output: the features, to the last bit those of ``build_daily_features`` with the whole history; and, as ``carried``,
    what every symbol with a bar so far carries at the end of each checkpoint (a day, in order). ``runs`` are those of the
    bars, where the caller knows them.

    Look-ahead: a row of session S knows bars and ex-dates up to S; what is carried at C knows those up to C.
    """
    if bars.is_empty():
        return pl.DataFrame(schema=_schema(DAILY_FEATURES)), pl.DataFrame(schema=CARRIED_SCHEMA)
    bars = bars.select(BAR_COLUMNS).rechunk()
    _refuse_impossible(bars)
    own = Instruments.of(bars, actions, without={BENCHMARK})
    bars = own.bars
    known = None if own.has_seams else runs
    market = _market(bars, own.actions, sessions, DAILY_FEATURES, known or symbol_runs(bars), carried=carried)
    kept = Kept.at(checkpoints, market.symbols)
    columns = _columns(market, threads, kept)
    rows = own.named(_frame(bars, market, columns))
    if not checkpoints:
        return rows, pl.DataFrame(schema=CARRIED_SCHEMA)
    benchmark = market.carried.at_first_rows(
        market.benchmark[market.slots - market.first_slot], market.symbols
    )
    states = kept.frame(bars, market.carried, (market.factors.price, market.factors.share, benchmark))
    if own.has_seams:  # the last instrument of a symbol is the one that goes on
        states = own.named(states).unique(["session", "symbol"], keep="last", maintain_order=True)
    return rows, states


def _build(
    bars: pl.DataFrame, actions: pl.DataFrame, sessions: Sequence[date], threads: int, table: Table
) -> pl.DataFrame:
    if bars.is_empty() or not sessions:
        return pl.DataFrame(schema=_schema(table))
    bars = bars.rechunk()
    _refuse_impossible(bars)
    if table is HOURLY_FEATURES:
        market = _market(bars, actions, sessions, table, _hourly_runs(bars))
        return _frame(bars, market, _columns(market, threads))
    own = Instruments.of(bars, actions, without={BENCHMARK})
    market = _market(own.bars, own.actions, sessions, table, symbol_runs(own.bars))
    return own.named(_frame(own.bars, market, _columns(market, threads)))


def _refuse_impossible(bars: pl.DataFrame) -> None:
    # the extremes of a column say whether any of its values is out of bounds; NaN is neither least nor largest
    names = (*PRICES, "volume")
    facts = bars.lazy().select(
        *(pl.col(name).min().alias(f"{name} least") for name in names),
        *(pl.col(name).max().alias(f"{name} most") for name in names),
        *(pl.col(name).cast(pl.Float64).is_nan().any().alias(f"{name} nan") for name in names),
        *(pl.col(name).null_count().alias(f"{name} null") for name in names),
    )
    found = facts.collect().row(0, named=True)
    wrong = {
        name: True
        for name in names
        if found[f"{name} null"]
        or found[f"{name} nan"]
        or found[f"{name} least"] < 0
        or (name != "volume" and found[f"{name} least"] == 0)
        or found[f"{name} most"] == math.inf
    }
    if wrong:
        raise DataQualityError(
            "Features need bars with finite prices above 0 and volumes; not so", columns=", ".join(wrong)
        )


def _market(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    sessions: Sequence[date],
    table: Table,
    symbols: SymbolRuns,
    *,
    carried: pl.DataFrame | None = None,
) -> Market:
    is_hourly = table is HOURLY_FEATURES
    runs = CarriedRuns.of(carried, symbols)
    close = bars["close"].cast(pl.Float64).to_numpy()
    factors = accumulate(close, place(bars, actions, symbols), symbols, first=runs.factors)
    slots = bars["bar_start"].dt.epoch("s").to_numpy() // 3600 if is_hourly else symbols.days
    return Market(
        table=table,
        symbols=symbols,
        prices={name: bars[name].cast(pl.Float64).to_numpy() for name in PRICES},
        volume=bars["volume"].cast(pl.Float64).to_numpy(),
        factors=factors,
        slots=slots,
        first_slot=int(slots.min()),
        benchmark=_benchmark(symbols, slots, close, factors.price),
        carried=runs,
        picked=Picked.of(_wanted(symbols.days, sessions), symbols.starts),
        annual=math.sqrt(HOURS_PER_YEAR / SESSIONS_PER_YEAR) if is_hourly else 1.0,
    )


def _wanted(days: IndexArray, sessions: Sequence[date]) -> NDArray[np.bool_]:
    first, last = int(days.min()), int(days.max())
    wanted = np.zeros(last - first + 1, dtype=np.bool_)
    asked = np.array(sessions, dtype="datetime64[D]").astype(np.int64) - first
    wanted[asked[(asked >= 0) & (asked < len(wanted))]] = True
    return looked_up(wanted, days, first)


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
    # By slot. A symbol may trade in a slot in which the benchmark has no bar: its last close stands.
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


def _columns(market: Market, threads: int, kept: Kept | None = None) -> list[pl.Series]:
    """Return the values of every feature for the rows asked for; note what is carried at the checkpoints in ``kept``."""
    picked, symbols = market.picked, market.symbols
    rows = len(picked.rows)
    columns = dict(zip(FEATURES, new_array(len(FEATURES), rows), strict=True))  # at once, in large pages
    scales: dict[str, FloatArray | None] = {
        "none": None,
        "price": market.factors.price[picked.rows],
        "shares": market.factors.share[picked.rows],
    }
    is_asked = np.diff(picked.borders) > 0
    chosen = np.flatnonzero(is_asked if kept is None or not kept.days else symbols.lengths > 0)

    reach, _ = reaches()

    def compute(tile: Tile) -> None:
        stretches = picked.of_tile(tile)
        memories = market.carried.memories(tile)
        for feature, first, values in computed(inputs_of(market, tile), memories, reach, stretches.first_row):
            scaled = values * market.annual if feature.is_annualised and market.annual != 1 else values
            spread(scaled, stretches.since(first), columns[feature.name], scales[feature.scale])
        if kept is not None:
            kept.note(tile, memories)

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(compute, tiles(symbols.starts, chosen)):
            pass
        return list(pool.map(column_of, columns, columns.values()))


def _frame(bars: pl.DataFrame, market: Market, columns: list[pl.Series]) -> pl.DataFrame:
    rows = market.picked.rows
    names = ["symbol", *(["bar_start"] if "bar_start" in bars.columns else []), "session"]
    whole = len(rows) == bars.height
    keys = [bars[name] if whole else bars[name].gather(rows) for name in names]
    factors = {"price_factor": market.factors.price, "share_factor": market.factors.share}
    return pl.DataFrame(
        [
            *keys,
            *columns,
            *(column_of(name, values if whole else values[rows]) for name, values in factors.items()),
        ]
    )


def _schema(table: Table) -> dict[str, pl.DataType]:
    # what is computed here: the fundamental ratios are joined to it
    return {name: dtype for name, dtype in table.schema.items() if name not in {*FUNDAMENTALS, AGE_COLUMN}}
