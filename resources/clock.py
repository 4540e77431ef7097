"""The clock: the only place that reads the time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from trading_assets.errors import TransientError


class Clock(Protocol):
    """Where the system takes its time from."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...

    def advance_to(self, instant: datetime) -> bool:
        """Let time pass until ``instant`` if this clock can be moved; say whether ``instant`` has come."""
        ...


class SystemClock:
    """The machine's clock, which nobody can move."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 (the one place)

    def advance_to(self, instant: datetime) -> bool:
        return self.now() >= instant


@dataclass
class ManualClock:
    """A clock that stands still until it is moved; for tests and replays."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def advance_to(self, instant: datetime) -> bool:
        self.instant = max(self.instant, instant)
        return True


class SimulatorClock:
    """The market simulator's clock, read and moved over its admin endpoint."""

    def __init__(self, base_url: str, *, timeout_seconds: float = 30.0) -> None:
        self._url = f"{base_url.rstrip('/')}/sim/clock"
        self._timeout = timeout_seconds
        import requests  # takes 0.1 s, which commands about the books do not have

        self._session = requests.Session()
        self._session.trust_env = (
            False  # it is on this machine: no proxy, and no look for one with each question
        )

    def now(self) -> datetime:
        return self._call("GET", None)

    def advance_to(self, instant: datetime) -> bool:
        if self.now() >= instant:
            return True
        return self._call("POST", {"advance_to": instant.astimezone(UTC).isoformat()}) >= instant

    def _call(self, method: str, body: dict[str, str] | None) -> datetime:
        import requests

        try:
            answer = self._session.request(method, self._url, json=body, timeout=self._timeout)
            answer.raise_for_status()
            return datetime.fromisoformat(answer.json()["now"]).astimezone(UTC)
        except (requests.RequestException, KeyError, ValueError) as error:
            raise TransientError("The market simulator's clock does not answer", url=self._url) from error


def monotonic_seconds() -> float:
    """Return a running number of seconds for measuring durations, unrelated to the time of day."""
    return time.perf_counter()
