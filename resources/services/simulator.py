"""The market simulator as a shared local process: started in ``sim`` mode, its state under ``data/simulator``."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from resources.services.processes import detached, end_process, find_process
from resources.services.shared import Facts, SharedService
from trading_assets.errors import ServiceError
from trading_assets.settings import Settings

_TAIL_CHARACTERS = 2000


class SimulatorProcess:
    """The simulator of one data folder; see :class:`resources.services.shared.ServiceDefinition`.

    Parameters
    ----------
    command
        What to run; ``--state``, ``--port`` and ``--port-file`` are added.
    options
        The market that it plays: processes that want another one must not share it.
    data
        The data folder.
    begins_at
        Where the clock of a market that is not there yet begins, behind the present; see
        :meth:`resources.services.simulator_admin.SimulatorAdmin.join_the_present`.
    """

    name = "market simulator"
    start_seconds = 180.0  # the largest synthetic market takes minutes to make, once

    def __init__(
        self,
        command: Sequence[str],
        options: Sequence[str],
        data: Path,
        *,
        begins_at: datetime | None = None,
    ) -> None:
        self._command = [*command]
        self._options = [*options]
        self._first = [] if begins_at is None else ["--begin", begins_at.isoformat()]
        self._state = data / "simulator"
        self.run_folder = data / "run" / "simulator"
        self._port_file = self.run_folder / "port"
        self._log = data / "logs" / "simulator.log"

    @property
    def fingerprint(self) -> str:
        """The market that it plays."""
        return " ".join(self._options)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it on the port that it had before, else on a free one; it writes it to the port file.

        A simulator that takes the place of one that was killed must be found by those who know the old address.
        """
        for folder in (self._state, self.run_folder, self._log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        port = self._earlier_port()
        self._port_file.unlink(missing_ok=True)
        own = ["--state", str(self._state), "--port", str(port), "--port-file", str(self._port_file)]
        with self._log.open("wb") as log:
            try:
                return subprocess.Popen(  # noqa: S603 (our own module)
                    [*self._command, *own, *self._options, *self._first],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    **detached(),
                )
            except OSError as error:
                raise ServiceError(f"Cannot run the market simulator: {error.strerror}") from error

    def _earlier_port(self) -> int:
        try:
            port = int(self._port_file.read_text(encoding="ascii"))
            with socket.socket() as probe:
                if (
                    os.name != "nt"
                ):  # as servers do: closed connections of the earlier one do not keep the port
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except (OSError, ValueError, OverflowError):
            return 0
        return port

    def ready(self, pid: int) -> Facts | None:  # noqa: ARG002 (the port file is removed before each start)
        """Return its URL once it answers there."""
        try:
            port = int(self._port_file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        facts = {"url": f"http://127.0.0.1:{port}"}
        return facts if self.healthy(facts) else None

    def healthy(self, facts: Facts) -> bool:
        """Say whether ``/sim/health`` answers."""
        connection = http.client.HTTPConnection(facts["url"].removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/sim/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self, pid: int, identity: str) -> None:
        """Ask it to end, so that it saves its state."""
        end_process(pid, identity)

    def stray(self) -> int | None:
        """Return a simulator that was started for this folder by a process killed before it could record it."""
        return find_process(str(self._port_file)) if self._port_file.parent.is_dir() else None

    def failure(self) -> str:
        """Return the end of its log."""
        text = self._log.read_text(encoding="utf-8", errors="replace").strip() if self._log.is_file() else ""
        return f"The market simulator ended while starting: {text[-_TAIL_CHARACTERS:] or 'it said nothing'} [{self._log}]"


def simulator_options(settings: Settings) -> list[str]:
    """Return the command-line options that describe the market of these settings."""
    common = ["--cash", f"{settings.sim_cash_usd:.2f}"]
    if settings.sim_at is not None:
        common += ["--at", settings.sim_at.isoformat()]
    if settings.sim_replay is not None:
        return ["--replay", str(settings.sim_replay.expanduser().resolve()), *common]
    market = [
        "--seed",
        str(settings.sim_seed),
        "--symbols",
        str(settings.sim_symbols),
        "--years",
        str(settings.sim_years),
    ]
    return [*market, *common]


def simulator_service(
    settings: Settings, *, command: Sequence[str] | None = None, begins_at: datetime | None = None
) -> SharedService:
    """Return the market simulator of this data folder as a shared service, without starting it; see `SimulatorProcess`."""
    definition = SimulatorProcess(
        command or [sys.executable, "-m", "trading_assets.simulator"],
        simulator_options(settings),
        settings.data,
        begins_at=begins_at,
    )
    return SharedService(definition, definition.run_folder)


@contextmanager
def simulator_for(settings: Settings, *, command: Sequence[str] | None = None) -> Iterator[str | None]:
    """Yield the base URL of the market simulator, holding its process while the block runs; ``None`` outside ``sim`` mode.

    Parameters
    ----------
    settings
        Their ``sim_url`` names a simulator that runs already; then none is started.
    command
        What to run instead of the simulator's module.

    Raises
    ------
    ServiceError
        It cannot be started, or runs already with another market for somebody else.
    """
    if settings.mode != "sim" or settings.sim_url:
        yield settings.sim_url.rstrip("/") if settings.sim_url else None
        return
    with simulator_service(settings, command=command).use() as record:
        yield record.facts["url"]
