"""Vendor reports: one row per key of a bar, with the number of different rows that were sent for it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

KEY = ("symbol", "session")


def one_row_per_key(frame: pl.DataFrame, key: Sequence[str] = KEY) -> pl.DataFrame:
    """Keep the first row of each key and count the different ones.

    Parameters
    ----------
    frame
        Bars as reported, in any order.
    key
        Columns that identify a bar: (symbol, session), or (symbol, bar_start) within a session.

    Returns
    -------
    pl.DataFrame
        Sorted by the key, with ``reports``: 1 where the vendor sent one row, or the same one several times.
        Look-ahead: none, it reads one fetch.
    """
    ordered = frame.sort(key)
    again = ordered.select(
        pl.all_horizontal([pl.col(name) == pl.col(name).shift(1) for name in key]).any()
    ).item()
    if not again:
        return ordered.with_columns(reports=pl.lit(1, dtype=pl.Int32))
    distinct = ordered.unique(maintain_order=True)
    counted = distinct.with_columns(reports=pl.len().over(key).cast(pl.Int32))
    return counted.unique(list(key), keep="first", maintain_order=True)
