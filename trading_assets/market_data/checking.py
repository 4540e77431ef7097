"""Checks of stored tables: read a range and what it is compared with, judge it, store the findings; per session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.acceptance import accepted_findings
from trading_assets.market_data.compared import FEATURE_SESSIONS
from trading_assets.market_data.consolidation import partial_volume
from trading_assets.market_data.corporate_actions import merged_actions
from trading_assets.market_data.findings import replace_findings
from trading_assets.market_data.grains import DAILY, KeptBars
from trading_assets.market_data.ingest import covered_days
from trading_assets.market_data.thresholds import load_thresholds
from trading_assets.quality.actions.merged import MergedActions
from trading_assets.quality.checked import LOOK_BACK_SESSIONS, CheckedBars
from trading_assets.quality.checks import (
    ACTION_CHECKS,
    FEATURE_CHECKS,
    INSTRUMENT_CHECKS,
    UNIVERSE_CHECKS,
    check_sessions,
    measure,
)
from trading_assets.quality.features import VALID_RANGES, expected_warm_up
from trading_assets.quality.outcome import CheckOutcome, Measured, combine, judge
from trading_assets.quality.universe import WATCHED
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE
from trading_assets.tables.table import Table


def check_bars(
    platform: Platform, sessions: Sequence[date], kept: KeptBars = DAILY, *, run_id: str
) -> list[CheckOutcome]:
    """Check the stored bars of a range and store the findings."""
    per_part = []
    for part in calendar.in_parts(sessions, kept.sessions_at_once):
        outcomes = check_sessions(_checked(platform, part, kept), kept.checks)
        now = platform.clock.now()
        replace_findings(platform.database, outcomes, days=covered_days(part), found_at=now, run_id=run_id)
        per_part.append(outcomes)
    return [combine(outcomes) for outcomes in zip(*per_part, strict=True)]


def check_universe(platform: Platform, sessions: Sequence[date], *, run_id: str) -> list[CheckOutcome]:
    """Check the stored universe of a range against the snapshot before it, and store the findings."""
    limits = load_thresholds(platform.settings.quality)
    columns = ["symbol", "session", "status", "listed_date", "delisted_date", *WATCHED]
    newest = platform.latest_session()
    per_part = []
    for part in calendar.in_parts(sessions, DAILY.sessions_at_once):
        before = calendar.shift(part[0], -1)
        rows = platform.lake.scan(UNIVERSE, start=before, end=part[-1], columns=columns).collect()
        measured = measure(UNIVERSE_CHECKS, rows=rows, sessions=part, limits=limits, newest=newest)
        per_part.append(_judged(platform, UNIVERSE, list(part), run_id, measured))
    return [combine(outcomes) for outcomes in zip(*per_part, strict=True)]


def check_instruments(platform: Platform, _sessions: Sequence[date], *, run_id: str) -> list[CheckOutcome]:
    """Check every instrument, whenever it began, and store the findings in place of all earlier ones.

    What vendors say of a seam may come long after it, and so may the bars before it.
    """
    rows = platform.lake.scan(INSTRUMENTS).collect()
    stored = platform.database.fetch(
        "select distinct session from quality_findings where table_name = %s", (INSTRUMENTS.name,)
    )
    days = sorted({*rows["first_session"], *(session for (session,) in stored)})
    measured = measure(INSTRUMENT_CHECKS, instruments=rows)
    return _judged(platform, INSTRUMENTS, days, run_id, measured)


def check_actions(
    platform: Platform, sessions: Sequence[date], *, run_id: str, ahead: bool = True
) -> list[CheckOutcome]:
    """Check the stored corporate actions of a range, and ``ahead`` of the session after it, and store the findings."""
    days = covered_days([*sessions, calendar.next_session(sessions[-1])] if ahead else sessions)
    return _check_actions(platform, days, merged_actions(platform, days[0], days[-1]), run_id)


def check_actions_by_session(platform: Platform, sessions: Sequence[date], *, run_id: str) -> None:
    """Check the stored corporate actions of each session of a range by itself: an amount is compared with the close before."""
    days = covered_days(sessions)
    merged = merged_actions(platform, days[0], days[-1])
    for session in sessions:
        own = covered_days([session])
        _check_actions(platform, own, merged.between(own[0], own[-1]), run_id)


def _check_actions(
    platform: Platform, days: list[date], merged: MergedActions, run_id: str
) -> list[CheckOutcome]:
    first = days[0] - timedelta(days=LOOK_BACK_SESSIONS)
    lake = platform.lake
    rows = lake.scan(CORPORATE_ACTIONS, start=first, end=days[-1]).collect()
    closes = lake.scan(
        DAILY_BARS, start=first, end=days[0] - timedelta(days=1), columns=["symbol", "session", "close"]
    )
    last = closes.sort("session").group_by("symbol").agg(pl.col("close").last()).collect()
    measured = measure(
        ACTION_CHECKS, actions=rows, days=days, closes=last, limits=load_thresholds(platform.settings.quality),
        disagreements=merged.disagreements, undecided=merged.undecided,
    )  # fmt: skip
    return _judged(platform, CORPORATE_ACTIONS, days, run_id, measured)


def check_features(platform: Platform, sessions: Sequence[date], *, run_id: str) -> list[CheckOutcome]:
    """Check the stored features of a range and store the findings."""
    limits, lake = load_thresholds(platform.settings.quality), platform.lake
    per_part = []
    for part in calendar.in_parts(sessions, DAILY.sessions_at_once):
        before = calendar.shift(part[0], -1)
        rows = lake.scan(DAILY_FEATURES, start=before, end=part[-1]).collect()
        first = calendar.shift(part[-1], -2 * FEATURE_SESSIONS)
        counted = lake.scan(DAILY_BARS, start=first, end=part[-1], columns=["symbol"])
        bars = dict(counted.group_by("symbol").len().collect().iter_rows())
        measured = measure(
            FEATURE_CHECKS, rows=rows, inside=rows.filter(pl.col("session").is_in(list(part))), sessions=part,
            ranges=VALID_RANGES, bars=bars, warm_up=expected_warm_up(bars), limits=limits,
        )  # fmt: skip
        per_part.append(_judged(platform, DAILY_FEATURES, list(part), run_id, measured))
    return [combine(outcomes) for outcomes in zip(*per_part, strict=True)]


def _judged(
    platform: Platform, table: Table, days: Sequence[date], run_id: str, measured: Mapping[str, Measured]
) -> list[CheckOutcome]:
    limits = load_thresholds(platform.settings.quality)
    accepted = accepted_findings(platform.database, table.name, days)
    outcomes = [judge(name, found, limits, accepted, table=table.name) for name, found in measured.items()]
    now = platform.clock.now()
    replace_findings(platform.database, outcomes, days=days, found_at=now, run_id=run_id)
    return outcomes


def _checked(platform: Platform, sessions: Sequence[date], kept: KeptBars) -> CheckedBars:
    lake, days, kind = platform.lake, covered_days(sessions), kept.bars
    first = calendar.shift(sessions[0], -kept.look_back_sessions)
    bars = lake.scan(kind.accepted, start=first, end=sessions[-1]).drop("batch_id").collect()
    inside = pl.col("session") >= sessions[0]
    checked = CheckedBars(
        bars=bars.filter(inside),
        quarantined=lake.scan(kind.quarantined, start=days[0], end=days[-1]).collect(),
        sessions=sessions,
        before=bars.filter(~inside),
        partial_volume=partial_volume(platform.settings),
        accepted=accepted_findings(platform.database, kind.accepted.name, days),
        thresholds=load_thresholds(platform.settings.quality),
        grain=kind,
        bar_starts=kind.bar_starts(sessions),
    )
    return kept.compare(platform, checked)
