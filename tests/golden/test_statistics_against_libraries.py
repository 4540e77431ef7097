"""Statistics equal empyrical-reloaded, scipy, statsmodels, scikit-learn and purgedcv, and the figures that four libraries gave for SPY."""

from __future__ import annotations

import warnings
from datetime import date, timedelta

import empyrical
import numpy as np
import pandas as pd
import polars as pl
import purgedcv
import pytest
import scipy.optimize
import scipy.stats
import statsmodels.api
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trading_assets.statistics import benchmark as against
from trading_assets.statistics import performance as perf
from trading_assets.statistics import trades, value_at_risk
from trading_assets.statistics.backtest_overfitting import backtest_overfitting
from trading_assets.statistics.bootstrap import stationary_rows
from trading_assets.statistics.calendar_returns import month_table, period_returns
from trading_assets.statistics.cash_flows import money_weighted_return, time_weighted_return
from trading_assets.statistics.drawdowns import (
    drawdown_series,
    drawdown_table,
    longest_drawdown_days,
    max_drawdown,
)
from trading_assets.statistics.regimes import by_regime, regimes
from trading_assets.statistics.rolling import rolling_beta, rolling_sharpe, rolling_volatility
from trading_assets.statistics.sharpe_significance import (
    deflated_sharpe,
    expected_maximum_sharpe,
    minimum_track_record,
    probabilistic_sharpe,
    session_sharpe,
)
from trading_assets.statistics.splits import (
    combinatorial_folds,
    combinatorial_paths,
    purged_folds,
    walk_forward,
)

ONE_SERIES = {
    "cumulative_return": (perf.cumulative_return, empyrical.cum_returns_final),
    "annual_return": (perf.annual_return, empyrical.annual_return),
    "annualised_volatility": (perf.annualised_volatility, empyrical.annual_volatility),
    "downside_risk": (perf.downside_risk, empyrical.downside_risk),
    "sharpe_ratio": (perf.sharpe_ratio, empyrical.sharpe_ratio),
    "sortino_ratio": (perf.sortino_ratio, empyrical.sortino_ratio),
    "calmar_ratio": (perf.calmar_ratio, empyrical.calmar_ratio),
    "omega_ratio": (perf.omega_ratio, empyrical.omega_ratio),
    "stability": (perf.stability, empyrical.stability_of_timeseries),
    "tail_ratio": (perf.tail_ratio, empyrical.tail_ratio),
    "max_drawdown": (max_drawdown, empyrical.max_drawdown),
    "value_at_risk": (value_at_risk.value_at_risk, empyrical.value_at_risk),
    "value_at_risk 99": (
        lambda rows: value_at_risk.value_at_risk(rows, 0.99),
        lambda rows: empyrical.value_at_risk(rows, 0.01),
    ),
    "conditional_value_at_risk": (
        value_at_risk.conditional_value_at_risk,
        empyrical.conditional_value_at_risk,
    ),
    "conditional_value_at_risk 99": (
        lambda rows: value_at_risk.conditional_value_at_risk(rows, 0.99),
        lambda rows: empyrical.conditional_value_at_risk(rows, 0.01),
    ),
    "skewness": (perf.skewness, scipy.stats.skew),
    "skewness corrected": (
        lambda rows: perf.skewness(rows, corrected=True),
        lambda rows: scipy.stats.skew(rows, bias=False),
    ),
    "excess_kurtosis": (perf.excess_kurtosis, scipy.stats.kurtosis),
    "excess_kurtosis corrected": (
        lambda rows: perf.excess_kurtosis(rows, corrected=True),
        lambda rows: scipy.stats.kurtosis(rows, bias=False),
    ),
}
BESIDE_A_BENCHMARK = {
    "beta": (against.beta, empyrical.beta),
    "alpha": (against.alpha, empyrical.alpha),
    "up_capture": (against.up_capture, empyrical.up_capture),
    "down_capture": (against.down_capture, empyrical.down_capture),
    "information_ratio": (
        against.information_ratio,
        lambda own, other: empyrical.excess_sharpe(own, other) * np.sqrt(252),
    ),
    "correlation": (against.correlation, lambda own, other: np.corrcoef(own, other)[0, 1]),
}


