"""Checks of the hours: one result per check and run; they stop the hourly features, and nothing that trades."""

from __future__ import annotations

from trading_assets.assets.market_data_checks import checks_of
from trading_assets.market_data.hours.checking import check_hours
from trading_assets.quality.checks import HOURLY_CHECKS
from trading_assets.tables.hourly import HOURLY_BARS

hourly_bars_checks = checks_of(HOURLY_BARS.name, HOURLY_CHECKS, check_hours)
