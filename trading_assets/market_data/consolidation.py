"""Consolidation of a range: judge what the vendors reported, keep the best bar of each key, refuse the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.errors import DataQualityError
from trading_assets.market_data.acceptance import accepted_findings, bars_taken
from trading_assets.market_data.grains import DAILY, KeptBars
from trading_assets.market_data.ingest import covered_days
from trading_assets.market_data.progress import common_reach, record_reach
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.consolidate import Before, Consolidated, consolidate
from trading_assets.quality.rows import PRICES
from trading_assets.settings import Settings, SourceName
from trading_assets.tables.listings import CORPORATE_ACTIONS


@dataclass(frozen=True)
class ConsolidatedRange:
    """What a run of the consolidation wrote; ``bars`` are the accepted ones of its last part."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    report: WriteReport


def consolidate_bars(
    platform: Platform, sessions: Sequence[date], kept: KeptBars = DAILY
) -> ConsolidatedRange:
    """Consolidate a range, part by part in order of time, and write bars and quarantine.

    Raises
    ------
    DataQualityError
        If bars within a session, which come as they are finished, were not fetched of a session from every source.
    """
    lake, kind = platform.lake, kept.bars
    until = _reach(platform, sessions, kept) if kind.is_intraday else {}
    total = WriteReport()
    done, bars, quarantined = 0, pl.DataFrame(), []
    for part in calendar.in_parts(sessions, kept.sessions_at_once):
        result = _consolidate_part(platform, part, kept)
        now = platform.clock.now()
        total.add(lake.write_sessions(kind.accepted, result.bars, part, known_at=now))
        lake.write_sessions(kind.quarantined, result.quarantined, covered_days(part), known_at=now)
        bars = result.bars
        quarantined.append(result.quarantined)
        done += len(part)
        platform.progress.advanced(kind.accepted.name, done, len(sessions))
    if until:
        record_reach(platform.database, kind.accepted.name, until, platform.clock.now())
    return ConsolidatedRange(bars, pl.concat(quarantined), total)


def _reach(platform: Platform, sessions: Sequence[date], kept: KeptBars) -> dict[date, datetime]:
    names = [table.name for table in kept.vendor_tables(platform.settings).values()]
    until = common_reach(platform.database, names, sessions)
    absent = [session for session in sessions if session not in until]
    if absent:
        raise DataQualityError(
            f"Not every source's {kept.bars.unit}s of {absent[0]} were fetched ({len(absent)} such sessions): run the "
            f"vendors' {kept.bars.words} of these sessions first, or along"
        )
    return until


def _consolidate_part(platform: Platform, sessions: Sequence[date], kept: KeptBars) -> Consolidated:
    lake, days, bars = platform.lake, covered_days(sessions), kept.bars
    first = calendar.shift(sessions[0], -kept.reference_sessions)
    last = calendar.shift(sessions[0], -1)
    tables = kept.vendor_tables(platform.settings)
    compared = ["symbol", *bars.times, *PRICES, "volume"]
    return consolidate(
        {source: lake.scan(table, start=days[0], end=days[-1]).collect() for source, table in tables.items()},
        priority=list(tables),
        sessions=sessions,
        before=Before(
            accepted=lake.scan(bars.accepted, start=first, end=last, columns=compared).collect(),
            vendor={
                source: lake.scan(table, start=first, end=last, columns=[*compared, "reports"]).collect()
                for source, table in tables.items()
            },
        ),
        corporate_actions=lake.scan(CORPORATE_ACTIONS, start=first, end=days[-1]).collect(),
        thresholds=load_thresholds(platform.settings.quality),
        grain=bars,
        bar_starts=bars.bar_starts(sessions),
        unfinished=kept.unfinished(platform, sessions) if kept.unfinished else None,
        taken=bars_taken(accepted_findings(platform.database, bars.accepted.name, days)),
        partial_volume=partial_volume(platform.settings),
    )


def partial_volume(settings: Settings) -> tuple[SourceName, ...]:
    """List the sources whose volume is only a part of the market's: Alpaca's one-exchange feed has about 2 % of it."""
    return ("alpaca",) if settings.alpaca_feed == "iex" else ()