@pytest.fixture(scope="module")
def closes(shared_data) -> pl.DataFrame:
    prices = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet")
    span = pl.col("session").is_between(date(2006, 1, 3), date(2020, 12, 31))
    wanted = prices.filter(span & pl.col("symbol").is_in(["SPY", "IBM", "BAC", "AIG", "AAPL"]))
    return wanted.pivot(on="symbol", index="session", values="close").sort("session").drop_nulls()


@pytest.fixture(scope="module")
def spy(shared_data) -> tuple[np.ndarray, list[date]]:
    prices = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet")
    span = pl.col("session").is_between(date(2006, 1, 3), date(2020, 12, 31))
    frame = prices.filter(span, symbol="SPY").sort("session")
    return frame["close"].pct_change().drop_nulls().to_numpy(), frame["session"].to_list()[1:]


@pytest.fixture(scope="module")
def returns(closes) -> np.ndarray:
    """Returns of five companies and funds, (sessions, series); the first is SPY."""
    prices = closes.select("SPY", "IBM", "BAC", "AIG", "AAPL").to_numpy()
    return prices[1:] / prices[:-1] - 1


def near(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)


def finite(value: float) -> float:
    return value if np.isfinite(value) else np.nan


# The table of reference/anchors.md, section 3: SPY, raw close, 2006-01-03 to 2020-12-31.
ANCHORS = {
    "annual_return": (perf.annual_return, 0.07488112),
    "sharpe": (perf.sharpe_ratio, 0.46378031),
    "sortino": (perf.sortino_ratio, 0.64428057),
    "volatility": (perf.annualised_volatility, 0.19817879),
    "max_drawdown": (max_drawdown, -0.56451407),
    "calmar": (perf.calmar_ratio, 0.13264703),
    "var_95 historical": (value_at_risk.value_at_risk, -0.01878000),
    "var_95 normal, as quantstats": (value_at_risk.parametric_value_at_risk, -0.02016977),
    "cvar_95 historical": (value_at_risk.conditional_value_at_risk, -0.03134723),
    "skew, of the population, as skfolio": (perf.skewness, -0.26705599),
    "skew, corrected, as quantstats": (lambda r: perf.skewness(r, corrected=True), -0.26716216),
    "kurtosis, Pearson, as skfolio": (lambda r: perf.excess_kurtosis(r) + 3, 15.0596),
    "kurtosis, excess, as quantstats": (lambda r: perf.excess_kurtosis(r, corrected=True), 12.0772),
    "omega": (perf.omega_ratio, 1.09694839),
}


@pytest.mark.parametrize("name", ANCHORS)
def test_spy_has_the_figures_of_the_libraries(spy, name):
    returns, _ = spy
    assert len(returns) == 3775
    assert returns.sum() == pytest.approx(1.3768476445, abs=1e-9)
    function, expected = ANCHORS[name]
    digits = 8 if abs(expected) < 10 else 4
    assert function(returns) == pytest.approx(expected, abs=0.6 * 10.0**-digits)


def test_spy_has_the_best_month_and_the_longest_drawdown_of_the_libraries(spy):
    returns, sessions = spy
    months = period_returns(returns, sessions)
    assert months["return_frac"].max() == pytest.approx(0.12698351, abs=6e-9)
    assert longest_drawdown_days(returns, sessions) == 1982
    deepest = drawdown_table(returns, sessions).sort("depth_frac").row(0, named=True)
    assert deepest["peak"] == date(2007, 10, 9)
    assert deepest["trough"] == date(2009, 3, 9)
    assert deepest["recovery"] == date(2013, 3, 14)


@pytest.mark.parametrize("name", ONE_SERIES)
def test_real_series_have_the_librarys_figure_alone_and_together(returns, name):
    ours, theirs = ONE_SERIES[name]
    together = ours(returns)
    assert together.shape == (5,)
    for column, figure in zip(returns.T, together, strict=True):
        assert figure == near(theirs(column))
        assert ours(column) == near(figure)


