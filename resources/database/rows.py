"""Rows of a frame into a Postgres table: what was there under the same condition is replaced, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from psycopg import sql

from resources.database.database import Database


def replace_rows(database: Database, table: str, frame: pl.DataFrame, *, where: Mapping[str, object]) -> int:
    """Replace the rows of ``table`` that match ``where`` by the rows of ``frame``; return their number.

    Parameters
    ----------
    database
        Where the table is.
    table
        Name of the table.
    frame
        Columns of the table by name; Decimal and instant columns keep their exact values.
    where
        Column to value, or to a list of values, all of which must hold; every row of ``frame`` must match it.
    """
    conditions = sql.SQL(" and ").join(
        sql.SQL("{} = any({})").format(sql.Identifier(name), sql.Placeholder(name))
        if isinstance(value, list)
        else sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name, value in where.items()
    )
    target = sql.Identifier(table)
    columns = sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("delete from {} where {}").format(target, conditions), dict(where))
        with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(target, columns)) as copy:
            for row in frame.iter_rows():
                copy.write_row(row)
    return frame.height
