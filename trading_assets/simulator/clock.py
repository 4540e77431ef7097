"""The simulator's clock: real, fixed, fast or catching up; it never goes back, not even over a restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from trading_assets.simulator.state import StateStore

FACT = "clock"
MODE = "clock_mode"
_SAVE_EVERY_SECONDS = 1.0


class ClockMode(StrEnum):
    """How time passes by itself."""

    REAL = "real"
    FIXED = "fixed"
    FAST = "fast"
    CATCHING_UP = "catching-up"


def machine_now() -> datetime:
    """Return the machine's time, UTC."""
    return datetime.now(UTC)  # noqa: TID251 (the simulator plays the outside world, which has a clock of its own)


class SimulationClock:
    """Time inside the simulator.

    ``real`` is the later of the machine's time and the furthest instant the clock was advanced to; ``fixed``
    stands still until it is advanced; ``fast`` runs ``speed`` times as fast as the machine's; ``catching-up`` stands as
    ``fixed`` does, until it is told to join the present.

    Parameters
    ----------
    mode
        How time passes by itself.
    store
        Where the furthest instant is kept.
    start
        First instant, where the store has no later one; the machine's time if None.
    speed
        Simulated seconds per second, for ``fast``.
    present
        Where a clock that is catching up stands once it has joined the present; if None it goes on as ``real``.
    machine
        Source of real time.
    """

    def __init__(
        self,
        mode: ClockMode,
        store: StateStore,
        *,
        start: datetime | None = None,
        speed: float = 1.0,
        present: datetime | None = None,
        machine: Callable[[], datetime] = machine_now,
    ) -> None:
        self.mode = mode
        self.speed = speed
        self._store = store
        self._machine = machine
        self._present = present
        stored = store.fact(FACT)
        known = [] if stored is None else [datetime.fromisoformat(stored)]
        if start is not None:
            known.append(start.astimezone(UTC))
        self._furthest = max(known) if known else machine()
        self._running_since = time.monotonic()
        self._saved_at = time.monotonic()
        self._save()
        store.remember(MODE, mode)

    def now(self) -> datetime:
        """Return the present simulated instant, UTC."""
        if self.mode is ClockMode.REAL:
            self._furthest = max(self._furthest, self._machine())
        elif self.mode is ClockMode.FAST:
            elapsed = time.monotonic() - self._running_since
            self._running_since += elapsed
            self._furthest += timedelta(seconds=elapsed * self.speed)
        if (
            self.mode in {ClockMode.REAL, ClockMode.FAST}
            and time.monotonic() - self._saved_at > _SAVE_EVERY_SECONDS
        ):
            self._save()
        return self._furthest

    def advance_to(self, instant: datetime) -> bool:
        """Move on to ``instant``; False, and nothing changes, if that would be a step back."""
        if instant < self.now():
            return False
        self._furthest = instant.astimezone(UTC)
        self._save()
        return True

    def join_the_present(self) -> None:
        """Let a clock that is catching up go on as if it had never been behind; nothing happens to any other."""
        if self.mode is not ClockMode.CATCHING_UP:
            return
        if self._present is not None:
            self._furthest = max(self._furthest, self._present.astimezone(UTC))
        self.mode = ClockMode.REAL if self._present is None else ClockMode.FIXED
        self._save()
        self._store.remember(MODE, self.mode)

    def _save(self) -> None:
        self._saved_at = time.monotonic()
        self._store.remember(FACT, self._furthest.isoformat())