@pytest.mark.parametrize("name", ["annual_return", "sharpe_ratio", "sortino_ratio", "max_drawdown", "stability", "tail_ratio"])  # fmt: skip
def test_a_session_without_return_is_what_it_is_to_empyrical(returns, name):
    ours, theirs = ONE_SERIES[name]
    holes = returns.copy()
    holes[::7, 1] = np.nan
    holes[:40, 2] = np.nan
    for column, figure in zip(holes.T, ours(holes), strict=True):
        assert figure == near(theirs(column))


@pytest.mark.parametrize("name", BESIDE_A_BENCHMARK)
def test_real_series_beside_spy_have_the_librarys_figure(returns, name):
    ours, theirs = BESIDE_A_BENCHMARK[name]
    for column, figure in zip(returns.T[1:], ours(returns[:, 1:], returns[:, 0]), strict=True):
        assert figure == near(theirs(column, returns[:, 0]))


def test_alpha_and_beta_are_those_of_a_regression(returns):
    own, other = returns[:, 4], returns[:, 0]
    fit = statsmodels.api.OLS(own, statsmodels.api.add_constant(other)).fit()
    assert against.beta(own, other) == near(fit.params[1])
    assert against.alpha(own, other) == near((1 + fit.params[0]) ** 252 - 1)
    assert against.correlation(own, other) ** 2 == near(fit.rsquared)


@settings(deadline=None)
@given(arrays(np.float64, st.integers(4, 300), elements=st.floats(-0.5, 0.5)))
def test_any_series_has_the_librarys_figure(drawn):
    drawn = drawn.round(6)  # nearly equal returns have moments of rounding noise
    if len(set(drawn.tolist())) < 2:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (ours, theirs) in ONE_SERIES.items():
            if name == "stability" and not drawn[1:].any():
                continue  # the library fits a line to the rounding noise of a curve that stands still
            expected = finite(float(theirs(drawn)))
            assert float(ours(drawn)) == pytest.approx(expected, rel=1e-7, abs=1e-9, nan_ok=True), name


def test_drawdowns_of_real_series_are_empyricals(returns):
    for column, depths in zip(returns.T, drawdown_series(returns).T, strict=True):
        np.testing.assert_allclose(depths, empyrical.stats.drawdown_series(column), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("by", ["month", "quarter", "year"])
def test_periods_of_the_calendar_are_empyricals(spy, by):
    returns, sessions = spy
    series = pd.Series(returns, index=pd.DatetimeIndex(sessions))
    expected = empyrical.aggregate_returns(series, {"month": "monthly", "quarter": "quarterly", "year": "yearly"}[by])  # fmt: skip
    ours = period_returns(returns, sessions, by)
    np.testing.assert_allclose(ours["return_frac"].to_numpy(), expected.to_numpy(), rtol=1e-9)
    assert ours["sessions"].sum() == len(returns)


def test_the_months_of_a_year_compound_to_the_year(spy):
    table = month_table(*spy)
    months = table.select(str(month) for month in range(1, 13)).to_numpy()
    np.testing.assert_allclose(np.prod(1 + months, axis=1) - 1, table["whole"].to_numpy(), rtol=1e-9)
    assert table["year"].to_list() == list(range(2006, 2021))


def test_rolling_figures_are_those_of_each_window(returns):
    own, other = returns[:400, 1], returns[:400, 0]
    np.testing.assert_allclose(
        rolling_volatility(own)[62:], empyrical.roll_annual_volatility(own, window=63), rtol=1e-9
    )
    np.testing.assert_allclose(
        rolling_sharpe(own)[62:], empyrical.roll_sharpe_ratio(own, window=63), rtol=1e-9
    )
    np.testing.assert_allclose(
        rolling_beta(own, other)[62:], empyrical.roll_beta(own, other, window=63), rtol=1e-9
    )
    assert np.isnan(rolling_beta(own, other)[:62]).all()


@pytest.mark.parametrize("confidence", [0.95, 0.99])
@pytest.mark.parametrize("horizon", [1, 5, 21])
def test_the_parametric_value_at_risk_is_that_of_scipys_normal(returns, confidence, horizon):
    mean, deviation = returns.mean(axis=0) * horizon, returns.std(axis=0, ddof=1) * np.sqrt(horizon)
    normal = scipy.stats.norm(mean, deviation)
    expected = normal.ppf(1 - confidence)
    np.testing.assert_allclose(
        value_at_risk.parametric_value_at_risk(returns, confidence, horizon), expected, rtol=1e-9
    )
    beyond = [
        scipy.stats.norm(m, d).expect(ub=v, conditional=True)
        for m, d, v in zip(mean, deviation, expected, strict=True)
    ]
    np.testing.assert_allclose(
        value_at_risk.parametric_conditional_value_at_risk(returns, confidence, horizon), beyond, rtol=1e-6
    )


def test_the_monte_carlo_value_at_risk_comes_near_the_historical_one_and_repeats(returns):
    drawn = value_at_risk.monte_carlo_value_at_risk(returns, 0.95, seed=7, paths=40_000)
    np.testing.assert_allclose(drawn, value_at_risk.value_at_risk(returns, 0.95), rtol=0.05)
    again = value_at_risk.monte_carlo_value_at_risk(returns, 0.95, seed=7, paths=40_000)
    other = value_at_risk.monte_carlo_value_at_risk(returns, 0.95, seed=8, paths=40_000)
    assert (drawn == again).all()
    assert (drawn != other).any()


def test_the_historical_value_at_risk_of_a_week_is_of_compounded_weeks(returns):
    series = pd.Series(returns[:, 1])
    weeks = (1 + series).rolling(5).apply(np.prod, raw=True).dropna() - 1
    assert value_at_risk.value_at_risk(series, 0.99, 5) == near(np.percentile(weeks, 1))
    assert value_at_risk.conditional_value_at_risk(series, 0.99, 5) == near(
        empyrical.conditional_value_at_risk(weeks.to_numpy(), 0.01)
    )


def test_money_weighted_is_the_xirr_of_spreadsheets():
    # the example of Microsoft's page on XIRR
    paid = [10_000.0, -2_750.0, -4_250.0, -3_250.0]
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15)]
    rate = money_weighted_return(paid, days, 2_750.0, date(2009, 4, 1))
    assert rate == pytest.approx(0.373362535, abs=2e-9)


