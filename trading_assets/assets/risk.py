"""Assets of risk: target positions per (account, session, symbol), and metrics per (account, session)."""

from __future__ import annotations

from datetime import date

import dagster as dg
import polars as pl

from resources.database.writes import replace_rows
from resources.platform import Platform
from trading_assets.assets.metadata import preview
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_asset
from trading_assets.execution.account_bookings import actions_so_far
from trading_assets.execution.live_market import LiveMarket
from trading_assets.execution.reconciliation import verify_books
from trading_assets.execution.session_decision import decide_session
from trading_assets.execution.submission import settle
from trading_assets.execution.trading_account import account_of
from trading_assets.execution.valuation import measure
from trading_assets.research.plan_in_force import load_plan
from trading_assets.tables.accounts import RISK_METRICS
from trading_assets.tables.decisions import TARGET_POSITIONS


@session_asset(
    group="risk",
    kinds={"polars", "postgres"},
    table=TARGET_POSITIONS,
    deps=["signals", "daily_bars", "daily_features", "universe", "instruments"],
)
def target_positions(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """What the account should hold: sized, limited, and explained for every symbol (trade, hold or blocked by a rule)."""
    account, targets = account_of(platform, holder=context.run.run_id), pl.DataFrame()
    settle(account)
    verify_books(account, actions=actions_so_far(platform.lake, account))
    plan = load_plan(platform.settings.strategies)
    for session in sessions:
        targets = decide_session(account, LiveMarket(account, platform.lake), plan, session).targets
    outcomes = dict(targets.group_by("outcome").len().sort("outcome").iter_rows())
    rules = targets.filter(pl.col("rule").is_not_null()).group_by("rule").len().sort("rule")
    shown = targets.sort("outcome", "weight_frac", descending=True).select(
        "symbol",
        "outcome",
        "rule",
        "reason",
        pl.col("quantity", "current_quantity").cast(pl.Float64),
        "weight_frac",
    )
    return Outcome(
        rows=targets.height,
        metadata={
            "preview": preview(shown, rows=30),
            "rules": dg.MetadataValue.json(dict(rules.iter_rows())),
            **outcomes,
        },
    )


@session_asset(
    group="analytics",
    kinds={"polars", "postgres"},
    table=RISK_METRICS,
    deps=["reconciliation", "portfolio_performance", "daily_features", "universe"],
    catches_up=True,
)
def risk_metrics(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """Exposures, value at risk, volatility and who it comes from, ratios, drawdown and stress of the book after the session's orders.

    Definitions as in empyrical (docs/statistics.md); losses are negative fractions.
    """
    account, metrics = account_of(platform), pl.DataFrame()
    for session in sessions:
        metrics = measure(account, platform.lake, session)
        rows = metrics.with_columns(account=pl.lit(account.number), session=pl.lit(session))
        with platform.database.connection() as connection:
            where = {"account": account.number, "session": session}
            replace_rows(connection, RISK_METRICS, rows, where=where)
    return Outcome(rows=metrics.height, metadata={"preview": preview(metrics, rows=30)})
