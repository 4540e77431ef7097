"""Assets at the end of a session: portfolio performance, and the catalogue that makes every table queryable."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from resources.database.snapshots import snapshot_tables
from resources.lake.catalog import catalog_of, snapshot_folder
from resources.platform import Platform
from trading_assets.assets.metadata import preview, sparkline
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_asset
from trading_assets.books.expected import CENT
from trading_assets.books.slippage import slippage_totals
from trading_assets.execution.trading_account import account_of
from trading_assets.execution.valuation import (
    profit_without_trip,
    store_attribution,
    store_performance,
    store_round_trips,
    store_slippage,
    unattributed_profit,
)
from trading_assets.statistics.trades import expectancy, profit_factor, win_rate
from trading_assets.tables.accounts import PORTFOLIO_PERFORMANCE, ROUND_TRIPS, STRATEGY_ATTRIBUTION
from trading_assets.tables.orders import ORDER_SLIPPAGE


@session_asset(
    group="analytics",
    kinds={"polars", "postgres"},
    table=PORTFOLIO_PERFORMANCE,
    deps=["reconciliation", "daily_bars"],
    catches_up=True,
)
def portfolio_performance(
    platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext
) -> Outcome:
    """Cash from fills plus holdings at the session's closes; a fill counts from the session in which it was executed."""
    table = store_performance(account_of(platform), platform.lake, sessions)
    shown = table.sort("session", descending=True).with_columns(pl.selectors.decimal().cast(pl.Float64))
    metadata = {"preview": preview(shown), "equity_usd": float(table["equity_usd"][-1])}
    if table.height > 1:
        tail = table.tail(120)
        labels = (str(tail["session"][0]), str(tail["session"][-1]))
        metadata["equity"] = sparkline(
            tail["equity_usd"].cast(pl.Float64).to_list(), labels, title="Equity, USD"
        )
    return Outcome(rows=len(sessions), metadata=metadata)


@session_asset(
    group="analytics",
    kinds={"polars", "postgres"},
    table=STRATEGY_ATTRIBUTION,
    deps=["portfolio_performance", "fills"],
    catches_up=True,
    checks=[
        dg.AssetCheckSpec(
            "attribution_adds_up",
            asset="strategy_attribution",
            description="Compare the profit of all strategies with the account's, to the cent.",
        )
    ],
)
def strategy_attribution(
    platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext
) -> Outcome:
    """Each execution belongs to the strategies that wanted it; what they wanted against each other changed hands at the close that decided."""
    account = account_of(platform)
    rows = store_attribution(account, platform.lake, sessions)
    apart = unattributed_profit(account, sessions)
    check = dg.AssetCheckResult(
        check_name="attribution_adds_up",
        passed=not apart,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"{day}: {cents} USD are nobody's" for day, cents in apart.items())
        or "adds up to the account's profit",
    )
    shown = rows.sort("session", "strategy", descending=[True, False])
    return Outcome(
        rows=rows.height,
        metadata={"preview": preview(shown.with_columns(pl.selectors.decimal().cast(pl.Float64)))},
        checks=[check],
    )


@session_asset(
    group="analytics",
    kinds={"polars", "postgres"},
    table=ROUND_TRIPS,
    deps=["portfolio_performance", "fills"],
    checks=[
        dg.AssetCheckSpec(
            "round_trips_add_up",
            asset="round_trips",
            description="Compare the profit of all round trips and other income with the account's, to the cent.",
        )
    ],
)
def round_trips(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """What each trade earned, first in, first out: splits, new symbols and dividends included; open ones at the newest close."""
    account = account_of(platform)
    found = store_round_trips(account, platform.lake, sessions)
    apart = profit_without_trip(account, found)
    adds_up = abs(apart) < CENT
    check = dg.AssetCheckResult(
        check_name="round_trips_add_up",
        passed=adds_up,
        severity=dg.AssetCheckSeverity.ERROR,
        description="adds up to the account's profit" if adds_up else f"{apart} USD are of no round trip",
    )
    shown = found.trips.with_columns(pl.selectors.decimal().cast(pl.Float64))
    closed = shown.drop_nulls("closed_session")
    profits = closed["net_profit_usd"].to_numpy()
    metadata: dict[str, Any] = {"preview": preview(closed.reverse()), "closed": closed.height}
    for measure in (win_rate, profit_factor, expectancy) if closed.height else ():
        figure = float(measure(profits))
        if math.isfinite(figure):
            metadata[measure.__name__] = figure
    return Outcome(rows=found.trips.height, metadata=metadata, checks=[check])


@session_asset(
    group="analytics", kinds={"polars", "postgres"}, table=ORDER_SLIPPAGE, deps=["fills", "order_intents"]
)
def order_slippage(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """Fills against the close that sized the order: side-aware, in USD and bps, shared out to the strategies that wanted it."""
    orders = store_slippage(account_of(platform), platform.lake)
    floats = pl.selectors.decimal().cast(pl.Float64)
    shown = orders.filter(pl.col("session").is_in(sessions)).with_columns(floats)
    return Outcome(
        rows=orders.height,
        metadata={
            "preview": preview(shown),
            "by_strategy": preview(slippage_totals(shown, ["strategy"])),
            "by_session": preview(slippage_totals(shown, ["session"])),
        },
    )


@session_asset(
    group="analytics",
    kinds={"duckdb", "parquet"},
    grain="One DuckDB file with a view per table, and Postgres tables as Parquet",
    deps=[
        "risk_metrics",
        "strategy_attribution",
        "round_trips",
        "order_slippage",
        "screener_results",
        "screener_events",
        "pair_statistics",
    ],
)
def query_catalog(platform: Platform, _sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """Views and as-of macros over the lake and a snapshot of Postgres: what `trading-assets sql` reads."""
    tables = refresh_catalog(platform)
    return Outcome(rows=len(tables), metadata={"postgres_rows": dg.MetadataValue.json(tables)})


def refresh_catalog(platform: Platform) -> dict[str, int]:
    """Write the snapshot of Postgres and the catalogue; return the rows of each Postgres table."""
    tables = snapshot_tables(platform.database, snapshot_folder(platform.settings))
    catalog_of(platform.settings)
    return tables
