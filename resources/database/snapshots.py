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


STATE = "trading_assets.state"
"""Where a file's footer says which state of the table it holds."""
_MADE = """
select c.oid::text || '/' ||
    (select md5(string_agg(concat_ws(' ', attname, atttypid, atttypmod), ',' order by attnum))
     from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped)
from pg_class c where c.oid = %s::regclass
"""


def snapshot_tables(
    database: Database, folder: Path, *, only: Collection[str] | None = None
) -> dict[str, int]:
    """Bring ``folder/<table>.parquet`` up to date with each product table, or ``only`` some, all as of one moment.

    A file whose table has not changed since it was written is left alone; each other is replaced at once. Files of tables
    that are gone are removed.

    Returns
    -------
    dict
        Rows by table.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    with database.advisory_lock("snapshot_tables"), database.connection() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        tables = _tables(connection)
        for table in tables:
            if only is not None and table not in only:
                continue
            state, rows[table] = _state(connection, table)
            file = folder / f"{table}.parquet"
            if _state_of(file) != state:
                _replace_parquet(_copy_table(connection, table), file, state)
        for path in folder.glob("*.parquet"):
            if path.stem not in tables:
                path.unlink()
    return rows


def _state(connection: Connection, table: str) -> tuple[str, int]:
    # The place of a row and the transaction that wrote it there name one version of it, which never changes: the same set of
    # them is the same content. The oid and the columns tell another table of the name.
    versions = sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(ctid::text || '/' || xmin::text, 0)), 0)::text from {}"
    ).format(sql.Identifier(table))
    count, content = connection.execute(versions, prepare=False).fetchone() or (0, "")
    (made,) = connection.execute(_MADE, (table,)).fetchone() or ("",)
    return f"{made}/{count}/{content}", int(count)


def _state_of(file: Path) -> str | None:
    try:
        return pl.read_parquet_metadata(file).get(STATE)
    except (OSError, pl.exceptions.PolarsError):
        return None  # not there, or cut short by a full disk: it is written anew


def _tables(connection: Connection) -> list[str]:
    found = connection.execute(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' order by 1"
    )
    return [row[0] for row in found.fetchall()]


def _copy_table(connection: Connection, table: str) -> pl.DataFrame:
    # COPY and polars' CSV reader are ten times faster than rows through Python.
    name = sql.Identifier(table)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("select * from {} limit 0").format(name), prepare=False)
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


def _replace_parquet(frame: pl.DataFrame, path: Path, state: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            frame.write_parquet(file, compression="zstd", metadata={STATE: state})
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
