"""Lake locks: who may replace the files of a table's year; in Postgres, or in lock files without it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock


class PartLocks(Protocol):
    """Mutual exclusion by name, between threads, processes and, in Postgres, machines."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Wait for the lock ``name`` and hold it until the context ends."""
        ...


class AdvisoryLocking(Protocol):
    """What ``PostgresLocks`` needs of a database."""

    def advisory_lock(self, name: str) -> AbstractContextManager[object]:
        """Hold a Postgres advisory lock of that name."""
        ...


class PostgresLocks:
    """Postgres advisory locks: they hold between machines and vanish with the session of a killed owner."""

    def __init__(self, database: AdvisoryLocking) -> None:
        self._database = database

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        with self._database.advisory_lock(name):
            yield


class FileLocks:
    """Lock files in one folder: they hold between the processes of one machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / f"{re.sub(r'[^A-Za-z0-9_=-]', '.', name)}.lock"):
            yield
