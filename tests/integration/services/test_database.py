"""The product's database: transactions, frames with stable types, locks between processes, migrations, snapshots."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.database import migrations
from resources.database.database import Database
from resources.database.frames import query_frame
from resources.database.migrations import migrate
from resources.database.server import PostgresEndpoint, postgres_for
from resources.database.snapshots import snapshot_tables
from trading_assets.errors import ConfigurationError, ServiceError, TransientError, UnknownOutcomeError
from trading_assets.settings import load_settings

LOCK_HOLDER = """
import sys
from resources.database.database import Database
with Database(sys.argv[1]) as database, database.advisory_lock("part"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory) -> PostgresEndpoint:
    with postgres_for(load_settings(env_file=None, data=tmp_path_factory.mktemp("data"))) as endpoint:
        yield endpoint


@pytest.fixture
def url(endpoint) -> str:
    """An empty database of its own."""
    with psycopg.connect(endpoint.url("dagster", None), autocommit=True) as connection:
        connection.execute("drop database if exists trading with (force)")
        connection.execute("create database trading")
    return endpoint.url()


@pytest.fixture
def database(url) -> Database:
    with Database(url) as database:
        yield database


def test_a_block_is_one_transaction(database):
    database.execute("create table t (n int primary key)")
    with database.connection() as connection:
        connection.execute("insert into t values (1)")
    with pytest.raises(psycopg.errors.UniqueViolation), database.connection() as connection:  # noqa: PT012 (the second statement fails the first)
        connection.execute("insert into t values (2)")
        connection.execute("insert into t values (1)")
    with pytest.raises(ZeroDivisionError), database.connection() as connection:  # noqa: PT012 (the same)
        connection.execute("insert into t values (3)")
        raise ZeroDivisionError
    assert database.fetch("select n from t") == [(1,)]


def test_instants_come_as_utc_whatever_the_zone_of_the_server(endpoint, url):
    with psycopg.connect(endpoint.url("dagster", None), autocommit=True) as connection:
        connection.execute("alter database trading set timezone to 'Asia/Kolkata'")
    with Database(url) as database:
        (instant,) = database.fetch("select timestamptz '2024-07-01 12:00+00'")[0]
        assert (instant.utcoffset().total_seconds(), instant.hour) == (0, 12)


def test_frames_have_the_same_types_with_rows_without_and_with_nulls_alone(database):
    query = """select 1::int8 as i, 2.5::float8 as f, 1.25::numeric(20,9) as d, sum(x) as total, 'a' as s, true as b,
        date '2024-01-02' as day, timestamptz '2024-01-02 15:00-05' as at, '{"k": [1]}'::jsonb as j, array['x', 'y'] as names,
        '\\x00ff'::bytea as raw, null::numeric(20,6) as nothing from (values (1.5::numeric), (2.5)) v (x) where %s group by x order by x"""
    full, empty = database.fetch_polars(query, (True,)), database.fetch_polars(query, (False,))
    assert full.schema == empty.schema
    assert full.schema == {
        "i": pl.Int64(), "f": pl.Float64(), "d": pl.Decimal(20, 9), "total": pl.Decimal(38, 18), "s": pl.String(),
        "b": pl.Boolean(), "day": pl.Date(), "at": pl.Datetime("us", "UTC"), "j": pl.String(),
        "names": pl.List(pl.String()), "raw": pl.Binary(), "nothing": pl.Decimal(20, 6),
    }  # fmt: skip
    assert full.height == 2
    assert full.row(1) == (
        1, 2.5, Decimal("1.25"), Decimal("2.5"), "a", True, date(2024, 1, 2), datetime(2024, 1, 2, 20, tzinfo=UTC),
        '{"k": [1]}', ["x", "y"], b"\x00\xff", None,
    )  # fmt: skip


def test_a_lock_is_held_against_other_processes_until_its_holder_ends_or_is_killed(database, url, start_user):
    holder = start_user(LOCK_HOLDER, url)
    assert holder.says() == "held"
    with database.try_advisory_lock("part") as is_ours:
        assert not is_ours
    with (
        pytest.raises(TransientError, match="Another process holds the lock"),
        database.advisory_lock("part", wait_seconds=0.1),
    ):
        pass
    with database.advisory_lock("another part"):
        holder.kill()
    with database.advisory_lock("part", wait_seconds=10), database.try_advisory_lock("part") as is_ours:
        assert not is_ours, "it is not shared between two users in one process either"
    with database.try_advisory_lock("part") as is_ours:
        assert is_ours


def test_threads_take_turns_under_a_lock(database):
    inside, most = [], []

    def work(_: int) -> None:
        with database.advisory_lock("turn"):
            inside.append(1)
            most.append(len(inside))
            database.fetch("select pg_sleep(0.01)")
            inside.pop()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    assert most == [1] * 12


