"""Probing: one tiny real request for each kind of data that a configured source is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from resources.vendors.http.gates import vendor_pace
from resources.vendors.http.pacing import pace_file
from resources.vendors.http.policy import HttpGate, HttpPolicy
from trading_assets.errors import TransientError
from trading_assets.settings import Settings, SourceName

SYMBOLS = ("SPY", "AAPL")
LONGEST_PACE_WAIT_SECONDS = 2.0


@dataclass(frozen=True)
class Answered:
    """What a vendor answered; ``mend`` says what should be better although it answered."""

    detail: str
    mend: str = ""


Ask = Callable[[], Answered]


class SourceProbes(Protocol):
    """The probes of one source."""

    gate: HttpGate

    def kinds(self) -> Mapping[str, Ask]:
        """Return a request by kind of data."""
        ...


def probing_gate(vendor: SourceName, settings: Settings, secrets: tuple[str, ...] = ()) -> HttpGate:
    """Make a gate that asks once, waits briefly, and counts towards the pace that all processes share."""
    policy = HttpPolicy(
        vendor,
        pace=vendor_pace(vendor, settings),
        connect_seconds=3.0,
        read_seconds=5.0,
        total_seconds=6.0,
        attempts=1,
    )

    def sleep(seconds: float) -> None:
        if seconds > LONGEST_PACE_WAIT_SECONDS:
            raise PaceUsedUpError(
                "Not asked: the pace towards this vendor is used up",
                vendor=vendor,
                free_in_seconds=round(seconds),
            )
        time.sleep(seconds)

    hidden = secrets if settings.mode != "sim" else ()
    return HttpGate(policy, secrets=hidden, pace_file=pace_file(settings.data, vendor), sleep=sleep)


class PaceUsedUpError(TransientError):
    """Ask again later: our own pace leaves no room for a probe at the moment."""


def counted(rows: int, what: str) -> Answered:
    """Say how many rows came, and what to do if none did."""
    if rows:
        return Answered(f"{rows:,} {what}")
    return Answered(
        f"answered, but with no {what}", "look at the vendor's status page; a session should have rows"
    )
