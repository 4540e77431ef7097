"""Tables: what a lake table is; columns with type, unit and meaning, key, and what identifies an unchanged row."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

UTC_INSTANT = pl.Datetime("us", "UTC")
_TYPE_NAMES = {
    pl.String: "string",
    pl.Date: "date",
    pl.Float64: "double",
    pl.Int64: "bigint",
    pl.Int32: "int",
    pl.Boolean: "bool",
    UTC_INSTANT: "timestamp with time zone",
}


@dataclass(frozen=True)
class Column:
    """One column: its type, unit and meaning."""

    dtype: pl.DataType | type[pl.DataType]
    description: str
    unit: str = ""
    nullable: bool = True

    @property
    def type_name(self) -> str:
        """The type in SQL's words, as the Dagster UI and the documents show it."""
        for kind, name in _TYPE_NAMES.items():
            if self.dtype == kind:
                return name
        return str(self.dtype).lower()


@dataclass(frozen=True)
class Table:
    """One lake table.

    Rows are identified by ``key`` and sorted by it; ``partition_by`` is the date column that a write
    replaces by. ``provenance`` columns say where a row came from: they are stored, and do not take part in
    deciding whether a row has changed. ``versioned`` tables keep superseded rows in ``lake_history``.
    """

    name: str
    grain: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ("symbol", "session")
    partition_by: str = "session"
    provenance: tuple[str, ...] = ()
    versioned: bool = False
    tags: tuple[str, ...] = field(default=())

    @property
    def schema(self) -> pl.Schema:
        """Column names and types of the stored rows, in order."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    @property
    def value_columns(self) -> tuple[str, ...]:
        """Columns whose change makes a new version of a row."""
        return tuple(name for name in self.columns if name not in {*self.key, *self.provenance})


SYMBOL = Column(pl.String, "Ticker as the exchange writes it, e.g. AAPL or BRK.B", nullable=False)
SESSION = Column(pl.Date, "Exchange session (New York date)", nullable=False)
KNOWN_AT = Column(
    UTC_INSTANT, "Instant at which this system first knew the row with these values", "UTC", nullable=False
)
BATCH_ID = Column(pl.String, "Ingest batch: leads to the vendor's raw response", nullable=False)
