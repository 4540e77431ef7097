"""The declarations of the Postgres tables against the schema that the migrations make, and rows written by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import psycopg
import pytest

from resources.database.database import Database
from resources.database.writes import insert, insert_many, replace_rows
from trading_assets.tables.accounts import ACCOUNTS
from trading_assets.tables.orders import TRADING_HALTS
from trading_assets.tables.registry import DATABASE_TABLES, TABLES
from trading_assets.tables.table import JSON

PRODUCT_TABLES = """
select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'
"""
COLUMNS = """
select attname, not attnotnull, atttypid = 'jsonb'::regtype, attidentity <> '',
    not attnotnull or atthasdef or attidentity <> ''
from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum
"""
PRIMARY_KEY = """
select attname from pg_index i, unnest(i.indkey) with ordinality as k (attnum, place), pg_attribute a
where i.indrelid = %s::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = k.attnum order by place
"""
NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
OPENED = {"account": "one", "mode": "sim", "opening_cash_usd": Decimal("100000.000001"), "opened_at": NOW}


def test_every_table_of_the_database_is_declared_and_no_other(fresh_database: Database) -> None:
    assert {name for (name,) in fresh_database.fetch(PRODUCT_TABLES)} == set(DATABASE_TABLES)
    assert not set(DATABASE_TABLES) & set(TABLES), "both are views of the catalogue"


def test_tables_are_declared_as_the_migrations_make_them(fresh_database: Database) -> None:
    for name, table in DATABASE_TABLES.items():
        stored = fresh_database.fetch_polars(f"select * from {name}").schema
        assert list(stored.items()) == list(table.schema.items()), f"columns of {name}: order, types, scales"
        assert tuple(column for (column,) in fresh_database.fetch(PRIMARY_KEY, (name,))) == table.key, name
        for column, nullable, is_json, is_numbered, is_filled_in in fresh_database.fetch(COLUMNS, (name,)):
            declared = table.columns[column]
            assert (declared.nullable, declared.unit == JSON) == (nullable, is_json), f"{name}.{column}"
            assert not (declared.inserted and is_numbered), f"{name}.{column}"
            assert declared.inserted or is_filled_in, f"a new row of {name} needs {column}"


def test_units_are_those_of_the_names() -> None:
    units = {"_usd": "USD", "_at": "UTC", "_frac": "fraction", "_shares": "shares", "_bytes": "bytes"}
    for table in DATABASE_TABLES.values():
        for name, column in table.columns.items():
            for ending, unit in units.items():
                if name.endswith(ending):
                    assert column.unit == unit, f"{table.name}.{name}"


def test_a_row_is_written_under_the_names_of_its_columns(fresh_database: Database) -> None:
    with fresh_database.connection() as connection:
        assert insert(connection, ACCOUNTS, dict(reversed(OPENED.items()))).rowcount == 1
        assert insert(connection, ACCOUNTS, OPENED, conflict="do nothing").rowcount == 0
        halt = {"account": "one", "level": "orders", "reason": "r", "engaged_by": "ann", "engaged_at": NOW}
        numbers = [insert(connection, TRADING_HALTS, halt, returning="halt_id").fetchone() for _ in range(2)]
        insert_many(connection, ACCOUNTS, [{**OPENED, "account": name} for name in ("two", "three")])
    assert fresh_database.fetch("select * from accounts where account = 'one'") == [tuple(OPENED.values())]
    assert [row for row in numbers if row] == fresh_database.fetch(
        "select halt_id from trading_halts order by 1"
    )
    assert fresh_database.fetch("select count(*), max(mode) from accounts") == [(3, "sim")]
    with pytest.raises(psycopg.errors.UniqueViolation), fresh_database.connection() as connection:
        insert(connection, ACCOUNTS, OPENED)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda row: {**row, "equity_usd": Decimal(1)}, id="unknown"),
        pytest.param(lambda row: {k: v for k, v in row.items() if k != "mode"}, id="missing"),
    ],
)
def test_a_row_with_other_columns_than_declared_changes_nothing(
    fresh_database: Database, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    with fresh_database.connection() as connection:
        insert(connection, ACCOUNTS, OPENED)
        for attempt in (
            lambda: insert(connection, ACCOUNTS, change({**OPENED, "account": "two"})),
            lambda: insert_many(connection, ACCOUNTS, [change({**OPENED, "account": "two"})]),
            lambda: replace_rows(
                connection, ACCOUNTS, pl.DataFrame([change(OPENED)]), where={"account": "one"}
            ),
        ):
            with pytest.raises(ValueError, match="A row of accounts has other columns than are declared"):
                attempt()
    assert fresh_database.fetch("select account from accounts") == [("one",)]
