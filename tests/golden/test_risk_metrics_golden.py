"""Risk metrics equal empyrical-reloaded, on real prices and on random ones."""

from __future__ import annotations

import math
from datetime import date, timedelta

import empyrical
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trading_assets.risk.metrics import Surroundings, position_weighted_returns, risk_metrics
from trading_assets.statistics.drawdowns import drawdown_sessions, drawdowns, max_drawdown
from trading_assets.statistics.performance import annualised_volatility
from trading_assets.statistics.portfolio_risk import portfolio_volatility
from trading_assets.statistics.value_at_risk import conditional_value_at_risk, value_at_risk

TOLERANCE = {"rel": 1e-12, "abs": 1e-13}  # equal returns have a deviation of rounding noise, not of 0


def assert_as_empyrical(returns: np.ndarray) -> None:
    assert annualised_volatility(returns) == pytest.approx(empyrical.annual_volatility(returns), **TOLERANCE)
    assert max_drawdown(returns) == pytest.approx(empyrical.max_drawdown(returns), **TOLERANCE)
    for confidence, cutoff in ((0.95, 0.05), (0.99, 0.01)):
        assert value_at_risk(returns, confidence) == pytest.approx(
            empyrical.value_at_risk(returns, cutoff=cutoff), **TOLERANCE
        )
        assert conditional_value_at_risk(returns, confidence) == pytest.approx(
            empyrical.conditional_value_at_risk(returns, cutoff=cutoff), **TOLERANCE
        )


@pytest.mark.parametrize("symbol", ["SPY", "IBM", "BAC"])
def test_metrics_of_real_returns_equal_empyrical(shared_data, symbol):
    prices = (
        pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet").filter(symbol=symbol).sort("session")
    )
    assert_as_empyrical(prices["close"].pct_change().drop_nulls().to_numpy())


@given(arrays(np.float64, st.integers(2, 300), elements=st.floats(-0.5, 0.5)))
def test_metrics_of_any_returns_equal_empyrical(returns):
    assert_as_empyrical(returns)


def test_a_year_with_a_crash_has_the_figures_worked_out_by_hand():
    equity = np.array([100.0, 110.0, 99.0, 88.0, 104.5, 110.0, 121.0])
    assert drawdowns(equity).tolist() == pytest.approx([0, 0, -0.1, -0.2, -0.05, 0, 0])
    assert drawdown_sessions(equity) == (0, 3)
    assert drawdown_sessions(equity[:4]) == (2, 2)
    assert max_drawdown(equity[1:] / equity[:-1] - 1) == pytest.approx(-0.2)


def test_a_book_is_measured_with_todays_weights_and_cash_earns_nothing():
    days = [date(2024, 1, day) for day in (2, 3, 4)]
    returns = pl.DataFrame(
        {
            "symbol": ["AAA"] * 3 + ["BBB"] * 3 + ["CCC"],
            "session": [*days, *days, days[0]],
            "return_1": [0.10, -0.10, 0.0, None, 0.02, 0.04, 9.9],
        }
    )
    weighted = position_weighted_returns(returns, {"AAA": 0.5, "BBB": -0.25})
    assert weighted.tolist() == pytest.approx([0.05, -0.055, -0.01])
    rows = risk_metrics({"AAA": 50_000.0, "BBB": -25_000.0}, np.array([1e5, 1.1e5, 1e5]), returns)
    value = dict(rows.select("metric", "value").iter_rows())
    assert value["total_exposure_usd"] == 75_000
    assert (value["gross_exposure_frac"], value["net_exposure_frac"]) == pytest.approx((0.75, 0.25))
    assert value["largest_position_frac"] == pytest.approx(0.5)
    assert value["positions"] == 2
    assert value["var_95_1d"] == pytest.approx(np.percentile(weighted, 5))
    assert value["cvar_99_1d"] == pytest.approx(-0.055)
    assert (value["drawdown_current"], value["drawdown_sessions"]) == pytest.approx((-1 / 11, 1))


def test_an_empty_book_on_its_first_day_has_no_risk_figures_and_no_exposure():
    nothing = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "return_1": pl.Float64})
    rows = risk_metrics({}, np.array([1e5]), nothing)
    value = dict(rows.select("metric", "value").iter_rows())
    assert (value["gross_exposure_frac"], value["drawdown_max"]) == (0, 0)
    assert value["var_95_1d"] is None
    assert value["volatility_equity"] is None
    assert rows["metric"].is_unique().all()
    assert math.isnan(value_at_risk(np.array([]), 0.95))


