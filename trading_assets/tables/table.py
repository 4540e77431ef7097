"""Tables of the lake and of Postgres: columns with type, unit and meaning, key, and what identifies an unchanged row."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

UTC_INSTANT = pl.Datetime("us", "UTC")
SHARES = pl.Decimal(20, 9)
"""Exact numbers of shares, down to what a broker deals in."""
MONEY = pl.Decimal(20, 6)
"""Exact amounts and prices in USD."""
JSON = "JSON"
"""Unit of a text column that holds a JSON value: ``jsonb`` in Postgres, text in frames and files."""
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
    """One column: its type, unit and meaning.

    What is not ``inserted`` is left out when a row is added to a database table: the database numbers it, or it only
    becomes known later.
    """

    dtype: pl.DataType | type[pl.DataType]
    description: str
    unit: str = ""
    nullable: bool = True
    inserted: bool = True

    @property
    def type_name(self) -> str:
        """The type in SQL's words, as the Dagster UI and the documents show it."""
        for kind, name in _TYPE_NAMES.items():
            if self.dtype == kind:
                return name
        if isinstance(self.dtype, pl.Decimal):
            return f"decimal({self.dtype.precision}, {self.dtype.scale})"
        return str(self.dtype).lower()

    @property
    def meaning(self) -> str:
        """The description with the unit, as comments and the Dagster UI show it."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@dataclass(frozen=True)
class Relation:
    """What every table says of itself, wherever it is: rows are identified by ``key``."""

    name: str
    grain: str
    columns: dict[str, Column]
    key: tuple[str, ...]

    @property
    def schema(self) -> pl.Schema:
        """Column names and types of the stored rows, in order."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})


@dataclass(frozen=True)
class DatabaseTable(Relation):
    """One table of Postgres, with its primary key; migrations make it, and a test compares the two."""

    @property
    def inserted_columns(self) -> tuple[str, ...]:
        """Columns that every new row is given a value for, which may be null."""
        return tuple(name for name, column in self.columns.items() if column.inserted)


@dataclass(frozen=True)
class Table(Relation):
    """One lake table.

    Rows are sorted by ``key``; ``partition_by`` is the date column that a write replaces by. ``provenance``
    columns say where a row came from: they are stored, and do not take part in deciding whether a row has
    changed. ``versioned`` tables keep superseded rows in ``lake_history``.
    """

    key: tuple[str, ...] = ("symbol", "session")
    partition_by: str = "session"
    provenance: tuple[str, ...] = ()
    versioned: bool = False
    tags: tuple[str, ...] = field(default=())

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
