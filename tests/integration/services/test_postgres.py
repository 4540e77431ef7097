"""Embedded PostgreSQL: a real server, really killed, found again, and closed to everybody else."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
import psycopg2
import pytest

from resources.database.complaints import advice_for, complaint
from resources.database.server import PostgresEndpoint, embedded_service, postgres_for
from resources.database.server_files import Cluster, program
from resources.services.processes import process_identity, wait_until_ended
from trading_assets.errors import ConfigurationError, ServiceError
from trading_assets.settings import Settings, load_settings

USER = """
import sys
from pathlib import Path
from resources.database.server import embedded_service, postgres_for
from trading_assets.settings import load_settings
settings = load_settings(env_file=None, data=Path(sys.argv[1]))
with postgres_for(settings):
    print(embedded_service(settings).record().pid, flush=True)
    sys.stdin.read()
"""


def settings_for(folder: Path, **values: object) -> Settings:
    return load_settings(env_file=None, data=folder, **values)


def query(endpoint: PostgresEndpoint, statement: str, database: str = "trading") -> list[tuple]:
    with psycopg.connect(endpoint.url(database, driver=None)) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def server(settings: Settings) -> int:
    return embedded_service(settings).record().pid


def ended(pid: int) -> bool:
    return process_identity(pid) is None


def kill(pid: int) -> None:
    identity = process_identity(pid)
    os.kill(pid, signal.SIGKILL)
    assert wait_until_ended(pid, identity, 10)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A stopped cluster in a data folder, to copy where a test only needs one that exists."""
    folder = tmp_path_factory.mktemp("made")
    with postgres_for(settings_for(folder)):
        pass
    return folder


@pytest.fixture
def settings(made, tmp_path) -> Settings:
    subprocess.run(["cp", "-a", made / "postgres", tmp_path / "postgres"], check=True)
    return settings_for(tmp_path)


