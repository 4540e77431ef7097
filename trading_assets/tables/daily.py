"""Daily bars: one row per (symbol, session), as each vendor reports it, consolidated, and refused."""

from __future__ import annotations

from trading_assets.tables.bars import bar_tables

DAILY = bar_tables("daily", "session", quarantined="quarantined_bars")
VENDOR_DAILY_BARS = DAILY.vendor
DAILY_BARS = DAILY.accepted
QUARANTINED_BARS = DAILY.quarantined
