"""What is held and does not trade any more is told, once it is certain, with what can be done."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.quality.holdings import held_without_bar
from trading_assets.quality.thresholds import QualityThresholds


@pytest.mark.parametrize(
    ("silent", "status", "told"),
    [
        (0, "active", None),
        (4, "active", None),
        (5, "active", "7.0 shares held, no bar since 2024-12-05"),
        (1, "delisted", "7.0 shares held, no bar since 2024-12-05, not listed any more"),
        (1, None, "7.0 shares held, no bar since 2024-12-05, not listed any more"),
        (0, "delisted", None),
    ],
)
def test_a_held_name_is_a_finding_after_five_silent_sessions_or_when_it_is_not_listed(silent, status, told):
    held = pl.DataFrame(
        {
            "session": [date(2024, 12, 16)],
            "symbol": ["DELI"],
            "quantity": [7],
            "last_bar": [date(2024, 12, 5)],
            "silent_sessions": [silent],
            "status": pl.Series([status], dtype=pl.String),
        }
    )
    found = held_without_bar(held, QualityThresholds()).details
    assert found["value"].to_list() == ([] if told is None else [told])
    assert found["severity"].to_list() == ([] if told is None else ["error"])
    assert all("wait until the broker books its end, sell it there" in text for text in found["expectation"])
