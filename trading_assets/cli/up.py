"""`up`: one installation brought up to date, then both UIs served until Ctrl-C, leaving nothing behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from types import FrameType

from filelock import FileLock, Timeout

from resources.dagster_home import child_environment
from resources.local_services import data_folder
from resources.platform import Platform, shared_platform
from resources.services.shared import release_together
from resources.vendors.registry import company_vendor
from trading_assets import sessions as calendar
from trading_assets.cli.output import err, out
from trading_assets.cli.progress_bar import drawn_progress
from trading_assets.cli.served import Ports, free_port, served
from trading_assets.cli.session import show_summary
from trading_assets.companies.ingest import snapshot_is_due, snapshot_minutes
from trading_assets.errors import ConfigurationError, ServiceError, TradingError
from trading_assets.runs.history import backfill
from trading_assets.runs.hours import complete_hours, newest_hours
from trading_assets.runs.refusals import require_runnable
from trading_assets.runs.session import run_companies, run_session
from trading_assets.settings import Settings, load_settings

WORKSPACE = """\
load_from:
  - grpc_server:
      host: 127.0.0.1
      port: {port}
      location_name: trading_assets
"""
LONGEST_SNAPSHOT_MINUTES = 15.0
"""`up` does not keep its user waiting longer than this for company data."""


def bring_up(*, serve: bool) -> None:
    """Bring the installation up to date, run the latest session, serve until told to stop.

    Raises
    ------
    ConfigurationError
        If a setting or a file that it names is wrong, or another ``up`` serves the same data folder.
    """
    settings = load_settings()
    require_runnable(settings, None)
    data_folder(settings)
    with ExitStack() as stack:
        stack.enter_context(_only_one(settings))
        stack.enter_context(_stop_on_signals())
        _end_leftovers(settings)
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
    if company_vendor(platform.settings) is None or not snapshot_is_due(platform.lake, session):
        return
    minutes = snapshot_minutes(platform.lake, platform.settings, session)
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
    dagster_port = _port(settings.dagster_port, "TRADING_DAGSTER_PORT")
    app_port = _port(settings.app_port, "TRADING_APP_PORT")
    environment = child_environment(settings, platform.postgres) | {
        "TRADING_DAGSTER_PORT": str(dagster_port),
        "TRADING_APP_PORT": str(app_port),
    }
    if platform.simulator_url:
        environment["TRADING_SIM_URL"] = platform.simulator_url
    workspace = settings.data / "dagster" / "workspace.yaml"
    code_port = free_port(0)
    workspace.write_text(WORKSPACE.format(port=code_port), encoding="utf-8")
    err.print("Starting the Dagster UI, its daemon and the app", highlight=False)
    services = served(settings, environment, workspace, Ports(dagster_port, app_port, code_port))
    stack.callback(release_together, services)
    code_server, *others = services
    code_server.begin()
    code_server.wait()  # the UI asks it once for what there is
    for service in others:
        service.begin()
    for service in others:
        service.wait()
    simulated = (
        f"  Market   {platform.simulator_url}/sim/health (simulated)\n" if platform.simulator_url else ""
    )
    out.print(
        f"\n  App      [bold]http://127.0.0.1:{app_port}[/]\n  Dagster  [bold]http://127.0.0.1:{dagster_port}[/]\n{simulated}",
        highlight=False,
    )
    out.print("Ctrl-C stops everything.", highlight=False)
    while True:
        for service in services:
            if service.record() is None:
                raise ServiceError(service.definition.failure())
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


def _end_leftovers(settings: Settings) -> None:
    # An `up` that was killed could not stop what it served, and that listens on the ports which are wanted now.
    for service in served(settings, {}, settings.data, Ports(0, 0, 0)):
        if service.end_unused():
            err.print(f"Ending the {service.definition.name} that a killed `up` left behind", highlight=False)


def _port(wanted: int, key: str) -> int:
    port = free_port(wanted)
    if wanted not in {0, port}:
        err.print(f"[yellow]Port {wanted} is taken: using a free one ({key} chooses another)[/]")
    return port
