"""A ratio or an amount that is no number is null: another source's stands in, or the checks name it."""

from __future__ import annotations

import math
from datetime import date

import polars as pl
import pytest

from resources.vendors.actions import ACTION_SCHEMA, finish_actions
from trading_assets.quality.actions.merged import merge_actions
from trading_assets.tables.listings import VENDOR_ACTIONS

DAY = date(2024, 5, 2)


def told(kind: str, **values: float) -> pl.DataFrame:
    row = dict.fromkeys(ACTION_SCHEMA) | {"symbol": "A", "ex_date": DAY, "kind": kind, **values}
    return pl.DataFrame([row], schema=ACTION_SCHEMA)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null_and_another_sources_number_stands_in(odd: float) -> None:
    schema = {name: dtype for name, dtype in VENDOR_ACTIONS["polygon"].schema.items() if name != "known_at"}
    for kind, field, good in (("split", "split_ratio", 4.0), ("cash_dividend", "cash_usd", 0.5)):
        reports = []
        for source, value in (("polygon", odd), ("yahoo", good)):
            frame = finish_actions(told(kind, **{field: value}), DAY, DAY)
            assert frame[field].to_list() == [value if value == good else None]
            given = frame.with_columns(batch_id=pl.lit("b")).select(*schema)
            reports.append(given.with_columns(source=pl.lit(source)))
        merged = merge_actions(pl.concat(reports), ["polygon", "yahoo"])
        assert merged.actions[field].to_list() == [good]


def test_a_payment_without_an_amount_makes_the_days_sum_unknown() -> None:
    both = pl.concat(
        [told("cash_dividend", cash_usd=0.5, detail="regular"), told("cash_dividend", detail="special")]
    )
    assert finish_actions(both, DAY, DAY)["cash_usd"].to_list() == [None]
