"""Rows by symbol: the rows of some days of a table, each symbol's together and oldest first, without sorting them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from resources.lake import Lake
from trading_assets.table import Table


def rows_by_symbol(
    lake: Lake,
    table: Table,
    columns: Sequence[str],
    *,
    start: date | None = None,
    end: date | None = None,
    symbols: Sequence[str] | None = None,
    before: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Read rows sorted by symbol and time, from parts that are.

    Parameters
    ----------
    lake, table, columns
        What to read; the table's key is (symbol, time).
    start, end
        First and last day, both included.
    symbols
        Symbols to keep; all if not given.
    before
        Rows of the same columns, one a symbol in their order, to put before those of the symbol.

    Returns
    -------
    DataFrame
        The columns, in one piece.
    """
    scans = lake.scan_parts(table, start=start, end=end, symbols=symbols, columns=columns)
    parts = [] if before is None else [before.select(columns)]
    parts += pl.collect_all(scans)
    return in_symbol_order(
        [part for part in parts if part.height] or [pl.DataFrame(schema=_schema(table, columns))]
    )


def in_symbol_order(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put the rows of frames that follow each other in time together by symbol; each is sorted by symbol."""
    if len(parts) == 1:
        return parts[0].rechunk()
    runs = pl.concat(part["symbol"].rle().struct.unnest() for part in parts)
    lengths = runs["len"].to_numpy().astype(np.int64)
    symbols = runs["value"].rank("dense").to_numpy()
    order = np.argsort(symbols, kind="stable")  # runs of a symbol in the order of the parts
    first = np.cumsum(lengths) - lengths
    taken = lengths[order]
    shift = first[order] - (np.cumsum(taken) - taken)
    rows = np.arange(int(lengths.sum())) + np.repeat(shift, taken)
    together: pl.DataFrame = pl.concat(parts, rechunk=True)[rows]
    return together


def _schema(table: Table, columns: Sequence[str]) -> dict[str, pl.DataType]:
    return {name: table.schema[name] for name in columns}
