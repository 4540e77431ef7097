"""Closes that value what is held: those of a range, and the last one before it of what has none in it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from trading_assets.tables.daily import DAILY_BARS


def last_closes(
    lake: Lake,
    symbols: Collection[str],
    start: date,
    end: date,
    *,
    columns: Sequence[str] = ("symbol", "session", "close"),
) -> pl.DataFrame:
    """Read the accepted raw closes of symbols in a range.

    A symbol without any in the range gives its last one before it, however old: a company that is no longer listed may
    still be held.
    """
    names = sorted(symbols) or [""]
    closes = lake.scan(DAILY_BARS, start=start, end=end, symbols=names, columns=list(columns)).collect()
    silent = sorted(set(names) - set(closes["symbol"].unique()) - {""})
    if not silent:
        return closes
    before = start - timedelta(days=1)
    older = lake.scan(DAILY_BARS, end=before, symbols=silent, columns=list(columns)).collect()
    return pl.concat(
        [older.sort("session").group_by("symbol", maintain_order=True).last().select(columns), closes]
    )
