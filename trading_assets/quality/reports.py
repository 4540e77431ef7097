"""Vendor reports: one row per (symbol, session), with the number of different rows that were sent for it."""

from __future__ import annotations

import polars as pl

KEY = ("symbol", "session")


def one_row_per_key(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the first row of each key and count the different ones.

    Parameters
    ----------
    frame
        Bars as reported, in any order.

    Returns
    -------
    pl.DataFrame
        Sorted by (symbol, session), with ``reports``: 1 where the vendor sent one row, or the same one several times.
        Look-ahead: none, it reads one fetch.
    """
    ordered = frame.sort(KEY)
    again = ordered.select(
        pl.all_horizontal([pl.col(name) == pl.col(name).shift(1) for name in KEY]).any()
    ).item()
    if not again:
        return ordered.with_columns(reports=pl.lit(1, dtype=pl.Int32))
    distinct = ordered.unique(maintain_order=True)
    counted = distinct.with_columns(reports=pl.len().over(KEY).cast(pl.Int32))
    return counted.unique(KEY, keep="first", maintain_order=True)
