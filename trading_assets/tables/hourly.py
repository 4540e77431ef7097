"""Hourly bars: one row per (symbol, hour of the session), as each vendor reports it, consolidated, and refused."""

from __future__ import annotations

from trading_assets.settings import ALL_SOURCES
from trading_assets.tables.daily import DAILY_BARS, OHLCV, QUARANTINED_BARS, REPORTS
from trading_assets.tables.table import BATCH_ID, KNOWN_AT, SESSION, SYMBOL, UTC_INSTANT, Column, Table

BAR_START = Column(
    UTC_INSTANT,
    "Start of the bar: the session's open or a full hour in New York; the last bar ends at the close",
    "UTC",
    nullable=False,
)

BAR_END = Column(
    UTC_INSTANT, "End of the bar; it may be used from then on, plus the vendor's delay", "UTC", nullable=False
)


def _vendor_hours(source: str) -> Table:
    return Table(
        name=f"{source}_hourly_bars",
        grain=f"One row per (symbol, hour of the session) as {source.capitalize()} reports it, raw prices, finished bars only",
        columns={
            "symbol": SYMBOL,
            "bar_start": BAR_START,
            "bar_end": BAR_END,
            "session": SESSION,
            **OHLCV,
            "reports": REPORTS,
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        key=("symbol", "bar_start"),
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("bars", "hourly", source),
    )


VENDOR_HOURLY_BARS = {source: _vendor_hours(source) for source in ALL_SOURCES}

HOURLY_BARS = Table(
    name="hourly_bars",
    grain="One row per (symbol, hour of the session): the bar of the best source, raw prices, accepted by the row checks",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        "bar_end": BAR_END,
        **{name: column for name, column in DAILY_BARS.columns.items() if name != "symbol"},
    },
    key=("symbol", "bar_start"),
    provenance=("batch_id", "known_at"),
    versioned=True,
    tags=("bars", "hourly"),
)

QUARANTINED_HOURLY_BARS = Table(
    name="quarantined_hourly_bars",
    grain="One row per (symbol, bar, source) that a row check refused, with the reason; never used downstream",
    columns={
        "symbol": SYMBOL,
        "bar_start": BAR_START,
        **{name: column for name, column in QUARANTINED_BARS.columns.items() if name != "symbol"},
    },
    key=("symbol", "bar_start", "source"),
    provenance=("batch_id", "known_at"),
    versioned=True,
)
