"""Grains of bars: which columns make the key of a daily and of an hourly bar, and which tables hold them."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from trading_assets.tables.bars import OHLCV
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS
from trading_assets.tables.table import Table


@dataclass(frozen=True)
class BarGrain:
    """A kind of bars: the tables of accepted and refused ones, and the column that tells a symbol's bars apart."""

    accepted: Table
    quarantined: Table
    time: str

    @property
    def key(self) -> tuple[str, str]:
        """Columns that identify a bar of one source."""
        return "symbol", self.time

    @property
    def times(self) -> tuple[str, ...]:
        """Columns that say when a bar was: ``session``, for hours also ``bar_start`` and ``bar_end``."""
        return tuple(name for name in ("bar_start", "bar_end", "session") if name in self.accepted.columns)

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
                self.time: self.accepted.columns[self.time].dtype,
                "close": pl.Float64(),
                "volume": pl.Float64(),
            }
        )


DAILY = BarGrain(DAILY_BARS, QUARANTINED_BARS, "session")
HOURLY = BarGrain(HOURLY_BARS, QUARANTINED_HOURLY_BARS, "bar_start")


def stored_schema(table: Table) -> pl.Schema:
    """Return the columns of a table that a computation fills: all but the instant at which they are written."""
    return pl.Schema({name: kind for name, kind in table.schema.items() if name != "known_at"})
