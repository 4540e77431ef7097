"""Freshness: the newest session in a table against the newest one that should be there, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from trading_assets.sessions import sessions_between, shift

Status = Literal["fresh", "late", "stale", "never", "not used", "as it happens"]
Rhythm = Literal["session", "week", "event"]
SNAPSHOT_SESSIONS = 5
"""A weekly snapshot is fresh for so many sessions, late for as many more."""


@dataclass(frozen=True)
class Freshness:
    """A verdict on the data: its colour, a few words for the badge, and what to do about it."""

    level: Literal["green", "orange", "red"]
    words: str
    advice: str


def judge(latest: date | None, expected: date) -> Freshness:
    """Compare the newest session that is there with the newest one that should be.

    Parameters
    ----------
    latest
        Newest session with accepted bars; ``None`` without any.
    expected
        Newest session whose bars are final at this moment.
    """
    if latest is None:
        return Freshness(
            "red", "No market data", "Run `trading-assets up` to fill the history and run the newest session."
        )
    if latest >= expected:
        return Freshness("green", f"Data current: {latest:%a %d %b %Y}", "The newest final session is there.")
    behind = len(sessions_between(latest, expected)) - 1
    words = f"Data {behind} session{'s' if behind > 1 else ''} behind: {latest:%a %d %b %Y}"
    advice = f"Session {expected:%a %d %b %Y} is over and missing: run `trading-assets run`."
    return Freshness("orange" if behind == 1 else "red", words, advice)


def table_status(latest: date | None, expected: date | None, rhythm: Rhythm) -> Status:
    """Say how a table stands.

    Parameters
    ----------
    latest
        Newest session that the table has, or that a fetch for it covered; ``None`` without any.
    expected
        Newest session that it should have by now; ``None`` where nobody knows.
    rhythm
        ``session``: a row set every session; ``week``: a snapshot a week; ``event``: rows only when something happens.
    """
    if rhythm == "event" or (latest is not None and expected is None):
        return "as it happens"
    if latest is None or expected is None:
        return "never"
    fresh_until = expected if rhythm == "session" else shift(expected, -SNAPSHOT_SESSIONS)
    late_until = shift(fresh_until, -1 if rhythm == "session" else -SNAPSHOT_SESSIONS)
    return "fresh" if latest >= fresh_until else "late" if latest >= late_until else "stale"


def age(of: timedelta | None) -> str:
    """Write a length of time in its largest unit, e.g. ``3 h`` or ``12 days``."""
    if of is None:
        return "n/a"
    minutes = max(0, int(of.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"
