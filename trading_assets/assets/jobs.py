"""Jobs: a session end to end, its history part, and the two that the order sensors start."""

from __future__ import annotations

import dagster as dg

COMPANIES = "companies"
HOURLY = "hourly"
HISTORY = ("market_data", "features", "research")

session_job = dg.define_asset_job(
    "session_job",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(COMPANIES, HOURLY),
    description="One trading session end to end: data, checks, features, signals, risk, orders, fills, books, metrics.",
    tags={"trading/orders": "session", "dagster/max_retries": "0"},
)
history_job = dg.define_asset_job(
    "history_job",
    selection=dg.AssetSelection.groups(*HISTORY),
    description="Market data, features, screens and signals of a range; places no orders.",
)
order_placement_job = dg.define_asset_job(
    "order_placement_job",
    selection=dg.AssetSelection.assets("orders"),
    description="Send the planned intents of a session. Safe to run twice: an intent becomes one order.",
    tags={"trading/orders": "session", "dagster/max_retries": "0", "dagster/priority": "10"},
)
fill_ingestion_job = dg.define_asset_job(
    "fill_ingestion_job",
    selection=dg.AssetSelection.assets("fills").downstream(),
    description="Take over the broker's fills, then positions, reconciliation, metrics and performance.",
    tags={"trading/orders": "session", "dagster/max_retries": "0"},
)
companies_job = dg.define_asset_job(
    "companies_job",
    selection=dg.AssetSelection.groups(COMPANIES),
    description="A snapshot of the company data, dated the newest closed session; older sessions are refused.",
)
hourly_job = dg.define_asset_job(
    "hourly_job",
    selection=dg.AssetSelection.groups(HOURLY),
    description="The hours of a session finished so far: bars, checks, features. Nothing that trades depends on them.",
    tags={"dagster/max_retries": "0"},
)
JOBS = [session_job, history_job, order_placement_job, fill_ingestion_job]
