"""Hourly bars: one row per (symbol, hour of the session), as each vendor reports it, consolidated, and refused."""

from __future__ import annotations

from trading_assets.sessions import session_hours
from trading_assets.tables.bars import bar_grain
from trading_assets.tables.table import UTC_INSTANT, Column

BAR_START = Column(
    UTC_INSTANT,
    "Start of the bar: the session's open or a full hour in New York; the last bar ends at the close",
    "UTC",
    nullable=False,
)

HOURLY = bar_grain(
    "hourly",
    "hour",
    session_hours,
    per="hour of the session",
    quarantined="quarantined_hourly_bars",
    start=BAR_START,
)
VENDOR_HOURLY_BARS = HOURLY.vendor
HOURLY_BARS = HOURLY.accepted
QUARANTINED_HOURLY_BARS = HOURLY.quarantined
