"""The one code location: every asset, check, job, sensor and schedule that an installation has, by its settings."""

from __future__ import annotations

import os
from functools import lru_cache

import dagster as dg

from resources.vendors.registry import company_vendor
from sensors.companies import companies_schedule
from sensors.fill_ingestion import fill_ingestion_sensor
from sensors.hourly import hourly_schedule
from sensors.maintenance import maintenance_job, maintenance_schedule
from sensors.order_placement import order_placement_sensor
from sensors.schedules import daily_schedule
from trading_assets.assets import (
    analytics,
    companies,
    execution,
    features,
    hourly,
    market_data,
    pairs,
    risk,
    screens,
    signals,
)
from trading_assets.assets.jobs import HISTORY, JOBS, companies_job, hourly_job
from trading_assets.assets.market_data_checks import DATA_CHECKS, hourly_bars_checks
from trading_assets.assets.partitions import session_partitions
from trading_assets.assets.platform_resource import platform_resource
from trading_assets.assets.session_asset import DeclaredAsset
from trading_assets.settings import Settings, load_settings

SIMULATED_SESSIONS_AHEAD = 20


def declared_assets(settings: Settings) -> list[DeclaredAsset]:
    """List the assets of an installation, each after what it is made from.

    Company data need a vendor that has them; hours a vendor that answers in time, and TRADING_HOURLY_SYMBOLS above 0.
    """
    return [
        *([companies.company_snapshot] if company_vendor(settings) else []),
        *market_data.assets(settings.sources),
        features.daily_features,
        screens.screener_results,
        screens.screener_events,
        signals.signals,
        pairs.pair_statistics,
        risk.target_positions,
        execution.order_intents,
        execution.orders,
        execution.fills,
        execution.positions,
        execution.reconciliation,
        analytics.portfolio_performance,
        analytics.strategy_attribution,
        analytics.round_trips,
        analytics.order_slippage,
        risk.risk_metrics,
        analytics.query_catalog,
        *hourly.assets(settings.hourly_bar_sources),
    ]


def history_assets(settings: Settings) -> list[str]:
    """Name what a backfill makes: data, features, screens and signals, each after what it is made from."""
    return [name for asset in declared_assets(settings) if asset.group in HISTORY for name in asset.names]


def data_assets(settings: Settings) -> list[str]:
    """Name those of a backfill that are data: decisions on past sessions are no part of them."""
    groups = {market_data.GROUP, features.GROUP}
    return [name for asset in declared_assets(settings) if asset.group in groups for name in asset.names]


def partitions_of(settings: Settings) -> dg.TimeWindowPartitionsDefinition:
    """Return the sessions that an installation has partitions for; a simulated market may run ahead of the present."""
    return session_partitions(settings.start, ahead=SIMULATED_SESSIONS_AHEAD if settings.mode == "sim" else 1)


@lru_cache(maxsize=4)
def build_definitions(settings: Settings) -> dg.Definitions:
    """Put together everything that an installation with these settings runs in Dagster."""
    declared = declared_assets(settings)
    made = {name for asset in declared for name in asset.names}
    sessions = partitions_of(settings)
    has_companies, has_hours = company_vendor(settings) is not None, bool(settings.hourly_bar_sources)
    return dg.Definitions(
        assets=[asset.build(sessions, made) for asset in declared],
        asset_checks=[*DATA_CHECKS, *([hourly_bars_checks] if has_hours else [])],
        jobs=[
            *JOBS,
            maintenance_job,
            *([companies_job] if has_companies else []),
            *([hourly_job] if has_hours else []),
        ],
        schedules=[
            daily_schedule(settings),
            maintenance_schedule(settings),
            *([companies_schedule(settings)] if has_companies else []),
            *([hourly_schedule(settings)] if has_hours else []),
        ],
        sensors=[order_placement_sensor(settings), fill_ingestion_sensor(settings)],
        resources={"platform": platform_resource(settings)},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Load the settings of this installation, and what it runs.

    What its code servers and runs write is for their user alone, whoever starts them: `dagster dev` too.
    """
    os.umask(0o077)
    return build_definitions(load_settings())
