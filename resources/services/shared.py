"""Shared local services: one process per data folder, started by its first user and stopped by its last.

A user is a process with a lease: a file ``leases/<pid>.json`` that also holds the create time of the process, so that
a lease whose owner was killed is recognised and swept by whoever comes next, even if its number was given to
another process. Every change happens under one file lock, so that two starters get one service; nobody holds it while
waiting for a service to serve. A service that lost all its owners to ``kill -9`` goes on running; the next process
adopts it if it is healthy and replaces it if not.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from logging import getLogger
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from resources.atomic_files import replace_text
from resources.clock import SystemClock
from resources.services.processes import adopt_child, is_running, process_identity
from resources.services.stop_signals import StopSignals
from trading_assets.errors import ServiceError

_LOG = getLogger(__name__)
_POLL_SECONDS = 0.01
Facts = Mapping[str, Any]


class ServiceDefinition(Protocol):
    """What a kind of service knows about itself; the sharing is the business of :class:`SharedService`."""

    name: str
    start_seconds: float

    @property
    def fingerprint(self) -> str:
        """What users must agree on to share one process; empty when they always may."""
        ...

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process in a session of its own and return at once."""
        ...

    def ready(self, pid: int) -> Facts | None:
        """Return what users need to know to reach it; ``None`` while it does not serve yet."""
        ...

    def healthy(self, facts: Facts) -> bool:
        """Say whether it serves at this moment."""
        ...

    def stop(self, pid: int, identity: str) -> None:
        """End the process and wait until it has ended."""
        ...

    def stray(self) -> int | None:
        """Return the number of a process that serves this folder although no record says so."""
        ...

    def failure(self) -> str:
        """Say why the process ended while starting, and what to do about it."""
        ...


@dataclass(frozen=True)
class ServiceRecord:
    """The process that serves, as written in ``state.json``; ``facts`` is empty until it is ready."""

    pid: int
    identity: str
    started_at: str
    fingerprint: str
    facts: dict[str, Any]

    @property
    def is_running(self) -> bool:
        """Whether this very process still runs."""
        return is_running(self.pid, self.identity)


@dataclass
class _Holding:
    service: SharedService
    count: int
    record: ServiceRecord
    launched: bool
    """Whether this process started it and it has not served yet: then it is for this process to say why not."""


_HELD: dict[tuple[int, Path], _Holding] = {}  # by (own pid, folder): a forked child holds nothing
_SIGNALS = StopSignals()


