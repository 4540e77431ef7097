"""The catalogue: one small DuckDB file with a view per lake table, a macro per history, and the Postgres snapshots."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import polars as pl

from resources.atomic_files import replace_text
from resources.lake.files import move_into_place
from resources.lake.lake import history_beside
from resources.lake.rows import KNOWN_AT, history_schema
from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS
from trading_assets.tables.registry import (
    DATABASE_TABLES,
    HISTORY,
    SCHEMAS,
    TABLES,
    schema_of,
)
from trading_assets.tables.table import Column, DatabaseTable, Table

CATALOG = "trading.duckdb"
HISTORY_SUFFIX = "_history"
AS_OF_SUFFIX = "_as_of"
ADJUSTED_BARS = "adjusted_bars"
MADE_OF = ".made-of"
"""Ending of the file beside the catalogue that says what it was made of."""
_EXPLAIN = re.compile(r"^explain(\s+analyze)?(\s*\([\w\s,]*\))?(?=\s)", re.IGNORECASE)
_PRAGMA = re.compile(
    r"pragma\s+(database_list|database_size|show_tables|version|table_info\s*\(\s*'\w+'\s*\)|storage_info\s*\(\s*'\w+'\s*\))",
    re.IGNORECASE,
)
_SHOW_TABLES = re.compile(r"show\s+tables\s*;?", re.IGNORECASE)
SHOWN_TABLES = """
select schema_name as schema, view_name as name, comment as rows from duckdb_views()
where not internal and database_name = current_database() and schema_name not in ('history', 'main') order by all
"""
"""What `show tables` shows: the tables by schema, without superseded rows; `show all tables` has everything."""
_QUALIFIED = re.compile(r'(?=\b(\w+)"?\s*\.\s*"?(\w+)\b)')
_QUERIES = {duckdb.StatementType.SELECT, duckdb.StatementType.MULTI}
"""``MULTI`` is a query with a ``pivot`` in it."""
_TYPES: dict[object, str] = {
    pl.String: "varchar",
    pl.Date: "date",
    pl.Boolean: "boolean",
    pl.Float64: "double",
    pl.Float32: "float",
    pl.Int64: "bigint",
    pl.Int32: "integer",
    pl.Int16: "smallint",
    pl.Datetime: "timestamptz",
}


def catalog_of(settings: Settings) -> Path:
    """Bring the catalogue of an installation up to date, and return its path.

    It names the folders that it reads. In a data folder that was copied or moved it would go on reading the old ones.
    """
    path, lake = settings.data / CATALOG, settings.lake_root
    write_catalog(path, lake, history_beside(lake), snapshot_folder(settings))
    return path


def snapshot_folder(settings: Settings) -> Path:
    """Return the folder with the snapshots of an installation's Postgres tables."""
    return settings.data / "lake_postgres"


def write_catalog(
    path: Path,
    lake_root: Path,
    history_root: Path,
    snapshot_folder: Path,
    *,
    tables: Iterable[Table] = tuple(TABLES.values()),
    database_tables: Iterable[DatabaseTable] = tuple(DATABASE_TABLES.values()),
) -> bool:
    """Create or replace the DuckDB file; say whether it had to be written.

    A table without any file yet gets an empty view with the right types, so the catalogue is to be written again once the
    lake has its first files of a table, or Postgres another column. Only what changed is made anew; as long as the file would
    say the same it is left alone.
    Whoever has the old file open keeps it.

    Parameters
    ----------
    path
        The DuckDB file, e.g. ``data/trading.duckdb``.
    lake_root, history_root
        Folders of the current and of the superseded rows.
    snapshot_folder
        Folder with one ``<table>.parquet`` for each Postgres table.
    tables, database_tables
        Tables of the lake and of Postgres; all of them unless given. A file of another Postgres table gets a view too,
        without comments.
    """
    folders = [folder.resolve() for folder in (lake_root, history_root, snapshot_folder)]
    made = dict(_statements(tables, database_tables, *folders))
    prints = {name: _fingerprint(text) for name, text in made.items()}
    before = _made_before(path, folders)
    if before == prints:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if before:
            shutil.copyfile(path, fresh)
        with duckdb.connect(str(fresh)) as connection:
            gone = [_drop(name) for name in before if name not in made]
            changed = [text for name, text in made.items() if before.get(name) != prints[name]]
            schemas = [f"create schema if not exists {name}" for name in SCHEMAS]
            connection.execute(";\n".join(["begin", *schemas, *gone, *changed, "commit"]))
        mark = _file_mark(fresh, folders)
        move_into_place(fresh, path)
        # cut off before it, the next call writes everything once more
        replace_text(path.with_suffix(MADE_OF), json.dumps({**mark, "made": prints}))
    finally:
        with suppress(FileNotFoundError):
            fresh.unlink()
    return True