def market_history() -> tuple[list[date], np.ndarray, pl.DataFrame]:
    """Three symbols of 252 sessions, of which the third has none in the first 100."""
    random = np.random.default_rng(9)
    days = [date(2023, 1, 2) + timedelta(days=number) for number in range(252)]
    drawn = random.normal(0, 0.01, (252, 1)) * [1.0, 0.5, 1.5] + random.normal(0, 0.01, (252, 3))
    frame = pl.concat(
        pl.DataFrame({"symbol": name, "session": days[start:], "return_1": drawn[start:, column]})
        for column, (name, start) in enumerate([("AAA", 0), ("BBB", 0), ("CCC", 100)])
    )
    return days, drawn, frame


def measured(around: Surroundings | None = None) -> dict[str, float]:
    _, _, returns = market_history()
    book = {"AAA": 60_000.0, "BBB": -20_000.0, "CCC": 30_000.0}
    equity = np.array([1e5, 1.2e5, 0.9e5, 1e5])
    rows = risk_metrics(book, equity, returns, around)
    assert rows["metric"].is_unique().all()
    return dict(rows.select("metric", "value").iter_rows())


def test_the_parts_of_the_risk_sum_to_the_volatility_of_the_book():
    value = measured()
    parts = [part for name, part in value.items() if name.startswith("risk ")]
    assert len(parts) == 3
    assert sum(parts) == pytest.approx(value["volatility_book"], rel=1e-10)
    assert value["risk AAA"] == pytest.approx(0.6 * value["marginal_risk AAA"])
    _, drawn, _ = market_history()
    seen = drawn.copy()
    seen[:100, 2] = 0
    covariance = np.cov(seen.T)
    assert value["volatility_book"] == pytest.approx(portfolio_volatility([0.6, -0.2, 0.3], covariance))
    pairs = np.corrcoef(drawn[100:].T)[np.triu_indices(3, 1)].mean()
    assert value["pair_correlation"] == pytest.approx(pairs)


def test_ratios_concentration_and_recovery_are_those_of_the_libraries():
    value = measured()
    own = np.array([0.2, -0.25, 1 / 9])
    assert value["sharpe"] == pytest.approx(empyrical.sharpe_ratio(own))
    assert value["sortino"] == pytest.approx(empyrical.sortino_ratio(own))
    assert value["concentration"] == pytest.approx((36 + 4 + 9) / 121)
    assert value["effective_positions"] == pytest.approx(121 / 49)
    assert value["drawdown_recovery"] == pytest.approx(0.2)
    assert 1e5 * (1 + value["drawdown_recovery"]) == pytest.approx(1.2e5)


def test_a_month_risks_more_than_a_day_by_every_method_and_beyond_is_worse():
    value = measured()
    for suffix in ("", "_normal", "_monte_carlo"):
        for confidence in (95, 99):
            day, week, month = (value[f"var_{confidence}_{days}d{suffix}"] for days in (1, 5, 21))
            assert month < week < day < 0
            assert value[f"cvar_{confidence}_1d{suffix}"] <= day
    assert measured() == value, "the same book has the same Monte Carlo figures"


def test_beta_is_of_the_sessions_that_the_benchmark_has_and_sectors_of_what_is_known():
    days, drawn, returns = market_history()
    benchmark = pl.DataFrame({"session": days[50:], "return_1": drawn[50:, 0]})
    sectors = {"AAA": "Financials", "BBB": "Financials", "CCC": None}
    value = measured(Surroundings(benchmark, sectors=sectors))
    past = position_weighted_returns(returns, {"AAA": 0.6, "BBB": -0.2, "CCC": 0.3})
    assert value["beta"] == pytest.approx(empyrical.beta(past[50:], drawn[50:, 0]))
    assert value["exposure Financials"] == pytest.approx(0.4)
    assert value["exposure unknown"] == pytest.approx(0.3)
    assert value["stress_2008"] == pytest.approx(0.4 * -0.70 + 0.3 * -0.46)
    assert measured()["beta"] is None