class SharedService:
    """One service of one data folder, as one of its users sees it.

    Parameters
    ----------
    definition
        What to start and how to know that it serves.
    folder
        Where the record, the lock and the leases are kept, e.g. ``data/run/postgres``.
    """

    def __init__(self, definition: ServiceDefinition, folder: Path) -> None:
        self.definition = definition
        self.folder = folder.absolute()
        self._state = self.folder / "state.json"
        self._leases = self.folder / "leases"

    @property
    def _key(self) -> tuple[int, Path]:
        return os.getpid(), self.folder

    @property
    def _lease(self) -> Path:
        return self._leases / f"{os.getpid()}.json"

    @contextmanager
    def use(self) -> Iterator[ServiceRecord]:
        """Hold the service while the block runs.

        Raises
        ------
        ServiceError
            When it cannot be started; the message says why and what to do.
        """
        record = self.acquire()
        try:
            yield record
        finally:
            self.release()

    def acquire(self) -> ServiceRecord:
        """Start or join the service, wait until it serves, and hold it until :meth:`release` or the end of this process.

        Nested calls in one process count as one user.
        """
        self.begin()
        return self.wait()

    def begin(self) -> None:
        """Start or join the service and hold it, without waiting until it serves: so that several start side by side.

        SIGTERM and SIGHUP, which would end Python without clean-up, are turned into ``SystemExit`` while a service is held
        from the main thread and nobody else handles them.
        """
        _SIGNALS.hold()
        joined = False
        try:
            with self._locked():
                self._join()
                joined = True
        except BaseException:
            if joined:  # asked to stop as soon as it was done
                self.release()
            else:
                _SIGNALS.release()
            raise

    def wait(self) -> ServiceRecord:
        """Return the record of the service that is held once it serves; if it does not, the hold is given up.

        Raises
        ------
        ServiceError
            Says why it does not serve and what to do.
        """
        try:
            while True:
                record = _HELD[self._key].record
                facts = self._until_healthy(record)
                with self._locked():
                    if facts is not None and self._successor(record) is None:
                        return self._publish(replace(record, facts=dict(facts)))
                    self._replace(record)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Give up one hold; the last holder of the last process stops the service."""
        holding = _HELD.get(self._key)
        if holding is None:
            return
        try:
            with self._locked():
                holding.count = max(0, holding.count - 1)
                self._leave_unless_held()
        finally:
            _SIGNALS.release()

    def end_unused(self) -> bool:
        """End the service if it runs although all its users are gone; say whether it did."""
        _SIGNALS.hold()
        try:
            with self._locked():
                record = self.record()
                self._stop_if_unused()
                return record is not None and not record.is_running
        finally:
            _SIGNALS.release()

    def users(self) -> list[int]:
        """Return the numbers of the living processes that hold the service."""
        return [pid for pid, identity in self._read_leases() if is_running(pid, identity)]

    def record(self) -> ServiceRecord | None:
        """Return the running service as recorded, without starting anything; ``None`` when none runs."""
        record = self._read_record()
        return record if record and record.is_running else None

    # -- under the lock --------------------------------------------------------------------------------------

    def _join(self) -> None:
        self._sweep()
        try:
            record, launched = self._ensure()
            self._hold(record, launched=launched)
            replace_text(self._lease, json.dumps({"identity": process_identity(os.getpid())}))
            _HELD[self._key].count += 1
        except BaseException:
            self._leave_unless_held()
            raise

    def _hold(self, record: ServiceRecord, *, launched: bool) -> None:
        holding = _HELD.setdefault(self._key, _Holding(self, 0, record, launched))
        holding.launched = launched or (holding.launched and holding.record.identity == record.identity)
        holding.record = record

    def _leave_unless_held(self) -> None:
        # Failed half way, this is done again at the end of the process: so the entry goes last.
        holding = _HELD.get(self._key)
        if holding is not None and holding.count > 0:
            return
        self._lease.unlink(missing_ok=True)
        self._stop_if_unused(known=holding.record if holding else None)
        _HELD.pop(self._key, None)

    def _ensure(self) -> tuple[ServiceRecord, bool]:
        record = self._read_record() or self._adopt_stray()
        if record is not None and record.is_running:
            if not record.fingerprint or record.fingerprint == self.definition.fingerprint:
                return self._write_record(record), False
            self._refuse_other_settings(record)
            self._end(record, "has other settings")
        return self._start(), True

    def _successor(self, record: ServiceRecord) -> ServiceRecord | None:
        known = self._read_record()
        return known if known is not None and known.identity != record.identity else None

    def _replace(self, silent: ServiceRecord) -> None:
        # It was replaced meanwhile; or it ended, or runs and does not serve: then whoever started it says why, everybody
        # else starts another one.
        successor, holding = self._successor(silent), _HELD[self._key]
        if successor is not None:
            return self._hold(successor, launched=False)
        was_running = silent.is_running
        self._end(silent, "does not serve")
        if holding.launched:
            why = self.definition.failure()
            late = f"The {self.definition.name} did not begin to serve within {self.definition.start_seconds:g} s: {why}"
            raise ServiceError(late if was_running else why)
        return self._hold(self._start(), launched=True)

    def _end(self, record: ServiceRecord, why: str) -> None:
        if record.is_running:
            _LOG.warning("Ending %s (process %d), which %s", self.definition.name, record.pid, why)
            self.definition.stop(record.pid, record.identity)
        self._state.unlink(missing_ok=True)

    def _refuse_other_settings(self, record: ServiceRecord) -> None:
        users = self.users()
        if users:
            raise ServiceError(
                f"The {self.definition.name} of this data folder runs already, with other settings: end the processes "
                "that use it, or choose another TRADING_DATA",
                pid=record.pid,
                users=users,
            )

    def _start(self) -> ServiceRecord:
        _LOG.info("Starting %s", self.definition.name)
        process = self.definition.launch()
        adopt_child(process)
        identity = process_identity(process.pid) or ""
        record = ServiceRecord(
            pid=process.pid,
            identity=identity,
            started_at=SystemClock().now().isoformat(),
            fingerprint=self.definition.fingerprint,
            facts={},
        )
        try:
            return self._write_record(record)
        except BaseException:
            self.definition.stop(record.pid, record.identity)
            raise

    def _publish(self, record: ServiceRecord) -> ServiceRecord:
        known, holding = self._read_record(), _HELD[self._key]
        holding.record, holding.launched = record, False
        return self._write_record(record) if known != record else record

    def _adopt_stray(self) -> ServiceRecord | None:
        pid = self.definition.stray()
        identity = process_identity(pid) if pid else None
        if pid is None or identity is None:
            return None
        _LOG.warning("Adopting %s (process %d), which has no record", self.definition.name, pid)
        return ServiceRecord(pid, identity, SystemClock().now().isoformat(), "", {})

    def _stop_if_unused(self, known: ServiceRecord | None = None) -> None:
        if self._sweep():
            return
        record = self._read_record() or known  # the folder may have been deleted under us
        if record is not None and record.is_running:
            _LOG.info("Stopping %s", self.definition.name)
            self.definition.stop(record.pid, record.identity)
        self._state.unlink(missing_ok=True)

    def _sweep(self) -> list[int]:
        alive = []
        for pid, identity in self._read_leases():
            if is_running(pid, identity):
                alive.append(pid)
            else:
                (self._leases / f"{pid}.json").unlink(missing_ok=True)
        return alive

    # -- without the lock ------------------------------------------------------------------------------------

    def _until_healthy(self, record: ServiceRecord) -> Facts | None:
        # It may be starting, or recovering from a crash of one of its parts.
        deadline = time.monotonic() + self.definition.start_seconds
        while record.is_running and time.monotonic() < deadline:
            facts = record.facts or self.definition.ready(record.pid) or {}
            if facts and self.definition.healthy(facts):
                return facts
            time.sleep(_POLL_SECONDS)
        return None

    # -- files -----------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            # Interrupted between the taking of the lock and its note, this process would wait for itself while it ends.
            with _SIGNALS.deferred():
                self._leases.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = FileLock(self.folder / "lock", timeout=0)
                self._take(lock)
                try:
                    yield
                finally:
                    lock.release()
                    del lock  # its destructor would lose a signal
        except OSError as error:
            raise ServiceError(
                f"Cannot keep the run-time files of the {self.definition.name}: {error.strerror or error}. Make the "
                "folder writable, free disk space, or choose another TRADING_DATA",
                folder=self.folder,
            ) from error

    def _take(self, lock: FileLock) -> None:
        patience = self.definition.start_seconds + 60
        deadline = time.monotonic() + patience
        while True:
            with suppress(Timeout):
                lock.acquire()
                return
            _SIGNALS.check()
            if time.monotonic() > deadline:
                raise ServiceError(
                    f"Another process has been starting or stopping the {self.definition.name} for {patience:g} s: "
                    "end that process and try again",
                    lock=self.folder / "lock",
                )
            time.sleep(2 * _POLL_SECONDS)

    def _read_leases(self) -> list[tuple[int, str]]:
        leases = []
        for path in self._leases.glob("*.json"):
            with suppress(FileNotFoundError):  # another process may release its lease at this moment
                leases.append((int(path.stem), str(_parse(path).get("identity", ""))))
        return leases

    def _read_record(self) -> ServiceRecord | None:
        try:
            values = _parse(self._state)
        except FileNotFoundError:
            return None
        try:
            return ServiceRecord(**values)
        except TypeError:
            return None

    def _write_record(self, record: ServiceRecord) -> ServiceRecord:
        replace_text(self._state, json.dumps(asdict(record), indent=1))
        return record


def release_together(services: Iterable[SharedService]) -> None:
    """Give up one hold of each; those that nobody else holds end side by side."""
    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(service.release) for service in services]:
            done.result()


def _parse(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # torn by a full disk or a power cut: as good as none
    return values if isinstance(values, dict) else {}


@atexit.register
def _release_all() -> None:
    for key, holding in list(_HELD.items()):
        if key[0] != os.getpid():
            continue
        holding.count = 1
        holding.service.release()
