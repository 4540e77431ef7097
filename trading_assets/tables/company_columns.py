"""Columns of the company tables: one constructor a unit, and what every snapshot table has."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.table import BATCH_ID, KNOWN_AT, SYMBOL, UTC_INSTANT, Column, Table

SNAPSHOT = Column(
    pl.Date, "Session that the snapshot is dated: the newest closed one when it was taken", nullable=False
)
REPORTED = "reporting currency"


def text(description: str) -> Column:
    """Declare words."""
    return Column(pl.String, description)


def usd(description: str) -> Column:
    """Declare an amount in dollars."""
    return Column(pl.Float64, description, "USD")


def reported(description: str) -> Column:
    """Declare an amount in the currency of the books."""
    return Column(pl.Float64, description, REPORTED)


def frac(description: str) -> Column:
    """Declare a fraction."""
    return Column(pl.Float64, description, "fraction")


def ratio(description: str, unit: str = "") -> Column:
    """Declare a ratio, or a number with a unit of its own."""
    return Column(pl.Float64, description, unit)


def shares(description: str) -> Column:
    """Declare a number of shares."""
    return Column(pl.Float64, description, "shares")


def count(description: str, unit: str = "") -> Column:
    """Declare a whole number."""
    return Column(pl.Int64, description, unit)


def day(description: str) -> Column:
    """Declare a date of the exchange."""
    return Column(pl.Date, description)


def instant(description: str) -> Column:
    """Declare an instant."""
    return Column(UTC_INSTANT, description, "UTC")


def flag(description: str) -> Column:
    """Declare yes or no."""
    return Column(pl.Boolean, description)


def required(column: Column) -> Column:
    """Declare a column that is never null."""
    return Column(column.dtype, column.description, column.unit, nullable=False)


def snapshot_table(name: str, grain: str, columns: dict[str, Column], *key: str) -> Table:
    """Declare a table of snapshots: keyed (symbol, session) and ``key``, versioned, with its provenance."""
    return Table(
        name=name,
        grain=grain,
        columns={
            "symbol": SYMBOL,
            "session": SNAPSHOT,
            **{column: required(columns[column]) for column in key},
            **{column: what for column, what in columns.items() if column not in key},
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        key=("symbol", "session", *key),
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("companies",),
    )