def _fingerprint(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _made_before(path: Path, folders: Sequence[Path]) -> dict[str, str]:
    """Return the fingerprint of each part of this very file; nothing if it is a copy, or another DuckDB's."""
    said = _said_of(path)
    is_its = path.exists() and said.items() >= _file_mark(path, folders).items()
    return dict(said.get("made", {})) if is_its else {}


def _said_of(path: Path) -> dict[str, Any]:
    """Return what the file beside the catalogue says of it; nothing if there is none, or one of another version."""
    try:
        said = json.loads(path.with_suffix(MADE_OF).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _file_mark(path: Path, folders: Sequence[Path]) -> dict[str, Any]:
    written = path.stat().st_mtime_ns
    return {"duckdb": duckdb.__version__, "written_ns": written, "folders": [*map(str, folders)]}


def _drop(name: str) -> str:
    schema, _, view = name.rpartition(".")
    views = [f"drop view if exists {_name(schema)}.{_name(view)}"] if schema else []
    return "; ".join(
        [*views, f"drop view if exists {_name(view)}", f"drop macro table if exists {_name(view)}"]
    )


def _statements(
    tables: Iterable[Table],
    database_tables: Iterable[DatabaseTable],
    lake_root: Path,
    history_root: Path,
    snapshot_folder: Path,
) -> Iterator[tuple[str, str]]:
    """Yield each view and macro of the catalogue with what makes it; whatever it depends on is in the text."""
    tables = list(tables)
    for table in tables:
        yield from _table_statements(table, lake_root, history_root)
    if DAILY_BARS in tables and CORPORATE_ACTIONS in tables:
        yield ADJUSTED_BARS, _adjusted_bars("create or replace macro", None)
    declared = {table.name: table for table in database_tables}
    taken = {file.stem: file for file in snapshot_folder.glob("*.parquet")}
    for name in sorted({*declared, *taken}):
        yield _in_schema(name, _snapshot_statement(name, declared.get(name), taken.get(name)))


def connect(
    path: Path, *, as_of: datetime | None = None, folders: Sequence[Path] = ()
) -> duckdb.DuckDBPyConnection:
    """Open the catalogue for reading, with times shown in UTC.

    No other file can be read than those of the lake and the snapshots, no extension loaded, no setting changed.

    Parameters
    ----------
    path
        The DuckDB file that ``write_catalog`` wrote.
    as_of
        Instant: every table that keeps a history is then seen under its own name as it was known at that
        instant. Tables without a history show their current rows.
    folders
        Further folders whose files may be read.

    Raises
    ------
    ConfigurationError
        If there is no catalogue yet, or ``as_of`` has no time zone.
    """
    if not path.exists():
        raise ConfigurationError("There is no catalogue yet: run `trading-assets run` first", path=path)
    if as_of is not None and as_of.tzinfo is None:
        raise ConfigurationError("The instant needs a time zone, e.g. 2026-01-30T21:00:00Z", as_of=as_of)
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set timezone = 'UTC'")
    if _has_schemas(connection):  # the file of an earlier version has all of it in one
        connection.execute(f"set search_path = '{','.join((*SCHEMAS, 'main'))}'")
    allowed = [*_said_of(path).get("folders", []), *(str(folder.resolve()) for folder in folders)]
    connection.execute(f"set allowed_directories = [{', '.join(map(_literal, allowed))}]")
    connection.execute("set enable_external_access = false")
    if as_of is not None:
        instant = _literal(as_of.astimezone(UTC).isoformat())
        macros = connection.execute(
            "select function_name from duckdb_functions() where function_type = 'table_macro'"
            " and database_name = current_database() and function_name like '%\\_as\\_of' escape '\\'"
        ).fetchall()
        for (macro,) in macros:
            name = _name(macro.removesuffix(AS_OF_SUFFIX))
            shadow = f"create temp view {name} as select * from {_name(macro)}({instant})"  # noqa: S608 (quoted names)
            connection.execute(shadow)
            if macro == DAILY_BARS.name + AS_OF_SUFFIX:
                connection.execute(_adjusted_bars("create temp macro", instant))
    connection.execute("set lock_configuration = true")
    return connection


def query(
    path: Path, sql: str, *, as_of: datetime | None = None, folders: Sequence[Path] = ()
) -> pl.DataFrame:
    """Run one SQL statement that reads, and return its rows; see ``connect`` for ``as_of`` and ``folders``.

    Raises
    ------
    ConfigurationError
        If DuckDB does not understand the statement, with DuckDB's explanation; if it may not read a file; if the statement
        does anything but read, or is not one.
    """
    with connect(path, as_of=as_of, folders=folders) as connection:
        try:
            _require_reading(connection, sql)
            if as_of is not None:
                _require_plain_names(sql)
            relation = connection.sql(SHOWN_TABLES if _SHOW_TABLES.fullmatch(sql.strip()) else sql)
            rows: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
        except duckdb.ProgrammingError as error:
            raise ConfigurationError(f"{error}{_hint(str(error))}") from error
        except duckdb.PermissionException as error:
            raise ConfigurationError(
                f"{error}\nOnly the product's own files are read; name the folder of others with --read DIR"
            ) from error
        return rows


def _require_reading(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Let through what can only read.

    The folders that may be read may be written to as well, as far as DuckDB goes, and what kind of a statement one is does
    not tell: EXPLAIN, PRAGMA and PIVOT may be wrapped around a COPY. What stands within ``from (...)`` can only be a query.
    """
    if len(connection.extract_statements(sql)) > 1:
        raise ConfigurationError("One statement at a time")
    statement = sql.strip().rstrip(";").rstrip()
    if not statement or _PRAGMA.fullmatch(statement):
        return
    inner = _EXPLAIN.sub("", statement)
    try:
        kinds = [found.type for found in connection.extract_statements(f"from (\n{inner}\n)")]
    except duckdb.ProgrammingError:
        kinds = []
    if len(kinds) != 1 or kinds[0] not in _QUERIES:
        raise ConfigurationError(
            "Only statements that read are run here: select, describe, summarize, show, explain. Results are written with "
            "--out FILE"
        )


def _require_plain_names(sql: str) -> None:
    """Refuse a table that keeps its history under the name of its schema: that one is not read as of an instant."""
    for schema, name in _QUALIFIED.findall(sql):
        if schema.lower() in {schema_of(name.lower()), "main"} and name.lower() in TABLES:
            raise ConfigurationError(
                f"{schema}.{name} is the table of now: write {name} alone, which is read as of the instant"
            )


def _has_schemas(connection: duckdb.DuckDBPyConnection) -> bool:
    asked = (
        "select count(*) from duckdb_schemas() where database_name = current_database() and schema_name = ?"
    )
    return connection.execute(asked, [HISTORY]).fetchall() == [(1,)]


def without_history(sql: str) -> list[str]:
    """List the tables that a statement names and that keep no history: as of an instant they show their current rows."""
    words = set(re.findall(r"\w+", sql.lower()))
    unversioned = {name for name, table in TABLES.items() if not table.versioned}
    return sorted(words & {*unversioned, *DATABASE_TABLES})


def _hint(complaint: str) -> str:
    if re.search(r'Referenced column "[^"]*" not found', complaint):
        return "\nText is written in single quotes, e.g. symbol = 'SPY'; `describe daily_bars` lists the columns of a table."
    missing = re.search(
        r"(?:Table|Macro|Function) .*?name \"?(\w+?)(?:_history|_as_of)?\"? does not exist", complaint
    )
    if missing is None:
        return ""
    name = missing[1]
    if name in {*TABLES, ADJUSTED_BARS} and (name == ADJUSTED_BARS or TABLES[name].versioned):
        return f"\nThe catalogue is older than {name}: `trading-assets run` writes it anew."
    if name in {*TABLES, *DATABASE_TABLES}:
        return f"\n{name} keeps no history: ask for the table itself, or write the catalogue anew with `trading-assets run`."
    return "\n`show tables` lists the tables."


def _table_statements(table: Table, lake_root: Path, history_root: Path) -> Iterator[tuple[str, str]]:
    current = _rows(table.schema, lake_root / table.name)
    yield _in_schema(
        table.name, _view(f"{schema_of(table.name)}.{table.name}", current, table.grain, table.columns)
    )
    if not table.versioned:
        return
    superseded = _rows(history_schema(table), history_root / table.name)
    version = ", ".join(map(_name, (*table.key, KNOWN_AT)))
    past = _template("history").format(superseded=superseded, current=current, version=version)
    history = f"{table.name}{HISTORY_SUFFIX}"
    grain = f"Superseded rows of {table.name}, each valid from known_at until superseded_at"
    yield f"{HISTORY}.{history}", _view(f"{HISTORY}.{history}", past, grain, table.columns)
    then = _template("as_of").format(
        superseded=superseded, current=current, key=", ".join(map(_name, table.key))
    )
    # The macro names files, not the view, so that a session may put it in the view's place
    macro = table.name + AS_OF_SUFFIX
    yield macro, f"create or replace macro {_name(macro)}(instant) as table {then}"


def _snapshot_statement(name: str, table: DatabaseTable | None, file: Path | None) -> str:
    view = f"{schema_of(name)}.{name}"
    schema = pl.Schema(pl.read_parquet_schema(file)) if file else table.schema if table else pl.Schema()
    columns = ", ".join(f"{column} {kind}" for column, kind in schema.items())
    rows = _template("snapshot").format(files=_literal(str(file))) if file else _empty(schema)
    rows = f"{rows} /* {columns.replace('*/', '')} */"
    if table is None:
        return _view(view, rows, "", {})
    # a snapshot from before a migration has the columns of its time
    there = {column: said for column, said in table.columns.items() if column in schema}
    return _view(view, rows, table.grain, there)


def _in_schema(name: str, statements: str) -> tuple[str, str]:
    """Return the full name of a table's view and what makes it: there, and under the plain name for whoever opens the file."""
    full = f"{schema_of(name)}.{name}"
    plain = f"create or replace view main.{_name(name)} as from {_full_name(full)}"
    return full, f"{statements};\n{plain}"


def _view(name: str, rows: str, meaning: str, columns: Mapping[str, Column]) -> str:
    view = _full_name(name)
    statements = [f"create or replace view {view} as {rows}"]
    if meaning:
        statements.append(f"comment on view {view} is {_literal(meaning)}")
    statements += [
        f"comment on column {view}.{_name(column)} is {_literal(said.meaning)}"
        for column, said in columns.items()
    ]
    return ";\n".join(statements)


def _full_name(name: str) -> str:
    return ".".join(map(_name, name.split(".")))


def _adjusted_bars(create: str, instant: str | None) -> str:
    bars, actions = (_name(table.name + AS_OF_SUFFIX) for table in (DAILY_BARS, CORPORATE_ACTIONS))
    parameters = f"as_of := {instant or 'null'}, seen_from := null, adjust := 'all'"
    body = _template(ADJUSTED_BARS).format(bars=bars, actions=actions)
    return f"{create} {_name(ADJUSTED_BARS)}({parameters}) as table {body}"


def _rows(schema: pl.Schema, folder: Path) -> str:
    empty = _empty(schema)
    if next(folder.glob("year=*/part=*/data.parquet"), None) is None:
        return empty
    files = _literal(f"{folder}/**/*.parquet")
    return _template("current").format(columns=", ".join(map(_name, schema)), empty=empty, files=files)


def _empty(schema: pl.Schema) -> str:
    nulls = (f"null::{_type(dtype)} as {_name(name)}" for name, dtype in schema.items())
    return _template("empty").format(columns=", ".join(nulls))


def _type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision}, {dtype.scale})"
    return _TYPES[dtype.base_type()]


def _template(name: str) -> str:
    lines = files("data").joinpath("views", f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
