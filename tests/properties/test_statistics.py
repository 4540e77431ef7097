"""Statistics of any returns: finite or NaN where that is said, consistent with each other, and blind to the future."""

from __future__ import annotations

import inspect
import warnings
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trading_assets.statistics import benchmark as against
from trading_assets.statistics import performance as perf
from trading_assets.statistics import sharpe_significance as significance
from trading_assets.statistics import trades, value_at_risk
from trading_assets.statistics.bootstrap import bootstrapped_drawdowns, equity_bands
from trading_assets.statistics.calendar_returns import period_returns
from trading_assets.statistics.cash_flows import money_weighted_return
from trading_assets.statistics.drawdowns import (
    ROUNDING,
    drawdown_series,
    drawdown_table,
    longest_drawdown,
    max_drawdown,
)
from trading_assets.statistics.plateau import plateau_map, plateau_score
from trading_assets.statistics.portfolio_risk import (
    component_contributions,
    concentration,
    portfolio_volatility,
)
from trading_assets.statistics.regimes import regimes
from trading_assets.statistics.splits import combinatorial_folds, purged_folds, walk_forward
from trading_assets.statistics.weights import risk_parity_weights

RETURNS = st.floats(-0.9, 3.0)
SERIES = arrays(np.float64, st.integers(0, 120), elements=RETURNS)
TABLE = arrays(np.float64, st.tuples(st.integers(0, 60), st.integers(1, 4)), elements=RETURNS)
WITH_HOLES = arrays(
    np.float64, st.tuples(st.integers(0, 40), st.integers(1, 4)), elements=st.one_of(RETURNS, st.just(np.nan))
)

ALWAYS = {
    "cumulative_return": (1, perf.cumulative_return),
    "annualised_volatility": (2, perf.annualised_volatility),
    "downside_risk": (1, perf.downside_risk),
    "max_drawdown": (1, max_drawdown),
    "longest_drawdown": (1, longest_drawdown),
    "value_at_risk": (1, value_at_risk.value_at_risk),
    "conditional_value_at_risk": (1, value_at_risk.conditional_value_at_risk),
    "parametric_value_at_risk": (2, value_at_risk.parametric_value_at_risk),
    "parametric_conditional_value_at_risk": (2, value_at_risk.parametric_conditional_value_at_risk),
    "win_rate": (1, trades.win_rate),
    "expectancy": (1, trades.expectancy),
}
"""Statistics that any series of that many returns has."""
SOMETIMES = {
    "annual_return": perf.annual_return,
    "sharpe_ratio": perf.sharpe_ratio,
    "sortino_ratio": perf.sortino_ratio,
    "calmar_ratio": perf.calmar_ratio,
    "omega_ratio": perf.omega_ratio,
    "stability": perf.stability,
    "tail_ratio": perf.tail_ratio,
    "skewness": perf.skewness,
    "excess_kurtosis": perf.excess_kurtosis,
    "profit_factor": trades.profit_factor,
    "payoff_ratio": trades.payoff_ratio,
    "session_sharpe": significance.session_sharpe,
    "probabilistic_sharpe": significance.probabilistic_sharpe,
    "minimum_track_record": significance.minimum_track_record,
}
"""Statistics that are NaN where what they divide by is 0, or where they overflow."""
PAIRS = (against.beta, against.alpha, against.correlation, against.tracking_error, against.information_ratio, against.up_capture, against.down_capture)  # fmt: skip


def days(count: int) -> list[date]:
    return [date(2020, 1, 1) + timedelta(days=3 * number) for number in range(count)]


@given(TABLE)
def test_a_series_with_enough_returns_has_a_figure_and_one_with_fewer_has_none(returns):
    for name, (least, statistic) in ALWAYS.items():
        assert (np.isfinite(statistic(returns)) == (len(returns) >= least)).all(), name


