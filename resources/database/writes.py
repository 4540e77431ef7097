"""Rows into Postgres tables, each value under the name of its column as the table's declaration has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from trading_assets.tables.table import DatabaseTable


def insert(
    connection: psycopg.Connection[Any],
    table: DatabaseTable,
    row: Mapping[str, object],
    *,
    conflict: str = "",
    returning: str = "",
) -> psycopg.Cursor[Any]:
    """Add one row.

    Parameters
    ----------
    connection
        In whose transaction.
    table
        The table.
    row
        A value for each of the table's ``inserted_columns``; null is given as None.
    conflict
        What follows ``on conflict``; none: an error.
    returning
        Columns of the new row to return.

    Returns
    -------
    psycopg.Cursor
        With the number of rows that were added or changed, and the returned one.

    Raises
    ------
    ValueError
        If the row lacks a column, or has one that is not declared or not given at first.
    """
    _require_columns(table, row)
    return connection.execute(_insert(table, conflict, returning), row)


def insert_many(
    connection: psycopg.Connection[Any],
    table: DatabaseTable,
    rows: Iterable[Mapping[str, object]],
    *,
    conflict: str = "",
) -> None:
    """Add many rows in one go; parameters and errors as with `insert`."""
    checked = list(rows)
    for row in checked:
        _require_columns(table, row)
    with connection.cursor() as cursor:
        cursor.executemany(_insert(table, conflict, ""), checked)


def replace_rows(
    connection: psycopg.Connection[Any],
    table: DatabaseTable,
    frame: pl.DataFrame,
    *,
    where: Mapping[str, object],
) -> int:
    """Replace the rows of a table that match ``where`` by those of a frame; return their number.

    Parameters
    ----------
    connection
        In whose transaction.
    table
        The table.
    frame
        The table's ``inserted_columns`` in any order; Decimal and instant columns keep their exact values.
    where
        Column to value, or to a list of values, all of which must hold; every row of ``frame`` must match it.

    Raises
    ------
    ValueError
        If the frame lacks a column, or has one that is not declared or not given at first.
    """
    _require_columns(table, frame.columns)
    conditions = sql.SQL(" and ").join(
        sql.SQL("{} = any({})").format(sql.Identifier(name), sql.Placeholder(name))
        if isinstance(value, list)
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in where.items()
    )
    target = sql.Identifier(table.name)
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("delete from {} where {}").format(target, conditions), dict(where))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(target, columns)) as copy:
            for row in frame.iter_rows():
                copy.write_row(row)
    return frame.height


def _insert(table: DatabaseTable, conflict: str, returning: str) -> bytes:
    columns = table.inserted_columns
    values = ", ".join(f"%({name})s" for name in columns)
    tail = f"{f' on conflict {conflict}' if conflict else ''}{f' returning {returning}' if returning else ''}"
    return f"insert into {table.name} ({', '.join(columns)}) values ({values}){tail}".encode()  # noqa: S608 (declared names)


def _require_columns(table: DatabaseTable, given: Collection[str]) -> None:
    # psycopg itself would not miss a value under a name that the statement does not have
    needed, names = set(table.inserted_columns), set(given)
    if names != needed:
        raise ValueError(
            f"A row of {table.name} has other columns than are declared: "
            f"missing {sorted(needed - names)}, unknown {sorted(names - needed)}"
        )
