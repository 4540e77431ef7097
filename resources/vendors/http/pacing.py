"""Pacing: requests at most so many in so many seconds, by one process or by all processes of a data folder."""

from __future__ import annotations

import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from filelock import FileLock

from resources.vendors.http.fan_out import sleep_unless_stopped

LONGEST_PAUSE_SECONDS = 600.0


@dataclass(frozen=True)
class Pace:
    """At most ``requests`` within any ``seconds``."""

    requests: int
    seconds: float


class Ledger:
    """When the latest requests went out, and until when none may; kept in memory.

    Parameters
    ----------
    size
        Number of requests to remember.
    """

    def __init__(self, size: int) -> None:
        self.granted: deque[float] = deque(maxlen=size)
        self.not_before = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def opened(self, monotonic: Callable[[], float]) -> Iterator[float]:
        """Hold the ledger and yield the instant: what is read and changed within the block belongs together."""
        with self._lock:
            yield monotonic()


class SharedLedger(Ledger):
    """A ledger in a file, for all processes of a machine that share it.

    The instants are those of the system's monotonic clock, which all processes of a machine share and which
    begins anew when it starts; what lies in the future is therefore from before a restart, and forgotten. A
    file that is damaged, or was made for another pace, counts as empty: at worst the vendor answers 429 once.

    Parameters
    ----------
    size
        Number of requests to remember.
    file
        Made on first use, with a lock file beside it.
    """

    def __init__(self, size: int, file: Path) -> None:
        super().__init__(size)
        self._file = file
        self._numbers = struct.Struct(f"<{size + 1}d")
        self._file_lock = FileLock(file.with_suffix(".lock"), thread_local=False, poll_interval=0.002)

    @contextmanager
    def opened(self, monotonic: Callable[[], float]) -> Iterator[float]:
        """Hold the ledger, also against other processes, and yield the instant."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, self._file_lock, self._open() as file:
            now = (
                monotonic()
            )  # not before the lock is held: a grant of another process would lie in the future
            self._load(file.read(), now)
            before = (self.not_before, *self.granted)
            yield now
            after = (self.not_before, *self.granted)
            if after != before:
                file.seek(0)
                # always of one length, so that the file need not be cut: that is what takes long
                file.write(self._numbers.pack(*after, *[0.0] * (self._numbers.size // 8 - len(after))))

    def _open(self) -> FileIO:
        try:
            return FileIO(self._file, "r+")
        except FileNotFoundError:
            return FileIO(self._file, "w+")

    def _load(self, content: bytes, now: float) -> None:
        self.granted.clear()
        self.not_before = 0.0
        if len(content) == self._numbers.size:
            pause, *granted = self._numbers.unpack(content)
            self.not_before = pause if 0 < pause <= now + LONGEST_PAUSE_SECONDS else 0.0
            self.granted.extend(instant for instant in granted if 0 < instant <= now)


class Pacer:
    """Grants requests at a pace, and holds all threads back while a pause lasts.

    Parameters
    ----------
    pace
        ``None`` for no limit of our own; pauses that the vendor asks for are kept all the same.
    file
        Where processes share the pace; ``None`` for this process alone.
    sleep, monotonic
        Passing of time, injected by tests.
    """

    def __init__(
        self,
        pace: Pace | None,
        *,
        file: Path | None = None,
        sleep: Callable[[float], None] = sleep_unless_stopped,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pace = pace
        self._sleep = sleep
        self._monotonic = monotonic
        size = pace.requests if pace else 1
        self._ledger = Ledger(size) if file is None or pace is None else SharedLedger(size, file)

    def wait(self) -> float:
        """Return when the next request may go out, with the seconds that were waited."""
        waited = 0.0
        while True:
            delay = self._delay(take=True)
            if delay <= 0:
                return waited
            self._sleep(delay)
            waited += delay

    def delay(self) -> float:
        """Return the seconds until the next request might go out, without taking its place."""
        return self._delay(take=False)

    def pause(self, seconds: float) -> None:
        """Let no request out for ``seconds``."""
        with self._ledger.opened(self._monotonic) as now:
            until = now + min(seconds, LONGEST_PAUSE_SECONDS)
            self._ledger.not_before = max(self._ledger.not_before, until)

    def _delay(self, *, take: bool) -> float:
        ledger = self._ledger
        with ledger.opened(self._monotonic) as now:
            due = max(now, ledger.not_before)
            if self.pace and len(ledger.granted) == self.pace.requests:
                due = max(due, ledger.granted[0] + self.pace.seconds)
            if due <= now and take:
                ledger.granted.append(now)
            return due - now


def pace_file(folder: Path, vendor: str) -> Path:
    """Return where the processes of a data folder share their pace towards one vendor."""
    return folder / "run" / "pace" / f"{vendor}.bin"
