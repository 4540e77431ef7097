"""Fundamental ratios of a row: which snapshot it knows, and how the price and splits since move what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.features.ratios import FACT_SCHEMA, OLDEST_DAYS, with_fundamentals
from trading_assets.sessions import next_session, session_open
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

FRIDAY, MONDAY, TUESDAY = date(2024, 5, 3), date(2024, 5, 6), date(2024, 5, 7)
AFTER_THE_CLOSE = datetime(2024, 5, 3, 21, tzinfo=UTC)
SATURDAY = datetime(2024, 5, 4, 13, tzinfo=UTC)
MONDAY_NOON = datetime(2024, 5, 6, 16, tzinfo=UTC)
NO_ACTIONS = pl.DataFrame(
    schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64}
)


def fact(known_at: datetime, dated: date = FRIDAY, **values: object) -> pl.DataFrame:
    stated = {"symbol": "A", "session": dated, "known_at": known_at, "trailing_pe": 20.0, "price_usd": 100.0}
    return pl.DataFrame([stated | values], schema=FACT_SCHEMA)


def row(session: date, close: float = 100.0) -> pl.DataFrame:
    return pl.DataFrame({"symbol": ["A"], "session": [session], "close": [close]})


def split(ex_date: date, ratio: float) -> pl.DataFrame:
    return pl.DataFrame([("A", ex_date, "split", ratio)], schema=NO_ACTIONS.schema, orient="row")


def ratios(session, facts, *, close=100.0, actions=NO_ACTIONS, known_by="next_open") -> dict:
    # a second symbol beside it, so that one's dates are not another's
    rows = pl.concat([row(session, close), row(session, close).with_columns(symbol=pl.lit("B"))])
    return with_fundamentals(rows, facts, actions, known_by=known_by).row(0, named=True)


@pytest.mark.parametrize(
    ("taken", "daily", "hourly"),
    [
        (AFTER_THE_CLOSE, FRIDAY, MONDAY),
        (SATURDAY, FRIDAY, MONDAY),
        (session_open(MONDAY), MONDAY, TUESDAY),
        (MONDAY_NOON, MONDAY, TUESDAY),
    ],
)
def test_a_snapshot_of_friday_is_for_the_first_rows_whose_orders_can_know_it(taken, daily, hourly):
    sessions = [date(2024, 5, 2), FRIDAY, MONDAY, TUESDAY]
    for known_by, first in (("next_open", daily), ("open", hourly)):
        known = [ratios(session, fact(taken), known_by=known_by)["pe"] is not None for session in sessions]
        assert known == [session >= first for session in sessions]


def test_one_taken_again_is_seen_from_the_first_opening_after_it():
    facts = pl.concat([fact(SATURDAY, superseded_at=MONDAY_NOON), fact(MONDAY_NOON, trailing_pe=21.0)])
    found = {day: ratios(day, facts)["pe"] for day in (FRIDAY, MONDAY)}
    assert found == {FRIDAY: 20.0, MONDAY: 21.0}


def test_one_that_is_withdrawn_gives_way_to_the_one_before():
    before = fact(datetime(2024, 4, 27, 13, tzinfo=UTC), date(2024, 4, 26), trailing_pe=18.0)
    facts = pl.concat([before, fact(SATURDAY, superseded_at=MONDAY_NOON)])
    found = [ratios(day, facts) for day in (date(2024, 5, 2), FRIDAY, MONDAY)]
    assert [(one["pe"], one[AGE_COLUMN]) for one in found] == [(18.0, 6), (20.0, 0), (18.0, 10)]


def test_an_older_one_that_is_stored_late_does_not_replace_a_newer_one():
    late = fact(MONDAY_NOON, date(2024, 4, 26), trailing_pe=18.0)
    facts = pl.concat([fact(SATURDAY), late])
    assert [ratios(day, facts)["pe"] for day in (FRIDAY, MONDAY, TUESDAY)] == [20.0] * 3
    # it is known from then on, once the newer one is withdrawn
    facts = pl.concat([fact(SATURDAY, superseded_at=datetime(2024, 5, 7, 16, tzinfo=UTC)), late])
    assert [ratios(day, facts)["pe"] for day in (FRIDAY, MONDAY, TUESDAY)] == [20.0, 20.0, 18.0]


def test_at_the_vendors_price_every_ratio_is_the_vendors():
    columns = {item.source_column: float(place) for place, item in enumerate(FUNDAMENTALS.values(), 2)}
    found = ratios(FRIDAY, fact(SATURDAY, **columns))
    assert {name: found[name] for name in FUNDAMENTALS} == {
        name: columns[item.source_column] for name, item in FUNDAMENTALS.items()
    }
    assert found[AGE_COLUMN] == 0


def test_after_a_split_the_price_to_earnings_is_the_price_over_the_earnings_of_a_new_share():
    # 100 / 5 = 20; four new shares for one earn 1.25 each
    facts = fact(
        SATURDAY, price_to_book=4.0, market_cap_usd=1e9, dividend_yield_frac=0.02, debt_to_equity=1.5
    )
    found = ratios(TUESDAY, facts, close=30.0, actions=split(TUESDAY, 4.0))
    assert found["pe"] == pytest.approx(30.0 / (5.0 / 4))
    assert found["pb"] == pytest.approx(4.0 * 1.2)
    assert found["market_cap"] == pytest.approx(1.2e9)
    assert found["dividend_yield"] == pytest.approx(0.02 / 1.2)
    assert (found["debt_to_equity"], found[AGE_COLUMN]) == (1.5, 4)


def test_a_split_counts_once_and_only_between_the_vendors_price_and_the_row():
    assert ratios(MONDAY, fact(SATURDAY), actions=split(TUESDAY, 4.0))["pe"] == 20.0
    assert ratios(MONDAY, fact(SATURDAY), actions=split(FRIDAY, 4.0))["pe"] == 20.0
    # taken on the morning of the split: dated the session before, but in new shares already
    noon = fact(MONDAY_NOON, quoted_on=MONDAY, price_usd=25.0)
    assert ratios(MONDAY, noon, close=26.0, actions=split(MONDAY, 4.0))["pe"] == pytest.approx(20 * 26 / 25)
    # beside a symbol whose price is older
    older = fact(SATURDAY, symbol="B", quoted_on=date(2024, 4, 30))
    assert ratios(MONDAY, pl.concat([fact(SATURDAY), older]), actions=split(FRIDAY, 4.0))["pe"] == 20.0
    both = pl.concat([split(MONDAY, 4.0), split(TUESDAY, 0.5)])
    assert ratios(TUESDAY, fact(SATURDAY), close=50.0, actions=both)["pe"] == pytest.approx(20.0)


def test_what_the_vendor_does_not_say_is_null():
    found = ratios(FRIDAY, fact(SATURDAY, trailing_pe=None, profit_margin_frac=-0.2))
    assert (found["pe"], found["pb"], found["margin"], found[AGE_COLUMN]) == (None, None, -0.2, 0)
    for price in (None, 0.0):
        found = ratios(FRIDAY, fact(SATURDAY, price_usd=price, profit_margin_frac=0.1))
        assert (found["pe"], found["margin"]) == (None, 0.1)


def test_a_snapshot_of_more_than_a_year_ago_counts_as_none():
    last = date.fromordinal(FRIDAY.toordinal() + OLDEST_DAYS)
    assert ratios(last, fact(SATURDAY))[AGE_COLUMN] == OLDEST_DAYS
    over = ratios(next_session(last), fact(SATURDAY))
    assert {over[name] for name in (*FUNDAMENTALS, AGE_COLUMN)} == {None}


def test_rows_keep_their_order_and_columns_of_the_same_names_are_replaced():
    rows = pl.DataFrame(
        {"symbol": ["B", "A", "A"], "session": [MONDAY, TUESDAY, FRIDAY], "close": 110.0, "pe": 0.0}
    )
    found = with_fundamentals(rows, fact(SATURDAY), NO_ACTIONS)
    assert found["session"].to_list() == [MONDAY, TUESDAY, FRIDAY]
    assert found["pe"].to_list() == [None, 22.0, 22.0]
    assert found.columns == ["symbol", "session", "close", *FUNDAMENTALS, AGE_COLUMN]
    empty = with_fundamentals(rows.clear(), fact(SATURDAY).clear(), NO_ACTIONS)
    assert (empty.height, empty.schema) == (0, found.schema)
