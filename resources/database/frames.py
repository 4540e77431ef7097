"""Query results as polars frames, with types that depend on the query alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
from psycopg.types.string import TextLoader

if TYPE_CHECKING:
    from psycopg import Column, Cursor

    from resources.database.connections import Connection, Parameters

_SIMPLE: dict[str, pl.DataType] = {
    "int2": pl.Int16(),
    "int4": pl.Int32(),
    "int8": pl.Int64(),
    "float4": pl.Float32(),
    "float8": pl.Float64(),
    "bool": pl.Boolean(),
    "date": pl.Date(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "timestamp": pl.Datetime("us"),
    "time": pl.Time(),
    "interval": pl.Duration("us"),
    "bytea": pl.Binary(),
}
_AS_TEXT = ("json", "jsonb", "uuid", "inet", "cidr")


def _polars_type(name: str, column: Column) -> pl.DataType:
    if name == "numeric":
        # An unbounded numeric (a sum, a quotient) keeps 18 decimals; those of our tables have at most nine.
        return pl.Decimal(column.precision or 38, column.scale if column.scale is not None else 18)
    return _SIMPLE.get(name, pl.String())


def _type_names(cursor: Cursor[tuple[Any, ...]]) -> list[tuple[str, bool]]:
    names = []
    for column in cursor.description or ():
        known = cursor.adapters.types.get(column.type_code)
        is_array = known is not None and column.type_code == known.array_oid
        names.append((known.name if known else "text", is_array))
    return names


def row_schema(cursor: Cursor[tuple[Any, ...]]) -> dict[str, pl.DataType]:
    """Return the polars types of the columns of an executed query."""
    schema: dict[str, pl.DataType] = {}
    for column, (name, is_array) in zip(cursor.description or (), _type_names(cursor), strict=True):
        inner = _polars_type(name, column)
        schema[column.name] = pl.List(inner) if is_array else inner
    return schema


def query_frame(connection: Connection, statement: str, parameters: Parameters = None) -> pl.DataFrame:
    """Return the rows of a query with polars types derived from its Postgres types; JSON comes as text."""
    with connection.cursor() as cursor:
        for name in _AS_TEXT:
            cursor.adapters.register_loader(name, TextLoader)
        cursor.execute(statement.encode(), parameters)
        return pl.DataFrame(cursor.fetchall(), schema=row_schema(cursor), orient="row")
