"""Columns of database tables, by kind: not null unless said otherwise, exact where money or shares are counted."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.table import JSON, MONEY, SHARES, UTC_INSTANT, Column


def text(description: str, *, nullable: bool = False, inserted: bool = True) -> Column:
    """Return a column of text."""
    return Column(pl.String, description, "", nullable, inserted)


def json(description: str, *, nullable: bool = False) -> Column:
    """Return a column of JSON values."""
    return Column(pl.String, description, JSON, nullable)


def day(description: str, *, nullable: bool = False) -> Column:
    """Return a column of dates."""
    return Column(pl.Date, description, "", nullable)


def instant(description: str, *, nullable: bool = False, inserted: bool = True) -> Column:
    """Return a column of instants."""
    return Column(UTC_INSTANT, description, "UTC", nullable, inserted)


def shares(description: str) -> Column:
    """Return a column of exact numbers of shares."""
    return Column(SHARES, description, "shares", nullable=False)


def usd(description: str, *, nullable: bool = False) -> Column:
    """Return a column of exact amounts or prices."""
    return Column(MONEY, description, "USD", nullable)


def number(description: str, unit: str, *, nullable: bool = False) -> Column:
    """Return a column of measured numbers."""
    return Column(pl.Float64, description, unit, nullable)


def count(description: str, unit: str, *, nullable: bool = False, inserted: bool = True) -> Column:
    """Return a column of counts of up to two thousand million."""
    return Column(pl.Int32, description, unit, nullable, inserted)


def long_count(description: str, unit: str, *, nullable: bool = False, inserted: bool = True) -> Column:
    """Return a column of counts without a practical limit."""
    return Column(pl.Int64, description, unit, nullable, inserted)


def numbered(description: str) -> Column:
    """Return a key that the database numbers itself."""
    return Column(pl.Int64, description, nullable=False, inserted=False)


ACCOUNT = text("Broker's account number")
MODE = text("sim, paper or live: where the orders go")
DECISION_SESSION = day("Decision session (New York date)")
