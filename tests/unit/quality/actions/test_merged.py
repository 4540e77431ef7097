"""What several vendors report of a corporate action becomes one row, and their differences become findings."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.quality.actions.merged import KEY, action_differences, merge_actions
from trading_assets.quality.actions.undecided import undecided_actions
from trading_assets.tables.listings import VENDOR_ACTIONS

DAY = date(2022, 4, 11)
PRIORITY = ("polygon", "yahoo", "alpaca")
SCHEMA = {
    **{name: dtype for name, dtype in VENDOR_ACTIONS["polygon"].schema.items() if name != "known_at"},
    "source": pl.String,
}


def report(source, kind, *, symbol="T", days=0, reports=1, **values):
    return {
        "symbol": symbol, "ex_date": DAY + timedelta(days=days), "kind": kind, "reports": reports,
        "batch_id": f"{source}-batch", "source": source, **values,
    }  # fmt: skip


def merged(*rows):
    return merge_actions(pl.DataFrame(rows, schema=SCHEMA, orient="row"), PRIORITY)


def actions(*rows):
    frame = merged(*rows).actions
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in frame.iter_rows(named=True)
    ]


def disagreements(*rows):
    return merged(*rows).disagreements.select("session", "source", "value", "expectation").rows()


def test_the_best_source_counts_and_actions_that_only_another_one_has_are_kept():
    rows = (
        report("alpaca", "cash_dividend", cash_usd=0.2775),
        report("polygon", "cash_dividend", cash_usd=0.278),
        report("alpaca", "symbol_change", symbol="FB", new_symbol="META"),
    )
    assert actions(*rows) == [
        {"symbol": "FB", "ex_date": DAY, "kind": "symbol_change", "new_symbol": "META", "source": "alpaca", "batch_id": "alpaca-batch"},
        {"symbol": "T", "ex_date": DAY, "kind": "cash_dividend", "cash_usd": 0.278, "source": "polygon", "batch_id": "polygon-batch"},
    ]  # fmt: skip
    assert disagreements(*rows) == []


def test_a_spin_off_gets_its_price_from_one_source_and_its_ratio_from_another():
    rows = (
        report("yahoo", "split", split_ratio=1.324),
        report("alpaca", "spin_off", new_symbol="WBD", share_ratio=0.241917),
    )
    assert actions(*rows) == [
        {
            "symbol": "T", "ex_date": DAY, "kind": "spin_off", "price_factor": 1 / 1.324, "new_symbol": "WBD",
            "share_ratio": 0.241917, "source": "yahoo", "batch_id": "yahoo-batch",
        }
    ]  # fmt: skip
    assert disagreements(*rows) == []


@pytest.mark.parametrize(
    ("kind", "ours", "theirs", "said"),
    [
        ("split", {"split_ratio": 4.0}, {"split_ratio": 5.0}, "split split_ratio 5.0"),
        ("cash_dividend", {"cash_usd": 0.5}, {"cash_usd": 0.6}, "cash_dividend cash_usd 0.6"),
        ("symbol_change", {"new_symbol": "A"}, {"new_symbol": "B"}, "symbol_change new_symbol B"),
        ("spin_off", {"price_factor": 0.9}, {"price_factor": 0.8}, "spin_off price_factor 0.8"),
    ],
)
def test_a_difference_beyond_the_tolerance_is_a_finding_and_the_best_source_still_counts(
    kind, ours, theirs, said
):
    rows = (report("polygon", kind, **ours), report("alpaca", kind, **theirs))
    [(session, source, value, expectation)] = disagreements(*rows)
    assert (session, source, value) == (DAY, "alpaca", said)
    assert expectation.endswith("as polygon reports")
    [action] = actions(*rows)
    assert ours.items() <= action.items()


def test_dates_a_day_apart_are_one_action_and_a_finding():
    rows = (
        report("polygon", "cash_dividend", cash_usd=0.5),
        report("yahoo", "cash_dividend", days=1, cash_usd=0.5),
        report("alpaca", "cash_dividend", days=1, cash_usd=0.5),
    )
    assert [(row["ex_date"], row["source"]) for row in actions(*rows)] == [(DAY, "polygon")]
    assert [value for _, _, value, _ in disagreements(*rows)] == ["cash_dividend on 2022-04-12"] * 2


def test_a_payment_that_two_sources_date_and_amount_differently_is_not_paid_twice():
    rows = (
        report("polygon", "cash_dividend", cash_usd=0.24),
        report("yahoo", "cash_dividend", cash_usd=0.25, days=1),
    )
    assert [(row["ex_date"], row["cash_usd"]) for row in actions(*rows)] == [(DAY, 0.24)]
    assert [value for _, _, value, _ in disagreements(*rows)] == [
        "cash_dividend cash_usd 0.25",
        f"cash_dividend on {DAY + timedelta(days=1)}",
    ]


def test_two_payments_close_together_that_one_source_has_both_of_are_two():
    rows = (
        report("polygon", "cash_dividend", cash_usd=0.5),
        report("alpaca", "cash_dividend", cash_usd=0.5),
        report("alpaca", "cash_dividend", days=2, cash_usd=0.5),
    )
    assert [row["ex_date"] for row in actions(*rows)] == [DAY, DAY + timedelta(days=2)]


def test_a_weekly_payment_is_not_taken_for_the_one_before():
    rows = (
        report("polygon", "cash_dividend", cash_usd=0.5),
        report("alpaca", "cash_dividend", days=7, cash_usd=0.5),
    )
    assert len(actions(*rows)) == 2


def test_a_delisting_of_a_symbol_that_only_changed_is_none():
    rows = (
        report("polygon", "delisting", symbol="FB"),
        report("alpaca", "symbol_change", symbol="FB", days=-1, new_symbol="META"),
        report("polygon", "delisting", symbol="GONE"),
        report("alpaca", "delisting", symbol="GONE", days=1, cash_usd=12.0),
    )
    assert [(row["symbol"], row["kind"], row.get("cash_usd")) for row in actions(*rows)] == [
        ("FB", "symbol_change", None),
        ("GONE", "delisting", 12.0),
    ]


def test_a_source_that_contradicts_itself_is_a_finding():
    assert (
        disagreements(report("polygon", "split", split_ratio=2.0, reports=2))[0][2] == "split in 2 versions"
    )


ANY = st.lists(
    st.builds(
        report,
        st.sampled_from(PRIORITY),
        st.sampled_from(["split", "cash_dividend", "spin_off", "symbol_change", "delisting"]),
        symbol=st.sampled_from(["A", "B"]),
        days=st.integers(0, 12),
        split_ratio=st.sampled_from([None, 2.0, 1.324, 0.5]),
        cash_usd=st.sampled_from([None, 0.5, 0.501, 1.0]),
    ),
    max_size=12,
    unique_by=lambda row: (row["symbol"], row["ex_date"], row["kind"], row["source"]),
)


@settings(max_examples=40, deadline=None)
@given(ANY)
def test_there_is_one_row_a_key_nothing_is_invented_and_the_best_sources_rows_all_stay(rows):
    result = merged(*rows)
    keys = result.actions.select(KEY).rows()
    assert len(keys) == len(set(keys))
    assert {(row["symbol"], row["ex_date"]) for row in rows} >= {key[:2] for key in keys}
    best = merged(*[row for row in rows if row["source"] == "polygon"]).actions.select(KEY)
    told = [row for row in best.rows() if row[2] in {"cash_dividend", "symbol_change"}]
    assert set(told) <= set(keys)


@settings(max_examples=40, deadline=None)
@given(ANY, st.randoms())
def test_the_order_of_the_reports_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert merged(*shuffled).actions.equals(merged(*rows).actions)


def test_differences_about_splits_and_spin_offs_stop_new_risk_in_the_symbol_and_others_are_told():
    found = action_differences(
        merged(
            report("polygon", "split", split_ratio=4.0),
            report("alpaca", "split", split_ratio=5.0),
            report("polygon", "cash_dividend", symbol="B", cash_usd=0.5),
            report("alpaca", "cash_dividend", symbol="B", cash_usd=0.7),
        ).disagreements
    )
    assert found.details.select("symbol", "severity").rows() == [("B", "warn"), ("T", "error")]
    assert found.always is None


def test_a_plain_split_beside_a_spin_off_stops_new_risk_and_an_odd_one_on_one_word_is_told():
    told = report("alpaca", "spin_off", symbol="A", new_symbol="NEW", share_ratio=0.5)
    found = action_differences(
        merged(
            told,
            report("polygon", "split", symbol="A", split_ratio=2.0),
            report("polygon", "split", symbol="B", split_ratio=1.0256),
        ).disagreements
    )
    assert found.details.select("symbol", "source", "value", "severity").rows() == [
        ("A", "polygon", "split split_ratio 2.0", "error"),
        ("B", "polygon", "odd split_ratio 1.0256", "warn"),
    ]
    # who tells the two apart says that there were both, or the odd ratio is told twice
    assert disagreements(told, report("polygon", "split", symbol="A", split_ratio=2.0),
                         report("alpaca", "split", symbol="A", split_ratio=2.0)) == []  # fmt: skip
    assert disagreements(report("polygon", "split", split_ratio=1.324), report("yahoo", "split", split_ratio=1.324)) == []  # fmt: skip
    assert disagreements(told, report("yahoo", "split", symbol="A", split_ratio=1.324)) == []


EMBECTA = {"session": DAY, "symbol": "T", "source": "yahoo", "split_ratio": 1.025}


def undecided(*rows, decided=None):
    return merge_actions(
        pl.DataFrame(rows, schema=SCHEMA, orient="row"), PRIORITY, decided or {}
    ).undecided.rows(named=True)


def test_a_ratio_of_stock_dividends_is_undecided_until_somebody_who_knows_says_what_it_is():
    told = report("yahoo", "split", split_ratio=1.025)
    assert undecided(told) == [EMBECTA]
    assert undecided(told, report("polygon", "cash_dividend", cash_usd=0.87)) == [EMBECTA]
    assert undecided(told, report("alpaca", "spin_off", symbol="OTHER", share_ratio=0.2)) == [EMBECTA]
    assert undecided(told, report("alpaca", "spin_off", days=7, share_ratio=0.2)) == [EMBECTA]
    as_spin_off = (told, report("alpaca", "spin_off", days=1, new_symbol="EMBC", share_ratio=0.2))
    assert undecided(*as_spin_off) == []
    assert [(row["kind"], row.get("price_factor")) for row in actions(*as_spin_off)] == [
        ("spin_off", 1 / 1.025)
    ]
    values = [value for _, _, value, _ in disagreements(*as_spin_off)]
    assert values == ["spin_off on 2022-04-12"], "the date, and nothing about a split besides"
    as_dividend = (told, report("alpaca", "split", split_ratio=1.025))
    assert undecided(*as_dividend) == []
    assert [(row["kind"], row["split_ratio"]) for row in actions(*as_dividend)] == [("split", 1.025)]


@pytest.mark.parametrize("ratio", [1.5, 2.0, 1.25, 0.5, 0.1, 1.054, 1.324])
def test_larger_splits_reverse_ones_and_odd_ratios_are_decided_by_their_ratio(ratio):
    assert undecided(report("yahoo", "split", split_ratio=ratio)) == []


def test_one_action_that_two_sources_of_one_word_date_differently_is_undecided_once():
    rows = (report("yahoo", "split", split_ratio=1.03), report("polygon", "split", days=1, split_ratio=1.03))
    assert [(row["session"], row["source"]) for row in undecided(*rows)] == [(DAY, "yahoo")]
    same_day = (report("yahoo", "split", split_ratio=1.03), report("polygon", "split", split_ratio=1.03))
    assert [(row["session"], row["source"]) for row in undecided(*same_day)] == [(DAY, "polygon")]
    later = report("yahoo", "split", days=365, split_ratio=1.03)
    assert len(undecided(*rows, later)) == 2
    for kind in ("split", "spin_off"):
        assert len(undecided(*rows, later, decided={("T", DAY): kind})) == 1


def test_an_undecided_action_stops_new_risk_in_its_symbol_and_says_both_readings_and_the_mend():
    rows = pl.DataFrame([report("yahoo", "split", split_ratio=1.025)], schema=SCHEMA, orient="row")
    found = undecided_actions(merge_actions(rows, PRIORITY).undecided)
    [finding] = found.details.rows(named=True)
    assert (finding["session"], finding["symbol"], finding["severity"]) == (DAY, "T", "error")
    assert finding["value"] == "split split_ratio 1.025"
    for words in ("1.025 shares for one", "earlier prices x 0.97561", "--as spin-off (or stock-dividend)", "--start 2022-04-11"):  # fmt: skip
        assert words in finding["expectation"]
    assert undecided_actions(merge_actions(rows.clear(), PRIORITY).undecided).details.is_empty()


@settings(max_examples=10, deadline=None)
@given(ANY, st.sampled_from(["split", "spin_off"]))
def test_what_is_decided_is_one_of_both_and_no_longer_undecided(rows, kind):
    dividends = [row | {"split_ratio": 1.02} if row["kind"] == "split" else row for row in rows]
    frame = pl.DataFrame(dividends, schema=SCHEMA, orient="row")
    before = merge_actions(frame, PRIORITY)
    decided = {(row["symbol"], row["session"]): kind for row in before.undecided.rows(named=True)}
    after = merge_actions(frame, PRIORITY, decided)
    assert after.undecided.is_empty()
    for symbol, day in decided:
        near = after.actions.filter(
            (pl.col("ex_date") - day).dt.total_days().abs() <= 3, symbol=symbol, kind=kind
        )
        assert near.height >= 1
