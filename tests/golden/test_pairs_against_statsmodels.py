"""Engle-Granger statistics and p-values equal those of statsmodels 0.15 (``coint``), on real and on made-up series."""

from __future__ import annotations

import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from statsmodels.tsa.adfvalues import mackinnoncrit, mackinnonp
from statsmodels.tsa.stattools import adfuller, coint

from trading_assets.pairs.engle_granger import COLLINEAR, SHORTEST, engle_granger
from trading_assets.pairs.mackinnon import CRITICAL, critical_value, p_values

Series = NDArray[np.float64]
pytestmark = pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.CollinearityWarning")
STATISTIC, P_VALUE = 1e-8, 1e-6


def compared(series: Series, pairs: list[tuple[int, int]]) -> int:
    """Compare both orders of some pairs; return how many tests were compared."""
    first, second = np.array(pairs).T
    ours = engle_granger(series, first, second)
    p = p_values(ours.statistic)
    for row, (a, b) in enumerate(pairs):
        for order, (y, x) in enumerate(((a, b), (b, a))):
            statistic, p_value, _ = coint(series[y], series[x])
            assert ours.statistic[row, order] == pytest.approx(statistic, abs=STATISTIC), (y, x)
            assert p[row, order] == pytest.approx(p_value, abs=P_VALUE), (y, x)
    return 2 * len(pairs)


def real_closes(shared_data: Path, symbols: int, sessions: int) -> Series:
    """Return logarithms of adjusted closes of the largest companies, as last collected."""
    collected = pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
    members = pl.read_csv(shared_data / "sp500_constituents.csv")["Symbol"].to_list()
    known = collected.filter(pl.col("symbol").is_in(members), pl.col("adj_close") > 0)
    last = known.sort("known_on").group_by("symbol", "session").last().collect()
    days = (
        last.group_by("session").len().filter(pl.col("len") > 300).sort("session")["session"].tail(sessions)
    )
    rows = last.filter(pl.col("session").is_in(days.implode()))
    whole = rows.filter(pl.len().over("symbol") == sessions)
    largest = (
        whole.group_by("symbol")
        .agg((pl.col("close") * pl.col("volume")).median().alias("usd"))
        .sort("usd", "symbol", descending=[True, False])["symbol"]
        .head(symbols)
    )
    kept = whole.filter(pl.col("symbol").is_in(largest.implode())).sort("symbol", "session")
    return kept["adj_close"].log().to_numpy().reshape(symbols, sessions)


@pytest.mark.slow
@pytest.mark.parametrize(("symbols", "sessions"), [(16, 252), (11, 400)])
def test_real_prices(shared_data, symbols, sessions):
    series = real_closes(shared_data, symbols, sessions)
    assert compared(series, list(combinations(range(symbols), 2))) == symbols * (symbols - 1)


@pytest.mark.slow
@pytest.mark.parametrize("observations", [SHORTEST, 63, 126, 252, 504])
def test_made_up_series(observations):
    random = np.random.default_rng(observations)
    walks = random.normal(size=(3, observations)).cumsum(axis=1)
    noise = random.normal(size=(8, observations))
    slow = np.array([0.95 ** np.arange(observations) @ np.tri(observations)] * 1)
    series = np.stack(
        [
            *walks,
            walks[0] * 2.5 + noise[0],  # cointegrated
            walks[0] * -0.7 + noise[1] * 3 + 100,  # against each other
            walks[1] + noise[2].cumsum() * 0.05,  # nearly, and not
            noise[3],  # does not wander at all
            walks[2] + np.arange(observations) * 0.5,  # with a trend
            np.exp(walks[0] / 50) * 20,
            walks[1] * 1e-3 + 4.6,  # another scale
            walks[2] + np.sin(np.arange(observations)) * 2,
            walks[0] + noise[4] * 3e-3,  # almost one line
            slow[0] + noise[5] * 0.01,
        ]
    )
    pairs = list(combinations(range(len(series)), 2))
    assert compared(series, pairs) == 2 * len(pairs)


def test_a_series_that_hardly_moves_is_tested_as_if_its_level_were_taken_off_first():
    # here statsmodels itself loses eight digits, unless the level is taken off before
    random = np.random.default_rng(63)
    still = random.normal(size=63).cumsum() * 1e-6 + 4.6
    other = random.normal(size=63).cumsum()
    ours = engle_granger(np.stack([still, other]), np.array([0]), np.array([1]))
    assert ours.statistic[0, 0] == pytest.approx(coint((still - 4.6) * 1e6, other)[0], abs=STATISTIC)


def test_there_are_enough_pairs():
    assert 16 * 15 // 2 + 11 * 10 // 2 + 5 * (13 * 12 // 2) > 300


@pytest.mark.parametrize("distance", [1e-12, 1e-6, 0.5e-3, 2e-3])
def test_series_that_are_almost_one_line_are_told_from_those_that_are(distance):
    random = np.random.default_rng(5)
    walk = random.normal(size=252).cumsum()
    walk /= walk.std()
    series = np.stack([walk, 3 * walk + 1 + distance * 3 * random.normal(size=252)])
    compared(series, [(0, 1)])
    ours = engle_granger(series, np.array([0]), np.array([1]))
    is_line = 1 - distance**2 > COLLINEAR
    assert np.isneginf(ours.statistic).all() == is_line
    assert (p_values(ours.statistic) < (1e-300 if is_line else 1e-20)).all()
    assert np.isfinite(ours.hedge_ratio).all()


def test_a_series_that_does_not_move_has_no_test():
    walk = np.random.default_rng(6).normal(size=100).cumsum()
    ours = engle_granger(np.stack([walk, np.full(100, 0.1)]), np.array([0]), np.array([1]))
    for values in (
        ours.statistic,
        ours.hedge_ratio,
        ours.intercept,
        ours.half_life,
        p_values(ours.statistic),
    ):
        assert np.isnan(values).all()
    assert (ours.lags == -1).all()


def test_a_spread_that_can_be_foretold_without_error_has_no_test():
    time = np.arange(200.0)
    series = np.stack([time + np.sin(time), time])
    assert np.isnan(engle_granger(series, np.array([0]), np.array([1])).statistic).all()


def test_lags_are_those_that_statsmodels_chooses():
    random = np.random.default_rng(7)
    series = random.normal(size=(6, 252)).cumsum(axis=1)
    pairs = np.array(list(combinations(range(6), 2)))
    ours = engle_granger(series, *pairs.T)
    for row, (y, x) in enumerate(pairs):
        slope, constant = np.polyfit(series[x], series[y], 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            found = adfuller(series[y] - slope * series[x] - constant, regression="n")
        assert ours.lags[row, 0] == found[2]


def test_p_values_and_critical_values_are_mackinnons():
    statistics = np.concatenate([np.linspace(-25, 5, 3001), [-2.62, 0.92, -18.86, -np.inf, np.inf]])
    expected = [mackinnonp(value, regression="c", N=2) for value in statistics]
    np.testing.assert_allclose(p_values(statistics), expected, rtol=0, atol=1e-12)
    assert np.isnan(p_values(np.array([np.nan]))).all()
    for observations in (50, 252, 504):
        ours = [critical_value(significance, observations) for significance in CRITICAL]
        np.testing.assert_allclose(
            ours, mackinnoncrit(N=2, regression="c", nobs=observations - 1), rtol=1e-12
        )
