"""Consolidation of hours: judge what the vendors reported, keep the best bar per symbol and hour; the daily rules, by hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.acceptance import accepted_findings, bars_taken
from trading_assets.market_data.consolidation import ConsolidatedRange, partial_volume
from trading_assets.market_data.ingest import covered_days
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.consolidate import Before, Consolidated, consolidate
from trading_assets.quality.grain import HOURLY
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS, VENDOR_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

SESSIONS_AT_ONCE = 63
LOOK_BACK_SESSIONS = 5
COMPARED = ["symbol", "bar_start", "bar_end", "session", "open", "high", "low", "close", "volume"]
REPORTED = [*COMPARED, "reports"]


def consolidate_hours(platform: Platform, sessions: Sequence[date]) -> ConsolidatedRange:
    """Consolidate the hours of a range, part by part in order of time, and write bars and quarantine."""
    total = WriteReport()
    bars, quarantined = [], []
    done = 0
    for part in calendar.in_parts(sessions, SESSIONS_AT_ONCE):
        done += len(part)
        result = _consolidate_part(platform, part)
        now = platform.clock.now()
        total.add(platform.lake.write_sessions(HOURLY_BARS, result.bars, part, known_at=now))
        platform.lake.write_sessions(
            QUARANTINED_HOURLY_BARS, result.quarantined, covered_days(part), known_at=now
        )
        bars.append(result.bars)
        quarantined.append(result.quarantined)
        platform.progress.advanced(HOURLY_BARS.name, done, len(sessions))
    return ConsolidatedRange(pl.concat(bars), pl.concat(quarantined), total)


def hour_starts(sessions: Sequence[date]) -> list[datetime]:
    """List where the hours of the sessions begin."""
    return [start for session in sessions for start, _ in calendar.session_hours(session)]


def _consolidate_part(platform: Platform, sessions: Sequence[date]) -> Consolidated:
    lake, days = platform.lake, covered_days(sessions)
    first = calendar.shift(sessions[0], -LOOK_BACK_SESSIONS)
    last = calendar.shift(sessions[0], -1)
    tables = {source: VENDOR_HOURLY_BARS[source] for source in platform.settings.hourly_bar_sources}
    return consolidate(
        {source: lake.scan(table, start=days[0], end=days[-1]).collect() for source, table in tables.items()},
        priority=list(tables),
        sessions=sessions,
        before=Before(
            accepted=lake.scan(HOURLY_BARS, start=first, end=last, columns=COMPARED).collect(),
            vendor={
                source: lake.scan(table, start=first, end=last, columns=REPORTED).collect()
                for source, table in tables.items()
            },
        ),
        thresholds=load_thresholds(platform.settings.quality),
        taken=bars_taken(accepted_findings(platform.database, HOURLY_BARS.name, days)),
        partial_volume=partial_volume(platform.settings),
        corporate_actions=lake.scan(CORPORATE_ACTIONS, start=first, end=days[-1]).collect(),
        grain=HOURLY,
        bar_starts=hour_starts(sessions),
    )
