"""Sessions that can be screened: the newest one known, the stored ones nearest to a day, and those that a condition misses."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets.screener.filters import Query
from trading_assets.screener.market_frame import columns_needed
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.sessions import is_session, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES

Blocked = Callable[[Sequence[date]], Collection[date]]
"""Says which of some sessions failed blocking checks, so that no features are made of them."""


def newest_known(lake: Lake, as_of: datetime, blocked: Blocked | None = None) -> date | None:
    """Return the newest session with bars known at an instant, which may lie ahead; None if nothing was known then.

    Sessions that are ``blocked`` are passed over.
    """
    market = ScreenerMarket(lake)
    known = market.newest_session(as_of=as_of, blocked=blocked)
    newest = market.newest_session()
    if known is not None or newest is None or (blocked is not None and blocked([newest])):
        return known
    # the instant lies long after the newest session, or before everything
    bars = lake.scan(DAILY_BARS, start=newest, end=newest, as_of=as_of, columns=["session"])
    return newest if bars.select(pl.len()).collect().item() else None


def why_not_stored(day: date, stored: Sequence[date]) -> str:
    """Say that a day has no features, why if the calendar tells, and which stored sessions are nearest.

    Parameters
    ----------
    day
        Day that was asked for and is not stored.
    stored
        Sessions that are, oldest first; at least one.
    """
    place = bisect_left(stored, day)
    nearest = [f"{item:%Y-%m-%d}" for item in stored[max(place - 1, 0) : place + 1]]
    if day < stored[0]:
        why = f"{day} lies before the first session with features"
    elif day > stored[-1]:
        why = f"{day} lies after the newest session with features"
    elif not is_session(day):
        why = f"{day} is no exchange session"
    else:
        why = f"Session {day} has no features: it was not run, or a check held it back (`trading-assets quality list`)"
    return f"{why}; the nearest stored {'ones are' if len(nearest) > 1 else 'one is'} {' and '.join(nearest)}"


def missing_sessions(lake: Lake, query: Query, session: date, *, as_of: datetime | None = None) -> list[date]:
    """Return the earlier sessions that a query reads and of which nothing is there, oldest first."""
    _, distances = columns_needed(query)
    earlier = [shift(session, -ago) for ago in reversed(distances) if ago]
    if not earlier:
        return []
    if as_of is None:
        there = set(lake.row_counts(DAILY_FEATURES, earlier[0], earlier[-1]))
    else:
        bars = lake.scan(DAILY_BARS, start=earlier[0], end=earlier[-1], as_of=as_of, columns=["session"])
        there = set(bars.unique().collect()["session"])
    return [day for day in earlier if day not in there]


def blocked_in_words(session: date) -> str:
    """Say what an answer about a session is worth whose blocking checks failed."""
    return (
        f"Blocking data-quality checks failed on session {session}, so no features are kept of it: these are computed from data "
        f"that the checks refuse. See them with: trading-assets quality list --session {session}"
    )


def missing_in_words(days: Sequence[date], first: date | None) -> str:
    """Say which sessions that conditions read are not there; empty if all are.

    Parameters
    ----------
    days
        From ``missing_sessions``.
    first
        The first stored session: what lies before it was never computed.
    """
    before = [day for day in days if first is not None and day < first]
    held = [f"{day:%Y-%m-%d}" for day in days if day not in before]
    told = []
    if held:
        plural = len(held) > 1
        told.append(
            f"Session{'s' if plural else ''} {', '.join(held)} {'have' if plural else 'has'} no features "
            "(a check held it back, or it was not run): conditions that read it lack the data"
        )
    if before:
        told.append(f"Conditions read sessions before {first:%Y-%m-%d}, the first one with features")
    return ". ".join(told)
