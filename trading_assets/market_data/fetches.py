"""Fetches: when each vendor was last asked for a session, and whether its bars were final then; per (source, session)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.database.database import Database
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.settings import Settings

_BATCHES = """
select source, first_session, last_session, last_fetched_at from ingest_batches
where kind = 'daily_bars' and refused is null and last_session >= %s and first_session <= %s and source = any(%s)
"""
SCHEMA = pl.Schema(
    {
        "source": pl.String(),
        "session": pl.Date(),
        "fetched_at": pl.Datetime("us", "UTC"),
        "is_final": pl.Boolean(),
    }
)


def newest_fetches(database: Database, settings: Settings, first: date, last: date) -> pl.DataFrame:
    """Read the newest fetch of daily bars of each configured source and session.

    Returns
    -------
    pl.DataFrame
        ``source, session, fetched_at, is_final``: whether it came after the close and the vendor's delay. Nothing for a
        session that a source was never asked for; answers that were refused do not count.
    """
    delay = settings.data_delay
    newest: dict[tuple[str, date], datetime] = {}
    batches = database.fetch(_BATCHES, (first, last, list(settings.sources)))
    for source, start, end, fetched_at in batches:
        for session in calendar.sessions_between(max(start, first), min(end, last)):
            known = newest.get((source, session))
            newest[source, session] = fetched_at if known is None else max(known, fetched_at)
    rows = [
        (source, session, fetched_at, fetched_at >= calendar.session_close(session) + delay)
        for (source, session), fetched_at in sorted(newest.items())
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def unfinished_sessions(platform: Platform, sessions: Sequence[date]) -> dict[str, list[date]]:
    """Return, by source, the sessions whose newest fetch came before its bars were final."""
    early = newest_fetches(platform.database, platform.settings, sessions[0], sessions[-1]).filter(
        ~pl.col("is_final")
    )
    found: dict[str, list[date]] = {}
    for source, session in early.select("source", "session").iter_rows():
        found.setdefault(source, []).append(session)
    return found
