"""What `up` serves until Ctrl-C: Dagster's UI, its daemon and the app, each a service with one user, the `up` itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from resources.services.processes import detached, end_process, process_identity
from resources.services.shared import Facts, SharedService
from trading_assets.settings import Settings

APP_SCRIPT = Path(__file__).resolve().parents[2] / "app" / "streamlit_app.py"
LOG_LINES = 8


@dataclass
class ServedProcess:
    """One process that `up` serves; see :class:`resources.services.shared.ServiceDefinition`.

    Parameters
    ----------
    name
        As people call it.
    command
        What to run, without a shell.
    url
        What answers 200 once it serves, or takes a connection (``tcp://``); ``None`` for a process that nobody asks.
    log
        Where its output is appended.
    environment
        The whole environment of the process.
    """

    name: str
    command: Sequence[str]
    url: str | None
    log: Path
    environment: Mapping[str, str]
    start_seconds: float = 90.0

    @property
    def fingerprint(self) -> str:
        """The `up` that serves it: what another one left behind is ended, not adopted, for it may run other code and settings."""
        return f"up {os.getpid()} {process_identity(os.getpid())}"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, so that Ctrl-C reaches `up` alone."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own commands, no shell)
                [*self.command], env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **detached()
            )  # fmt: skip

    def ready(self, pid: int) -> Facts | None:  # noqa: ARG002 (it is known by its address)
        """Return its address once it answers."""
        facts = {"name": self.name, "url": self.url}
        return facts if self.healthy(facts) else None

    def healthy(self, facts: Facts) -> bool:
        """Say whether it answers; one that nobody asks does as long as it runs."""
        return facts["url"] is None or _answers(facts["url"])

    def stop(self, pid: int, identity: str) -> None:
        """End it with whatever it started, politely first."""
        end_process(pid, identity, patience_seconds=15.0)

    def stray(self) -> int | None:
        """Return nothing: its record is written in the moment in which it starts."""
        return None

    def failure(self) -> str:
        """Return the last lines of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.is_file() else ""
        return f"{self.name} ended; the end of {self.log}:\n" + "\n".join(text.splitlines()[-LOG_LINES:])


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1; the code server's is for Dagster's own processes."""

    dagster: int
    app: int
    code: int


def served(
    settings: Settings, environment: Mapping[str, str], workspace: Path, ports: Ports
) -> list[SharedService]:
    """Return what `up` serves, none of it started.

    One code server is for the UI and the daemon: each would start its own, and the daemon a new one every minute.

    Parameters
    ----------
    settings
        Of the installation.
    environment
        The environment of the processes.
    workspace
        Dagster's workspace file.
    ports
        Of Dagster's UI, of the app and of the code server.
    """
    dagster, app, code_port = str(ports.dagster), str(ports.app), str(ports.code)
    python, logs = sys.executable, settings.data / "logs"
    web = [python, "-m", "trading_assets.dagster_ui", str(workspace), dagster]
    code = [
        python,
        "-m",
        "dagster",
        "api",
        "grpc",
        "--module-name",
        "trading_assets.definitions",
        "--location-name",
        "trading_assets",
        "--host",
        "127.0.0.1",
        "--port",
        code_port,
    ]
    daemon = [python, "-m", "trading_assets.dagster_daemon", str(workspace)]
    streamlit = [python, "-m", "streamlit", "run", str(APP_SCRIPT), "--server.port", app, "--server.headless", "true"]  # fmt: skip
    commands = {
        "dagster-code": ("Code server", code, f"tcp://127.0.0.1:{ports.code}"),
        "dagster-webserver": ("Dagster UI", web, f"http://127.0.0.1:{dagster}/server_info"),
        "dagster-daemon": ("Dagster daemon", daemon, None),
        "app": ("App", streamlit, f"http://127.0.0.1:{app}/_stcore/health"),
    }
    return [
        SharedService(ServedProcess(name, command, url, logs / f"{key}.log", environment), settings.data / "run" / key)
        for key, (name, command, url) in commands.items()
    ]  # fmt: skip


def free_port(wanted: int) -> int:
    """Return ``wanted`` if it can be listened on at 127.0.0.1, else a free port; 0 asks for a free one."""
    with socket.socket() as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
            return int(probe.getsockname()[1])
        except OSError:
            return free_port(0)


def _answers(url: str) -> bool:
    if url.startswith("tcp://"):
        host, _, port = url.removeprefix("tcp://").partition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=2):
            return True
        return False
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 (a loopback address made here)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
