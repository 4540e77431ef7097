"""Tiles: bars of some symbols side by side, one row per bar since each symbol's first and one column per symbol.

Bars lie symbol after symbol in the lake. Indicators that depend on the bar before cannot use the processor's vector
units along one symbol, but they can across symbols: a tile holds as many symbols of like length as fit its caches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, read_only
from trading_assets.indicators.workspace import new_array

_TILE_VALUES = 65_536  # a column of a tile is half a megabyte: a few of them stay in a core's second cache
_LEAST_SYMBOLS, _MOST_SYMBOLS = 32, 256  # multiples of the eight that `_fill` takes at a time
_TOGETHER = 8


@dataclass(frozen=True)
class Tile:
    """Some runs of bars: the rows where they start and end in the frame, and the bars of the longest."""

    runs: IndexArray
    starts: IndexArray
    ends: IndexArray
    bars: int

    def filled(self, values: FloatArray) -> FloatArray:
        """Return the runs' values as (bars, symbols); 1 after the end of a run."""
        out = new_array(self.bars, len(self.runs))
        _fill(read_only(values), self.starts, self.ends, out)
        return out

    def looked_up(self, values: FloatArray, slots: IndexArray, first_slot: int) -> FloatArray:
        """Return for each bar the value of its slot in time; 1 after the end of a run."""
        out = new_array(self.bars, len(self.runs))
        _fill_from_slots(values, read_only(slots), first_slot, self.starts, self.ends, out)
        return out


