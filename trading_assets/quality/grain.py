"""Grains of bars: what one bar covers, the tables that hold them, and the columns that make their key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from trading_assets.sessions import session_hours, whole_session
from trading_assets.tables import daily, hourly
from trading_assets.tables.bars import OHLCV, BarTables
from trading_assets.tables.table import Table


@dataclass(frozen=True)
class BarGrain:
    """A kind of bars: what one covers, in a word, the tables of them, and the periods (UTC) of a session's bars."""

    unit: str
    tables: BarTables
    periods: Callable[[date], Sequence[tuple[datetime, datetime]]]

    @property
    def time(self) -> str:
        """Column that tells a symbol's bars apart: ``session``, or ``bar_start`` of bars within a session."""
        return self.tables.accepted.key[1]

    @property
    def words(self) -> str:
        """The bars in words: ``daily bars``, ``hourly bars``."""
        return self.tables.accepted.name.replace("_", " ")

    @property
    def is_intraday(self) -> bool:
        """Whether a session has several bars, which are stored as they are finished."""
        return self.time == "bar_start"

    @property
    def key(self) -> tuple[str, str]:
        """Columns that identify a bar of one source."""
        return "symbol", self.time

    @property
    def times(self) -> tuple[str, ...]:
        """Columns that say when a bar was: ``session``, within a session also ``bar_start`` and ``bar_end``."""
        columns = self.tables.accepted.columns
        return tuple(name for name in ("bar_start", "bar_end", "session") if name in columns)

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """What is read of a vendor's bars."""
        return "symbol", *self.times, *OHLCV, "batch_id"

    @property
    def reference_schema(self) -> pl.Schema:
        """Columns of a bar that others are compared with."""
        return pl.Schema(
            {
                "symbol": pl.String(),
                self.time: self.tables.accepted.columns[self.time].dtype,
                "close": pl.Float64(),
                "volume": pl.Float64(),
            }
        )

    def bar_starts(self, sessions: Sequence[date]) -> list[datetime] | None:
        """List where the bars of the sessions begin; None where the session says it all."""
        if not self.is_intraday:
            return None
        return [start for session in sessions for start, _ in self.periods(session)]


DAILY = BarGrain("session", daily.DAILY, whole_session)
HOURLY = BarGrain("hour", hourly.HOURLY, session_hours)


def stored_schema(table: Table) -> pl.Schema:
    """Return the columns of a table that a computation fills: all but the instant at which they are written."""
    return pl.Schema({name: kind for name, kind in table.schema.items() if name != "known_at"})
