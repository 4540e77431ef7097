"""The one code location: every asset, check, job, sensor and schedule, listed by name."""

from __future__ import annotations

import dagster as dg

from sensors.companies import companies_schedule
from sensors.fill_ingestion import fill_ingestion_sensor
from sensors.hourly import hourly_schedule
from sensors.maintenance import maintenance_job, maintenance_schedule
from sensors.order_placement import order_placement_sensor
from sensors.schedules import daily_schedule
from trading_assets.assets import analytics, companies, execution, features, hourly, market_data, risk
from trading_assets.assets import screens as screener
from trading_assets.assets import signals as strategies
from trading_assets.assets.hourly_checks import hourly_bars_checks
from trading_assets.assets.jobs import JOBS, companies_job, hourly_job
from trading_assets.assets.market_data_checks import DATA_CHECKS
from trading_assets.assets.platform_resource import PlatformResource
from trading_assets.settings import load_settings

HAS_COMPANIES = "yahoo" in load_settings().sources
"""Company data come from Yahoo alone."""
HOURS = [*hourly.VENDOR_ASSETS, hourly.hourly_bars, hourly.hourly_features] if hourly.SOURCES else []
"""Empty where TRADING_HOURLY_SYMBOLS is 0, or no source can answer in time."""

defs = dg.Definitions(
    assets=[
        *([companies.company_snapshot] if HAS_COMPANIES else []),
        market_data.universe,
        market_data.corporate_actions,
        *market_data.VENDOR_ASSETS,
        market_data.daily_bars,
        features.daily_features,
        screener.screener_results,
        screener.screener_events,
        strategies.signals,
        risk.target_positions,
        execution.order_intents,
        execution.orders,
        execution.fills,
        execution.positions,
        execution.reconciliation,
        risk.risk_metrics,
        analytics.portfolio_performance,
        analytics.query_catalog,
        *HOURS,
    ],
    asset_checks=[*DATA_CHECKS, *([hourly_bars_checks] if HOURS else [])],
    jobs=[
        *JOBS,
        maintenance_job,
        *([companies_job] if HAS_COMPANIES else []),
        *([hourly_job] if HOURS else []),
    ],
    schedules=[
        daily_schedule(load_settings()),
        maintenance_schedule(load_settings()),
        *([companies_schedule(load_settings())] if HAS_COMPANIES else []),
        *([hourly_schedule(load_settings())] if HOURS else []),
    ],
    sensors=[order_placement_sensor, fill_ingestion_sensor],
    resources={"platform": PlatformResource()},
    executor=dg.in_process_executor,
)
