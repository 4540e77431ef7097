"""Studies: what a choice among backtests is worth, whatever the order of the values, and where there was none."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pytest

from tests.unit.research.made_up_backtest import sessions
from tests.unit.research.made_up_trials import backtest, run
from trading_assets.cli.backtest_report import BacktestReport
from trading_assets.errors import ConfigurationError
from trading_assets.research import studies
from trading_assets.research.studies import Study, choose, grid_of, plans_of, walk_forwards
from trading_assets.research.trials import Trials

NOISE = np.random.default_rng(3).normal(0, 0.01, (200, 1))


def earning(*means: float) -> np.ndarray:
    """Returns whose Sharpe ratios differ by their means alone."""
    return NOISE + np.array(means) / 100


def test_the_order_in_which_numbers_were_typed_decides_nothing():
    # 10 lies beside 9, not beside 1 and not, as a text, before 9
    grid = grid_of({"rank": ["10", "1", "9"]})
    assert grid.values == {"rank": ["1", "9", "10"]}
    assert [cell["rank"] for cell in grid.cells] == ["1", "9", "10"]
    assert choose(earning(0.1, 0.98, 1.0), grid).plateau == 1.0
    assert choose(earning(0.98, 0.1, 1.0), grid).plateau == 0.0


def test_texts_have_no_neighbours():
    of_texts = grid_of({"fast": ["sma_20", "ema_12", "sma_50"]})
    assert [cell["fast"] for cell in of_texts.cells] == ["sma_20", "ema_12", "sma_50"]
    assert math.isnan(choose(earning(0.1, 0.98, 1.0), of_texts).plateau)
    both = grid_of({"fast": ["sma_20", "ema_12"], "price": ["5", "10"]})
    # the best is (ema_12, 10): its neighbour is (ema_12, 5) alone
    assert choose(earning(0.99, 0.99, 0.1, 1.0), both).plateau == 0.0
    assert choose(earning(0.1, 0.1, 0.99, 1.0), both).plateau == 1.0


@pytest.mark.parametrize("values", [["3", "6", "3"], ["3", "3.0"], ["sma_20", "sma_20"]])
def test_a_value_that_is_given_twice_is_refused(values):
    with pytest.raises(ConfigurationError, match=r"--sweep rank has .* twice"):
        grid_of({"rank": values})


@pytest.mark.parametrize("returns", [earning(1.0, 1.0, 1.0), np.zeros((200, 3))], ids=["same", "no_trades"])
def test_where_all_backtests_are_the_same_nothing_was_chosen(returns):
    choice = choose(returns, grid_of({"rank": ["1", "2", "3"]}))
    assert (choice.best, choice.different) == (0, 1)
    assert math.isnan(choice.overfitting)
    assert math.isnan(choice.plateau)


def test_backtests_that_earned_the_same_count_once():
    noise = np.random.default_rng(4).normal(0, 0.01, (200, 5))
    once = choose(noise, grid_of({"rank": list("12345")}))
    often = choose(noise[:, [0, 0, 0, 1, 2, 3, 4, 4]], grid_of({"rank": list("12345678")}))
    assert often.different == 5
    assert often.overfitting == once.overfitting


def test_a_sweep_without_trades_is_told_without_nan(capsys):
    grid, still = grid_of({"rank": ["1", "2"]}), np.zeros(60)
    runs = [run(returns=still), run(returns=still, parameters={"entry_rank": 3})]
    returns = np.stack([still, still], axis=1)
    study = Study(runs[0].backtest.market, runs, choose(returns, grid), walk_forwards(returns, 2))
    report = BacktestReport(study, Trials(2, []))
    report._warn()
    said = " ".join(capsys.readouterr().out.split())
    assert "Sharpe n/a" in said
    assert "nan" not in said
    assert "the choice holds" not in said
    assert "All 2 backtests earned the same" in said
    assert report.document()["overfitting"] is None
    assert report.document()["plateau"] is None


def caveats(outcomes, fills=()) -> list[str]:
    one = run(first_signal=sessions(60)[0])
    one.backtest.result.outcomes.update(outcomes)
    one.backtest.result.portfolio.fills.extend(fills)
    choice = choose(np.zeros((60, 1)), grid_of({}))
    return list(Study(one.backtest.market, [one], choice, None).caveats())


def test_an_account_that_can_buy_nothing_is_told_why():
    small = {("blocked", "position_size"): 700, ("blocked", "max_positions"): 2, ("hold", "not_held"): 50}
    (said,) = caveats(small)
    assert said.startswith(
        "Nothing could be bought in 702 tries: 700 were refused by position_size (one share costs"
    )
    assert said.endswith("give more --cash)")
    assert caveats({("blocked", "restricted"): 3}) == [
        "Nothing could be bought in 3 tries: 3 were refused by restricted (see the outcomes)"
    ]
    assert caveats({("trade", ""): 1}) == ["Nothing could be bought in 1 tries: no order was filled"]
    assert caveats({("hold", "not_held"): 50}) == []
    assert caveats(small, fills=["a fill"]) == []


@pytest.mark.parametrize("name", ["given", "tried"])
def test_the_whole_plan_has_no_parameters_of_its_own(name):
    plan = backtest().plan
    given, tried = ({"entry_rank": "5"}, {}) if name == "given" else ({}, {"entry_rank": ["5", "6"]})
    with pytest.raises(ConfigurationError, match="--param and --sweep are for one strategy"):
        plans_of(plan, "plan", given, grid_of(tried))


def test_a_parameter_that_is_both_given_and_tried_is_refused():
    grid = grid_of({"entry_rank": ["5", "6"]})
    with pytest.raises(ConfigurationError, match="entry_rank is in --param and in --sweep"):
        plans_of(backtest().plan, "momentum", {"entry_rank": "5"}, grid)


def test_too_few_sessions_to_walk_forward_are_told():
    with pytest.raises(ConfigurationError, match="too few to walk forward 31 times"):
        walk_forwards(np.zeros((60, 2)), 31)


def test_examples():
    assert doctest.testmod(studies).failed == 0
