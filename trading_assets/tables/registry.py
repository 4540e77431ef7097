"""Registry: every table of the lake and of Postgres by name."""

from __future__ import annotations

from trading_assets.tables.accounts import (
    ACCOUNT_SNAPSHOTS,
    ACCOUNTS,
    PORTFOLIO_PERFORMANCE,
    POSITIONS,
    RECONCILIATION,
    RISK_METRICS,
    ROUND_TRIPS,
    STRATEGY_ATTRIBUTION,
)
from trading_assets.tables.bookings import ACCOUNT_ACTIVITIES, BOOK_DIFFERENCES, BOOKINGS
from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.decisions import ALLOCATIONS, SIGNALS, TARGET_POSITIONS
from trading_assets.tables.features import DAILY_FEATURES, FEATURE_STATE, HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS, VENDOR_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE, VENDOR_ACTIONS
from trading_assets.tables.operations import (
    AUDIT_LOG,
    FINDING_ACCEPTANCES,
    HOURLY_PROGRESS,
    INGEST_BATCHES,
    QUALITY_FINDINGS,
    SESSION_RUNS,
    VENDOR_USAGE,
)
from trading_assets.tables.orders import (
    FILLS,
    ORDER_EVENTS,
    ORDER_INTENTS,
    ORDER_SLIPPAGE,
    ORDERS,
    SUBMITTERS,
    TRADING_HALTS,
)
from trading_assets.tables.pairs import PAIR_STATISTICS
from trading_assets.tables.research import BACKTESTS
from trading_assets.tables.screens import SAVED_SCREENS, SCREENER_EVENTS, SCREENER_RESULTS
from trading_assets.tables.table import DatabaseTable, Table

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *VENDOR_DAILY_BARS.values(),
        DAILY_BARS,
        QUARANTINED_BARS,
        *VENDOR_HOURLY_BARS.values(),
        HOURLY_BARS,
        QUARANTINED_HOURLY_BARS,
        *VENDOR_ACTIONS.values(),
        CORPORATE_ACTIONS,
        UNIVERSE,
        INSTRUMENTS,
        *COMPANY_TABLES.values(),
        DAILY_FEATURES,
        HOURLY_FEATURES,
        FEATURE_STATE,
        SCREENER_RESULTS,
        SCREENER_EVENTS,
        PAIR_STATISTICS,
    )
}

DATABASE_TABLES: dict[str, DatabaseTable] = {
    table.name: table
    for table in (
        INGEST_BATCHES,
        VENDOR_USAGE,
        HOURLY_PROGRESS,
        QUALITY_FINDINGS,
        FINDING_ACCEPTANCES,
        SAVED_SCREENS,
        SIGNALS,
        TARGET_POSITIONS,
        ALLOCATIONS,
        ORDER_INTENTS,
        ORDER_EVENTS,
        ORDERS,
        FILLS,
        ORDER_SLIPPAGE,
        SUBMITTERS,
        TRADING_HALTS,
        ACCOUNTS,
        ACCOUNT_SNAPSHOTS,
        ACCOUNT_ACTIVITIES,
        BOOKINGS,
        BOOK_DIFFERENCES,
        POSITIONS,
        RECONCILIATION,
        PORTFOLIO_PERFORMANCE,
        STRATEGY_ATTRIBUTION,
        ROUND_TRIPS,
        RISK_METRICS,
        SESSION_RUNS,
        AUDIT_LOG,
        BACKTESTS,
    )
}


MARKET, COMPANIES, BOOKS, OPERATIONS = "market", "companies", "books", "operations"
HISTORY = "history"
SCHEMAS: dict[str, str] = {
    MARKET: "bars, corporate actions, universe, features, screens and pairs",
    COMPANIES: "dated snapshots of company data",
    BOOKS: "signals, decisions, orders, fills, positions and performance, as of the end of the last run",
    OPERATIONS: "fetches, findings and runs, as of the end of the last run",
    HISTORY: "superseded rows of the tables of the lake",
}
"""Schemas of the DuckDB catalogue, with what they hold. None is called as the file is: DuckDB could not tell them apart."""
_OPERATIONS = (
    INGEST_BATCHES, VENDOR_USAGE, HOURLY_PROGRESS, QUALITY_FINDINGS, FINDING_ACCEPTANCES, SESSION_RUNS, AUDIT_LOG, BACKTESTS,
)  # fmt: skip


def schema_of(name: str) -> str:
    """Return the schema of the DuckDB catalogue that a table is in; one that nobody declared is among the operations."""
    if name in COMPANY_TABLES:
        return COMPANIES
    if name in TABLES or name == SAVED_SCREENS.name:
        return MARKET
    return BOOKS if name in {*DATABASE_TABLES} - {kept.name for kept in _OPERATIONS} else OPERATIONS


def table(name: str) -> Table:
    """Return the table of that name, or say which exist."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"No lake table {name!r}; there are {', '.join(sorted(TABLES))}") from None