def test_losing_the_connection_of_a_lock_is_reported_to_its_holder(database):
    def end_other_sessions() -> None:
        database.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")

    with pytest.raises(TransientError, match="lock was lost"), database.advisory_lock("part"):
        end_other_sessions()
    assert database.fetch("select 1") == [(1,)]


def test_a_broken_transaction_is_transient_and_a_broken_commit_unknown(database):
    database.execute("create table t (n int)")
    with pytest.raises(TransientError, match="nothing of it was stored"), database.connection() as connection:  # noqa: PT012 (it breaks inside)
        database.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        connection.execute("insert into t values (1)")
    with pytest.raises(UnknownOutcomeError, match="read the rows again"), database.connection() as connection:  # noqa: PT012 (it breaks at the end)
        connection.execute("insert into t values (1)")
        database.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
    assert database.fetch("select * from t") == []


def test_a_pooled_connection_that_died_in_the_meantime_is_replaced(database):
    with database.connection() as connection:
        number = connection.info.backend_pid
    with psycopg.connect(database.conninfo, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s)", (number,))
    assert database.fetch("select pg_backend_pid()") != [(number,)]


def test_a_missing_server_and_a_missing_database_say_what_is_wrong_at_once(endpoint, tmp_path):
    with (
        Database(f"postgresql://postgres@/trading?host={tmp_path}") as database,
        pytest.raises(TransientError, match="does not answer"),
    ):
        database.fetch("select 1")
    missing = endpoint.url().replace("/trading?", "/nowhere?")
    with Database(missing) as database, pytest.raises(ConfigurationError, match='"nowhere" does not exist'):
        database.fetch("select 1")


def test_passwords_never_show_in_errors():
    with Database("postgresql://me:planted-secret@127.0.0.1:1/d") as database:
        with pytest.raises(TransientError) as caught:
            database.fetch("select 1")
        assert "planted" not in f"{caught.value!r} {caught.value} {caught.value.__cause__} {database!r}"


def test_when_all_connections_are_busy_the_error_says_so(url):
    with (
        Database(url, max_connections=1, connect_seconds=0.2) as database,
        database.connection(),
        pytest.raises(TransientError, match="All 1 database connections"),
    ):
        database.fetch("select 1")


def test_two_starters_migrate_once_and_later_starts_import_no_alembic(database, url, start_user):
    code = "import sys; from resources.database.migrations import migrate; migrate(sys.argv[1]); print('alembic' in sys.modules, flush=True); sys.stdin.read()"
    users = [start_user(code, url) for _ in range(3)]
    assert "True" in {user.says() for user in users}
    assert [user.leave() for user in users] == [0, 0, 0]
    tables = {
        name for (name,) in database.fetch("select tablename from pg_tables where schemaname = 'public'")
    }
    assert {"order_intents", "order_events", "fills", "submitters", "alembic_version"} <= tables
    assert database.fetch("select count(*) from alembic_version") == [(1,)]
    again = start_user(code, url)
    assert again.says() == "False"


def test_a_database_of_a_newer_version_is_not_touched(database, url):
    database.execute("create table alembic_version (version_num text)")
    database.execute("insert into alembic_version values ('9999')")
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(url)
    assert database.fetch("select to_regclass('order_intents')") == [(None,)]


def test_a_migration_that_fails_leaves_the_database_as_it_was(database, url, tmp_path, monkeypatch):
    source = migrations.FOLDER
    for path in [source / "env.py", *source.glob("versions/*.py")]:
        target = tmp_path / path.relative_to(source)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    newest = migrate(url)
    (tmp_path / "versions" / "9000_broken.py").write_text(
        f"from alembic import op\nrevision = '9000'\ndown_revision = '{newest}'\n"
        "def upgrade():\n    op.execute('create table half (n int)')\n    op.execute('select * from missing')\n"
    )
    monkeypatch.setattr(migrations, "FOLDER", tmp_path)
    migrations._chain.cache_clear()
    try:
        with pytest.raises(ServiceError, match="nothing was changed"):
            migrate(url)
    finally:
        migrations._chain.cache_clear()
    assert database.fetch("select to_regclass('half'), version_num from alembic_version") == [(None, newest)]


def test_every_migration_can_be_undone(database, url):
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    migrate(url)
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    engine.dispose()
    assert database.fetch("select tablename from pg_tables where schemaname = 'public'") == [
        ("alembic_version",)
    ]
    migrate(url)
    assert database.fetch("select count(*) from order_intents") == [(0,)]


