"""Fixtures that every test folder may use."""

from __future__ import annotations

import gc
import hashlib
import math
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from datetime import time as clock_time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import polars as pl
import psutil
import pytest
import requests

from resources.database.connections import connect
from resources.database.database import Database
from resources.lake.locks import FileLocks
from resources.lake.writes import WriteReport
from trading_assets.simulator.market.protocol import Bar, Instrument
from trading_assets.tables.table import KNOWN_AT, SYMBOL, Column, Table
from trading_assets.tables.table import SESSION as SESSION_COLUMN

if TYPE_CHECKING:
    from resources.broker import Broker
    from resources.clock import SimulatorClock
    from resources.lake.lake import Lake
    from resources.platform import Platform
    from resources.vendors.alpaca.broker import AlpacaBroker
    from trading_assets.execution.trading_account import TradingAccount

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
OWN_FOLDER = "trading-assets-tests-"
KEPT = ROOT / ".pytest_cache" / "installations"
DAY = 24 * 3600
MUCH_MEMORY = 10 * 2**30
"""Bytes; a run needs a third of it."""
LONGEST_FILES = (
    "e2e/test_app_in_browser.py",
    "vendors/test_fault_matrix.py",
    "integration/market_data/test_corrections.py",
    "integration/trading/test_two_strategies.py",
    "integration/test_session_run.py",
    "integration/market_data/test_hourly_path.py",
    "chaos/test_session_kill.py",
    "integration/market_data/test_planted_badness.py",
    "integration/market_data/test_company_snapshot.py",
    "integration/market_data/test_dirty_vendors.py",
    "integration/market_data/test_sick_history.py",
    "integration/trading/test_decisions.py",
    "integration/test_dagster_backfill.py",
    "integration/services/test_up.py",
    "integration/test_cli.py",
    "integration/test_screens.py",
    "integration/trading/test_submission.py",
    "e2e/test_screener_in_browser.py",
    "chaos/test_postgres_life_cycle.py",
    "properties/test_screener_language.py",
    "properties/test_lake_properties.py",
)
"""In this order, before all others; those that share an installation with one that is being made wait for it."""


gc.set_threshold(100_000, 50, 50)  # as the command line does

