"""Freshness: the newest session in the lake against the newest one that should be there, in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from trading_assets.sessions import sessions_between


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
