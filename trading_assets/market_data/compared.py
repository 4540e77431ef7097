"""What the checks of stored bars compare them with: listings, fetches and reports of days; what is due within a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from resources.database.database import Database
from resources.lake.lake import Lake
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.fetches import newest_fetches
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.market_data.progress import reached
from trading_assets.market_data.selection import kept_symbols
from trading_assets.quality.checked import LOOK_BACK_SESSIONS, CheckedBars
from trading_assets.quality.coverage import COVERAGE_LOOK_BACK
from trading_assets.quality.moves import SPIKE_SESSIONS
from trading_assets.settings import SourceName
from trading_assets.tables.bars import OHLCV
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE

FEATURE_SESSIONS = 252
ASKED_SESSIONS = 10
"""How far back the newest fetch of a source is looked for."""


def with_market(platform: Platform, checked: CheckedBars) -> CheckedBars:
    """Add what daily bars are compared with: what was listed, known, asked for and reported, a hole before, bars after."""
    lake, settings, sessions = platform.lake, platform.settings, checked.sessions
    listed = ["symbol", "session", "status", "listed_date", "delisted_date", "sector"]
    universe = lake.scan(UNIVERSE, start=sessions[0], end=sessions[-1], columns=listed).collect()
    asked = calendar.shift(sessions[0], -ASKED_SESSIONS)
    fetches = newest_fetches(platform.database, settings, asked, sessions[-1])
    first = calendar.shift(sessions[0], -LOOK_BACK_SESSIONS)
    after, last = calendar.next_session(sessions[-1]), calendar.shift(sessions[-1], SPIKE_SESSIONS)
    compared = ["symbol", "session", *OHLCV]
    return replace(
        checked,
        universe=None if universe.is_empty() else universe,
        after=lake.scan(DAILY_BARS, start=after, end=last, columns=compared).collect(),
        actions=lake.scan(CORPORATE_ACTIONS, start=first, end=last).collect(),
        vendor=_reported(lake, settings.sources, sessions),
        vendor_sources=settings.sources,
        answers=_answers(lake, settings.sources, sessions),
        fetches=None if fetches.is_empty() else fetches,
        hole=_hole_before(lake, platform.database, sessions[0]),
    )


def with_due(platform: Platform, checked: CheckedBars) -> CheckedBars:
    """Add what bars within a session are compared with: which were finished, of which symbols, and their day's bars."""
    sessions, accepted = checked.sessions, checked.grain.accepted
    until = reached(platform.database, accepted.name, sessions)
    columns = ["symbol", "session", "high", "low", "close", "volume"]
    return replace(
        checked,
        due={
            session: [start for start, end in checked.grain.periods(session) if end <= last]
            for session, last in until.items()
        },
        expected=_expected(platform, checked),
        delay=platform.settings.data_delay,
        daily=platform.lake.scan(DAILY_BARS, start=sessions[0], end=sessions[-1], columns=columns).collect(),
    )


def _reported(lake: Lake, sources: Sequence[SourceName], sessions: Sequence[date]) -> pl.DataFrame:
    columns = ["symbol", "session", "volume"]
    return pl.concat(
        lake.scan(VENDOR_DAILY_BARS[source], start=sessions[0], end=sessions[-1], columns=columns)
        .with_columns(source=pl.lit(source))
        .collect()
        for source in sources
    )


def _answers(lake: Lake, sources: Sequence[SourceName], sessions: Sequence[date]) -> pl.DataFrame:
    first = calendar.shift(sessions[0], -COVERAGE_LOOK_BACK)
    return pl.concat(
        lake.scan(VENDOR_DAILY_BARS[source], start=first, end=sessions[-1], columns=["symbol", "session"])
        .with_columns(source=pl.lit(source))
        .collect()
        for source in sources
    )


def _hole_before(lake: Lake, database: Database, session: date) -> list[date]:
    first, last = calendar.shift(session, -FEATURE_SESSIONS), calendar.shift(session, -1)
    known = lake.row_counts(DAILY_BARS, first, last)
    absent = [day for day in calendar.sessions_between(min(known), last) if day not in known] if known else []
    # what the vendors were asked for and did not have was reported on its own session
    asked = blocked_sessions(database, absent)
    return [day for day in absent if day not in asked]


def _expected(platform: Platform, checked: CheckedBars) -> pl.DataFrame:
    """Expect the selected symbols that had bars in the session before."""
    rows = checked.bars.select("symbol", "session")
    if checked.before is not None:
        rows = pl.concat([checked.before.select("symbol", "session"), rows])
    following = {day: calendar.next_session(day) for day in rows["session"].unique()}
    after = rows.unique().with_columns(
        pl.col("session").replace_strict(following, return_dtype=pl.Date) if following else pl.col("session")
    )
    return kept_symbols(platform, checked.sessions).join(after, on=["symbol", "session"], how="semi")
