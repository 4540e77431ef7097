"""`up`: one installation brought up to date, then both UIs served until Ctrl-C, leaving nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import typer
from filelock import FileLock, Timeout

from resources.dagster_home import child_environment
from resources.database.server import PostgresEndpoint, postgres_for
from resources.local_services import data_folder, local_services
from resources.services.shared import release_together
from resources.services.simulator import simulator_for
from trading_assets.cli.output import err, out
from trading_assets.cli.served import Ports, free_port, served
from trading_assets.errors import ConfigurationError, ServiceError
from trading_assets.settings import Settings, load_settings

WORKSPACE = """\
load_from:
  - grpc_server:
      host: 127.0.0.1
      port: {port}
      location_name: trading_assets
"""
LOOK_SECONDS = 2.0
"""How often `up` looks whether all that it serves still runs."""
PATIENCE_SECONDS = 60.0
"""So long may what is interrupted take to come to its end."""
CATCHING_UP = "trading_assets.cli.catching_up"


def bring_up(*, serve: bool) -> None:
    """Bring the installation up to date, run the latest session, serve until told to stop.

    Raises
    ------
    ConfigurationError
        If a setting or a file that it names is wrong, or another ``up`` serves the same data folder.
    """
    settings = load_settings()
    data_folder(settings)
    with ExitStack() as stack:
        stack.enter_context(_only_one(settings))
        stack.enter_context(_stop_on_signals())
        _end_leftovers(settings)
        err.print(f"Trading Assets, mode [bold]{settings.mode}[/], data in {settings.data}", highlight=False)
        if not serve:
            from trading_assets.cli.catching_up import bring_up_to_date

            return bring_up_to_date(settings)
        simulator_url, postgres = _caught_up(settings, stack)
        return _serve(settings, simulator_url, postgres, stack)


def _caught_up(settings: Settings, stack: ExitStack) -> tuple[str | None, PostgresEndpoint]:
    """Bring the installation up to date in a process that ends; return the services that it started, held from then on.

    What it was that cannot be done, that process has said; the exit code is its own.
    """
    held: tuple[str | None, PostgresEndpoint] | None = None
    command = [sys.executable, "-m", CATCHING_UP]
    with subprocess.Popen(command, stdin=subprocess.PIPE, **_out_of_reach()) as child:  # noqa: S603 (our own module)
        try:
            while (code := child.poll()) is None:
                if held is None and all(service.record() for service in local_services(settings)):
                    held = _hold(settings, stack)
                time.sleep(0.1)
        finally:
            _end(child)
    if code < 0:
        raise ServiceError(
            f"Bringing the installation up to date was ended by signal {-code}: the same command goes on from there"
        )
    if code:
        raise typer.Exit(code)
    return held or _hold(settings, stack)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()  # which interrupts it, if it still runs
    try:
        child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _hold(settings: Settings, stack: ExitStack) -> tuple[str | None, PostgresEndpoint]:
    return stack.enter_context(simulator_for(settings)), stack.enter_context(postgres_for(settings))


def _out_of_reach() -> dict[str, Any]:
    # Ctrl-C is for `up` alone, which then ends what it started
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _serve(
    settings: Settings, simulator_url: str | None, postgres: PostgresEndpoint, stack: ExitStack
) -> None:
    dagster_port = _port(settings.dagster_port, "TRADING_DAGSTER_PORT")
    app_port = _port(settings.app_port, "TRADING_APP_PORT")
    environment = child_environment(settings, postgres) | {
        "TRADING_DAGSTER_PORT": str(dagster_port),
        "TRADING_APP_PORT": str(app_port),
    }
    if simulator_url:
        environment["TRADING_SIM_URL"] = simulator_url
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
    simulated = f"  Market   {simulator_url}/sim/health (simulated)\n" if simulator_url else ""
    out.print(
        f"\n  App      [bold]http://127.0.0.1:{app_port}[/]\n  Dagster  [bold]http://127.0.0.1:{dagster_port}[/]\n{simulated}",
        highlight=False,
    )
    out.print("Ctrl-C stops everything.", highlight=False)
    while True:
        for service in services:
            if service.record() is None:
                raise ServiceError(service.definition.failure())
        time.sleep(LOOK_SECONDS)


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