def test_money_weighted_is_scipys_root_and_time_weighted_forgets_the_deposit():
    start = date(2023, 1, 1)
    days = [start, start + timedelta(days=100)]
    final = date(2024, 1, 1)

    def missing(rate: float) -> float:
        return (
            sum(p * (1 + rate) ** ((final - d).days / 365) for p, d in zip([100, 900], days, strict=True))
            - 800.0
        )

    expected = scipy.optimize.brentq(missing, -0.99, 5)
    assert money_weighted_return([100.0, 900.0], days, 800.0, final) == near(expected)
    # doubled, then a fifth lost with ten times the money: the strategy won, its owner lost
    assert time_weighted_return([100.0, 200.0, 880.0], [0.0, 0.0, 900.0]) == near(0.6)


def test_excursions_are_the_worst_and_best_prices_of_each_trade(closes):
    high = closes.select("IBM", "BAC").to_numpy()
    low = high * 0.99
    rng = np.random.default_rng(5)
    entry = rng.integers(0, len(high), 200)
    leave = np.minimum(entry + rng.integers(0, 40, 200), len(high) - 1)
    column, side = rng.integers(0, 2, 200), rng.choice([-1, 1], 200)
    price = high[entry, column]
    mae, mfe = trades.excursions(
        high, low, entry_row=entry, exit_row=leave, entry_price=price, side=side, column=column
    )
    for number in range(200):
        bars = slice(entry[number], leave[number] + 1)
        up = high[bars, column[number]].max() / price[number] - 1
        down = low[bars, column[number]].min() / price[number] - 1
        worst, best = (down, up) if side[number] > 0 else (-up, -down)
        assert (mae[number], mfe[number]) == near((min(worst, 0), max(best, 0)))


@pytest.fixture(scope="module")
def trials() -> np.ndarray:
    random = np.random.default_rng(11)
    drawn = random.normal(0.0004, 0.01, (480, 12)) + random.normal(0, 0.004, (480, 1))
    drawn[:, 3] = 0.0
    drawn[:, 7:10] = drawn[:, 2:3]  # trials that trade alike
    return drawn


