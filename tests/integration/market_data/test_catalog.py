"""The DuckDB catalogue: what a user with nothing but the file sees, now and as of an instant."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from resources.lake.catalog import catalog_of, connect, query, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings
from trading_assets.tables.accounts import POSITIONS
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE
from trading_assets.tables.registry import DATABASE_TABLES, TABLES, schema_of
from trading_assets.tables.table import Table

JUNE, JULY = date(2016, 6, 30), date(2016, 7, 1)
NOW = datetime(2016, 7, 1, 21, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
CLOSES = "select symbol, session, close from daily_bars order by all"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    return tmp_path / "trading.duckdb"


def refresh(catalog: Path, lake: Lake) -> None:
    write_catalog(catalog, lake.root, lake.history_root, catalog.parent / "lake_postgres")


def bars(session: date, closes: dict[str, float]) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in DAILY_BARS.schema.items() if name != "known_at"}
    rows = [
        (symbol, session, *[close] * 4, 5.0, None, None, "polygon", 1, 0.0, None, "one")
        for symbol, close in closes.items()
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_before_any_data_every_table_is_there_empty_and_typed(catalog: Path, lake: Lake) -> None:
    refresh(catalog, lake)
    for table in TABLES.values():
        empty = query(catalog, f"select * from {table.name}", as_of=NOW)
        assert empty.is_empty()
        assert empty.schema == table.schema
    assert query(catalog, "select superseded_at from daily_bars_history").schema == {
        "superseded_at": pl.Datetime("us", "UTC")
    }
    for declared in DATABASE_TABLES.values():
        empty = query(catalog, f"select * from {declared.name}", as_of=NOW)
        assert empty.is_empty()
        assert empty.schema == declared.schema


def test_views_show_the_rows_of_the_lake_and_say_what_they_mean(catalog: Path, lake: Lake) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0, "B": 2.0}), [JUNE], known_at=NOW)
    refresh(catalog, lake)
    shown = query(catalog, "select * from daily_bars order by symbol")
    assert shown.equals(lake.scan(DAILY_BARS).collect())
    lake.write_sessions(DAILY_BARS, bars(JULY, {"A": 3.0}), [JULY], known_at=NOW)
    assert query(catalog, "select count(*) from daily_bars").item() == 3
    meaning = "select comment from duckdb_columns() where table_name = 'daily_bars' and schema_name = 'market' and column_name = 'close'"
    assert query(catalog, meaning).item() == "Last trade, raw (not adjusted for anything) [USD]"
    grain = "select comment from duckdb_views() where view_name = 'daily_bars' and schema_name = 'market'"
    assert query(catalog, grain).item() == DAILY_BARS.grain


def test_macros_and_shadowed_names_show_the_rows_known_at_an_instant(catalog: Path, lake: Lake) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0, "B": 2.0}), [JUNE], known_at=NOW)
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 9.0, "C": 4.0}), [JUNE], known_at=LATER)
    features = pl.DataFrame([{"symbol": "A", "session": JUNE, "rsi_14": 30.0}], schema=DAILY_FEATURES.schema)
    lake.write_sessions(DAILY_FEATURES, features, [JUNE], known_at=LATER)
    refresh(catalog, lake)
    was, now = [("A", JUNE, 1.0), ("B", JUNE, 2.0)], [("A", JUNE, 9.0), ("C", JUNE, 4.0)]
    for instant, rows in ((NOW, was), (LATER - timedelta(microseconds=1), was), (LATER, now)):
        assert query(catalog, CLOSES, as_of=instant).rows() == rows
        macro = CLOSES.replace("daily_bars", f"daily_bars_as_of('{instant.isoformat()}')")
        assert query(catalog, macro).rows() == rows
    assert query(catalog, CLOSES).rows() == now
    assert query(catalog, CLOSES, as_of=NOW - timedelta(days=1)).is_empty()
    joined = "select b.close, rsi_14 from daily_bars b join daily_features using (symbol, session)"
    assert query(catalog, joined, as_of=NOW.astimezone()).rows() == [(1.0, 30.0)]
    history = "select symbol, superseded_at from daily_bars_history order by symbol"
    assert query(catalog, history).rows() == [("A", LATER), ("B", LATER)]


def test_tables_are_listed_by_schema_without_their_histories(catalog: Path, lake: Lake) -> None:
    refresh(catalog, lake)
    listed = query(catalog, "show tables")
    assert {name: schema for schema, name, _ in listed.rows()} == {
        name: schema_of(name) for name in (*TABLES, *DATABASE_TABLES)
    }
    assert listed.height == len(TABLES) + len(DATABASE_TABLES)
    assert query(catalog, "SHOW TABLES;", as_of=NOW).equals(listed)
    everything = query(catalog, "show all tables")
    assert "daily_bars_history" in everything.filter(pl.col("schema") == "history")["name"].to_list()
    for name in ("daily_bars", "market.daily_bars", "daily_bars_history", "history.daily_bars_history"):
        assert query(catalog, f"select count(*) from {name}").item() == 0
    with duckdb.connect(str(catalog), read_only=True) as plain:  # as anybody's DuckDB opens it
        names = {name for (name,) in plain.execute("show tables").fetchall()}
        assert names == {*TABLES, *DATABASE_TABLES}
        for name in ("positions", "books.positions", "daily_bars_as_of('2016-07-01')"):
            assert plain.execute(f"select count(*) from {name}").fetchone() == (0,)


@pytest.mark.parametrize(
    "name",
    [
        "market.daily_bars",
        'MARKET . "daily_bars"',
        '"market".daily_bars',
        "trading.market.daily_bars",
        "main.daily_bars",
    ],
)
def test_as_of_an_instant_a_table_of_now_is_not_read_by_its_full_name(
    catalog: Path, lake: Lake, name: str
) -> None:
    refresh(catalog, lake)
    assert query(catalog, f"select close from {name}").is_empty()
    with pytest.raises(ConfigurationError, match="write daily_bars alone"):
        query(catalog, f"select close from {name}", as_of=NOW)
    aliased = "select market.close from daily_bars market"
    assert query(catalog, aliased, as_of=NOW).is_empty()


def test_a_catalogue_of_an_earlier_version_is_read_and_then_made_anew(catalog: Path, lake: Lake) -> None:
    with duckdb.connect(str(catalog)) as earlier:
        earlier.execute("create view daily_bars as select 1.5 as close")
        earlier.execute("create view daily_bars_history as select 2.5 as close")
    assert query(catalog, "select close from daily_bars").item() == 1.5
    refresh(catalog, lake)
    assert query(catalog, "select count(*) from daily_bars").item() == 0
    assert query(catalog, "select count(*) from market.daily_bars").item() == 0


def test_postgres_snapshots_appear_as_tables_and_join_with_the_lake(catalog: Path, lake: Lake) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    folder = catalog.parent / "lake_postgres"
    folder.mkdir()
    pl.DataFrame({"symbol": ["A"], "quantity": [7]}).write_parquet(folder / "positions.parquet")
    refresh(catalog, lake)
    assert (
        query(catalog, "select quantity * close from positions join daily_bars using (symbol)").item() == 7.0
    )
    said = "select column_name, comment from duckdb_columns() where table_name = 'positions' and schema_name = 'books' order by 1"
    assert query(catalog, said).rows() == [
        ("quantity", "Shares held; negative when short [shares]"),
        ("symbol", POSITIONS.columns["symbol"].description),
    ]


def test_a_reader_keeps_the_catalogue_that_it_opened_while_it_is_replaced(catalog: Path, lake: Lake) -> None:
    refresh(catalog, lake)
    with connect(catalog) as reader:
        lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
        refresh(catalog, lake)
        assert reader.execute("select count(*) from daily_bars").fetchone() == (0,)
    assert query(catalog, "select count(*) from daily_bars").item() == 1
    assert [path.name for path in catalog.parent.iterdir() if "duckdb" in path.name] == ["trading.duckdb"]


def test_only_what_changed_is_made_anew_and_the_result_is_that_of_a_new_file(
    catalog: Path, lake: Lake, tmp_path: Path
) -> None:
    snapshots = tmp_path / "lake_postgres"
    snapshots.mkdir()
    snapshot = pl.DataFrame({"symbol": ["A"], "quantity": [7]})
    for name in ("positions", "removed_since"):
        snapshot.write_parquet(snapshots / f"{name}.parquet")
    refresh(catalog, lake)
    written = catalog.stat()
    with duckdb.connect(str(catalog)) as connection:
        connection.execute("comment on view market.universe is 'left alone'")
    os.utime(catalog, ns=(written.st_atime_ns, written.st_mtime_ns))

    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 2.0}), [JUNE], known_at=LATER)
    snapshot.with_columns(reason=pl.lit("new")).write_parquet(snapshots / "positions.parquet")
    (snapshots / "removed_since.parquet").unlink()
    refresh(catalog, lake)
    assert query(catalog, CLOSES).rows() == [("A", JUNE, 2.0)]
    universe = "select comment from duckdb_views() where view_name = 'universe' and schema_name = 'market'"
    assert query(catalog, universe).item() == "left alone"

    def content(path: Path) -> list[list[tuple[object, ...]]]:
        asked = (
            "select schema_name, view_name, sql from duckdb_views() where not internal order by all",
            "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() where not internal order by all",
            "select function_name, parameters, macro_definition from duckdb_functions() where not internal order by all",
        )
        return [query(path, sql).rows() for sql in asked]

    anew = tmp_path / "anew.duckdb"
    write_catalog(anew, lake.root, lake.history_root, snapshots)
    assert content(catalog) == content(anew)
    os.utime(catalog)  # whoever wrote it was not us
    refresh(catalog, lake)
    assert query(catalog, universe).item() == UNIVERSE.grain


def test_a_copied_data_folder_is_read_where_it_is(tmp_path: Path) -> None:
    original, copied = (Settings(_env_file=None, data=tmp_path / name) for name in ("original", "copied"))
    Lake(original.lake_root, FileLocks(tmp_path / "locks")).write_sessions(
        DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW
    )
    assert query(catalog_of(original), CLOSES).rows() == [("A", JUNE, 1.0)]
    shutil.copytree(original.data, copied.data)
    Lake(copied.lake_root, FileLocks(tmp_path / "locks")).write_sessions(
        DAILY_BARS, bars(JULY, {"A": 2.0}), [JULY], known_at=LATER
    )
    assert query(catalog_of(copied), CLOSES).rows() == [("A", JUNE, 1.0), ("A", JULY, 2.0)]
    assert query(catalog_of(original), CLOSES).rows() == [("A", JUNE, 1.0)]
    shutil.rmtree(original.data)
    assert query(catalog_of(copied), f"select count(*) from ({CLOSES})").item() == 2


@pytest.mark.parametrize(
    "statement",
    [
        "copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "explain analyze copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "/* x */ explain analyze copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "explain (analyze /* ) select 1 -- */) copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "explain (analyze \") select 1 /*\") copy (select 1) to '{lake}/evil.parquet' (format parquet) --*/",
        "explain analyze -- \n copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "copy (pivot (select 1 a, 2 b) on a using sum(b)) to '{lake}/evil.parquet' (format parquet)",
        "create temp table t as pivot (select 1 a, 2 b) on a using sum(b)",
        "import database '{lake}'",
        "select 1) t; copy (select 1) to '{lake}/evil.parquet' (format parquet); from (select 1",
        "copy (select 1) to '{beside}/evil.csv'",
        "export database '{lake}/evil'",
        "select 1; copy (select 1) to '{lake}/evil.parquet' (format parquet)",
        "select * from read_text('{beside}/secret.txt')",
        "select * from '{beside}/secret.txt'",
        "select * from read_csv('{lake}/../secret.txt')",
        "select * from glob('{beside}/*')",
        "attach '{beside}/other.duckdb'",
        "set enable_external_access = true",
        "pragma threads = 1",
        "install httpfs",
        "load httpfs",
        "create temp table t as select 1",
        "call checkpoint()",
    ],
)
def test_a_statement_reads_the_products_tables_and_nothing_else(
    catalog: Path, lake: Lake, tmp_path: Path, statement: str
) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    refresh(catalog, lake)
    (tmp_path / "secret.txt").write_text("secret")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with pytest.raises(
        ConfigurationError,
        match=r"statements that read|One statement|Permission|secret.txt does not exist|Parser Error",
    ):
        query(catalog, statement.format(lake=lake.root, beside=tmp_path))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    for reads in (
        "explain analyze from daily_bars",
        "explain (format json) select 1;",
        "-- what is there\nshow tables",
        "describe daily_bars",
        "summarize daily_bars",
        "values (1)",
        "with a as (select 1) from a",
        "pragma table_info('daily_bars')",
    ):
        assert query(catalog, reads).height
    pivot = "pivot daily_bars on symbol using first(close) group by session"
    assert query(catalog, pivot).rows() == [(JUNE, 1.0)]


def test_files_of_a_named_folder_may_be_read_too(catalog: Path, lake: Lake, tmp_path: Path) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    refresh(catalog, lake)
    named = tmp_path / "mine"
    named.mkdir()
    (named / "wanted.csv").write_text("symbol,wanted\nA,7\n")
    joined = f"select symbol, close, wanted from daily_bars join '{named}/wanted.csv' using (symbol)"
    assert query(catalog, joined, folders=[named]).rows() == [("A", 1.0, 7)]
    with pytest.raises(ConfigurationError, match="--read DIR"):
        query(catalog, joined)


def test_the_file_alone_serves_another_program_read_only(catalog: Path, lake: Lake, tmp_path: Path) -> None:
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    refresh(catalog, lake)
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('select close from daily_bars').fetchall())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(catalog)], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[(1.0,)]", done.stderr
    assert catalog.stat().st_size < 1_000_000
    with pytest.raises(duckdb.Error, match="read-only"), connect(catalog) as reader:
        reader.execute("drop view daily_bars")


def test_files_written_before_a_column_was_added_show_null_in_it_until_their_part_is_written_again(
    catalog: Path, lake: Lake
) -> None:
    added = ("listed_date", "market_cap_usd")
    columns = {name: column for name, column in UNIVERSE.columns.items() if name not in added}
    before = replace(UNIVERSE, columns=columns)

    def listed(table: Table, session: date, status: str, **values: object) -> pl.DataFrame:
        row = {
            "symbol": "A",
            "session": session,
            "status": status,
            "snapshot_session": session,
            "batch_id": "one",
        }
        schema = {name: dtype for name, dtype in table.schema.items() if name != "known_at"}
        return pl.DataFrame([row | values], schema=schema)

    for at, status in ((NOW, "active"), (LATER, "delisted")):
        lake.write_sessions(before, listed(before, JUNE, status), [JUNE], known_at=at)
    refresh(catalog, lake)
    rows = "select symbol, session, status, listed_date, market_cap_usd from {} order by session"
    was, now = ("A", JUNE, "active", None, None), ("A", JUNE, "delisted", None, None)

    def read(source: str, at: datetime | None = None) -> list[tuple[object, ...]]:
        return query(catalog, rows.format(source), as_of=at).rows()

    assert (read("universe"), read("universe", NOW), read("universe_history")) == ([now], [was], [was])
    assert read(f"universe_as_of('{NOW.isoformat()}')") == [was]
    assert lake.scan(UNIVERSE, as_of=NOW).collect().schema == UNIVERSE.schema
    assert lake.history(UNIVERSE).collect()["listed_date"].to_list() == [None]

    new = ("A", JULY, "active", date(1999, 1, 4), 5.0)
    frame = listed(UNIVERSE, JULY, "active", listed_date=new[3], market_cap_usd=new[4])
    lake.write_sessions(UNIVERSE, frame, [JULY], known_at=LATER)
    assert read("universe") == [now, new], "a view that was made before the column shows it at once"
    assert lake.scan(UNIVERSE, symbols=["A"]).sort("session").collect()["market_cap_usd"].to_list() == [
        None,
        5.0,
    ]

    same = lake.write_sessions(UNIVERSE, listed(UNIVERSE, JUNE, "delisted"), [JUNE], known_at=LATER)
    assert (same.unchanged, same.changed) == (1, 0), "null in a new column is no new version"
    assert "listed_date" in pl.read_parquet_schema(lake.root / "universe/year=2016/part=06/data.parquet")
    known = listed(UNIVERSE, JUNE, "delisted", listed_date=new[3])
    filled = lake.write_sessions(UNIVERSE, known, [JUNE], known_at=LATER + timedelta(hours=1))
    assert filled.changed == 1
    assert read("universe", LATER) == [now, new]
    assert read("universe") == [(*now[:3], new[3], None), new]


def test_paths_with_quotes_and_spaces_are_only_text(tmp_path: Path) -> None:
    folder = tmp_path / "trader's lake"
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    lake.write_sessions(DAILY_BARS, bars(JUNE, {"A": 1.0}), [JUNE], known_at=NOW)
    refresh(folder / "trading.duckdb", lake)
    assert query(folder / "trading.duckdb", CLOSES, as_of=NOW).rows() == [("A", JUNE, 1.0)]


def test_wrong_use_is_explained(catalog: Path, lake: Lake) -> None:
    with pytest.raises(ConfigurationError, match="no catalogue yet"):
        query(catalog, "select 1")
    refresh(catalog, lake)
    with pytest.raises(ConfigurationError, match="needs a time zone"):
        query(catalog, "select 1", as_of=NOW.replace(tzinfo=None))
    with pytest.raises(ConfigurationError, match=r"(?s)daily_bar.*Did you mean"):
        query(catalog, "select * from daily_bar")
    assert query(catalog, "").is_empty()
