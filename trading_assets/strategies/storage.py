"""Signals in Postgres: a run replaces the rows of its strategy and sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.database import Database

COLUMNS = (
    "strategy", "session", "symbol", "side", "strength", "reason", "inputs", "strategy_version", "parameter_hash",
    "features_version", "created_at",
)  # fmt: skip


def replace_signals(
    database: Database, rows: pl.DataFrame, *, strategy: str, sessions: Sequence[date], created_at: datetime
) -> None:
    """Store the signals of these sessions in place of what the strategy had there; all or nothing."""
    values = rows.with_columns(created_at=pl.lit(created_at)).select(COLUMNS)
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("delete from signals where strategy = %s and session = any(%s)", (strategy, list(sessions)))
        with cursor.copy(f"copy signals ({', '.join(COLUMNS)}) from stdin") as copy:
            for row in values.iter_rows():
                copy.write_row(row)