def tiles(starts: IndexArray, chosen: IndexArray) -> Iterator[Tile]:
    """Put runs of like length together; ``starts`` are the borders of all runs, ``chosen`` those to take."""
    lengths = np.diff(starts)[chosen]
    order = chosen[np.argsort(-lengths, kind="stable")]
    first = 0
    while first < len(order):
        bars = int(starts[order[first] + 1] - starts[order[first]])
        symbols = min(max(_TILE_VALUES // bars // _TOGETHER * _TOGETHER, _LEAST_SYMBOLS), _MOST_SYMBOLS)
        runs = order[first : first + symbols]
        yield Tile(runs, starts[runs], starts[runs + 1], bars)
        first += len(runs)


@dataclass(frozen=True)
class Picked:
    """Rows of the frame that are asked for, as stretches of rows that follow each other within a run."""

    rows: IndexArray
    first: IndexArray  # of each stretch: its row in the frame,
    place: IndexArray  # its place among the rows asked for,
    count: IndexArray  # and its rows
    borders: IndexArray  # of each run: its stretches

    @classmethod
    def of(cls, wanted: NDArray[np.bool_], starts: IndexArray) -> Picked:
        """Find the stretches of the rows that are wanted."""
        rows = np.flatnonzero(wanted)
        begins = np.empty(len(rows), dtype=np.bool_)
        begins[:1] = True
        begins[1:] = np.diff(rows) != 1
        own = np.searchsorted(rows, starts[:-1])
        begins[own[own < len(rows)]] = True
        place = np.flatnonzero(begins)
        return cls(
            rows=rows,
            first=rows[place],
            place=place,
            count=np.diff(np.append(place, len(rows))),
            borders=np.searchsorted(place, np.append(own, len(rows))),
        )

    def of_tile(self, tile: Tile) -> Stretches:
        """Return the stretches of the tile's runs."""
        counts = self.borders[tile.runs + 1] - self.borders[tile.runs]
        column = np.repeat(np.arange(len(tile.runs)), counts)
        offset = np.arange(len(column)) - np.repeat(np.cumsum(counts) - counts, counts)
        number = self.borders[tile.runs][column] + offset
        return Stretches(
            column, self.first[number] - tile.starts[column], self.count[number], self.place[number]
        )


@dataclass(frozen=True)
class Stretches:
    """Rows of a tile that follow each other: column, first row, number of rows, and place in the output."""

    column: IndexArray
    row: IndexArray
    count: IndexArray
    place: IndexArray

    @property
    def first_row(self) -> int | None:
        """The first row of all; None without any."""
        return int(self.row.min()) if len(self.row) else None

    def since(self, row: int) -> Stretches:
        """Return the same stretches for values that begin at a row of the tile."""
        return replace(self, row=self.row - row) if row else self


def spread(values: FloatArray, stretches: Stretches, out: FloatArray, scale: FloatArray | None) -> None:
    """Write a tile's stretches to their places in a column, each value times the scale of its row."""
    where = (stretches.column, stretches.row, stretches.count, stretches.place)
    if scale is None:
        _spread(values, *where, out)
    else:
        _spread_scaled(values, *where, scale, out)


def column_of(name: str, values: FloatArray) -> pl.Series:
    """Return a column over the same memory, null where the values are NaN."""
    import pyarrow as pa

    known = ~np.isnan(values)
    nulls = len(values) - int(np.count_nonzero(known))
    bits = pa.py_buffer(np.packbits(known, bitorder="little")) if nulls else None
    buffers = [bits, pa.py_buffer(values)]
    array = pa.Array.from_buffers(pa.float64(), len(values), buffers, nulls)
    return pl.Series(name, pl.from_arrow(array))


@compiled
def _fill(values: FloatArray, starts: IndexArray, ends: IndexArray, out: FloatArray) -> None:
    # Eight symbols at a time: their values are one line of the processor's caches, which is written as a whole.
    bars, symbols = out.shape
    k = 0
    while k + 8 <= symbols:
        a, b, c, d = starts[k], starts[k + 1], starts[k + 2], starts[k + 3]
        e, f, g, h = starts[k + 4], starts[k + 5], starts[k + 6], starts[k + 7]
        shared = bars
        for j in range(k, k + 8):
            shared = min(shared, ends[j] - starts[j])
        for i in range(shared):
            out[i, k] = values[a + i]
            out[i, k + 1] = values[b + i]
            out[i, k + 2] = values[c + i]
            out[i, k + 3] = values[d + i]
            out[i, k + 4] = values[e + i]
            out[i, k + 5] = values[f + i]
            out[i, k + 6] = values[g + i]
            out[i, k + 7] = values[h + i]
        for j in range(k, k + 8):
            for i in range(shared, ends[j] - starts[j]):
                out[i, j] = values[starts[j] + i]
        k += 8
    for j in range(k, symbols):
        for i in range(ends[j] - starts[j]):
            out[i, j] = values[starts[j] + i]
    for j in range(symbols):
        for i in range(ends[j] - starts[j], bars):
            out[i, j] = 1.0


@compiled
def _fill_from_slots(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray,
    slots: IndexArray,
    first_slot: int,
    starts: IndexArray,
    ends: IndexArray,
    out: FloatArray,
) -> None:
    bars, symbols = out.shape
    # Some rows at a time, so that the lines of the tile are still in the first cache for the next column.
    for block in range(0, bars, 64):
        for k in range(symbols):
            last = min(block + 64, bars)
            end = min(max(ends[k] - starts[k], block), last)
            for i in range(block, end):
                out[i, k] = values[slots[starts[k] + i] - first_slot]
            for i in range(end, last):
                out[i, k] = 1.0


@compiled
def _spread(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray,
    column: IndexArray,
    first: IndexArray,
    count: IndexArray,
    place: IndexArray,
    out: FloatArray,
) -> None:
    for block in range(0, len(values), 64):
        for s in range(len(column)):
            shift = place[s] - first[s]
            k = column[s]
            for i in range(max(first[s], block), min(first[s] + count[s], block + 64)):
                out[shift + i] = values[i, k]


@compiled
def _spread_scaled(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray,
    column: IndexArray,
    first: IndexArray,
    count: IndexArray,
    place: IndexArray,
    scale: FloatArray,
    out: FloatArray,
) -> None:
    for block in range(0, len(values), 64):
        for s in range(len(column)):
            shift = place[s] - first[s]
            k = column[s]
            for i in range(max(first[s], block), min(first[s] + count[s], block + 64)):
                out[shift + i] = values[i, k] * scale[shift + i]