def test_the_probabilistic_and_deflated_sharpe_are_purgedcvs(returns):
    sharpes = session_sharpe(returns)
    for column, figure in zip(returns.T, probabilistic_sharpe(returns, 0.01), strict=True):
        assert figure == near(purgedcv.probabilistic_sharpe_ratio(column, 0.01))
        assert deflated_sharpe(column, 40, 0.0004) == near(purgedcv.deflated_sharpe_ratio(column, 40, 0.0004))
        full = purgedcv.deflated_sharpe_ratio_full(column, 40, 0.0004)
        assert expected_maximum_sharpe(40, 0.0004) == near(full.sr_star)
        needed = purgedcv.min_track_record_length(
            float(session_sharpe(column)),
            0.001,
            0.05,
            float(scipy.stats.skew(column, bias=False)),
            float(scipy.stats.kurtosis(column, bias=False, fisher=False)),
        )
        assert minimum_track_record(column, 0.001) == near(needed if np.isfinite(needed) else np.nan)
    assert sharpes * np.sqrt(252 * 3774 / 3775) == near(perf.sharpe_ratio(returns))


def test_after_as_many_sessions_as_needed_the_sharpe_ratio_is_as_sure_as_asked(returns):
    own = returns[:, 4]
    needed = int(minimum_track_record(own, 0.0, 0.95))
    error = (session_sharpe(own) / scipy.stats.norm.ppf(probabilistic_sharpe(own))) * np.sqrt(len(own) - 1)
    for sessions, sure in ((needed, True), (needed - 1, False)):
        chance = scipy.stats.norm.cdf(session_sharpe(own) / error * np.sqrt(sessions - 1))
        assert (chance >= 0.95) == sure


def test_the_expected_maximum_is_that_of_drawn_trials():
    best = np.random.default_rng(3).normal(0, 0.05, (20_000, 50)).max(axis=1).mean()
    assert expected_maximum_sharpe(50, 0.05**2) == pytest.approx(best, rel=0.02)


def days(rows: int, label_rows: object) -> dict[str, object]:
    begun = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(rows), unit="D")
    ends = begun + pd.to_timedelta(np.broadcast_to(label_rows, rows), unit="D")
    return {"prediction_times": pd.Series(begun), "evaluation_times": pd.Series(ends)}


def assert_same_splits(ours, theirs) -> None:
    pairs = list(zip(ours, theirs, strict=True))
    assert pairs
    for split, (train, test) in pairs:
        assert split.train.tolist() == train.tolist()
        assert split.test.tolist() == test.tolist()


LABELS = st.one_of(st.integers(1, 9), arrays(np.int64, 61, elements=st.integers(1, 9)))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 8), LABELS, st.integers(0, 9))
def test_purged_folds_are_purgedcvs(folds, labels, embargo):
    theirs = purgedcv.PurgedKFold(folds, embargo_observations=embargo, **days(61, labels))
    assert_same_splits(
        purged_folds(61, folds, label_rows=labels, embargo=embargo), theirs.split(np.zeros((61, 1)))
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 6), st.integers(1, 2), LABELS, st.integers(0, 9))
def test_combinatorial_folds_and_their_paths_are_purgedcvs(groups, tested, labels, embargo):
    theirs = purgedcv.CombinatorialPurgedCV(groups, tested, embargo_observations=embargo, **days(61, labels))
    ours = list(combinatorial_folds(61, groups, tested, label_rows=labels, embargo=embargo))
    assert_same_splits(ours, theirs.split(np.zeros((61, 1))))
    results = [number * 100.0 + split.test for number, split in enumerate(ours)]
    paths = combinatorial_paths(results, 61, groups, tested)
    assert (paths == theirs.reconstruct_paths(results)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 10), st.integers(1, 9), st.integers(0, 9), st.integers(0, 20))
def test_walk_forward_splits_are_purgedcvs(folds, test_rows, labels, embargo, train_rows):
    window = {"train_size": train_rows, "window": "sliding"} if train_rows else {"window": "expanding"}
    theirs = purgedcv.WalkForwardSplit(
        folds, test_rows, purge_horizon=pd.Timedelta(days=embargo), **window, **days(61, labels)
    )
    ours = walk_forward(
        61,
        folds,
        test_rows,
        window="rolling" if train_rows else "expanding",
        train_rows=train_rows or None,
        label_rows=labels,
        embargo=embargo,
    )
    assert_same_splits(ours, theirs.split(np.zeros((61, 1))))