def test_snapshots_are_exact_typed_and_consistent(database, url, tmp_path):
    database.execute(
        """create table t (id int8, price numeric(20,6), at timestamptz, day date, ok boolean, ratio float8, note text,
        body jsonb)"""
    )
    rows = [
        (1, Decimal("12345678901234.123456"), datetime(2024, 3, 10, 7, 30, 0, 123456, UTC), date(2024, 2, 29), True, 0.1, 'a "quoted", text\nof two lines', '{"a": 1}'),
        (2, None, None, None, None, None, None, None),
        (3, Decimal("-0.000001"), datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), date(1999, 12, 31), False, float("nan"), "", "[]"),
        (4, Decimal(0), datetime(2024, 11, 3, 5, 30, tzinfo=UTC), date(2024, 11, 3), True, float("-inf"), "naïve \\ ☃", "null"),
    ]  # fmt: skip
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.executemany("insert into t values (%s, %s, %s, %s, %s, %s, %s, %s)", rows)
    folder = tmp_path / "lake_postgres"
    folder.mkdir()
    (folder / "gone.parquet").write_bytes(b"of a table that is no more")
    assert snapshot_tables(database, folder) == {"t": 4}
    snapshot = pl.read_parquet(folder / "t.parquet")
    assert snapshot.equals(database.fetch_polars("select * from t order by id"), null_equal=True)
    assert [path.name for path in folder.iterdir()] == ["t.parquet"]
    duck = (
        duckdb.connect().execute(f"select id, price, note from '{folder}/t.parquet' order by id").fetchall()
    )
    assert duck == [(row[0], row[1], row[6]) for row in rows]

    database.execute("delete from t")
    assert snapshot_tables(database, folder) == {"t": 0}
    assert pl.read_parquet_schema(folder / "t.parquet") == snapshot.schema


def test_every_product_table_can_be_snapshotted_while_empty(database, url, tmp_path):
    migrate(url)
    rows = snapshot_tables(database, tmp_path)
    assert {"signals", "orders", "fills"} <= set(rows)
    assert set(rows.values()) == {0}
    assert pl.read_parquet_schema(tmp_path / "fills.parquet")["price_usd"] == pl.Decimal(20, 6)


def test_snapshots_taken_at_once_leave_whole_files(database, tmp_path):
    database.execute("create table t as select n from generate_series(1, 1000) n")
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda _: snapshot_tables(database, tmp_path), range(3))) == [{"t": 1000}] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert pl.read_parquet(tmp_path / "t.parquet").height == 1000


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "insert into t select n, 'a' from generate_series(1, {k}) n",
                "update t set note = note || '{k}' where n % {k} = 0",
                "delete from t where n % {k} = 0",
                "truncate t",
                "vacuum t",
                "vacuum full t",
                "alter table t add column c{k}_{unique} int default {k}",
                "drop table t; create table t (n int, note text); insert into t values ({k}, 'new')",
                "",
            ]
        ),
        st.integers(1, 3),
    ),
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_whatever_happens_to_a_table_its_snapshot_is_what_it_holds_and_is_written_only_then(
    database, tmp_path, steps
):
    folder = tmp_path / uuid.uuid4().hex
    with psycopg.connect(database.conninfo, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("drop table if exists t; create table t (n int, note text)")
        for place, (step, k) in enumerate(steps):
            snapshot_tables(database, folder)
            connection.execute(step.format(k=k, unique=place)) if step else None
            now = query_frame(connection, "select * from t")
            before = (folder / "t.parquet").stat()
            assert snapshot_tables(database, folder) == {"t": now.height}
            told = pl.read_parquet(folder / "t.parquet")
            assert told.columns == now.columns
            assert told.sort(pl.all()).equals(now.sort(pl.all()))
            if not step:
                assert (folder / "t.parquet").stat() == before


def test_a_change_that_was_committed_out_of_order_is_seen(database, tmp_path):
    database.execute("create table t (n int)")
    database.execute("insert into t values (1)")
    with psycopg.connect(database.conninfo) as slow:
        slow.execute("insert into t values (2)")  # with an older transaction number than what comes next
        database.execute("insert into t values (3)")
        snapshot_tables(database, tmp_path)
        slow.commit()
    database.execute("delete from t where n = 1")
    snapshot_tables(database, tmp_path)
    assert sorted(pl.read_parquet(tmp_path / "t.parquet")["n"]) == [2, 3]


def test_a_snapshot_that_was_cut_short_is_written_anew(database, tmp_path):
    database.execute("create table t as select n from generate_series(1, 9) n")
    snapshot_tables(database, tmp_path)
    file = tmp_path / "t.parquet"
    file.write_bytes(file.read_bytes()[:40])
    snapshot_tables(database, tmp_path)
    assert pl.read_parquet(file).height == 9
