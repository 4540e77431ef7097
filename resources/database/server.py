"""PostgreSQL for this installation: the embedded server, shared by its users, or any other by URL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import psutil

from resources.database.server_files import ON_WINDOWS, PORT, SUPERUSER, Cluster, program, server_environment
from resources.services.processes import (
    detached,
    end_process,
    is_running,
    process_identity,
    sees_our_files,
    wait_until_ended,
)
from resources.services.shared import Facts, SharedService
from trading_assets.errors import ConfigurationError, ServiceError
from trading_assets.settings import Settings

DatabaseName = Literal["trading", "dagster"]
Driver = Literal["psycopg", "psycopg2"]


@dataclass(frozen=True)
class PostgresEndpoint:
    """Where the databases are; ``base_url`` (hidden from ``repr``: it may hold a password) leads to the product's."""

    base_url: str = field(repr=False)
    embedded: bool
    dagster_database: str = "dagster"

    def url(self, database: DatabaseName = "trading", driver: Driver | None = "psycopg") -> str:
        """Return the URL of one database.

        Parameters
        ----------
        database
            ``trading`` (the product) or ``dagster`` (its instance), whatever they are called on the server.
        driver
            SQLAlchemy's name of the driver; ``None`` for a plain libpq URI.
        """
        parts = urlsplit(self.base_url)
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        path = parts.path if database == "trading" else f"/{quote(self.dagster_database, safe='')}"
        # urlunsplit would drop the // of a URL without host
        return f"{scheme}://{parts.netloc}{path}" + (f"?{parts.query}" if parts.query else "")

    @property
    def has_password(self) -> bool:
        """Whether the URLs are secret."""
        return urlsplit(self.base_url).password is not None or "password=" in urlsplit(self.base_url).query


class EmbeddedPostgres:
    """The server of one cluster as a shared service; see :class:`resources.services.shared.ServiceDefinition`."""

    name = "embedded PostgreSQL"
    fingerprint = ""
    start_seconds = 120.0  # recovery after a power cut may take its time

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._port = PORT

    def launch(self) -> subprocess.Popen[bytes]:
        """Make the cluster if needed and start ``postgres`` in a session of its own."""
        self._end_orphans()
        self.cluster.prepare()
        self._clear_stale_locks()
        if ON_WINDOWS:
            self._port = _free_port()
        self.cluster.mark_start()
        with self.cluster.log.open("ab") as log:
            try:
                return subprocess.Popen(  # noqa: S603 (our own program and paths)
                    self.cluster.arguments(self._port),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.cluster.folder,
                    env=server_environment(),
                    **detached(),
                    **self.cluster.account.popen_options,
                )
            except OSError as error:
                raise ServiceError(
                    self.cluster.explain(f"could not run postgres: {error.strerror}")
                ) from error

    def ready(self, pid: int) -> Facts | None:
        """Return socket folder and port once ``postmaster.pid`` of this very process says ready."""
        lines = _lines(self.cluster.folder / "postmaster.pid")
        if len(lines) < 8 or lines[0] != str(pid) or lines[7].strip() != "ready":
            return None
        host = "127.0.0.1" if ON_WINDOWS else lines[4]
        return {"host": host, "port": int(lines[3])}

    def healthy(self, facts: Facts) -> bool:
        """Say whether the server accepts connections (``pg_isready``)."""
        command = [program("pg_isready"), "-q", "-t", "3", "-h", facts["host"], "-p", str(facts["port"])]
        answer = subprocess.run([*command, "-U", SUPERUSER], check=False, env=server_environment())  # noqa: S603 (our own program)
        return answer.returncode == 0

    def stop(self, pid: int, identity: str) -> None:
        """Stop fast: roll back what runs, write a checkpoint; without patience when that does not end."""
        if ON_WINDOWS:
            command = [program("pg_ctl"), "stop", "-D", str(self.cluster.folder), "-m", "fast", "-w"]
            subprocess.run(command, check=False, capture_output=True)  # noqa: S603 (our own program)
            end_process(pid, identity)
            return
        for number, seconds in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if is_running(pid, identity):
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            if wait_until_ended(pid, identity, seconds):
                break
        with suppress(OSError):  # gone, or not empty after a crash; made again on the next start
            self.cluster.socket_folder.rmdir()

    def stray(self) -> int | None:
        """Return the server that a lock file names, if it is really one of this folder."""
        named = (_named_process(path) for path in self._lock_files())
        return next((pid for pid in named if pid and _serves(pid, self.cluster.folder)), None)

    def failure(self) -> str:
        """Return the last complaint of the server with advice."""
        return self.cluster.explain()

    def _lock_files(self) -> tuple[Path, Path]:
        return self.cluster.folder / "postmaster.pid", self.cluster.socket_folder / f".s.PGSQL.{PORT}.lock"

    def _clear_stale_locks(self) -> None:
        # PostgreSQL takes any process with that number for a server: another program of this user (in containers numbers
        # come again at once) and even one that has ended and was not waited for. It must not be left to judge by number.
        for path in self._lock_files():
            pid = _named_process(path)
            if pid and psutil.pid_exists(pid) and not _serves(pid, self.cluster.folder):
                path.unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        # A busy backend outlives its killed server for a moment; a whole server outlives its deleted folder, and would
        # write into the one made anew at the same path. Neither may write any more: SIGQUIT, not an orderly stop.
        deadline = time.monotonic() + 5
        while orphans := [pid for pid in _postgres_processes() if _serves(pid, self.cluster.folder)]:
            for pid in orphans:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    if ON_WINDOWS or time.monotonic() > deadline:
                        process.kill()
                    else:
                        process.send_signal(signal.SIGQUIT)
            time.sleep(0.05)