@pytest.mark.parametrize("blocks", [4, 8, 10])
def test_the_probability_of_backtest_overfitting_is_purgedcvs(trials, blocks):
    ours = backtest_overfitting(trials[:477], blocks)
    theirs = purgedcv.probability_of_backtest_overfitting(trials[:477].T, blocks)
    assert 0 < ours.probability < 1
    assert ours.probability == theirs.pbo
    np.testing.assert_allclose(ours.logits, theirs.logits, rtol=1e-9)
    np.testing.assert_allclose(ours.in_sample, theirs.is_oos_performance[:, 0], rtol=1e-9)
    np.testing.assert_allclose(ours.out_of_sample, theirs.is_oos_performance[:, 1], rtol=1e-9, atol=1e-12)
    assert ours.slope == near(theirs.slope)


def test_blocks_of_the_bootstrap_go_on_for_as_long_as_asked():
    rows = stationary_rows(1000, 500, mean_block=10, paths=400, seed=2)
    goes_on = (rows[:, 1:] == (rows[:, :-1] + 1) % 1000).mean()
    assert goes_on == pytest.approx(0.9, abs=0.003)
    assert np.bincount(rows.ravel(), minlength=1000).min() > 100


def test_a_trial_that_is_really_better_is_not_called_overfitted(trials):
    better = trials.copy()
    better[:, 5] += 0.005
    assert backtest_overfitting(better, 8).probability == 0


def test_regimes_are_those_of_a_loop_over_the_past(closes):
    prices = closes["SPY"].to_numpy()[:600]
    labels = regimes(prices)
    assert labels.height == 600
    assert labels["trend"][:200].null_count() == 200
    moves = prices[1:] / prices[:-1] - 1
    for row in range(274, 600):
        past = prices[:row]
        assert labels["trend"][row] == ("bull" if past[-1] > past[-200:].mean() else "bear")
        realised = [moves[end - 21 : end].std(ddof=1) for end in range(row - 252, row)]
        expected = "turbulent" if realised[-1] > np.median(realised) else "calm"
        assert labels["volatility"][row] == expected
    table = by_regime(moves, labels["regime"][1:])
    assert table["sessions"].sum() == labels["regime"].drop_nulls().len()
    assert {"bull calm", "bear turbulent"} <= set(table["regime"])


def test_the_drawdown_of_many_series_at_once_is_that_of_each(returns):
    many = np.tile(returns[:300], 20) * np.linspace(0.5, 1.5, 100)
    many[::9, 3] = np.nan
    np.testing.assert_allclose(max_drawdown(many), [float(max_drawdown(c)) for c in many.T], rtol=1e-12)
    np.testing.assert_allclose(max_drawdown(many[:, 3]), empyrical.max_drawdown(many[:, 3]), rtol=1e-9)


def test_nine_in_ten_leaves_a_tenth_although_binary_numbers_do_not():
    eleven = np.arange(-5, 6) / 100
    assert value_at_risk.conditional_value_at_risk(eleven, 0.9) == near(
        empyrical.conditional_value_at_risk(eleven, 0.1)
    )
    assert value_at_risk.conditional_value_at_risk(eleven, 0.9) == near(-0.045)


def test_interest_and_required_returns_are_those_of_empyrical(returns):
    own, other = returns[:, 2], returns[:, 0]
    assert perf.sharpe_ratio(own, 0.0002) == near(empyrical.sharpe_ratio(own, 0.0002))
    assert perf.sortino_ratio(own, 0.0002) == near(empyrical.sortino_ratio(own, 0.0002))
    assert perf.downside_risk(own, 0.0002) == near(empyrical.downside_risk(own, 0.0002))
    assert perf.omega_ratio(own, 0.0002) == near(empyrical.omega_ratio(own, 0.0002))
    assert against.alpha(own, other, 0.0002) == near(empyrical.alpha(own, other, 0.0002))
    assert against.beta(own, other, 0.0002) == near(empyrical.beta(own, other, 0.0002))
    assert against.tracking_error(own, other) == near(empyrical.annual_volatility(own - other))