@given(WITH_HOLES)
def test_no_statistic_warns_raises_or_is_infinite_and_every_series_stands_alone(returns):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, statistic in {**SOMETIMES, **{k: v for k, (_, v) in ALWAYS.items()}}.items():
            assert not np.isinf(statistic(returns)).any(), name
            plain = returns.round(6)  # of differences that are rounding noise nothing can be told
            figures = statistic(plain)
            assert figures.shape == (returns.shape[1],)
            alone = [float(statistic(column)) for column in plain.T]
            np.testing.assert_allclose(alone, figures, rtol=1e-6, atol=1e-9, err_msg=name)
        for statistic in PAIRS:
            assert not np.isinf(statistic(returns, returns[:, 0])).any()


@given(SERIES)
def test_the_table_of_drawdowns_says_what_the_series_does(returns):
    depth, sessions = drawdown_series(returns), days(len(returns))
    table = drawdown_table(returns, sessions)
    below = {day for day, value in zip(sessions, depth, strict=True) if value < -ROUNDING}
    assert table["sessions"].sum() == len(below)
    if not len(returns):
        return
    deepest = min(table["depth_frac"].to_list(), default=0.0)
    assert deepest == pytest.approx(float(max_drawdown(returns)), abs=2 * ROUNDING)
    assert max(table["sessions"].to_list(), default=0) == longest_drawdown(returns)
    where = dict(zip(sessions, depth.tolist(), strict=True))
    for row in table.iter_rows(named=True):
        assert where[row["trough"]] == row["depth_frac"] < 0
        assert row["peak"] is None or row["peak"] not in below
        assert row["recovery"] is None or row["recovery"] not in below
        if row["recovery"] is not None:
            assert row["sessions_down"] + row["sessions_up"] == row["sessions"] + 1
            assert row["calendar_days"] == 3 * row["sessions"]
    assert table["recovery"].null_count() == (sessions[-1] in below)


@given(SERIES)
def test_periods_compound_to_the_whole(returns):
    assume(len(returns))
    for by in ("month", "quarter", "year"):
        periods = period_returns(returns, days(len(returns)), by)
        assert periods["sessions"].sum() == len(returns)
        whole = np.prod(1 + periods["return_frac"].to_numpy())
        assert whole == pytest.approx(1 + float(perf.cumulative_return(returns)), rel=1e-9)


@given(SERIES, st.sampled_from([0.9, 0.95, 0.99]), st.sampled_from([1, 5, 21]))
def test_what_is_lost_beyond_the_value_at_risk_is_no_less_than_it(returns, confidence, horizon):
    assume(len(returns) >= 21)
    for at_risk, beyond, given_also in (
        (value_at_risk.value_at_risk, value_at_risk.conditional_value_at_risk, {}),
        (
            value_at_risk.monte_carlo_value_at_risk,
            value_at_risk.monte_carlo_conditional_value_at_risk,
            {"seed": 3, "paths": 200},
        ),
        (value_at_risk.parametric_value_at_risk, value_at_risk.parametric_conditional_value_at_risk, {}),
    ):
        limit = float(at_risk(returns, confidence, horizon, **given_also))
        assert beyond(returns, confidence, horizon, **given_also) <= limit + 1e-9 * abs(limit) + 1e-12
        assert at_risk(returns, 0.999, horizon, **given_also) <= limit + 1e-9 * abs(limit) + 1e-12


