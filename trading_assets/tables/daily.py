"""Daily bars: one row per (symbol, session), as each vendor reports it, consolidated, and refused."""

from __future__ import annotations

from trading_assets.sessions import whole_session
from trading_assets.tables.bars import bar_grain

DAILY = bar_grain("daily", "session", whole_session, per="session", quarantined="quarantined_bars")
VENDOR_DAILY_BARS = DAILY.vendor
DAILY_BARS = DAILY.accepted
QUARANTINED_BARS = DAILY.quarantined
