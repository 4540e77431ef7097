"""Consolidation of a range: judge what the vendors reported, keep the best bar per symbol, store every finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.lake_write import WriteReport
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.findings import blocked_sessions, replace_findings
from trading_assets.market_data.ingest import covered_days
from trading_assets.quality.checks import CheckedBars, CheckOutcome, check_sessions, expected_from_previous
from trading_assets.quality.consolidate import Before, Consolidated, consolidate
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS

SESSIONS_AT_ONCE = 126
LOOK_BACK_SESSIONS = 30
FEATURE_SESSIONS = 252
COMPARED = ["symbol", "session", "open", "high", "low", "close", "volume"]
REPORTED = [*COMPARED, "reports"]


@dataclass(frozen=True)
class ConsolidatedRange:
    """What a run of the consolidation wrote; ``bars`` are the accepted ones of the range."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    report: WriteReport


def consolidate_sessions(platform: Platform, sessions: Sequence[date]) -> ConsolidatedRange:
    """Consolidate a range, part by part in order of time, and write bars and quarantine."""
    total = WriteReport()
    bars, quarantined = [], []
    for number, part in enumerate(_parts(sessions), start=1):
        result = _consolidate_part(platform, part)
        now = platform.clock.now()
        total.add(platform.lake.write_sessions(DAILY_BARS, result.bars, part, known_at=now))
        platform.lake.write_sessions(QUARANTINED_BARS, result.quarantined, covered_days(part), known_at=now)
        bars.append(result.bars)
        quarantined.append(result.quarantined)
        platform.progress.advanced(
            DAILY_BARS.name, min(number * SESSIONS_AT_ONCE, len(sessions)), len(sessions)
        )
    return ConsolidatedRange(pl.concat(bars), pl.concat(quarantined), total)


def check_range(platform: Platform, sessions: Sequence[date], *, run_id: str) -> list[CheckOutcome]:
    """Check the stored bars of a range and store the findings."""
    lake, days = platform.lake, covered_days(sessions)
    before = calendar.shift(sessions[0], -1)
    bars = lake.scan(DAILY_BARS, start=before, end=sessions[-1]).drop("batch_id", "known_at").collect()
    inside = bars.filter(pl.col("session") >= sessions[0])
    expected = expected_from_previous(bars.select("symbol", "session"), sessions)
    outcomes = check_sessions(
        CheckedBars(
            bars=inside,
            quarantined=lake.scan(QUARANTINED_BARS, start=days[0], end=days[-1]).collect(),
            sessions=sessions,
            expected=None if expected.is_empty() else expected,
            hole=_hole_before(platform, sessions[0]),
        )
    )
    replace_findings(platform.database, outcomes, days=days, found_at=platform.clock.now(), run_id=run_id)
    return outcomes


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
    )


def _hole_before(platform: Platform, session: date) -> list[date]:
    first, last = calendar.shift(session, -FEATURE_SESSIONS), calendar.shift(session, -1)
    known = platform.lake.row_counts(DAILY_BARS, first, last)
    absent = [day for day in calendar.sessions_between(min(known), last) if day not in known] if known else []
    # what the vendors were asked for and did not have was reported on its own session
    asked = blocked_sessions(platform.database, absent)
    return [day for day in absent if day not in asked]


def _parts(sessions: Sequence[date]) -> Iterator[Sequence[date]]:
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        yield sessions[start : start + SESSIONS_AT_ONCE]
