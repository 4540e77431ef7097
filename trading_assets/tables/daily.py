"""Daily bars: one row per (symbol, session), as each vendor reports it, consolidated, and refused."""

from __future__ import annotations

import polars as pl

from trading_assets.settings import ALL_SOURCES
from trading_assets.tables.table import BATCH_ID, KNOWN_AT, SESSION, SYMBOL, Column, Table

REPORTS = Column(
    pl.Int32,
    "Different rows that the vendor sent for this key in one fetch; above 1 it contradicts itself and is not used",
    nullable=False,
)

OHLCV = {
    "open": Column(pl.Float64, "First trade of the session, raw", "USD", nullable=False),
    "high": Column(pl.Float64, "Highest trade, raw", "USD", nullable=False),
    "low": Column(pl.Float64, "Lowest trade, raw", "USD", nullable=False),
    "close": Column(pl.Float64, "Last trade, raw (not adjusted for anything)", "USD", nullable=False),
    "volume": Column(pl.Float64, "Shares traded", "shares", nullable=False),
    "vwap": Column(pl.Float64, "Volume-weighted average price; null where the vendor has none", "USD"),
    "trade_count": Column(pl.Int64, "Trades; null where the vendor has none", "trades"),
}


def _vendor_bars(source: str) -> Table:
    return Table(
        name=f"{source}_daily_bars",
        grain=f"One row per (symbol, session) as {source.capitalize()} reports it, raw prices",
        columns={
            "symbol": SYMBOL,
            "session": Column(
                pl.Date, "Date that the vendor put on the bar; need not be a session", nullable=False
            ),
            **OHLCV,
            "reports": REPORTS,
            "batch_id": BATCH_ID,
            "known_at": KNOWN_AT,
        },
        provenance=("batch_id", "known_at"),
        versioned=True,
        tags=("bars", source),
    )


VENDOR_DAILY_BARS = {source: _vendor_bars(source) for source in ALL_SOURCES}

DAILY_BARS = Table(
    name="daily_bars",
    grain="One row per (symbol, session): the bar of the best source, raw prices, accepted by the row checks",
    columns={
        "symbol": SYMBOL,
        "session": SESSION,
        **OHLCV,
        "source": Column(pl.String, "Source the row was taken from", nullable=False),
        "source_count": Column(pl.Int32, "Sources that reported this bar", nullable=False),
        "close_difference_frac": Column(
            pl.Float64, "(highest close - lowest close) / lowest close over the sources", "fraction"
        ),
        "volume_difference_frac": Column(pl.Float64, "The same for volume", "fraction"),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    provenance=("batch_id", "known_at"),
    versioned=True,
    tags=("bars",),
)

QUARANTINED_BARS = Table(
    name="quarantined_bars",
    grain="One row per (symbol, session, source) that a row check refused, with the reason; never used downstream",
    columns={
        "symbol": SYMBOL,
        "session": Column(
            pl.Date, "Date that the vendor put on the bar; need not be a session", nullable=False
        ),
        "source": Column(pl.String, "Source of the row", nullable=False),
        "open": Column(pl.Float64, "As reported", "USD"),
        "high": Column(pl.Float64, "As reported", "USD"),
        "low": Column(pl.Float64, "As reported", "USD"),
        "close": Column(pl.Float64, "As reported", "USD"),
        "volume": Column(pl.Float64, "As reported", "shares"),
        "rule": Column(pl.String, "Row check that refused it", nullable=False),
        "expectation": Column(pl.String, "What the check expected, in words", nullable=False),
        "reference_close": Column(pl.Float64, "Last accepted close that it was compared with, if any", "USD"),
        "batch_id": BATCH_ID,
        "known_at": KNOWN_AT,
    },
    key=("symbol", "session", "source"),
    provenance=("batch_id", "known_at"),
    versioned=True,
)
