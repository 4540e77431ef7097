"""Checks of the stored hours: read a range and what it is compared with, judge it, store the findings; per session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.consolidation import partial_volume
from trading_assets.market_data.findings import replace_findings
from trading_assets.market_data.hours.consolidation import SESSIONS_AT_ONCE, hour_starts
from trading_assets.market_data.hours.progress import reached
from trading_assets.market_data.hours.selection import selected_symbols
from trading_assets.market_data.ingest import covered_days
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.checks import HOURLY_CHECKS, measure
from trading_assets.quality.grain import HOURLY
from trading_assets.quality.outcome import CheckOutcome, combine, judge
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS

Due = dict[date, list[datetime]]


def check_hours(platform: Platform, sessions: Sequence[date], *, run_id: str) -> list[CheckOutcome]:
    """Check the stored hourly bars of a range and store the findings."""
    per_part = []
    for part in calendar.in_parts(sessions, SESSIONS_AT_ONCE):
        outcomes = _outcomes(platform, part)
        replace_findings(
            platform.database,
            outcomes,
            days=covered_days(part),
            found_at=platform.clock.now(),
            run_id=run_id,
        )
        per_part.append(outcomes)
    return [combine(outcomes) for outcomes in zip(*per_part, strict=True)]


def _outcomes(platform: Platform, sessions: Sequence[date]) -> list[CheckOutcome]:
    checked, due = _checked(platform, sessions), _due(platform, sessions)
    over = {
        session: starts
        for session, starts in due.items()
        if len(starts) == len(calendar.session_hours(session))
    }
    columns = ["symbol", "session", "high", "low", "close", "volume"]
    daily = platform.lake.scan(DAILY_BARS, start=sessions[0], end=sessions[-1], columns=columns).collect()
    measured = measure(
        HOURLY_CHECKS, checked=checked, due=due, expected=_expected(platform, checked), over=over, daily=daily,
        delay=platform.settings.data_delay,
    )  # fmt: skip
    return [
        judge(name, found, checked.thresholds, checked.accepted, table=HOURLY_BARS.name)
        for name, found in measured.items()
    ]


def _due(platform: Platform, sessions: Sequence[date]) -> Due:
    until = reached(platform.database, HOURLY_BARS.name, sessions)
    return {
        session: [start for start, end in calendar.session_hours(session) if end <= last]
        for session, last in until.items()
    }


def _expected(platform: Platform, checked: CheckedBars) -> pl.DataFrame:
    """Expect the selected symbols that had hours in the session before."""
    rows = checked.bars.select("symbol", "session")
    if checked.before is not None:
        rows = pl.concat([checked.before.select("symbol", "session"), rows])
    following = {day: calendar.next_session(day) for day in rows["session"].unique()}
    after = rows.unique().with_columns(
        pl.col("session").replace_strict(following, return_dtype=pl.Date) if following else pl.col("session")
    )
    chosen = selected_symbols(
        platform.lake, platform.database, checked.sessions, platform.settings.hourly_symbols
    )
    return chosen.join(after, on=["symbol", "session"], how="semi")


def _checked(platform: Platform, sessions: Sequence[date]) -> CheckedBars:
    lake, days = platform.lake, covered_days(sessions)
    before = calendar.shift(sessions[0], -1)
    bars = lake.scan(HOURLY_BARS, start=before, end=sessions[-1]).drop("batch_id").collect()
    inside = pl.col("session") >= sessions[0]
    return CheckedBars(
        bars=bars.filter(inside),
        quarantined=lake.scan(QUARANTINED_HOURLY_BARS, start=days[0], end=days[-1]).collect(),
        sessions=sessions,
        before=bars.filter(~inside),
        partial_volume=partial_volume(platform.settings),
        accepted=accepted_findings(platform.database, HOURLY_BARS.name, days),
        thresholds=load_thresholds(platform.settings.quality),
        grain=HOURLY,
        bar_starts=hour_starts(sessions),
    )
