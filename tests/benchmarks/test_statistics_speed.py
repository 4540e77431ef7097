"""Speed of the statistics: risk of a portfolio of 500 names, performance of 1,000 ten-year series, and research; against libraries."""

from __future__ import annotations

import time
from collections.abc import Callable

import empyrical
import numpy as np
import pandas as pd
import pytest

from trading_assets.statistics.backtest_overfitting import backtest_overfitting
from trading_assets.statistics.bootstrap import equity_bands
from trading_assets.statistics.covariance import ledoit_wolf_covariance, sample_covariance
from trading_assets.statistics.drawdowns import max_drawdown
from trading_assets.statistics.performance import sharpe_ratio, sortino_ratio
from trading_assets.statistics.portfolio_risk import component_contributions
from trading_assets.statistics.value_at_risk import conditional_value_at_risk, value_at_risk
from trading_assets.statistics.weights import risk_parity_weights


def drawn(sessions: int, series: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.normal(0.0003, 0.01, (sessions, 1)) + random.normal(0, 0.02, (sessions, series))


def seconds(work: Callable[[], object], times: int = 3) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return sorted(taken)[times // 2]


@pytest.fixture
def compare(benchmark, capsys):
    """Measure ours, and print how many times as long the library takes for the same."""

    def run(ours: Callable[[], object], theirs: Callable[[], object], name: str) -> object:
        result = benchmark(ours)
        other = seconds(theirs)
        mine = benchmark.stats.stats.median if benchmark.stats else seconds(ours)
        benchmark.extra_info["ratio"] = other / mine
        with capsys.disabled():
            print(f"\n{name}: {mine * 1e3:.1f} ms, library {other * 1e3:.1f} ms, {other / mine:.1f} times")
        return result

    return run


def test_value_at_risk_beyond_it_and_covariance_of_500_names(compare):
    returns = drawn(504, 500)
    frame = pd.DataFrame(returns)

    def ours() -> tuple[np.ndarray, ...]:
        at_risk = [value_at_risk(returns, confidence) for confidence in (0.95, 0.99)]
        beyond = [conditional_value_at_risk(returns, confidence) for confidence in (0.95, 0.99)]
        return *at_risk, *beyond, sample_covariance(returns)

    def theirs() -> tuple[object, ...]:
        at_risk = [[f(column, cutoff) for column in returns.T] for cutoff in (0.05, 0.01) for f in (empyrical.value_at_risk, empyrical.conditional_value_at_risk)]  # fmt: skip
        return *at_risk, frame.cov()

    *_, covariance = compare(ours, theirs, "VaR, CVaR 95/99 and covariance, 504 x 500, empyrical and pandas")
    np.testing.assert_allclose(covariance, frame.cov(), rtol=1e-9)


def test_the_contributions_to_risk_of_500_names(benchmark):
    covariance, weights = sample_covariance(drawn(504, 500)), np.full(500, 1 / 500)
    assert benchmark(component_contributions, weights, covariance).sum() > 0


def test_sharpe_sortino_and_drawdown_of_1000_ten_year_series(compare):
    returns = drawn(2520, 1000)
    frame = pd.DataFrame(returns)

    def ours() -> list[np.ndarray]:
        return [statistic(returns) for statistic in (sharpe_ratio, sortino_ratio, max_drawdown)]

    def theirs() -> list[object]:
        return [f(frame) for f in (empyrical.sharpe_ratio, empyrical.sortino_ratio, empyrical.max_drawdown)]

    figures = compare(ours, theirs, "Sharpe, Sortino, drawdown, 2520 x 1000, empyrical on a frame")
    np.testing.assert_allclose(figures[2], theirs()[2], rtol=1e-9)


def test_risk_parity_of_500_names(benchmark):
    covariance = ledoit_wolf_covariance(drawn(504, 500))
    assert benchmark(risk_parity_weights, covariance).sum() == pytest.approx(1)


def test_the_probability_of_overfitting_of_200_trials_in_16_blocks(benchmark):
    result = benchmark.pedantic(backtest_overfitting, (drawn(1260, 200), 16), rounds=3)
    assert len(result.logits) == 12_870


def test_bands_of_1000_paths_of_ten_years(benchmark):
    returns = drawn(2520, 1)[:, 0]
    assert benchmark.pedantic(equity_bands, (returns,), {"seed": 1}, rounds=3).height == 2520
