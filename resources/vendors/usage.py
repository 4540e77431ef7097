"""Usage of vendors: requests, retries, refusals, bytes and waiting, one row a vendor and UTC day in Postgres."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Protocol

from resources.database.database import Database
from resources.database.writes import insert
from trading_assets.tables.operations import VENDOR_USAGE

_ADD_UP = """
(vendor, day) do update set
    requests = vendor_usage.requests + excluded.requests,
    retries = vendor_usage.retries + excluded.retries,
    rate_limited = vendor_usage.rate_limited + excluded.rate_limited,
    failures = vendor_usage.failures + excluded.failures,
    received_bytes = vendor_usage.received_bytes + excluded.received_bytes,
    waited_seconds = vendor_usage.waited_seconds + excluded.waited_seconds,
    per_minute = excluded.per_minute,
    remaining = coalesce(excluded.remaining, vendor_usage.remaining),
    updated_at = excluded.updated_at
"""


@dataclass(frozen=True)
class Counts:
    """What went on between us and one vendor.

    ``requests`` counts what was sent, retries included; ``failures`` the calls that ended in an error;
    ``waited_seconds`` is the sum over threads.
    """

    requests: int = 0
    retries: int = 0
    rate_limited: int = 0
    failures: int = 0
    received_bytes: int = 0
    waited_seconds: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))

    def __neg__(self) -> Counts:
        return Counts(*(-getattr(self, item.name) for item in fields(self)))


class Usage:
    """Counts of one gate, added up by all its threads."""

    def __init__(self) -> None:
        self._counts = Counts()
        self._lock = threading.Lock()

    def add(self, counts: Counts) -> None:
        """Count something."""
        with self._lock:
            self._counts += counts

    def counts(self) -> Counts:
        """Return what was counted and not settled yet."""
        with self._lock:
            return replace(self._counts)

    def settle(self, counts: Counts) -> None:
        """Take off what has been recorded."""
        self.add(-counts)


class CountingGate(Protocol):
    """What `record_usage` needs of an `HttpGate`."""

    usage: Usage

    @property
    def vendor(self) -> str:
        """Whose requests it counts."""
        ...

    @property
    def per_minute(self) -> int | None:
        """Our own pace, ``None`` for none."""
        ...

    @property
    def remaining(self) -> int | None:
        """What the vendor said was left of its quota."""
        ...


def record_usage(database: Database, gates: Iterable[CountingGate], now: datetime) -> int:
    """Add what the gates counted since last time to the vendors' rows of this UTC day.

    What is recorded is counted once: if the database refuses, the counts stay with the gates.

    Returns
    -------
    int
        Number of vendors that something was recorded for.
    """
    taken = [(gate, counts) for gate in gates if (counts := gate.usage.counts()) != Counts()]
    if not taken:
        return 0
    with database.connection() as connection:
        for gate, counts in taken:
            facts = {item.name: getattr(counts, item.name) for item in fields(counts)}
            place = {"vendor": gate.vendor, "day": now.astimezone(UTC).date(), "updated_at": now}
            row = {**facts, **place, "per_minute": gate.per_minute, "remaining": gate.remaining}
            insert(connection, VENDOR_USAGE, row, conflict=_ADD_UP)
    for gate, counts in taken:
        gate.usage.settle(counts)
    return len({gate.vendor for gate, _ in taken})