def _named_process(lock_file: Path) -> int | None:
    lines = _lines(lock_file)
    return abs(int(lines[0])) if lines and lines[0].strip().lstrip("-").isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _postgres_processes() -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["name"])
        if (process.info["name"] or "").startswith("postgres")
    ]


def _serves(pid: int, folder: Path) -> bool:
    try:
        process = psutil.Process(pid)
        if (
            not process.name().startswith("postgres")
            or process_identity(pid) is None
            or not sees_our_files(pid)
        ):
            return False
        return str(folder) in process.cmdline() or process.cwd().removesuffix(" (deleted)") == str(folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False  # ended meanwhile, or somebody else's


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def embedded_service(settings: Settings) -> SharedService:
    """Return the embedded server of this data folder as a shared service, without starting it."""
    cluster = Cluster(settings.data)
    return SharedService(EmbeddedPostgres(cluster), cluster.run_folder)


@contextmanager
def postgres_for(settings: Settings) -> Iterator[PostgresEndpoint]:
    """Yield the databases of this installation, holding the embedded server while the block runs.

    With ``TRADING_DATABASE_URL`` no process is started; Dagster's database is then the same server's
    ``<name>_dagster``, made when it is missing and this user may.

    Raises
    ------
    ServiceError
        The embedded server cannot be started; the message says what to do.
    ConfigurationError, TransientError
        The server named by ``TRADING_DATABASE_URL`` refuses or does not answer.
    """
    if settings.database_url is not None:
        yield _external(settings.database_url.get_secret_value())
        return
    cluster = Cluster(settings.data)
    with embedded_service(settings).use() as record:
        host, port = record.facts["host"], record.facts["port"]
        if ON_WINDOWS:
            base = f"postgresql://{SUPERUSER}:{quote(cluster.password or '', safe='')}@{host}:{port}/trading"
        else:
            base = f"postgresql://{SUPERUSER}@/trading?host={quote(host, safe='/')}&port={port}"
        yield PostgresEndpoint(base_url=base, embedded=True)


@lru_cache(maxsize=8)
def _external(url: str) -> PostgresEndpoint:
    from resources.database.connections import create_database_if_missing  # psycopg takes 0.1 s to import

    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    if parts.scheme.partition("+")[0] not in {"postgresql", "postgres"} or not name:
        raise ConfigurationError(
            "TRADING_DATABASE_URL must look like postgresql://user:password@host:5432/database",
            scheme=parts.scheme,
        )
    endpoint = PostgresEndpoint(
        base_url=urlunsplit(parts), embedded=False, dagster_database=f"{name}_dagster"
    )
    create_database_if_missing(endpoint.url(driver=None), endpoint.dagster_database)
    return endpoint
