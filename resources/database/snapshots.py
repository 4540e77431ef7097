"""Snapshots: every product table of Postgres as one Parquet file, all of one moment, for SQL on files."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from psycopg import sql

from resources.database.frames import row_schema

if TYPE_CHECKING:
    from resources.database.connections import Connection
    from resources.database.database import Database


def snapshot_tables(
    database: Database, folder: Path, *, only: Collection[str] | None = None
) -> dict[str, int]:
    """Write each product table, or ``only`` some, to ``folder/<table>.parquet``, all as of one moment.

    Each file is replaced at once; files of tables that are gone are removed.

    Returns
    -------
    dict
        Rows written, by table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    with database.advisory_lock("snapshot_tables"), database.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        tables = _tables(connection)
        for table in tables:
            if only is not None and table not in only:
                continue
            frame = _copy_table(connection, table)
            _replace_parquet(frame, folder / f"{table}.parquet")
            rows[table] = frame.height
        for path in folder.glob("*.parquet"):
            if path.stem not in tables:
                path.unlink()
    return rows


def _tables(connection: Connection) -> list[str]:
    found = connection.execute(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' order by 1"
    )
    return [row[0] for row in found.fetchall()]


def _copy_table(connection: Connection, table: str) -> pl.DataFrame:
    # COPY and polars' CSV reader are ten times faster than rows through Python.
    name = sql.Identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from {} limit 0").format(name))
        schema = row_schema(cursor)
        with cursor.copy(sql.SQL("copy {} to stdout (format csv, header, null '\\N')").format(name)) as copy:
            content = b"".join(copy)
    text = pl.read_csv(
        content, schema=dict.fromkeys(schema, pl.String()), null_values="\\N", empty_string_is_null=False
    )
    return text.select(_parsed(column, kind) for column, kind in schema.items())


def _parsed(column: str, kind: pl.DataType) -> pl.Expr:
    text = pl.col(column)
    if isinstance(kind, pl.String):
        return text
    if isinstance(kind, pl.Boolean):
        return text == "t"
    if isinstance(kind, pl.Datetime):
        pattern = "%Y-%m-%d %H:%M:%S%.f%#z" if kind.time_zone else "%Y-%m-%d %H:%M:%S%.f"
        return text.str.to_datetime(pattern, time_unit="us", time_zone=kind.time_zone)
    if isinstance(kind, pl.Date):
        return text.str.to_date("%Y-%m-%d")
    if isinstance(kind, pl.Decimal):
        return text.str.to_decimal(scale=kind.scale).cast(kind)
    return text.cast(kind)


def _replace_parquet(frame: pl.DataFrame, path: Path) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            frame.write_parquet(file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
