"""Signals of the planned strategies over sessions: one row per (strategy, session, symbol), recorded once and kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from resources.database.database import Database
from resources.database.writes import replace_rows
from resources.lake.lake import Lake
from trading_assets.decision.plan import PlannedStrategy, TradingPlan
from trading_assets.research.strategy_features import read_features
from trading_assets.strategies.contract import checked_signals, parameter_hash, strategy_version
from trading_assets.tables.decisions import SIGNALS
from trading_assets.tables.features import DAILY_FEATURES

_RECORDED = "select distinct session from signals where strategy = %s and session = any(%s)"


@dataclass(frozen=True)
class StrategySignals:
    """What one strategy said of the sessions that it was asked about."""

    name: str
    version: str
    parameters: str
    rows: pl.DataFrame


def record_signals(
    database: Database,
    lake: Lake,
    plan: TradingPlan,
    sessions: Sequence[date],
    *,
    own: Collection[date],
    now: datetime,
) -> list[StrategySignals]:
    """Ask every strategy about the sessions and store what it says.

    Parameters
    ----------
    sessions
        In order; those that are not ``own`` are left as they are where they were recorded before.
    own
        Sessions that are done anew.
    now
        Instant of the decision.
    """
    said = [_said(database, lake, planned, sessions, own) for planned in plan.strategies]
    hashes = {session: lake.content_hash(DAILY_FEATURES, session) for session in sessions}
    with database.connection() as connection:
        for strategy, asked in said:
            rows = strategy.rows.with_columns(
                strategy=pl.lit(strategy.name),
                strategy_version=pl.lit(strategy.version),
                parameter_hash=pl.lit(strategy.parameters),
                plan_fingerprint=pl.lit(plan.fingerprint),
                features_version=pl.col("session").replace_strict(hashes, return_dtype=pl.String),
                created_at=pl.lit(now),
            )
            replace_rows(connection, SIGNALS, rows, where={"strategy": strategy.name, "session": asked})
    return [strategy for strategy, _ in said]


def _said(
    database: Database, lake: Lake, planned: PlannedStrategy, sessions: Sequence[date], own: Collection[date]
) -> tuple[StrategySignals, list[date]]:
    strategy = planned.strategy
    earlier = [day for day in sessions if day not in own]
    recorded = database.fetch(_RECORDED, (planned.name, earlier))
    asked = [day for day in sessions if (day,) not in recorded]
    features = read_features(lake, strategy, asked[0], asked[-1])
    rows = checked_signals(strategy, features).filter(pl.col("session").is_in(asked))
    return StrategySignals(
        planned.name, strategy_version(strategy), parameter_hash(strategy.parameters), rows
    ), asked
