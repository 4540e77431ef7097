"""`up`: one installation brought up to date, then both UIs served until Ctrl-C, leaving nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import FrameType

import psutil
from filelock import FileLock, Timeout

from resources.dagster_home import child_environment
from resources.platform import Platform, shared_platform
from trading_assets import sessions as calendar
from trading_assets.cli.output import err, out
from trading_assets.cli.progress_bar import drawn_progress
from trading_assets.cli.session import show_summary
from trading_assets.companies.ingest import snapshot_is_due, snapshot_minutes
from trading_assets.errors import ConfigurationError, ServiceError, TradingError
from trading_assets.runs.history import backfill
from trading_assets.runs.hours import complete_hours, newest_hours
from trading_assets.runs.session import run_companies, run_session
from trading_assets.settings import Settings, load_settings

START_SECONDS = 90.0
STOP_SECONDS = 15.0
LONGEST_SNAPSHOT_MINUTES = 15.0
"""`up` does not keep its user waiting longer than this for company data."""
APP_SCRIPT = Path(__file__).resolve().parents[2] / "app" / "streamlit_app.py"


@dataclass
class Child:
    """One served process and how to know that it answers."""

    name: str
    command: list[str]
    url: str | None
    log: Path
    process: subprocess.Popen[bytes] | None = None


@dataclass
class Supervisor:
    """Starts the children in their own process groups, watches them, and stops them all at the end."""

    state_file: Path
    environment: Mapping[str, str]
    children: list[Child] = field(default_factory=list)

    def start(self, child: Child) -> None:
        child.log.parent.mkdir(parents=True, exist_ok=True)
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                child.command, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.children.append(child)
        self._record()

    def wait_until_ready(self) -> None:
        """Wait until every child answers; a child that dies meanwhile ends the wait with its log's last lines."""
        deadline = time.monotonic() + START_SECONDS
        for child in self.children:
            while child.url and not _answers(child.url):
                self.raise_if_dead()
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"{child.name} does not answer after {START_SECONDS:.0f} s; see {child.log}"
                    )
                time.sleep(0.2)

    def raise_if_dead(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                tail = "\n".join(child.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
                raise ServiceError(
                    f"{child.name} ended with code {child.process.returncode}; the end of {child.log}:\n{tail}"
                )

    def stop(self) -> None:
        """End every child and whatever it started, politely first."""
        families = [
            psutil.Process(child.process.pid)
            for child in self.children
            if child.process and child.process.poll() is None
        ]
        end_families(families)
        for child in self.children:
            if child.process is not None:
                child.process.wait()
        self.state_file.unlink(missing_ok=True)

    def _record(self) -> None:
        alive = [child.process.pid for child in self.children if child.process]
        entries = [
            {"pid": pid, "created": psutil.Process(pid).create_time()}
            for pid in alive
            if psutil.pid_exists(pid)
        ]
        self.state_file.write_text(json.dumps(entries), encoding="utf-8")


def end_families(roots: list[psutil.Process]) -> None:
    """Terminate processes with all their descendants; kill what is left after a while."""
    family: list[psutil.Process] = []
    for root in roots:
        try:
            family += [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in family:
        _signal(process.terminate)
    _, left = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in left:
        _signal(process.kill)
    psutil.wait_procs(left, timeout=STOP_SECONDS)


def bring_up(*, serve: bool) -> None:
    """Bring the installation up to date, run the latest session, serve until told to stop.

    Raises
    ------
    ConfigurationError
        If another ``up`` serves the same data folder.
    """
    settings = load_settings()
    settings.data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(_only_one(settings))
        stack.enter_context(_stop_on_signals())
        _end_leftovers(settings.data / "run" / "up.json")
        err.print(f"Trading Assets, mode [bold]{settings.mode}[/], data in {settings.data}", highlight=False)
        err.print("Starting the local services", highlight=False)
        platform = stack.enter_context(shared_platform(settings))
        _bring_up_to_date(platform)
        if serve:
            _serve(platform, stack)


def _bring_up_to_date(platform: Platform) -> None:
    session = platform.latest_session()
    first = calendar.shift(session, -platform.settings.history_sessions)
    err.print(f"History {first} to {calendar.shift(session, -1)}: filling what is missing", highlight=False)
    with drawn_progress(platform):
        done = backfill(platform, first, calendar.shift(session, -1))
    err.print(f"  {len(done)} sessions filled" if done else "  complete", highlight=False)
    _snapshot_companies(platform, session)
    err.print(f"Session {session}: from vendor data to reconciled positions", highlight=False)
    with drawn_progress(platform):
        summary = run_session(platform, session)
    show_summary(summary)
    _complete_hours(platform)


def _complete_hours(platform: Platform) -> None:
    sessions = newest_hours(platform)
    if not sessions:
        return
    err.print(f"Hours {sessions[0]} to {sessions[-1]}: filling what is missing", highlight=False)
    try:
        with drawn_progress(platform):
            done = complete_hours(platform, sessions)
    except TradingError as error:  # nothing that trades depends on hours: what is up stays up
        err.print(f"[yellow]  not complete:[/] {error}", highlight=False)
    else:
        err.print(f"  {len(done)} sessions filled" if done else "  complete", highlight=False)


def _snapshot_companies(platform: Platform, session: date) -> None:
    if "yahoo" not in platform.settings.sources or not snapshot_is_due(platform, session):
        return
    minutes = snapshot_minutes(platform, session)
    if minutes > LONGEST_SNAPSHOT_MINUTES:
        err.print(
            f"Company data: none of this week; at the pace of TRADING_YAHOO_PER_MINUTE a snapshot takes {minutes:,.0f} minutes. "
            "It is left to the schedule on Saturday, or to: trading-assets snapshot",
            highlight=False,
        )
        return
    err.print(f"Company data: a snapshot, dated {session}", highlight=False)
    try:
        with drawn_progress(platform):
            run_companies(platform)
    except TradingError as error:
        err.print(f"  not taken: {error}", style="yellow", highlight=False)
        err.print(
            "  The session goes on with the newest one before; later: trading-assets snapshot",
            highlight=False,
        )


def _serve(platform: Platform, stack: ExitStack) -> None:
    settings = platform.settings
    environment = child_environment(settings, platform.postgres)
    if platform.simulator_url:
        environment["TRADING_SIM_URL"] = platform.simulator_url
    dagster_port, app_port = (
        _port(settings.dagster_port, "TRADING_DAGSTER_PORT"),
        _port(settings.app_port, "TRADING_APP_PORT"),
    )
    environment["TRADING_DAGSTER_PORT"], environment["TRADING_APP_PORT"] = str(dagster_port), str(app_port)
    workspace = settings.data / "dagster" / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_module:\n      module_name: trading_assets.definitions\n      location_name: trading_assets\n",
        encoding="utf-8",
    )
    logs = settings.data / "logs"
    supervisor = Supervisor(settings.data / "run" / "up.json", environment)
    stack.callback(supervisor.stop)
    dagster_url, app_url = f"http://127.0.0.1:{dagster_port}", f"http://127.0.0.1:{app_port}"
    python = sys.executable
    err.print("Starting the Dagster UI, its daemon and the app", highlight=False)
    supervisor.start(
        Child(
            "Dagster UI",
            [
                python,
                "-m",
                "dagster_webserver",
                "-w",
                str(workspace),
                "-h",
                "127.0.0.1",
                "-p",
                str(dagster_port),
            ],
            f"{dagster_url}/server_info",
            logs / "dagster-webserver.log",
        )
    )
    supervisor.start(
        Child(
            "Dagster daemon",
            [python, "-m", "dagster._daemon", "run", "-w", str(workspace)],
            None,
            logs / "dagster-daemon.log",
        )
    )
    supervisor.start(
        Child(
            "App",
            [
                python,
                "-m",
                "streamlit",
                "run",
                str(APP_SCRIPT),
                "--server.port",
                str(app_port),
                "--server.headless",
                "true",
            ],
            f"{app_url}/_stcore/health",
            logs / "app.log",
        )
    )
    supervisor.wait_until_ready()
    simulated = (
        f"  Market   {platform.simulator_url}/sim/health (simulated)\n" if platform.simulator_url else ""
    )
    out.print(
        f"\n  App      [bold]{app_url}[/]\n  Dagster  [bold]{dagster_url}[/]\n{simulated}", highlight=False
    )
    out.print("Ctrl-C stops everything.", highlight=False)
    while True:
        supervisor.raise_if_dead()
        time.sleep(0.5)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    path = settings.data / "run" / "up.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigurationError(
            f"`trading-assets up` already serves {settings.data}: stop it with Ctrl-C, or set TRADING_DATA to another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a script's `up &` starts with it ignored, and Dagster gives SIGTERM the handler of SIGINT.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        err.print("\nStopping; a second Ctrl-C would not be faster", highlight=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    finally:
        signal.signal(signal.SIGTERM, before[signal.SIGTERM])


def _end_leftovers(state_file: Path) -> None:
    # An `up` that was killed could not stop its children: end those that are still the processes it started.
    if not state_file.exists():
        return
    roots = []
    for entry in json.loads(state_file.read_text(encoding="utf-8") or "[]"):
        if psutil.pid_exists(entry["pid"]):
            process = psutil.Process(entry["pid"])
            if abs(process.create_time() - entry["created"]) < 1:
                roots.append(process)
    if roots:
        err.print(f"Ending {len(roots)} processes that a killed `up` left behind", highlight=False)
        end_families(roots)
    state_file.unlink(missing_ok=True)


def _port(wanted: int, key: str) -> int:
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
        except OSError:
            err.print(f"[yellow]Port {wanted} is taken: using a free one ({key} chooses another)[/]")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (a loopback address made here)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _signal(action: object) -> None:
    try:
        action()  # type: ignore[operator] # terminate or kill of a process that may have ended meanwhile
    except psutil.NoSuchProcess:
        return
