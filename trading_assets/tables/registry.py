"""Registry: every table of the lake by name."""

from __future__ import annotations

from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES, FEATURE_STATE, HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, QUARANTINED_HOURLY_BARS, VENDOR_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE, VENDOR_ACTIONS
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS
from trading_assets.tables.table import Table

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
        *COMPANY_TABLES.values(),
        DAILY_FEATURES,
        HOURLY_FEATURES,
        FEATURE_STATE,
        SCREENER_RESULTS,
        SCREENER_EVENTS,
    )
}


def table(name: str) -> Table:
    """Return the table of that name, or say which exist."""
    try:
        return TABLES[name]
    except KeyError:
        raise KeyError(f"No lake table {name!r}; there are {', '.join(sorted(TABLES))}") from None