@st.composite
def covariances(draw) -> np.ndarray:
    """Positive definite matrices of series that move differently."""
    count = draw(st.integers(2, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    factors = random.normal(size=(count, draw(st.integers(1, count)))) * draw(st.floats(0, 3))
    deviation = 10.0 ** random.uniform(-4, -1, count)
    return (factors @ factors.T + np.eye(count)) * np.outer(deviation, deviation)


@given(covariances(), st.integers(0, 2**32 - 1))
def test_contributions_sum_to_the_volatility(covariance, seed):
    weights = np.random.default_rng(seed).normal(size=len(covariance))
    total = portfolio_volatility(weights, covariance)
    assert component_contributions(weights, covariance).sum() == pytest.approx(total, rel=1e-12, abs=1e-12)
    assert 1 / len(weights) <= concentration(weights) * (1 + 1e-12) <= 1 + 1e-9


@given(covariances())
def test_risk_parity_has_positive_weights_that_sum_to_one_and_equal_contributions(covariance):
    weights = risk_parity_weights(covariance)
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    parts = component_contributions(weights, covariance)
    np.testing.assert_allclose(parts, parts.mean(), rtol=1e-8)


@given(st.integers(20, 80), st.integers(2, 6), st.integers(1, 6), st.integers(0, 6))
def test_no_label_that_is_learned_from_reaches_into_the_test(rows, folds, labels, embargo):
    for split in (
        *purged_folds(rows, folds, label_rows=labels, embargo=embargo),
        *combinatorial_folds(rows, max(folds, 3), 2, label_rows=labels, embargo=embargo),
        *walk_forward(rows, folds, 3, label_rows=labels, embargo=embargo),
    ):
        tested = {row + ahead for row in split.test for ahead in range(labels)}
        learned = {row + ahead for row in split.train for ahead in range(labels)}
        assert not tested & learned
        assert not {row - back for row in split.train for back in range(1, embargo + 1)} & {
            row for row in split.test if row + 1 not in split.test
        }
    tests = np.concatenate([split.test for split in purged_folds(rows, folds)])
    assert tests.tolist() == list(range(rows))


@settings(max_examples=30)
@given(arrays(np.float64, st.integers(5, 60), elements=st.floats(-0.2, 0.2)), st.integers(0, 99))
def test_bands_are_in_order_and_the_same_for_the_same_seed(returns, seed):
    bands = equity_bands(returns, seed=seed, paths=50)
    values = bands.drop("session_number").to_numpy()
    assert bands.equals(equity_bands(returns, seed=seed, paths=50))
    assert (np.diff(values, axis=1) >= -1e-12).all()
    assert (values > 0).all()
    depths = bootstrapped_drawdowns(returns, seed=seed, paths=50)
    assert ((depths <= 0) & (depths > -1)).all()


@given(arrays(np.float64, st.integers(60, 120), elements=st.floats(-0.1, 0.1)), st.integers(0, 119))
def test_the_regime_of_a_session_does_not_change_with_its_own_close_or_a_later_one(returns, row):
    assume(row < len(returns))
    close = np.cumprod(1 + returns)
    changed = close.copy()
    changed[row:] *= np.linspace(2, 5, len(close) - row)
    windows = {"trend_window": 10, "volatility_window": 5, "volatility_history": 20}
    assert regimes(close, **windows)[: row + 1].equals(regimes(changed, **windows)[: row + 1])


@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-5, 5)))
def test_a_plateau_is_a_share_and_a_flat_grid_is_one(scores):
    shares = plateau_map(scores)
    assert np.isnan(shares).all() if scores.size == 1 else ((shares >= 0) & (shares <= 1)).all()
    assert plateau_score(np.ones_like(scores)) == 1 or scores.size == 1
    lonely = np.zeros_like(scores)
    lonely[0, 0] = 1
    assert plateau_score(lonely) == 0 or scores.size == 1


@given(
    st.floats(-0.9, 3), st.lists(st.tuples(st.integers(0, 900), st.floats(1, 1e6)), min_size=1, max_size=8)
)
def test_the_rate_that_made_the_final_value_is_found_again(rate, paid):
    end = date(2023, 1, 1)
    begun = [end - timedelta(days=30 + back) for back, _ in paid]
    final = sum(
        money * (1 + rate) ** ((end - day).days / 365) for day, (_, money) in zip(begun, paid, strict=True)
    )
    assert money_weighted_return([money for _, money in paid], begun, final, end) == pytest.approx(
        rate, abs=1e-7
    )


def test_chance_is_always_given_a_seed():
    drawing = (value_at_risk.monte_carlo_value_at_risk, value_at_risk.drawn_returns, equity_bands, bootstrapped_drawdowns)  # fmt: skip
    for function in drawing:
        assert inspect.signature(function).parameters["seed"].default is inspect.Parameter.empty
