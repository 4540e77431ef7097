"""Consolidation of a range: judge what the vendors reported, keep the best bar per symbol, refuse the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.acceptance import accepted_findings, bars_taken
from trading_assets.market_data.fetches import unfinished_sessions
from trading_assets.market_data.ingest import covered_days
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.consolidate import Before, Consolidated, consolidate
from trading_assets.settings import Settings, SourceName
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

SESSIONS_AT_ONCE = 126
LOOK_BACK_SESSIONS = 30
COMPARED = ["symbol", "session", "open", "high", "low", "close", "volume"]
REPORTED = [*COMPARED, "reports"]


@dataclass(frozen=True)
class ConsolidatedRange:
    """What a run of the consolidation wrote; ``bars`` are the accepted ones of its last part."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    report: WriteReport


def consolidate_sessions(platform: Platform, sessions: Sequence[date]) -> ConsolidatedRange:
    """Consolidate a range, part by part in order of time, and write bars and quarantine."""
    total = WriteReport()
    bars, quarantined = pl.DataFrame(), []
    for number, part in enumerate(calendar.in_parts(sessions, SESSIONS_AT_ONCE), start=1):
        result = _consolidate_part(platform, part)
        now = platform.clock.now()
        total.add(platform.lake.write_sessions(DAILY_BARS, result.bars, part, known_at=now))
        platform.lake.write_sessions(QUARANTINED_BARS, result.quarantined, covered_days(part), known_at=now)
        bars = result.bars
        quarantined.append(result.quarantined)
        platform.progress.advanced(
            DAILY_BARS.name, min(number * SESSIONS_AT_ONCE, len(sessions)), len(sessions)
        )
    return ConsolidatedRange(bars, pl.concat(quarantined), total)


def _consolidate_part(platform: Platform, sessions: Sequence[date]) -> Consolidated:
    lake, days = platform.lake, covered_days(sessions)
    first = calendar.shift(sessions[0], -LOOK_BACK_SESSIONS)
    last = calendar.shift(sessions[0], -1)
    tables = {source: VENDOR_DAILY_BARS[source] for source in platform.settings.sources}
    return consolidate(
        {source: lake.scan(table, start=days[0], end=days[-1]).collect() for source, table in tables.items()},
        priority=list(tables),
        sessions=sessions,
        before=Before(
            accepted=lake.scan(DAILY_BARS, start=first, end=last, columns=COMPARED).collect(),
            vendor={
                source: lake.scan(table, start=first, end=last, columns=REPORTED).collect()
                for source, table in tables.items()
            },
        ),
        corporate_actions=lake.scan(CORPORATE_ACTIONS, start=first, end=days[-1]).collect(),
        thresholds=load_thresholds(platform.settings.quality),
        unfinished=unfinished_sessions(platform, sessions),
        taken=bars_taken(accepted_findings(platform.database, DAILY_BARS.name, days)),
        partial_volume=partial_volume(platform.settings),
    )


def partial_volume(settings: Settings) -> tuple[SourceName, ...]:
    """List the sources whose volume is only a part of the market's: Alpaca's one-exchange feed has about 2 % of it."""
    return ("alpaca",) if settings.alpaca_feed == "iex" else ()
