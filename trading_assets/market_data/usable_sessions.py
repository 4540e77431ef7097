"""Usable sessions: the unbroken ranges of a backfill that are left without those whose blocking checks failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from resources.database.database import Database
from trading_assets.market_data.findings import BEFORE_FEATURES, BEFORE_ORDERS, blocked_sessions
from trading_assets.missing_work import unbroken
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.pairs import PAIR_STATISTICS
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS

MADE_OF_CHECKED = frozenset(
    {DAILY_FEATURES.name, SCREENER_RESULTS.name, SCREENER_EVENTS.name, "signals", PAIR_STATISTICS.name}
)
"""Assets that are made of no session whose blocking checks failed."""


def usable_parts(
    database: Database, assets: Sequence[str], sessions: Sequence[date]
) -> Iterator[Sequence[date]]:
    """Yield the ranges of ``sessions`` over which ``assets`` can be made.

    All of it, if data that are not checked yet are among the assets; else what is left without the blocked sessions, so
    that these stay missing and are made when they are mended or accepted.
    """
    if not MADE_OF_CHECKED.issuperset(assets):
        yield sessions
        return
    tables = BEFORE_FEATURES if DAILY_FEATURES.name in assets else BEFORE_ORDERS
    yield from unbroken(sessions, set(sessions) - blocked_sessions(database, sessions, tables))
