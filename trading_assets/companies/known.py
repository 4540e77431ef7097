"""Company data as known at a session: the newest snapshot of each symbol dated that session or earlier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets.tables.table import Table

AGE = "age_days"


def companies_as_of(
    lake: Lake,
    table: Table,
    session: date,
    *,
    symbols: Sequence[str] | None = None,
    known_at: datetime | None = None,
) -> pl.DataFrame:
    """Return each symbol's newest snapshot dated ``session`` or earlier.

    Parameters
    ----------
    lake
        Where the tables are.
    table
        One of ``COMPANY_TABLES``.
    session
        No snapshot dated later is seen.
    symbols
        Symbols to keep; all if not given.
    known_at
        Instant: the snapshots as they were stored then. Without it, as they are stored now.

    Returns
    -------
    DataFrame
        The table's columns and ``age_days``, the calendar days from the snapshot to ``session``; sorted by the key. A
        symbol whose last snapshot is long ago (a delisted one) is there with its age: the reader decides how old is too
        old.
    """
    rows = lake.scan(table, end=session, symbols=symbols, as_of=known_at)
    newest = rows.select("symbol", "session").group_by("symbol").agg(pl.col("session").max())
    return (
        rows.join(newest, on=["symbol", "session"], how="semi")
        .with_columns((pl.lit(session) - pl.col("session")).dt.total_days().cast(pl.Int32).alias(AGE))
        .sort(table.key)
        .collect()
    )


def join_known(rows: pl.DataFrame, snapshots: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Add columns of the newest snapshot that each row may know.

    Parameters
    ----------
    rows
        Rows with ``symbol`` and ``session``.
    snapshots
        One row a symbol and snapshot, with ``symbol``, ``session`` (its date) and ``columns``.
    columns
        Columns to add; they replace columns of that name.

    Returns
    -------
    DataFrame
        The rows in their order, with ``columns``: null where no snapshot is dated the row's session or earlier.
    """
    facts = snapshots.select("symbol", "session", *columns).sort("session")
    place = "_place"
    joined = (
        rows.drop(columns, strict=False)
        .with_row_index(place)
        .sort("session")
        .join_asof(facts, on="session", by="symbol", strategy="backward", check_sortedness=False)
    )
    return joined.sort(place).drop(place)
