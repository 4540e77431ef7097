"""Covariance, risk and weights of portfolios equal numpy, pandas, scikit-learn and closed forms; stress scenarios equal the market."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.optimize
import sklearn.covariance

from trading_assets.sectors import SECTORS
from trading_assets.statistics.covariance import (
    correlation_matrix,
    ewma_covariance,
    ledoit_wolf_covariance,
    sample_covariance,
)
from trading_assets.statistics.portfolio_risk import (
    component_contributions,
    concentration,
    diversification_ratio,
    effective_positions,
    marginal_contributions,
    mean_pair_correlation,
    portfolio_volatility,
)
from trading_assets.statistics.stress import SCENARIOS, Scenario, stress
from trading_assets.statistics.weights import (
    inverse_volatility_weights,
    risk_parity_weights,
    volatility_target_scale,
)


@pytest.fixture(scope="module")
def returns() -> np.ndarray:
    random = np.random.default_rng(4)
    market = random.normal(0.0003, 0.01, (504, 1))
    return market * random.uniform(0.4, 1.6, 40) + random.normal(0, 1, (504, 40)) * random.uniform(
        0.005, 0.03, 40
    )


def test_the_sample_covariance_is_numpys_and_pandas_correlation(returns):
    covariance = sample_covariance(returns)
    np.testing.assert_allclose(covariance, np.cov(returns.T), rtol=1e-10)
    pandas = pd.DataFrame(returns).corr().to_numpy()
    np.testing.assert_allclose(correlation_matrix(covariance), pandas, rtol=1e-10, atol=1e-12)
    pairs = pandas[~np.eye(40, dtype=bool)]
    assert mean_pair_correlation(covariance) == pytest.approx(pairs.mean(), rel=1e-9)


def test_a_session_that_a_series_lacks_is_left_out_of_the_covariance(returns):
    holes = returns.copy()
    holes[[3, 99], 7] = np.nan
    np.testing.assert_allclose(
        sample_covariance(holes), np.cov(np.delete(returns, [3, 99], axis=0).T), rtol=1e-10
    )


def test_the_weighted_covariance_is_pandas_around_zero(returns):
    weighted = pd.DataFrame(returns[:, :1] * returns).ewm(alpha=1 - 0.94, adjust=True).mean().iloc[-1]
    np.testing.assert_allclose(ewma_covariance(returns)[0], weighted, rtol=1e-10)


@pytest.mark.parametrize("sessions", [20, 60, 504])
def test_the_shrunk_covariance_is_that_of_scikit_learn(returns, sessions):
    expected, shrinkage = sklearn.covariance.ledoit_wolf(returns[:sessions])
    assert 0 < shrinkage < 1
    np.testing.assert_allclose(ledoit_wolf_covariance(returns[:sessions]), expected, rtol=1e-9, atol=1e-15)


def test_contributions_are_derivatives_and_sum_to_the_volatility(returns):
    covariance = sample_covariance(returns)
    weights = np.random.default_rng(2).normal(0, 0.05, 40)
    total = portfolio_volatility(weights, covariance)
    assert total == pytest.approx(np.std(returns @ weights, ddof=1) * np.sqrt(252), rel=1e-10)
    assert component_contributions(weights, covariance).sum() == pytest.approx(total, abs=1e-12)
    slope = scipy.optimize.approx_fprime(weights, lambda w: portfolio_volatility(w, covariance), 1e-7)
    np.testing.assert_allclose(marginal_contributions(weights, covariance), slope, rtol=1e-4, atol=1e-6)


def test_concentration_counts_equal_positions_and_ignores_the_side():
    assert concentration([0.1, -0.1, 0.1, 0.1, 0.0]) == pytest.approx(0.25)
    assert effective_positions([0.2] * 5) == pytest.approx(5)
    assert concentration([0.6, 0.3, 0.1]) == pytest.approx(0.46)
    assert np.isnan(concentration([0.0]))
    assert diversification_ratio([0.5, 0.5], np.eye(2)) == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.4, 0.99])
def test_risk_parity_of_two_is_inverse_volatility_whatever_their_correlation(correlation):
    covariance = np.array([[0.04, correlation * 0.06], [correlation * 0.06, 0.09]])
    np.testing.assert_allclose(risk_parity_weights(covariance), [0.6, 0.4], rtol=1e-9)


def test_risk_parity_of_uncorrelated_series_is_inverse_volatility():
    covariance = np.diag(np.random.default_rng(1).uniform(1e-6, 1e-2, 50))
    np.testing.assert_allclose(
        risk_parity_weights(covariance), inverse_volatility_weights(covariance), rtol=1e-9
    )


def test_risk_parity_keeps_budgets_and_is_scipys_optimum(returns):
    covariance = sample_covariance(returns[:, :6])
    budgets = np.array([0.3, 0.1, 0.2, 0.15, 0.05, 0.2])
    weights = risk_parity_weights(covariance, budgets)
    parts = component_contributions(weights, covariance)
    np.testing.assert_allclose(parts / parts.sum(), budgets, rtol=1e-9)
    scale = covariance.max()
    best = scipy.optimize.minimize(
        lambda w: w @ covariance @ w / scale / 2 - budgets @ np.log(w),
        np.ones(6),
        bounds=[(1e-6, None)] * 6,
        tol=1e-14,
    )
    np.testing.assert_allclose(weights, best.x / best.x.sum(), rtol=1e-4)


def test_two_that_undo_each_other_have_no_risk_parity():
    assert np.isnan(risk_parity_weights(np.array([[1.0, -1.0], [-1.0, 1.0]]))).all()
    assert np.isnan(risk_parity_weights(np.diag([1.0, 0.0]))).all()


def test_a_scaled_portfolio_has_the_volatility_asked_or_the_gross_allowed(returns):
    covariance = sample_covariance(returns)
    weights = np.full(40, 1 / 40)
    scale = volatility_target_scale(weights, covariance, 0.05)
    assert portfolio_volatility(weights * scale, covariance) == pytest.approx(0.05)
    assert volatility_target_scale(weights, covariance, 5.0, max_gross=1.5) == pytest.approx(1.5)


def test_scenarios_name_every_sector_and_fall_as_spy_did(shared_data):
    prices = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet").filter(symbol="SPY")
    close = dict(prices.select("session", "close").iter_rows())
    for scenario in SCENARIOS:
        assert set(scenario.sectors) == {sector.name for sector in SECTORS}
        first, last = (date.fromisoformat(day) for day in scenario.description.split(":")[0].split(" to "))
        assert scenario.market_frac == pytest.approx(close[last] / close[first] - 1, abs=0.006)
        least, largest = min(scenario.sectors.values()), max(scenario.sectors.values())
        assert -1 < least < scenario.market_frac < largest < 0


def test_a_symbol_moves_with_its_own_shock_else_its_sector_else_the_market():
    made_up = Scenario("oil", "oil halves", -0.1, {"Energy": -0.5}, {"CCC": 0.2})
    table = stress(
        {"AAA": 100.0, "BBB": 100.0, "CCC": 100.0, "DDD": -100.0},
        {"AAA": "Energy", "BBB": None, "CCC": "Energy", "DDD": "Utilities"},
        [made_up],
    )
    assert table.row(0, named=True) == {
        "scenario": "oil",
        "description": "oil halves",
        "profit_usd": pytest.approx(-50 - 10 + 20 + 10),
        "worst_symbol": "AAA",
        "worst_profit_usd": -50,
    }
    assert stress({}, {}).select("profit_usd", "worst_symbol").rows() == [(0, None)] * 2
