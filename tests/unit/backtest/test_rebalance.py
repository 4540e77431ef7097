"""One account brought to target weights: what is bought when the cash is short, actions, missing bars, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from trading_assets.backtest.costs import Costs
from trading_assets.backtest.rebalance import WhenShort, run_target_weights
from trading_assets.errors import ConfigurationError, DataQualityError

NAN = float("nan")


def run(open_, weights, decided=(0,), *, close=None, cash_usd=1000.0, **kept):
    opens = np.array(open_, dtype=float)
    closes = opens if close is None else np.array(close, dtype=float)
    return run_target_weights(
        opens, closes, np.array(weights, dtype=float), np.array(decided), cash_usd=cash_usd, **kept
    )


@pytest.mark.parametrize("when_short", WhenShort)
@pytest.mark.parametrize(
    ("weights", "held"),
    [([0.45, 0.45], [4.5, 4.5]), ([0.2] * 5, [2.0] * 5), ([0.5, 0.3, 0.1], [5.0, 3.0, 1.0])],
)
def test_where_the_cash_reaches_for_all_nothing_is_cut(weights, held, when_short):
    result = run(np.full((4, len(weights)), 100.0), [weights], when_short=when_short)
    assert result.quantities == pytest.approx(held, abs=1e-12)
    assert result.equity_usd[-1] == pytest.approx(1000)


def test_where_it_does_not_every_purchase_is_cut_by_the_same_factor():
    costs = Costs(fee_bps=50, fee_per_share_usd=1, slippage_bps=100)
    result = run(np.full((3, 3), 100.0), [[0.5, 0.3, 0.2]], costs=costs)
    unit = 100 * 1.01 * 1.005 + 1
    assert result.quantities == pytest.approx(np.array([5, 3, 2]) * 1000 / (10 * unit), rel=1e-12)
    assert result.cash_usd[-1] == pytest.approx(0, abs=1e-9)
    assert result.orders["fees_usd"].sum() == pytest.approx(result.quantities.sum() * (101 * 0.005 + 1))


def test_a_fee_per_share_counts_before_the_first_purchase_and_not_when_only_the_last_is_left():
    result = run(np.full((3, 2), 10.0), [[0.5, 0.5]], costs=Costs(fee_per_share_usd=2.5))
    assert result.quantities == pytest.approx([40, 40])


def test_the_cash_of_what_was_sold_is_there_for_what_is_bought():
    result = run(np.full((5, 3), 100.0), [[1, 0, 0], [0, 0.5, 0.5]], [0, 2], costs=Costs(sell_fee_frac=0.01))
    assert result.orders["quantity"].to_list() == pytest.approx([10, -10, 4.95, 4.95])


def test_whole_shares_are_bought_where_they_fit_and_the_rest_stays_cash():
    result = run(np.full((3, 2), 300.0), [[0.5, 0.4]], cash_usd=2000, whole_shares=True)
    assert result.quantities.tolist() == [3, 2]
    assert result.cash_usd[-1] == pytest.approx(500)
    short = run(np.full((3, 2), 100.0), [[0.5, 0.5]], whole_shares=True, costs=Costs(fee_bps=5))
    assert short.quantities.tolist() == [4, 4]


def test_a_split_is_no_profit_and_a_fraction_of_a_whole_share_becomes_cash():
    prices = [[100.0], [100.0], [66.0], [66.0]]
    split = np.array([[1.0], [1.0], [1.5], [1.0]])
    result = run(prices, [[0.5]], split=split)
    assert result.quantities == pytest.approx([7.5])
    assert result.equity_usd[-1] == pytest.approx(500 + 7.5 * 66)
    whole = run(prices, [[0.5]], split=split, whole_shares=True)
    assert (whole.quantities.tolist(), whole.dividends_usd) == ([7.0], pytest.approx(33.0))
    assert whole.equity_usd[-1] == pytest.approx(result.equity_usd[-1])


def test_dividends_are_paid_on_shares_before_the_split_of_the_day_and_none_on_the_day_of_the_purchase():
    dividend, split = np.array([[0], [7.0], [2.0], [0]]), np.array([[1.0], [1.0], [2.0], [1.0]])
    result = run([[100.0], [100.0], [50.0], [50.0]], [[0.5]], dividend=dividend, split=split)
    assert result.dividends_usd == pytest.approx(10.0)
    assert result.cash_usd[-1] == pytest.approx(510.0)
    assert run(np.full((4, 1), 100.0), [[0.5]], dividend=dividend).dividends_usd == pytest.approx(10.0)


def test_what_does_not_open_is_not_traded_keeps_its_shares_and_is_counted():
    prices = np.full((5, 2), 100.0)
    prices[3, 0] = NAN
    result = run(prices, [[0.5, 0], [0, 1]], [0, 2])
    assert (result.unfilled, result.rebalances) == (1, 2)
    assert result.quantities == pytest.approx([5, 5])
    assert result.equity_usd == pytest.approx([1000] * 5)


def test_a_symbol_without_a_close_yet_is_worth_what_was_paid_for_it():
    close = np.full((4, 2), 100.0)
    close[:3, 0] = NAN
    opens = np.full((4, 2), 100.0)
    opens[0, 0] = NAN
    result = run(opens, [[0.5, 0.5]], close=close)
    assert result.equity_usd == pytest.approx([1000] * 4)
    never = run([[NAN, 100.0]] * 3, [[0.5, 0.5]])
    assert (never.unfilled, never.equity_usd.tolist()) == (1, [1000] * 3)


def test_a_decision_of_the_last_session_is_never_filled():
    assert run(np.full((3, 1), 100.0), [[1.0]], [2]).orders.is_empty()


@pytest.mark.parametrize("decided", [[1, 1], [2, 1], [-1, 1], [0, 4]])
def test_decisions_out_of_order_or_outside_the_sessions_are_refused(decided):
    with pytest.raises(DataQualityError, match="strictly rising"):
        run(np.full((4, 1), 100.0), [[0.5], [0.5]], decided)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": [[0.7, 0.7]]}, "add up to 1"),
        ({"weights": [[0.7]]}, "column per symbol"),
        ({"open_": np.zeros((4, 2))}, "above 0"),
        ({"close": np.full((3, 2), 100.0)}, "one shape"),
        ({"split": np.zeros((4, 2))}, "above 0"),
        ({"dividend": np.full((4, 2), NAN)}, "every session"),
    ],
)
def test_arrays_that_would_give_wrong_numbers_are_refused(change, words):
    with pytest.raises(DataQualityError, match=words):
        run(**{"open_": np.full((4, 2), 100.0), "weights": [[0.5, 0.5]], **change})


@pytest.mark.parametrize("name", ["impact_frac", "volatility_mult"])
def test_costs_that_it_cannot_charge_are_refused_by_name(name):
    with pytest.raises(ConfigurationError, match=name):
        run(np.full((3, 1), 100.0), [[0.5]], costs=Costs(**{name: 0.1}))
