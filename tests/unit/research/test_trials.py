"""Trials: what counts as one, which ratios compare, and what is stored of them."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.unit.research.made_up_trials import TOLD, backtest, run
from trading_assets.backtest.costs import Costs
from trading_assets.research import studies
from trading_assets.research.trials import Records, trial_hash, trials_so_far
from trading_assets.statistics.sharpe_significance import deflated_sharpe, session_sharpe

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TEN, TWENTY = {"entry_rank": 10}, {"entry_rank": 20}


class Ticking:
    """A clock that goes on by a second each time it is read."""

    def __init__(self):
        self.ticks = itertools.count()

    def now(self):
        return NOW + timedelta(seconds=next(self.ticks))


def kept(database, *runs):
    records = Records(database, "backtest", Ticking())
    for one in runs:
        records.keep(one)


def test_a_trial_is_a_kind_with_its_parameters_mandate_limits_and_costs():
    same = [
        backtest(),
        backtest("mine", kind="momentum"),
        backtest(parameters=TWENTY),  # the default
        backtest(parameters={"entry_rank": "20"}),
        backtest(length=90),
    ]
    other = [
        backtest(parameters=TEN),
        backtest("mean_reversion"),
        backtest(max_positions=5),
        backtest(capital_frac="0.5"),
        backtest(limits={"max_gross_frac": "0.5"}),
        backtest(costs=Costs.alpaca()),
    ]
    assert len({trial_hash(one) for one in same}) == 1
    assert len({trial_hash(one) for one in [*same, *other]}) == 1 + len(other)


def test_all_different_trials_of_a_kind_are_counted_whatever_their_name_range_and_ratio(fresh_database):
    kept(
        fresh_database,
        run(parameters=TEN),
        run("mine", kind="momentum", parameters=TEN),
        run(parameters=TWENTY, length=90),
        run(parameters={"entry_rank": 3}, returns=np.zeros(60)),
        run(costs=Costs.alpaca()),
        run("mean_reversion"),
    )
    assert trials_so_far(fresh_database, backtest()).count == 4
    assert trials_so_far(fresh_database, backtest("other", kind="momentum")).count == 4


def test_ratios_of_other_ranges_and_costs_do_not_compare_and_are_not_replaced(fresh_database):
    here = [run(parameters=TEN, seed=1), run(parameters=TWENTY, seed=2)]
    elsewhere = [run(parameters=TEN, seed=3, length=90), run(parameters=TEN, seed=4, costs=Costs.alpaca())]
    kept(fresh_database, *here, *elsewhere)
    trials = trials_so_far(fresh_database, here[0].backtest)
    ratios = [float(session_sharpe(one.backtest.curves.returns)) for one in here]
    assert (trials.count, sorted(trials.ratios)) == (3, pytest.approx(sorted(ratios)))
    returns = here[0].backtest.curves.returns
    expected = float(deflated_sharpe(returns, 3, float(np.var(ratios, ddof=1))))
    assert trials.deflated_sharpe(here[0].backtest) == pytest.approx(expected)


def test_the_newest_ratio_counts_of_a_trial_that_was_run_again_on_the_same_range(fresh_database):
    kept(fresh_database, run(seed=1), run(seed=2))
    (ratio,) = trials_so_far(fresh_database, backtest()).ratios
    assert ratio == pytest.approx(float(session_sharpe(backtest(seed=2).curves.returns)))


def test_with_fewer_than_two_ratios_that_compare_nothing_is_deflated(fresh_database):
    kept(fresh_database, run(parameters=TEN), run(length=90), run(length=120, parameters={"entry_rank": 3}))
    trials = trials_so_far(fresh_database, backtest(parameters=TEN))
    assert (trials.count, len(trials.ratios)) == (3, 1)
    assert math.isnan(trials.deflated_sharpe(backtest(parameters=TEN)))


def test_how_many_were_tried_is_told_and_not_stored_as_a_figure_of_one(fresh_database):
    kept(fresh_database, run(), run(parameters=TEN))
    figure = trials_so_far(fresh_database, backtest()).figure
    assert (figure.value, figure.definition) == (
        2,
        "different sets of parameters, limits and costs recorded of this strategy so far",
    )
    stored = [row[0] for row in fresh_database.fetch("select figures from backtests")]
    assert all(set(own) == {"sharpe", "probabilistic_sharpe"} for own in stored)


def test_what_was_finished_before_a_sweep_was_broken_off_is_recorded(fresh_database, monkeypatch):
    plans = [backtest(parameters={"entry_rank": rank}).plan for rank in (1, 2, 3)]
    done = iter([backtest(parameters={"entry_rank": rank}) for rank in (1, 2)])

    def breaks_off_at_the_third(*_, **__):
        if one := next(done, None):
            return one
        raise KeyboardInterrupt

    monkeypatch.setattr(studies, "run_backtest", breaks_off_at_the_third)
    monkeypatch.setattr(studies, "figures", lambda *_: TOLD)
    records = Records(fresh_database, "sweep", Ticking())
    assert (
        records.told_when_broken_off(3) == "Interrupted before a backtest was finished: nothing is recorded"
    )
    with pytest.raises(KeyboardInterrupt):
        studies.run_study(
            backtest().market, studies.grid_of({"entry_rank": ["1", "2", "3"]}), plans,
            cash_usd=Decimal(1000), costs=Costs(), keep=records.keep,
        )  # fmt: skip
    rows = fresh_database.fetch("select study_id, parameters from backtests order by run_at")
    assert [row[1]["momentum"]["entry_rank"] for row in rows] == [1, 2]
    assert {row[0] for row in rows} == {records.study_id}
    assert records.told_when_broken_off(3).startswith(
        "Interrupted: 2 of 3 backtests were finished and are recorded"
    )
