"""Which ratios are splits, and which are the price of a company that was spun off."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.quality.actions.spin_offs import (
    is_split_ratio,
    may_be_stock_dividend,
    recognise_spin_offs,
)

DAY = date(2022, 4, 11)
SCHEMA = {
    "symbol": pl.String,
    "ex_date": pl.Date,
    "kind": pl.String,
    "split_ratio": pl.Float64,
    "price_factor": pl.Float64,
    "source": pl.String,
}


def reported(*rows):
    """Rows (source, kind, ratio) or (source, kind, ratio, date) of one symbol."""
    whole = [(*row, DAY)[:4] for row in rows]
    return pl.DataFrame(
        [("T", day, kind, ratio, None, source) for source, kind, ratio, day in whole],
        schema=SCHEMA,
        orient="row",
    )


def kinds(*rows):
    return recognise_spin_offs(reported(*rows)).select("source", "kind", "split_ratio", "price_factor").rows()


@pytest.mark.parametrize(
    ("who", "ratio"),
    [
        ("AT&T 2022, Warner Bros. Discovery", 1.324), ("Pfizer 2020, Viatris", 1.054), ("Merck 2021, Organon", 1.048),
        ("Kellogg 2023, WK Kellogg", 1.065), ("International Paper 2021, Sylvamo", 1.056),
        ("General Electric 2023, GE HealthCare", 1.281), ("General Electric 2024, GE Vernova", 1.253),
        ("Alphabet 2014, class C", 1.998),
    ],
)  # fmt: skip
def test_spin_offs_that_vendors_tell_as_splits_are_recognised(who, ratio):
    assert not is_split_ratio(ratio), who
    assert kinds(("yahoo", "split", ratio)) == [("yahoo", "spin_off", None, 1 / ratio)]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (2, 1), (3, 1), (4, 1), (7, 1), (10, 1), (20, 1), (50, 1), (3, 2), (5, 4), (4, 3), (6, 5), (7, 5), (8, 5), (5, 2), (5, 3),
        (11, 10), (1, 2), (1, 8), (1, 15), (1, 20), (1, 250), (2, 15), (2, 3), (101, 100), (103, 100), (105, 100), (110, 100),
        (115, 100), (201, 200), (203, 200), (205, 200), (13333, 10000),
    ],
)  # fmt: skip
def test_splits_and_stock_dividends_stay_splits(new, old):
    ratio = new / old
    assert is_split_ratio(ratio)
    assert kinds(("polygon", "split", ratio)) == [("polygon", "split", ratio, None)]


@given(st.integers(1, 10_000), st.integers(1, 10))
def test_every_ratio_of_whole_numbers_up_to_ten_is_a_splits(new, old):
    assert is_split_ratio(new / old) == (new != old)
    assert is_split_ratio(old / new) == (new != old)


@pytest.mark.parametrize(
    ("who", "ratio"), [("BD 2022, Embecta", 1.025), ("Zimmer Biomet 2022, ZimVie", 1.03)]
)
def test_a_spin_off_in_the_ratio_of_a_stock_dividend_is_one_where_somebody_says_so(who, ratio):
    assert is_split_ratio(ratio), who
    assert may_be_stock_dividend(ratio), who
    is_spin_off = ("yahoo", "spin_off", None, 1 / ratio)
    assert kinds(("yahoo", "split", ratio)) == [("yahoo", "split", ratio, None)]
    assert (
        kinds(("yahoo", "split", ratio), ("alpaca", "spin_off", None, DAY.replace(day=12)))[0] == is_spin_off
    )
    frame = reported(("yahoo", "split", ratio))
    for decided, kind in (("spin_off", "spin_off"), ("split", "split")):
        rows = recognise_spin_offs(frame, {("T", DAY.replace(day=13)): decided})
        assert rows["kind"].to_list() == [kind]
    assert recognise_spin_offs(frame, {("T", date(2022, 6, 1)): "spin_off"}).equals(frame)
    assert recognise_spin_offs(frame, {("U", DAY): "spin_off"}).equals(frame)


def test_a_source_that_tells_the_two_apart_goes_before_a_persons_decision():
    frame = reported(("yahoo", "split", 1.025), ("alpaca", "split", 1.025))
    assert recognise_spin_offs(frame, {("T", DAY): "spin_off"}).equals(frame)
    frame = reported(("yahoo", "split", 1.025), ("alpaca", "spin_off", None))
    assert recognise_spin_offs(frame, {("T", DAY): "split"})["kind"].to_list() == ["spin_off", "spin_off"]


def test_an_odd_ratio_below_one_stays_a_split_because_no_spin_off_makes_a_price_rise():
    assert kinds(("yahoo", "split", 0.160125)) == [("yahoo", "split", 0.160125, None)]


def test_a_plain_ratio_is_a_spin_off_where_another_source_says_so():
    """General Electric 2019: Yahoo tells Wabtec's spin-off as 104:100, which could be a stock dividend."""
    told = kinds(("yahoo", "split", 1.04), ("polygon", "split", 1.04), ("alpaca", "spin_off", None))
    assert told == [
        ("yahoo", "spin_off", None, 1 / 1.04),
        ("polygon", "spin_off", None, 1 / 1.04),
        ("alpaca", "spin_off", None, None),
    ]
    alone = kinds(("yahoo", "split", 1.04), ("alpaca", "spin_off", None, date(2022, 6, 1)))
    assert alone[0] == ("yahoo", "split", 1.04, None)


def test_an_odd_ratio_stays_a_split_where_a_source_with_a_kind_for_spin_offs_calls_it_one():
    """Alphabet 2015: holders of class C got 0.27455 % more of it."""
    rows = kinds(("yahoo", "split", 1.0027455), ("alpaca", "split", 1.0027455))
    assert [kind for _, kind, _, _ in rows] == ["split", "split"]
    rows = kinds(("alpaca", "split", 1.0027455), ("alpaca", "spin_off", None))
    assert [kind for _, kind, _, _ in rows] == ["split", "spin_off"]


def test_a_split_and_a_spin_off_of_one_day_are_told_apart():
    """DuPont 2019: one for three, and Corteva; Yahoo tells both as 4725:10000."""
    rows = kinds(("yahoo", "split", 0.4725), ("polygon", "split", 1 / 3))
    assert rows[0][:2] == ("yahoo", "spin_off")
    assert rows[0][3] == pytest.approx(1 / 1.4175)
    assert rows[1] == ("polygon", "split", 1 / 3, None)
    rows = kinds(("alpaca", "split", 2.0), ("polygon", "split", 2.0), ("alpaca", "spin_off", None))
    assert [kind for _, kind, _, _ in rows] == ["split", "split", "spin_off"]


def test_rounding_of_a_split_is_no_spin_off():
    rows = kinds(("yahoo", "split", 0.3334), ("polygon", "split", 1 / 3))
    assert [kind for _, kind, _, _ in rows] == ["split", "split"]


def test_other_rows_and_their_order_are_left_alone():
    frame = reported(
        ("alpaca", "cash_dividend", None), ("yahoo", "split", 1.324), ("alpaca", "delisting", None)
    )
    assert recognise_spin_offs(frame)["kind"].to_list() == ["cash_dividend", "spin_off", "delisting"]
    plain = frame.filter(pl.col("kind") != "split")
    assert recognise_spin_offs(plain).equals(plain)
