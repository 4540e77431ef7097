"""Asset of the signals: one row per (strategy, session, symbol), in Postgres."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from resources.platform import Platform
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.assets.session_asset import session_asset
from trading_assets.market_data.findings import BEFORE_ORDERS
from trading_assets.research.plan_in_force import load_plan
from trading_assets.research.signals import record_signals
from trading_assets.tables.decisions import SIGNALS
from trading_assets.tables.features import DAILY_FEATURES


@session_asset(
    group="research",
    kinds={"polars", "postgres"},
    table=SIGNALS,
    deps=["daily_features", "universe"],
    catches_up=True,
    unless_blocked=BEFORE_ORDERS,
)
def signals(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """What the strategies want, from features alone: no clock, no positions, no future.

    Each row names the version of the strategy's code, its parameters and the features it was made from. Those recorded on
    sessions before the run's own stay as they are.
    """
    plan = load_plan(platform.settings.strategies)
    own = set(own_sessions(context))
    said = record_signals(platform.database, platform.lake, plan, sessions, own=own, now=platform.clock.now())
    rows = pl.concat(item.rows.with_columns(strategy=pl.lit(item.name)) for item in said)
    sides = rows.group_by("strategy", "side").len().sort("strategy", "side").iter_rows()
    hashes = {session: platform.lake.content_hash(DAILY_FEATURES, session) for session in sessions}
    versions = {item.name: f"{item.version}/{item.parameters}" for item in said}
    return Outcome(
        rows=rows.height,
        data_version=combined_version({**hashes, **versions}),
        metadata={
            **frame_metadata(rows),
            **{f"{strategy}_{side}": count for strategy, side, count in sides},
            "plan_fingerprint": plan.fingerprint,
        },
    )
