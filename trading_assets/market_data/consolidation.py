"""Consolidation of a range: judge what the vendors reported, keep the best bar per symbol, store every finding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from resources.lake import WriteReport
from resources.platform import Platform
from trading_assets import sessions as calendar
from trading_assets.market_data.ingest import covered_days
from trading_assets.quality.checks import CHECK_NAMES, CheckOutcome, check_sessions
from trading_assets.quality.consolidate import Before, consolidate
from trading_assets.quality.findings import store_findings
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, QUARANTINED_BARS, UNIVERSE, VENDOR_DAILY_BARS

SESSIONS_AT_ONCE = 63
LOOK_BACK = 30

__all__ = ["CHECK_NAMES", "ConsolidatedRange", "consolidate_sessions"]


@dataclass(frozen=True)
class ConsolidatedRange:
    """What a run of the consolidation wrote and found."""

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    report: WriteReport
    outcomes: Sequence[CheckOutcome]
