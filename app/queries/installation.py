"""The installation that the app shows: settings, lake, database and clock, opened once a process and read."""

from __future__ import annotations

import atexit
import hashlib
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import polars as pl
import psycopg
import streamlit as st

from app.queries.cached import cached_by
from resources.clock import Clock, SimulatorClock, SystemClock
from resources.database.database import Database
from resources.database.server import postgres_for
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from resources.services.simulator import simulator_for
from trading_assets.errors import ConfigurationError, TradingError
from trading_assets.sessions import latest_closed_session
from trading_assets.settings import Settings, load_settings
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.table import Table

T = TypeVar("T")
_SEEN = "seen_in_this_run"
READ_ONLY = quote("-c default_transaction_read_only=on")


@dataclass(frozen=True)
class Installation:
    """What the app reads from; ``clock`` is ``None`` where the market simulator cannot run.

    ``database`` refuses to write; ``saving`` is for the saved screens alone.

    ``simulator_url`` is where it answers, ``None`` where it cannot run and outside ``sim`` mode.
    """

    settings: Settings
    lake: Lake
    database: Database
    saving: Database
    clock: Clock | None
    simulator_url: str | None


def begin_run() -> None:
    """Forget what the last run of the page saw: a run reads the settings, the clock and the versions of tables once.

    What a page shows is thereby of one moment. A wrong setting raises here and shows as an error of the page.
    """
    st.session_state[_SEEN] = {}
    settings()


def _once(key: str, look: Callable[[], T]) -> T:
    seen = st.session_state.get(_SEEN)
    if seen is None:  # not within a page
        return look()
    if key not in seen:
        seen[key] = look()
    value: T = seen[key]
    return value


def settings() -> Settings:
    """Return the settings of this run of the page."""
    return _once("settings", load_settings)


def has_data() -> bool:
    """Say whether anything was ever run on this data folder; looking must not start services there."""
    return settings().lake_root.is_dir()


def installation() -> Installation:
    """Return the open installation, holding its local services until the app ends."""
    current = settings()
    return _open(f"{current.data} {current.mode} {current.database_url is not None}", current)


def reopen() -> None:
    """Forget open connections and everything read, after a failure."""
    _open.clear()
    st.cache_data.clear()


def _close(_: Installation) -> None:
    for stack in _stacks:
        stack.close()
    _stacks.clear()


_stacks: list[ExitStack] = []


@st.cache_resource(show_spinner="Opening the data folder", on_release=_close)
def _open(_key: str, _settings: Settings) -> Installation:
    os.umask(0o077)  # files of the data folder are for its user alone, whoever started Streamlit
    stack = ExitStack()
    try:
        endpoint = stack.enter_context(postgres_for(_settings))
        url = endpoint.url()
        joined = "&" if "?" in url else "?"
        database = stack.enter_context(Database(f"{url}{joined}options={READ_ONLY}"))
        database.fetch("select 1")
        saving = stack.enter_context(Database(url, max_connections=2))
        simulator = _simulator(_settings, stack)
    except BaseException:
        stack.close()
        raise
    _stacks.append(stack)
    atexit.register(stack.close)
    locks = FileLocks(_settings.data / "run" / "app")  # never taken: the app only reads
    clock = SystemClock() if _settings.mode != "sim" else SimulatorClock(simulator) if simulator else None
    return Installation(_settings, Lake(_settings.lake_root, locks), database, saving, clock, simulator)


def _simulator(current: Settings, stack: ExitStack) -> str | None:
    if current.mode != "sim":
        return None
    try:
        return stack.enter_context(simulator_for(current))
    except TradingError:  # shown by the freshness badge: everything else can be read without the time
        return None


def now() -> datetime | None:
    """Return the present instant of the installation's clock, ``None`` if it does not answer."""
    return _once("now", _now)


def _now() -> datetime | None:
    clock = installation().clock
    try:
        return clock.now() if clock else None
    except TradingError:  # the badge says that the clock does not answer
        return None


def expected_session() -> date | None:
    """Return the newest session whose bars are final by now."""
    instant = now()
    delay = settings().data_delay
    return latest_closed_session(instant, delay=delay) if instant else None


def latest_session() -> date | None:
    """Return the newest session with accepted bars."""
    return newest(DAILY_BARS)


def present_session() -> date | None:
    """Return the newest session that is over or has bars; the latter alone where the clock does not answer."""
    return max(filter(None, (expected_session(), latest_session())), default=None)


def lake_version(*tables: Table) -> str:
    """Return a token that changes with the files of any of the tables, current and superseded."""
    return " ".join(map(_version_seen, tables))


def _version_seen(table: Table) -> str:
    return _once(f"lake {table.name}", lambda: _lake_version(table))


def _lake_version(table: Table) -> str:
    lake = installation().lake
    folders = (lake.root / table.name, lake.history_root / table.name)
    marks = [_mark(path) for folder in folders for path in sorted(folder.glob("year=*/part=*/*.parquet"))]
    return hashlib.sha256(f"{lake.root} {table.name} {marks}".encode()).hexdigest()[:16]


def _mark(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except FileNotFoundError:  # replaced at this moment: the next look sees the new one
        return (path.as_posix(), 0, 0)
    return (path.as_posix(), stat.st_mtime_ns, stat.st_size)


@cached_by(lake_version, entries=200)
def newest(table: Table) -> date | None:
    """Return the newest session of a lake table."""
    return max(installation().lake.sessions(table), default=None)


def database_version() -> str:
    """Return a token that changes with any product table of Postgres, at most some seconds late."""
    return _once("database", _database_version)


def _database_version() -> str:
    rows = installation().database.fetch(
        "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::text, current_setting('data_directory', true)"
        " from pg_stat_user_tables"
    )
    return f"{settings().data} {rows[0]}"


def read(statement: str, parameters: tuple[object, ...] = ()) -> pl.DataFrame:
    """Return the rows of a query on the product's tables.

    Raises
    ------
    ConfigurationError
        If the tables do not exist yet.
    TransientError
        If Postgres does not answer.
    """
    try:
        return installation().database.fetch_polars(statement, parameters or None)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise ConfigurationError(
            "The database has no tables of this version yet: run `trading-assets up`"
        ) from error
