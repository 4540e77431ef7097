"""Runs: bars that lie symbol after symbol, and what is done with whole runs of them in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.errors import DataQualityError
from trading_assets.indicators.kernel import FloatArray, IndexArray, Value, compiled, read_only
from trading_assets.indicators.workspace import new_array


@dataclass(frozen=True)
class SymbolRuns:
    """Bars sorted by (symbol, time), seen as one run of rows per symbol; hourly ones begin anew after a hole."""

    symbols: pl.Series
    starts: IndexArray
    days: IndexArray

    @property
    def lengths(self) -> IndexArray:
        """Bars of each symbol."""
        return np.diff(self.starts)

    def repeated(self, values: FloatArray) -> FloatArray:
        """Return for each bar the value of its run."""
        return repeated(values, self.starts, new_array(int(self.starts[-1])))

    def first_since(self, runs: IndexArray, days: IndexArray) -> IndexArray:
        """Return for each of some runs its first row at or after a day; the end of the run where there is none."""
        rows = np.empty(len(runs), dtype=np.int64)
        _first_since(read_only(self.days), self.starts, read_only(runs), read_only(days), rows)
        return rows


def symbol_runs(bars: pl.DataFrame, *, time: str = "session", run: pl.Expr | None = None) -> SymbolRuns:
    """Find each symbol's rows, and refuse bars that are not sorted by (symbol, time) without duplicates.

    Parameters
    ----------
    bars
        At least ``symbol``, ``session`` and ``time``.
    time
        Column that tells a symbol's bars apart: ``session``, or ``bar_start`` of hourly bars.
    run
        A number that changes where a run ends within a symbol too; by default a symbol is one run.

    Returns
    -------
    SymbolRuns
        Symbols in order, the row at which each begins (and the number of rows), and the session of every
        row in days since 1970.

    Raises
    ------
    DataQualityError
        If a time does not lie after the one before it, or symbols are out of order.
    """
    symbol = bars.select(pl.col("symbol").rle_id())["symbol"].to_numpy()
    days = bars["session"].to_physical().cast(pl.Int64).to_numpy()
    times = days if time == "session" else bars[time].to_physical().cast(pl.Int64).to_numpy()
    numbers = (
        symbol if run is None else bars.select(pl.struct("symbol", run=run).rle_id())["symbol"].to_numpy()
    )
    is_head = np.ones(len(bars), dtype=np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=is_head[1:])
    heads = np.flatnonzero(is_head)
    symbols = bars["symbol"].gather(heads)
    if (
        not symbols.is_sorted()
        or symbols.n_unique() != (int(symbol[-1]) + 1 if len(symbol) else 0)
        or np.any((times[1:] <= times[:-1]) & (symbol[1:] == symbol[:-1]))
    ):
        raise DataQualityError(f"Bars must be sorted by (symbol, {time}), one row each")
    return SymbolRuns(symbols, np.append(heads, len(bars)).astype(np.int64), days)


def copy_stretches(
    values: NDArray[Value],
    first: IndexArray,
    count: IndexArray,
    place: IndexArray,
    out: NDArray[Value],
) -> None:
    """Copy stretches of ``values``, each ``count`` numbers from ``first`` on, to their places in ``out``."""
    _copy(read_only(values), read_only(first), read_only(count), read_only(place), out)


def repeated(values: NDArray[Value], starts: IndexArray, out: NDArray[Value]) -> NDArray[Value]:
    """Write each value to the rows of its run; ``starts`` are the borders of the runs."""
    _repeat(read_only(values), starts, out)
    return out


def looked_up(values: NDArray[np.bool_], places: IndexArray, first: int) -> NDArray[np.bool_]:
    """Return for each of ``places`` its value; the first of ``values`` is that of the place ``first``."""
    out = np.empty(len(places), dtype=np.bool_)
    _look_up(read_only(places), first, values, out)
    return out


@compiled
def _repeat(values: NDArray[Value], starts: IndexArray, out: NDArray[Value]) -> None:
    for run in range(len(values)):
        value = values[run]
        for i in range(starts[run], starts[run + 1]):
            out[i] = value


@compiled
def _first_since(
    days: IndexArray, starts: IndexArray, runs: IndexArray, since: IndexArray, rows: IndexArray
) -> None:
    for number in range(len(runs)):
        low = starts[runs[number]]
        high = starts[runs[number] + 1]
        while low < high:
            middle = (low + high) // 2
            if days[middle] < since[number]:
                low = middle + 1
            else:
                high = middle
        rows[number] = low


@compiled
def _look_up(places: IndexArray, first: int, values: NDArray[np.bool_], out: NDArray[np.bool_]) -> None:
    for i in range(len(places)):
        out[i] = values[places[i] - first]


@compiled
def _copy(
    values: NDArray[Value], first: IndexArray, count: IndexArray, place: IndexArray, out: NDArray[Value]
) -> None:
    for stretch in range(len(first)):
        shift = place[stretch] - first[stretch]
        for i in range(first[stretch], first[stretch] + count[stretch]):
            out[shift + i] = values[i]
