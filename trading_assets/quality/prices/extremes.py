"""Lone extremes: a low or a high far from the open, the close and the close before; per (symbol, session)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame

_LEAST_PRICE_USD = 1.0
"""Below it a few cents are half of the price."""


def lone_extreme(checked: CheckedBars) -> Measured:
    """Find a low or a high that is further than ``max_extreme_ratio`` from all else that the bar says.

    A lost decimal point in one price leaves the bar possible: ranges, averages of the true range and stops are wrong. The
    symbol gets no new risk; more than ``max_quarantined_frac`` of them stop the session.
    """
    limit = checked.thresholds.max_extreme_ratio
    others = ("open", "close", "adjusted_close")
    rows = checked.compared.with_columns(adjusted_close=pl.col("previous_close") / pl.col("new_shares"))
    low = pl.min_horizontal(others) / pl.col("low")
    high = pl.col("high") / pl.max_horizontal(others)
    details = findings_frame(
        rows.filter((low > limit) | (high > limit), pl.min_horizontal(others) >= _LEAST_PRICE_USD),
        value=pl.format("low {} high {} beside open {} close {}", "low", "high", "open", "close"),
        expectation=f"low and high within {limit:g} times of open, close and the close before",
    )
    return Measured(
        details,
        "symbols have a low or a high alone",
        totals=checked.totals,
        share=checked.thresholds.max_quarantined_frac,
    )