def test_the_first_start_makes_both_databases_durable_and_closed_to_the_network(tmp_path):
    settings = settings_for(tmp_path / "new" / "data")
    with postgres_for(settings) as endpoint:
        assert query(endpoint, "select current_database(), current_user") == [("trading", "postgres")]
        assert query(endpoint, "select current_database()", "dagster") == [("dagster",)]
        shown = {name: query(endpoint, f"show {name}")[0][0] for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums", "listen_addresses", "max_connections", "timezone", "server_encoding")}  # fmt: skip
        pid = server(settings)
    assert shown == {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "data_checksums": "on",
        "listen_addresses": "", "max_connections": "200", "timezone": "UTC", "server_encoding": "UTF8",
    }  # fmt: skip
    assert ended(pid)
    assert not (settings.data / "postgres" / "postmaster.pid").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_no_other_account_can_read_the_files_or_reach_the_socket(settings):
    with postgres_for(settings):
        cluster = Cluster(settings.data)
        for folder in (cluster.folder, cluster.socket_folder):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        files = [path for path in [*cluster.folder.rglob("*"), cluster.log] if path.is_file()]
        assert len(files) > 500
        assert not [path for path in files if path.stat().st_mode & 0o077]
        rules = (cluster.folder / "pg_hba.conf").read_text().split()
        assert rules == ["local", "all", "postgres", "peer", "map=owner"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can try as somebody else")
def test_even_an_open_socket_admits_only_the_accounts_of_the_map(settings):
    with postgres_for(settings) as endpoint:
        cluster = Cluster(settings.data)
        shutil.copytree(
            cluster.socket_folder,
            open_folder := Path("/tmp") / f"open-{os.getpid()}",
            ignore=lambda *_: [".s.PGSQL.5432", ".s.PGSQL.5432.lock"],
        )
        try:
            open_folder.chmod(0o755)
            os.link(cluster.socket_folder / ".s.PGSQL.5432", open_folder / ".s.PGSQL.5432")
            (open_folder / ".s.PGSQL.5432").chmod(0o777)
            answer = subprocess.run(
                [program("psql"), "-h", open_folder, "-U", "postgres", "-c", "select 1", "trading"],
                check=False, user="nobody", capture_output=True, text=True,
            )  # fmt: skip
        finally:
            shutil.rmtree(open_folder)
        assert answer.returncode != 0
        assert "Peer authentication failed" in answer.stderr
        assert query(endpoint, "select 1") == [(1,)]


def test_rows_survive_a_killed_owner_a_killed_server_and_both(settings, start_user):
    owner = start_user(USER, settings.data)
    pid = int(owner.says())
    owner.kill()
    with postgres_for(settings) as endpoint:
        assert server(settings) == pid, "the running server was not adopted"
        query(endpoint, "create table kept (n int); insert into kept values (1)")
        kill(pid)
        with postgres_for(settings) as again:
            assert server(settings) != pid
            query(again, "insert into kept values (2)")
            assert query(again, "select n from kept order by n") == [(1,), (2,)]
        assert query(endpoint, "select count(*) from kept") == [(2,)], "the outer holder lost it"
    owner = start_user(USER, settings.data)
    pid = int(owner.says())
    owner.kill()
    kill(pid)
    with postgres_for(settings) as endpoint:
        assert query(endpoint, "select count(*) from kept") == [(2,)]
        pid = server(settings)
    assert ended(pid)


def test_four_starters_at_once_on_an_empty_folder_get_one_server(tmp_path, start_user):
    users = [start_user(USER, tmp_path / "data") for _ in range(4)]
    pids = {user.says() for user in users}
    assert len(pids) == 1
    for user in users[:-1]:
        user.leave()
    assert not ended(int(next(iter(pids))))
    assert users[-1].interrupt_its_terminal() != 0
    assert ended(int(next(iter(pids))))


def test_a_busy_backend_of_a_killed_server_does_not_block_the_next_start(settings):
    with (
        postgres_for(settings) as endpoint,
        closing(psycopg.connect(endpoint.url(driver=None))) as connection,
    ):
        busy = connection.execute("select pg_backend_pid()").fetchone()[0]
        connection.pgconn.send_query(b"do $$ begin loop end loop; end $$")
        kill(server(settings))
        assert not ended(busy)
        with postgres_for(settings) as again:
            assert query(again, "select 1") == [(1,)]
            assert ended(busy)


def test_a_stale_pid_file_that_names_a_living_process_is_no_obstacle(settings):
    stale = settings.data / "postgres" / "postmaster.pid"
    content = f"{os.getpid()}\n{stale.parent}\n1700000000\n5432\n/nowhere\n\n  1 2\nready   \n"
    stale.write_text(content)
    with postgres_for(settings) as endpoint:
        assert query(endpoint, "select 1") == [(1,)]
        assert server(settings) != os.getpid()


def test_a_server_without_any_record_is_adopted(settings, start_user):
    owner = start_user(USER, settings.data)
    pid = int(owner.says())
    owner.kill()
    shutil.rmtree(settings.data / "run" / "postgres" / "leases")
    (settings.data / "run" / "postgres" / "state.json").write_text("")
    with postgres_for(settings):
        assert server(settings) == pid
    assert ended(pid)


def test_a_data_folder_deleted_under_a_running_server_can_be_made_anew(settings, start_user):
    owner = start_user(USER, settings.data)
    pid = int(owner.says())
    owner.kill()
    shutil.rmtree(settings.data)
    with postgres_for(settings) as endpoint:
        assert query(endpoint, "select 1") == [(1,)]
        assert server(settings) != pid
        assert ended(pid)


@pytest.mark.parametrize(
    "name", ["x" * 120, 'my data, «très» long\'s %20 "folder"'], ids=["long", "odd characters"]
)
def test_any_data_path_works_and_its_socket_folder_is_private(tmp_path, name):
    settings = settings_for(tmp_path / name)
    with postgres_for(settings) as endpoint:
        folder = Cluster(settings.data).socket_folder
        assert settings.data not in folder.parents
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert query(endpoint, "select 1") == [(1,)]
        psycopg2.connect(endpoint.url("dagster", driver=None)).close()
    assert not folder.exists()


def test_a_socket_folder_of_somebody_else_is_not_used(tmp_path):
    settings = settings_for(tmp_path / ("x" * 120))
    folder = Cluster(settings.data).socket_folder
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(ServiceError, match="belongs to somebody else"):
            embedded_service(settings).acquire()
    finally:
        folder.unlink()


def test_two_data_folders_never_disturb_each_other(settings, tmp_path, made):
    other = settings_for(tmp_path / "other")
    other.data.mkdir()
    subprocess.run(["cp", "-a", made / "postgres", other.data / "postgres"], check=True)
    with postgres_for(settings) as one:
        with postgres_for(other) as two:
            query(one, "create table mine (n int)")
            assert server(settings) != server(other)
            assert query(two, "select to_regclass('mine')") == [(None,)]
        assert query(one, "select count(*) from mine") == [(0,)]


def test_an_initialisation_that_was_interrupted_is_begun_again(tmp_path):
    unfinished = tmp_path / "postgres.new-12345"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    (tmp_path / "postgres").mkdir()
    with postgres_for(settings_for(tmp_path)) as endpoint:
        assert query(endpoint, "select 1") == [(1,)]
    assert not unfinished.exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "diary.txt").write_text("mine")
    with pytest.raises(ServiceError, match="move it away"):
        embedded_service(settings_for(tmp_path)).acquire()
    assert (tmp_path / "postgres" / "diary.txt").read_text() == "mine"


def test_a_cluster_of_another_version_is_named(settings):
    (settings.data / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ServiceError, match="PostgreSQL 16, this is 18"):
        embedded_service(settings).acquire()


def test_a_damaged_cluster_says_so(settings):
    (settings.data / "postgres" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(ServiceError, match="damaged"):
        embedded_service(settings).acquire()
    assert embedded_service(settings).users() == []


@pytest.mark.parametrize(
    ("said", "advised"),
    [
        ('initdb: error: could not create directory "pg_wal": No space left on device', "disk is full"),
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "disk is full"),
        ('FATAL:  could not create lock file "postmaster.pid": Read-only file system', "read-only"),
        ('FATAL:  data directory "/d" has invalid permissions', "mode 0700"),
        ("initdb: error: could not look up effective user ID 1234: user does not exist", "named user"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "out of memory"),
    ],
)
def test_known_complaints_come_with_advice(said, advised):
    assert advised in (advice_for(f"LOG:  starting\n{said}\nHINT: none") or "")
    assert complaint(f"LOG:  starting\n{said}\nHINT: none") == said


def test_another_server_is_used_by_its_url_and_gets_a_database_for_dagster(settings, tmp_path):
    with postgres_for(settings) as embedded:
        query(embedded, "create role limited")
        url = embedded.url(driver=None)
        external = settings_for(tmp_path / "external", database_url=url)
        with postgres_for(external) as endpoint:
            assert query(endpoint, "select current_database()", "dagster") == [("trading_dagster",)]
            assert query(endpoint, "select current_database()") == [("trading",)]
        assert not (tmp_path / "external").exists()

        limited = settings_for(
            tmp_path / "external",
            database_url=f"{url.replace('/trading?', '/dagster?')}&options=-c%20role%3Dlimited",
        )
        with (
            pytest.raises(ConfigurationError, match='create database "dagster_dagster" owner'),
            postgres_for(limited),
        ):
            pass


@pytest.mark.parametrize("url", ["mysql://u@h/d", "postgresql://u:planted-secret@h"])
def test_a_malformed_database_url_is_refused_without_showing_it(tmp_path, url):
    with pytest.raises(ConfigurationError) as caught, postgres_for(settings_for(tmp_path, database_url=url)):
        pass
    assert "TRADING_DATABASE_URL" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_urls_keep_passwords_and_options_and_hide_them_in_print():
    endpoint = PostgresEndpoint(
        "postgres://me:p%40ss@db.example:6432/desk?sslmode=require",
        embedded=False,
        dagster_database="desk_dagster",
    )
    assert endpoint.url() == "postgresql+psycopg://me:p%40ss@db.example:6432/desk?sslmode=require"
    assert (
        endpoint.url("dagster", "psycopg2")
        == "postgresql+psycopg2://me:p%40ss@db.example:6432/desk_dagster?sslmode=require"
    )
    assert endpoint.has_password
    assert "p%40ss" not in repr(endpoint)
