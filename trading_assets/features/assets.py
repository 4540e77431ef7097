"""Asset of the daily features: one row per (symbol, session)."""

from __future__ import annotations

from datetime import date

import dagster as dg

from resources.platform import Platform
from trading_assets.features.build import build_daily_features
from trading_assets.market_data.assets import write_metadata
from trading_assets.observability import combined_version, frame_metadata
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, DAILY_FEATURES
from trading_assets.session_asset import Outcome, session_asset

BAR_COLUMNS = ["symbol", "session", "open", "high", "low", "close", "volume"]


@session_asset(
    group="features",
    kinds={"numba", "polars", "parquet"},
    table=DAILY_FEATURES,
    deps=["daily_bars", "corporate_actions"],
)
def daily_features(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """TA-Lib's definitions, null until the warm-up is complete. A row knows its session's close and nothing later."""
    bars = (
        platform.lake.scan(DAILY_BARS, end=sessions[-1], columns=BAR_COLUMNS)
        .sort("symbol", "session")
        .collect()
    )
    actions = platform.lake.scan(CORPORATE_ACTIONS, end=sessions[-1]).collect()
    features = build_daily_features(bars, actions, sessions=sessions)
    report = platform.lake.write_sessions(DAILY_FEATURES, features, sessions, known_at=platform.clock.now())
    return Outcome(
        rows=features.height,
        data_version=combined_version(report.hashes),
        metadata={**frame_metadata(features), **write_metadata(report)},
    )
