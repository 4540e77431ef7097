"""Asset of the signals: one row per (strategy, session, symbol), in Postgres."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from resources.database.rows import replace_rows
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.assets.session_asset import session_asset
from trading_assets.market_data.findings import BEFORE_ORDERS
from trading_assets.strategies.contract import checked_signals, parameter_hash, strategy_version
from trading_assets.strategies.registry import build_strategy
from trading_assets.tables.features import DAILY_FEATURES

STRATEGY = "momentum"
_RECORDED = "select distinct session from signals where strategy = %s and session = any(%s)"


@session_asset(
    group="research",
    kinds={"polars", "postgres"},
    grain="One row per (strategy, session, symbol) on which a strategy has a view",
    deps=["daily_features"],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
)
def signals(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """What the strategies want, from features alone: no clock, no positions, no future.

    Each row names the version of the strategy's code, its parameters and the features it was made from. Those recorded on
    sessions before the run's own stay as they are.
    """
    strategy = build_strategy(STRATEGY)
    earlier = [day for day in sessions if day < own_sessions(context)[0]]
    recorded = platform.database.fetch(_RECORDED, (strategy.name, earlier))
    sessions = [day for day in sessions if (day,) not in recorded]
    first = calendar.shift(sessions[0], -strategy.lookback_sessions)
    columns = ["symbol", "session", *strategy.feature_columns]
    features = platform.lake.scan(DAILY_FEATURES, start=first, end=sessions[-1], columns=columns).collect()
    rows = checked_signals(strategy, features.sort("session", "symbol")).filter(
        pl.col("session").is_in(sessions)
    )
    hashes = {session: platform.lake.content_hash(DAILY_FEATURES, session) for session in sessions}
    replace_rows(
        platform.database,
        "signals",
        rows.with_columns(
            strategy=pl.lit(strategy.name),
            strategy_version=pl.lit(strategy_version(strategy)),
            parameter_hash=pl.lit(parameter_hash(strategy.parameters)),
            features_version=pl.col("session").replace_strict(hashes, return_dtype=pl.String),
            created_at=pl.lit(platform.clock.now()),
        ),
        where={"strategy": strategy.name, "session": sessions},
    )
    sides = dict(rows.group_by("side").len().sort("side").iter_rows())
    version = combined_version(
        {**hashes, "parameters": parameter_hash(strategy.parameters), "code": strategy_version(strategy)}
    )
    return Outcome(rows=rows.height, data_version=version, metadata={**frame_metadata(rows), **sides})