# A busy machine is no defect: what must be fast is measured by benchmarks.
# The suite judges a change, not the dice of one run: new examples are for a search by hand,
# make test ARGS="tests/properties --hypothesis-profile=search".
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give a run a temporary folder of its own, in memory where there is plenty of it.

    Data folders have thousands of small files, which take a seventh of the time less there. Under root, pytest's own folder
    would be closed (chmod 0700), by each run, to the account that another run's embedded Postgres has.
    """
    if config.option.basetemp is None:
        folder = _roomiest() / f"{OWN_FOLDER}{os.getpid()}"
        _remove_left_folders(folder)
        config.option.basetemp = str(folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the unit tests as smoke; begin with the longest files, so that no process is left alone with one at the end."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "unit") and item.get_closest_marker("slow") is None:
            item.add_marker("smoke")
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.relative_to(ROOT / "tests").as_posix(), len(places)))


def _roomiest() -> Path:
    memory = Path("/dev/shm")
    has_room = (
        memory.is_dir()
        and min(shutil.disk_usage(memory).free, psutil.virtual_memory().available) > MUCH_MEMORY
    )
    return memory if has_room else Path(tempfile.gettempdir())


def _remove_left_folders(own: Path) -> None:
    # of runs that have ended: failed ones leave theirs to be looked at until the next run, killed ones cannot do else
    left = sorted(
        (
            folder
            for place in {own.parent, Path(tempfile.gettempdir())}
            for folder in place.glob(f"{OWN_FOLDER}*")
            if folder.is_dir() and not folder.is_symlink()
        ),
        key=lambda folder: folder.stat().st_mtime,
    )
    ended = [folder for folder in left if not psutil.pid_exists(int(folder.name.rpartition("-")[2]))]
    for folder in ended[:-1]:
        shutil.rmtree(folder, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remove that folder after a run without failures."""
    basetemp = session.config.option.basetemp
    if basetemp and basetemp.endswith(f"{OWN_FOLDER}{os.getpid()}") and exitstatus == 0:
        shutil.rmtree(basetemp, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data; tests that need it are skipped on a clone that has none beside it."""
    if not SHARED.is_dir():
        pytest.skip("real market data is not beside this clone (../shared/data)")
    return SHARED


@dataclass
class Simulated:
    """A running market simulator: a real process behind a real port."""

    base_url: str
    state: Path
    process: subprocess.Popen[bytes]

    def now(self) -> datetime:
        answer = requests.get(f"{self.base_url}/sim/clock", timeout=30)
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def advance_to(self, instant: datetime) -> datetime:
        answer = requests.post(
            f"{self.base_url}/sim/clock", json={"advance_to": instant.isoformat()}, timeout=120
        )
        answer.raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    def fault(self, match: str, kind: str, **details: object) -> None:
        rule = {"match": match, "kind": kind, **details}
        requests.post(f"{self.base_url}/sim/faults", json=rule, timeout=30).raise_for_status()

    def clear_faults(self) -> None:
        requests.delete(f"{self.base_url}/sim/faults", timeout=30).raise_for_status()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


@pytest.fixture(scope="session")
def start_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Simulated]]:
    """Start market simulators; options are those of its command line (``seed=7, symbols=40, at="..."``).

    ``state`` reuses the folder of an earlier one. All of them are stopped at the end of the test run.
    """
    started: list[Simulated] = []

    def start(*, state: Path | None = None, **options: object) -> Simulated:
        folder = state or tmp_path_factory.mktemp("simulator")
        port_file = folder / "port"
        port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "trading_assets.simulator", "--state", str(folder)]
        command += ["--port", "0", "--port-file", str(port_file)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"the simulator did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.01)
        simulated = Simulated(f"http://127.0.0.1:{port_file.read_text()}", folder, process)
        started.append(simulated)
        return simulated

    yield start
    for simulated in started:
        simulated.stop()


class BarMarket:
    """A market of hand-written daily bars: ``bars[symbol, session] = (open, high, low, close, volume)``."""

    def __init__(
        self, bars: dict, *, actions: list[dict] | None = None, halts: dict | None = None, **instruments: dict
    ) -> None:
        self.bars = bars
        self.halts = halts or {}
        self.actions = actions or []
        symbols = sorted({symbol for symbol, _ in bars} | set(instruments))
        defaults = {"mic": "XNYS", "asset_type": "CS", "listed": date(2000, 1, 3)}
        self._instruments = [
            Instrument(
                **{"symbol": symbol, "name": f"{symbol} Inc", **defaults, **instruments.get(symbol, {})}
            )
            for symbol in symbols
        ]

    def first_session(self) -> date:
        return min(session for _, session in self.bars)

    def last_session(self) -> date:
        return max(session for _, session in self.bars)

    def instruments(self) -> list[Instrument]:
        return self._instruments

    def corporate_actions(self, start: date, end: date, *, known_at: datetime) -> pl.DataFrame:
        schema = {
            "symbol": pl.String,
            "ex_date": pl.Date,
            "kind": pl.String,
            "split_ratio": pl.Float64,
            "cash_usd": pl.Float64,
            "new_symbol": pl.String,
            "share_ratio": pl.Float64,
            "price_factor": pl.Float64,
        }
        return pl.DataFrame(self.actions, schema=schema).filter(pl.col("ex_date").is_between(start, end))

    def daily_bars(
        self, start: date, end: date, *, known_at: datetime, symbols: object = None
    ) -> pl.DataFrame:
        raise NotImplementedError("the broker asks for true bars only")

    def halt(self, symbol: str, day: date) -> tuple[int, int] | None:
        return self.halts.get((symbol, day))

    def bar(self, symbol: str, session: date) -> Bar | None:
        values = self.bars.get((symbol, session))
        return None if values is None else Bar(*values)


@pytest.fixture(scope="session")
def bar_market() -> type[BarMarket]:
    return BarMarket


@pytest.fixture(scope="session")
def migrated_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an embedded Postgres whose database ``trading`` has the product's schema; shared by the test run."""
    from resources.database.migrations import migrate
    from resources.database.server import postgres_for
    from trading_assets.settings import Settings

    with postgres_for(Settings(_env_file=None, data=tmp_path_factory.mktemp("postgres"))) as endpoint:
        migrate(endpoint.url())
        yield endpoint.url(driver=None)


@pytest.fixture
def fresh_database(migrated_postgres: str) -> Iterator[Database]:
    """A database of one test's own, with the product's schema and no rows."""
    name = f"test_{uuid.uuid4().hex}"
    with connect(migrated_postgres, autocommit=True) as connection:
        connection.execute(f"create database {name} template trading")
    parts = urlsplit(migrated_postgres)
    with Database(urlunsplit(parts._replace(path=f"/{name}"))) as database:
        yield database
    with connect(migrated_postgres, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@dataclass
class Desk:
    """A trading desk: books of its own in Postgres, and an account at a simulated broker."""

    database: Database
    broker: AlpacaBroker
    clock: SimulatorClock
    simulated: Simulated
    account: str
    strategy: str
    session: date
    waited: list[float] = field(default_factory=list)

    @cached_property
    def symbols(self) -> list[str]:
        return sorted(asset["symbol"] for asset in self.get("/v2/assets") if asset["tradable"])

    def get(self, path: str, **query: object) -> Any:
        headers = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
        answer = requests.get(f"{self.simulated.base_url}{path}", params=query, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def aim(self, shares: dict[str, int], *, current: dict[str, int] | None = None) -> None:
        """Set the session's targets."""
        with self.database.connection() as connection:
            connection.execute("delete from target_positions where session = %s", (self.session,))
            for symbol, quantity in shares.items():
                held = (current or {}).get(symbol, 0)
                connection.execute(
                    "insert into target_positions (account, session, symbol, quantity, current_quantity,"
                    " reference_price_usd, weight_frac, outcome, reason, created_at)"
                    " values (%s, %s, %s, %s, %s, 100, 0.1, 'trade', 'test', %s)",
                    (self.account, self.session, symbol, quantity, held, self.clock.now()),
                )
                connection.execute(
                    "insert into allocations (account, session, symbol, strategy, held_quantity, kept_quantity, wanted_usd,"
                    " allotted_quantity, reference_price_usd, strength, reason, created_at)"
                    " values (%s, %s, %s, %s, %s, %s, 100, %s, 100, 1, 'test', %s) on conflict (account, session, symbol,"
                    " strategy) do update set allotted_quantity = excluded.allotted_quantity",
                    (
                        self.account,
                        self.session,
                        symbol,
                        self.strategy,
                        held,
                        held,
                        quantity,
                        self.clock.now(),
                    ),
                )

    def plan(self) -> Any:
        from trading_assets.execution.intent_planning import plan_and_store_intents

        return plan_and_store_intents(self.trading(), self.session, lineage={"run": "test"})

    def trading(self, broker: Broker | None = None, **options: Any) -> TradingAccount:
        """Return the account, with another broker, number or mode if wanted."""
        from trading_assets.execution.trading_account import TradingAccount

        given = {"number": self.account, "mode": "sim", "wait": self.waited.append, **options}
        return TradingAccount(self.database, broker or self.broker, self.clock, **given)

    def submit(self, **options: Any) -> Any:
        from trading_assets.execution.submission import submit_planned

        return submit_planned(self.trading(**options))

    def placed(self) -> list[dict[str, Any]]:
        """Return the orders that the broker has under client order ids of ours."""
        own = {name for (name,) in self.database.fetch("select client_order_id from order_intents")}
        return [
            order
            for order in self.get("/v2/orders", status="all", limit=500)
            if order["client_order_id"] in own
        ]

    def states(self) -> dict[str, str]:
        return dict(self.database.fetch("select symbol, state from order_intents order by symbol"))

    def events(self, symbol: str) -> list[str]:
        query = "select kind from order_events join order_intents using (intent_id) where symbol = %s order by event_id"
        return [kind for (kind,) in self.database.fetch(query, (symbol,))]

    def halts(self) -> list[tuple[str, str]]:
        return self.database.fetch(
            "select level, reason from trading_halts where released_at is null order by 1, 2"
        )


@pytest.fixture
def open_desk(fresh_database: Database, monkeypatch: pytest.MonkeyPatch) -> Callable[[Simulated], Desk]:
    """Open an account's books at a simulator; intents are planned for the session of its present day.

    Tests share a simulator: the ids of each test's orders have a word of their own.
    """
    from resources.clock import SimulatorClock
    from resources.vendors.alpaca.broker import AlpacaBroker
    from trading_assets.execution.trading_account import open_account
    from trading_assets.sessions import latest_closed_session

    def build(simulated: Simulated, **options: Any) -> Desk:
        simulated.clear_faults()
        clock = SimulatorClock(simulated.base_url)
        broker = AlpacaBroker(simulated.base_url, api_key="k", secret_key="s", **options)
        account = open_account(fresh_database, broker, clock, mode="sim").number
        session = latest_closed_session(clock.now())
        monkeypatch.setattr("trading_assets.execution.intents.NAMESPACE", uuid.uuid4().hex)
        return Desk(fresh_database, broker, clock, simulated, account, uuid.uuid4().hex, session)

    return build


SESSION = date(2024, 5, 2)
HISTORY = (date(2023, 4, 5), date(2024, 5, 1))  # 270 sessions: the features look back over a year
# Sessions since 2022: each of Dagster's events of a partition has all holidays since the first one.
MARKET = {
    "start": "2022-01-03",
    "sim_symbols": 40,
    "sim_years": 2,
    "sim_at": "2024-05-02T18:00:00-04:00",
    "history_sessions": 270,
    "first_sessions": 0,
}
PLANTED = {
    "ALPACA_API_KEY": "planted-key-id-4711",
    "ALPACA_SECRET_KEY": "planted-secret-4712",
    "POLYGON_API_KEY": "planted-secret-4713",
}


@dataclass
class Installation:
    """A data folder of the product with a simulated market, the command line on it, and the same opened in this process."""

    data: Path
    history: tuple[date, date] = HISTORY
    session: date = SESSION
    market: dict[str, object] = field(default_factory=lambda: MARKET)
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    to_the_end: bool = False

    def environment(self, **variables: str) -> dict[str, str]:
        ours = ("TRADING_", "ALPACA_", "POLYGON_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")
        present = os.environ  # noqa: TID251 (a child needs PATH and the like)
        inherited = {name: value for name, value in present.items() if not name.startswith(ours)}
        market = {f"TRADING_{name.upper()}": str(value) for name, value in self.market.items()}
        ports = {"TRADING_DAGSTER_PORT": "0", "TRADING_APP_PORT": "0"}
        here = {"TRADING_DATA": str(self.data), "PYTHONPATH": str(ROOT)}
        return inherited | market | ports | here | PLANTED | variables

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command; the .env of whoever runs the tests is out of its reach."""
        process = subprocess.Popen(
            [sys.executable, "-m", "trading_assets", *arguments], cwd=self.data.parent, env=self.environment(**variables),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def command(
        self, *arguments: str, exit_code: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, which must be this one."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=240)
        assert process.returncode == exit_code, f"{arguments} ended with {process.returncode}:\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @contextmanager
    def opened(self) -> Iterator[Platform]:
        """Open it in this process; commands started meanwhile join its Postgres and its simulator."""
        from resources.platform import shared_platform
        from trading_assets.settings import Settings

        keys = {name.lower(): value for name, value in PLANTED.items()}
        present = os.environ  # noqa: TID251 (put back at the end: runs set variables for Dagster)
        with patch.dict(present):
            for name in [name for name in present if name.startswith(("TRADING_", "DAGSTER_"))]:
                del present[name]
            with shared_platform(Settings(_env_file=None, data=self.data, **self.market, **keys)) as platform:
                yield platform

    def end(self) -> None:
        """End the commands that still run."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def remove(self) -> None:
        """Remove its files; yfinance goes on with the first cache that it had in this process."""
        for path in self.data.glob("*"):
            if path.name != "cache":
                shutil.rmtree(path, ignore_errors=True)

    def copy(self, target: Path) -> Installation:
        """Copy the folder as a user would with everything stopped; yfinance holds its own cache open."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if (
            os.name == "posix"
        ):  # a third of the time; keeps the files of the account that Postgres has under root
            target.mkdir(mode=0o700)
            parts = [path for path in self.data.iterdir() if path.name != "cache"]
            subprocess.run(["cp", "-a", *parts, target], check=True)
            shutil.copystat(self.data, target)
        else:
            shutil.copytree(self.data, target, ignore=shutil.ignore_patterns("cache"))
        return Installation(target)


class MadeOnce:
    """Installations that are made once for a state of the code, by the first process of the tests that needs them."""

    def __init__(self, work: Path) -> None:
        digest = hashlib.sha256(sys.version.encode())
        for path in sorted(self._made_by()):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
        self._folder = KEPT / digest.hexdigest()[:16]
        self._work = work

    @staticmethod
    def _made_by() -> Iterator[Path]:
        yield from (Path(__file__), ROOT / "requirements.lock")
        for folder in (
            "trading_assets",
            "resources",
            "sensors",
            "data/migrations",
            "data/views",
            "data/reference",
        ):
            yield from (
                path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix != ".pyc"
            )

    def installation(
        self, name: str, make: Callable[[Installation], None], source: Installation | None = None
    ) -> Installation:
        """Return the installation of that name, stopped: to be copied, not used."""
        kept = Installation(self._folder / name)
        with FileLocks(KEPT / "locks").hold(name):
            if not kept.data.exists():
                self._remove_old()
                data = self._work / name / "data"
                installation = source.copy(data) if source else Installation(data)
                make(installation)
                part = self._folder / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                installation.copy(part)
                part.rename(kept.data)
        return kept

    def _remove_old(self) -> None:
        for folder in KEPT.glob("*"):
            if (
                folder != self._folder
                and folder.name != "locks"
                and time.time() - folder.stat().st_mtime > DAY
            ):
                shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    return MadeOnce(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="session")
def history(made_once: MadeOnce) -> Installation:
    """An installation with the history before its ``session``, stopped; to be copied, not used."""
    from trading_assets.runs.history import backfill

    def make(installation: Installation) -> None:
        with installation.opened() as platform:
            backfill(platform, *HISTORY)

    return made_once.installation("history", make)


@pytest.fixture(scope="session")
def _made_by_tests() -> Iterator[list[Installation]]:
    made: list[Installation] = []
    yield made
    for installation in made:
        installation.end()


@pytest.fixture(scope="session")
def install(
    history: Installation, tmp_path_factory: pytest.TempPathFactory, _made_by_tests: list[Installation]
) -> Callable[..., Installation]:
    """Make an installation: a copy of ``source``, with history unless told otherwise; None gives an empty one.

    It is removed after the tests of the file, unless it is made ``to_the_end``.
    """

    def make(source: Installation | None = history, *, to_the_end: bool = False) -> Installation:
        data = tmp_path_factory.mktemp("installation") / "data"
        installation = source.copy(data) if source else Installation(data)
        installation.to_the_end = to_the_end
        _made_by_tests.append(installation)
        return installation

    return make


@pytest.fixture(scope="module", autouse=True)
def _removed_after_use(request: pytest.FixtureRequest, _made_by_tests: list[Installation]) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    for installation in [made for made in _made_by_tests if not made.to_the_end]:
        installation.end()
        _made_by_tests.remove(installation)
        if request.session.testsfailed == failed:  # else it is left to be looked at
            installation.remove()


@pytest.fixture(scope="session")
def make_installation() -> type[Installation]:
    """Return what an installation of one's own is made with: its data folder, and its market if it is another one."""
    return Installation


@pytest.fixture(scope="session")
def first_session(made_once: MadeOnce, history: Installation) -> Installation:
    """An installation with history that ran its ``session``, stopped; to be copied, not used."""
    return made_once.installation("first_session", lambda installation: run_from(installation, 0), history)


@pytest.fixture(scope="session")
def traded(install: Callable[..., Installation], traded_sessions: Installation) -> Installation:
    """An installation with history and three traded sessions, for readers only; a reader may leave its services on."""
    return install(traded_sessions, to_the_end=True)


@pytest.fixture(scope="session")
def traded_sessions(made_once: MadeOnce, first_session: Installation) -> Installation:
    """An installation with history and three traded sessions, stopped; to be copied, not used."""
    return made_once.installation("traded", lambda installation: run_from(installation, 1, 2), first_session)


def run_from(installation: Installation, *offsets: int) -> None:
    """Run sessions, counted from the installation's."""
    from trading_assets.runs.session import run_session
    from trading_assets.sessions import shift

    with installation.opened() as platform:
        for offset in offsets:
            run_session(platform, shift(installation.session, offset))


class CollectorHistory:
    """What a collector recorded of the US market: (symbol, session) several times, as restated from day to day.

    The file only adds and changes rows: one that is not collected again stays as it was.
    """

    values = ("open", "high", "low", "close", "adj_close", "volume")
    table = Table(
        name="collected_bars",
        grain="One row per (symbol, session) as collected, raw prices and the vendor's adjusted close",
        columns={
            "symbol": SYMBOL,
            "session": SESSION_COLUMN,
            **{name: Column(pl.Float64, name, nullable=False) for name in values},
            "known_at": KNOWN_AT,
        },
        provenance=("known_at",),
        versioned=True,
    )

    def __init__(self, collected: pl.DataFrame) -> None:
        listed = pl.Enum(collected["symbol"].unique().sort())
        # of rows that the collector wrote twice on one day, the last is what it kept
        self.collected = (
            collected.with_columns(pl.col("volume").cast(pl.Float64), rank=pl.col("symbol").cast(listed))
            .unique(["rank", "session", "known_on"], keep="last", maintain_order=True)
            .sort("rank", "session", "known_on", maintain_order=True)
            .with_columns(until=pl.col("known_on").shift(-1).over("rank", "session"))
        )
        self.days = self.collected["known_on"].unique().sort().to_list()
        self._listed = listed

    @staticmethod
    def instant(day: date) -> datetime:
        """Return the instant at which what was collected on a day is known."""
        return datetime.combine(day, clock_time(22), UTC)

    def known_on(self, day: date) -> pl.DataFrame:
        """Return the last row of each key collected on or before a day, in the order of the key."""
        known = (pl.col("known_on") <= day) & (pl.col("until").is_null() | (pl.col("until") > day))
        return self.collected.filter(known).select(*self.table.key, *self.values)

    def in_order(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Sort rows as ``known_on`` does, quickly."""
        wanted = frame.select(*self.table.key, *self.values)
        ranked = wanted.with_columns(rank=pl.col("symbol").cast(self._listed))
        return ranked.sort("rank", "session").drop("rank")

    def write(self, lake: Lake) -> WriteReport:
        """Write the history as it happened: on each day the sessions it touched, as known then."""
        total, sessions = WriteReport(), {}
        by_day = self.collected.sort("known_on", maintain_order=True).partition_by("known_on", as_dict=True)
        for (day,), collected in by_day.items():
            touched = collected.select(*self.table.key, *self.values).partition_by("session", as_dict=True)
            for (session,), rows in touched.items():
                before = sessions.get(session, rows.clear())
                sessions[session] = pl.concat([before.join(rows, on="symbol", how="anti"), rows])
            written = [session for (session,) in touched]
            frame = pl.concat([sessions[session] for session in written])
            total.add(lake.write_sessions(self.table, frame, written, known_at=self.instant(day)))
            if (day.month, day.day) == (2, 1):
                lake.compact_year(self.table, day.year - 1)
        return total


@pytest.fixture(scope="session")
def collector(shared_data: Path) -> Callable[..., CollectorHistory]:
    """Return the real collector's history, of all symbols or of every n-th one, up to a day."""

    def history(*, every: int = 1, until: date = date.max) -> CollectorHistory:
        collected = pl.read_parquet(shared_data / "us_daily_2015_2017.parquet")
        if every > 1:
            kept = collected["symbol"].unique().sort().gather_every(every)
            collected = collected.filter(pl.col("symbol").is_in(kept.implode()))
        return CollectorHistory(collected.filter(pl.col("known_on") <= until))

    return history


@dataclass(frozen=True)
class RealMarket:
    """Bars of the real market, last collected, with a split or a spin-off wherever the vendor's adjustment steps."""

    bars: pl.DataFrame
    actions: pl.DataFrame

    @property
    def sessions(self) -> list[date]:
        """Sessions with bars, oldest first."""
        return self.bars["session"].unique().sort().to_list()

    def stored(self, folder: Path) -> Lake:
        """Write it to a new lake, month by month, as the assets store it."""
        from resources.lake.lake import Lake
        from resources.lake.locks import FileLocks
        from trading_assets.tables.daily import DAILY_BARS
        from trading_assets.tables.listings import CORPORATE_ACTIONS

        lake = Lake(folder / "lake", FileLocks(folder / "locks"))
        known_at = datetime(2017, 4, 2, tzinfo=UTC)
        rows = self.bars.with_columns(
            vwap=pl.lit(None, pl.Float64), trade_count=pl.lit(None, pl.Int64), source=pl.lit("yahoo"),
            source_count=pl.lit(1, pl.Int32), close_difference_frac=pl.lit(None, pl.Float64),
            volume_difference_frac=pl.lit(None, pl.Float64), batch_id=pl.lit("b"),
        )  # fmt: skip
        for (_, _), month in rows.group_by(
            pl.col("session").dt.year(), pl.col("session").dt.month().alias("month"), maintain_order=True
        ):
            lake.write_sessions(DAILY_BARS, month, month["session"].unique().to_list(), known_at=known_at)
        dates = self.actions["ex_date"].unique().to_list()
        lake.write_sessions(CORPORATE_ACTIONS, self.actions, dates, known_at=known_at)
        return lake


class ImpliedActions(Protocol):
    """Finds the actions that a vendor's adjusted closes imply."""

    def __call__(self, bars: pl.DataFrame, *, within: tuple[float, float] = (0.0, math.inf)) -> pl.DataFrame:
        """Return a split or a spin-off wherever the adjusted close moves against the close by a step ``within`` limits."""


@pytest.fixture(scope="session")
def open_to_others() -> Callable[[Path], list[str]]:
    """Return what lists the files and folders of a data folder, itself included, that others than its user can open."""

    def listed(folder: Path) -> list[str]:
        found = []
        for path in (folder, *folder.rglob("*")):
            try:
                status = path.lstat()
            except FileNotFoundError:  # a file of a process that is at work
                continue
            # under root, the account of Postgres is let through a folder by an entry of its own, which the group's bits show
            others = 0o007 if stat.S_ISDIR(status.st_mode) else 0o077
            if not stat.S_ISLNK(status.st_mode) and status.st_mode & others:
                found.append(f"{stat.filemode(status.st_mode)} {path.relative_to(folder)}")
        return found

    return listed


@pytest.fixture(scope="session")
def implied_actions() -> ImpliedActions:
    """Return what reads actions from ``close`` and ``adj_close`` of bars sorted by (symbol, session)."""

    def read(bars: pl.DataFrame, *, within: tuple[float, float] = (0.0, math.inf)) -> pl.DataFrame:
        scale = pl.col("adj_close") / pl.col("close")
        is_split = ~pl.col("step").is_between(0.7, 1.4)
        steps = bars.with_columns(step=(scale.shift(1) / scale).over("symbol")).filter(
            pl.col("step").is_between(*within, closed="none"), (pl.col("step") - 1).abs() > 0.0005
        )
        return steps.select(
            "symbol",
            ex_date="session",
            kind=pl.when(is_split).then(pl.lit("split")).otherwise(pl.lit("spin_off")),
            split_ratio=pl.when(is_split).then(1 / pl.col("step")),
            cash_usd=pl.lit(None, pl.Float64),
            new_symbol=pl.lit(None, pl.String),
            share_ratio=pl.lit(None, pl.Float64),
            price_factor=pl.when(~is_split).then("step"),
        )

    return read


@pytest.fixture(scope="session")
def real_market(shared_data: Path, implied_actions: ImpliedActions) -> Callable[[int], RealMarket]:
    """Return the real market of 2015 to 2017: every so manieth symbol in the order of the alphabet, and SPY."""
    from trading_assets.sessions import is_session

    def read(every: int) -> RealMarket:
        rows = pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet").filter(
            pl.min_horizontal("open", "high", "low", "close") > 0
        )
        symbols = rows.select(pl.col("symbol").unique().sort()).collect()["symbol"].gather_every(every)
        bars = (
            rows.filter(pl.col("symbol").is_in([*symbols, "SPY"]))
            .sort("known_on")
            .unique(["symbol", "session"], keep="last", maintain_order=True)
            .with_columns(pl.col("volume").cast(pl.Float64))
            .sort("symbol", "session")
            .collect()
        )
        traded = [day for day in bars["session"].unique() if is_session(day)]
        bars = bars.filter(pl.col("session").is_in(traded))
        actions = implied_actions(bars, within=(0.001, 1000)).with_columns(
            source=pl.lit("yahoo"), batch_id=pl.lit("b")
        )
        return RealMarket(bars.drop("known_on", "adj_close"), actions)

    return read
