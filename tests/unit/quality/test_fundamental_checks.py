"""Checks of fundamental ratios: what cannot be is found, what nobody said is not."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.features.ratios import OLDEST_DAYS
from trading_assets.quality.features import (
    VALID_RANGES,
    expected_warm_up,
    feature_null_rate,
    feature_values,
)
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

BEFORE, SESSION = date(2024, 5, 2), date(2024, 5, 3)
SYMBOLS = [f"S{number:02d}" for number in range(40)]


def features(session: date, **values: float | None) -> pl.DataFrame:
    rows = [
        {"symbol": symbol, "session": session, "close": 10.0, "volume": 5.0} | values for symbol in SYMBOLS
    ]
    return pl.DataFrame(rows, schema=DAILY_FEATURES.schema)


@pytest.mark.parametrize(
    ("name", "value", "is_found"),
    [
        ("pe", -3.0, True),
        ("market_cap", -1.0, True),
        ("dividend_yield", -0.01, True),
        ("peg", float("inf"), True),
        (AGE_COLUMN, OLDEST_DAYS + 1, True),
        (AGE_COLUMN, -1, True),
        ("pb", -3.0, False),  # more debts than assets
        ("ps", -3.0, False),  # a lender whose hedges lost more than it earned
        ("margin", -4.0, False),
        ("pe", None, False),
    ],
)
def test_an_impossible_ratio_is_found(name, value, is_found):
    measured = feature_values(features(SESSION, **{name: value}), VALID_RANGES, QualityThresholds())
    found = measured.details["value"].unique().to_list()
    assert bool(found) is is_found
    assert all(told.startswith(f"{name} ") for told in found)


def test_ratios_that_are_null_for_want_of_a_snapshot_are_no_loss_of_data():
    known = dict.fromkeys(FUNDAMENTALS, 1.0) | {AGE_COLUMN: 0}
    rows = pl.concat([features(BEFORE, **known), features(SESSION)])
    bars = dict.fromkeys(SYMBOLS, 1)
    warm_up = expected_warm_up(bars)
    measured = feature_null_rate(rows, [SESSION], bars, warm_up, QualityThresholds())
    assert not measured.always.height
    lost = rows.with_columns(volume=pl.when(pl.col("session") == BEFORE).then("volume"))
    assert feature_null_rate(lost, [SESSION], bars, warm_up, QualityThresholds()).always.height
