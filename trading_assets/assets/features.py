"""Asset of the daily features: one row per (symbol, session)."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Any

import dagster as dg
import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets.assets.market_data import write_metadata
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.assets.session_asset import session_asset
from trading_assets.companies.facts import fundamental_facts
from trading_assets.feature_store.history import FeatureHistory
from trading_assets.features.ratios import with_fundamentals
from trading_assets.market_data.corrections import check_earlier_features
from trading_assets.market_data.findings import BEFORE_FEATURES, blocked_sessions, require_clean_session
from trading_assets.tables.companies import KEY_STATISTICS, MARKET_DATA
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN

GROUP = "features"
SESSIONS_AT_ONCE = 126


@session_asset(
    group=GROUP,
    kinds={"numba", "polars", "parquet"},
    table=DAILY_FEATURES,
    deps=[
        "daily_bars",
        "corporate_actions",
        KEY_STATISTICS.name,
        MARKET_DATA.name,
    ],
    catches_up=True,
    looks_back=True,
    unless_blocked=BEFORE_FEATURES,
)
def daily_features(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """TA-Lib's definitions, null until the warm-up is complete. A row knows its session's close and nothing later.

    A session whose blocking checks failed gets no rows, however this was started.
    """
    if len(own := own_sessions(context)) == 1:
        require_clean_session(platform.database, own[0], BEFORE_FEATURES)
    blocked = blocked_sessions(platform.database, sessions)
    history = FeatureHistory.of(platform.lake, sessions[-1], platform.clock.now())
    facts = fundamental_facts(platform.lake, sessions[0], sessions[-1])
    total = WriteReport()
    shown = pl.DataFrame(schema=DAILY_FEATURES.schema)
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        part = sessions[start : start + SESSIONS_AT_ONCE]
        usable = [session for session in part if session not in blocked]
        features = with_fundamentals(history.features(part, usable), facts, history.actions)
        _write_by_month(platform, features, part, total)
        platform.progress.advanced(DAILY_FEATURES.name, start + len(part), len(sessions))
        shown = features
    earlier = [day for day in sessions if day < own[0] and day not in blocked]
    check_earlier_features(platform, earlier, run_id=context.run.run_id)
    return Outcome(
        rows=total.rows,
        data_version=combined_version(total.hashes),
        metadata={**frame_metadata(shown), **fundamentals_metadata(shown), **write_metadata(total)},
    )


def fundamentals_metadata(features: pl.DataFrame) -> dict[str, Any]:
    """Return how many symbols of the newest session have fundamental ratios, and how old the oldest ones are."""
    newest = features.filter(pl.col("session") == pl.col("session").max())
    known = newest.filter(pl.col(AGE_COLUMN).is_not_null())
    found = {"symbols_with_fundamentals": known["symbol"].n_unique()}
    return found | ({"oldest_fundamentals_days": known[AGE_COLUMN].max()} if known.height else {})


def _write_by_month(
    platform: Platform, features: pl.DataFrame, sessions: list[date], total: WriteReport
) -> None:
    # forty columns: a year's file, rewritten for each part of a range, would be most of the run's memory
    for _, month in groupby(sessions, key=lambda day: (day.year, day.month)):
        days = list(month)
        rows = features.filter(pl.col("session").is_between(days[0], days[-1]))
        total.add(platform.lake.write_sessions(DAILY_FEATURES, rows, days, known_at=platform.clock.now()))
