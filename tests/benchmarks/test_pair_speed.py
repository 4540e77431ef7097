"""Speed of all 19,900 pairs of 200 symbols x 504 sessions in both orders, and of statsmodels on 20 of them; seconds a pair."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from statsmodels.tsa.stattools import coint

from trading_assets.pairs.engle_granger import engle_granger
from trading_assets.pairs.formation import Formation
from trading_assets.pairs.mackinnon import p_values
from trading_assets.pairs.statistics import pair_statistics
from trading_assets.sessions import sessions_between, shift

SYMBOLS, SESSIONS, SAMPLE = 200, 504, 20
FIRST, SECOND = np.triu_indices(SYMBOLS, 1)
pytestmark = pytest.mark.benchmark(group="19,900 pairs, 504 sessions")


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """Walks that share a market and four sectors, some of them much."""
    random = np.random.default_rng(1)
    shared = random.normal(size=(5, SESSIONS)).cumsum(axis=1) * 0.01
    weights = random.uniform(0, 1.5, size=(SYMBOLS, 5)) * (random.uniform(size=(SYMBOLS, 5)) > 0.5)
    own = random.normal(size=(SYMBOLS, SESSIONS)).cumsum(axis=1) * random.uniform(0, 0.01, size=(SYMBOLS, 1))
    return 4 + weights @ shared + own + random.normal(size=(SYMBOLS, SESSIONS)) * 0.005


@pytest.mark.parametrize("threads", [1, 2])
def test_all_pairs(benchmark, series, threads):
    p_values(engle_granger(series, FIRST[:1], SECOND[:1]).statistic)

    def tested():
        return p_values(engle_granger(series, FIRST, SECOND, threads=threads).statistic)

    assert benchmark.pedantic(tested, rounds=5).shape == (len(FIRST), 2)
    benchmark.extra_info["seconds_a_pair"] = benchmark.stats.stats.median / len(FIRST)


def test_a_sample_with_statsmodels(benchmark, series):
    """``coint`` in both orders: multiply by 995 for all pairs."""
    chosen = np.random.default_rng(2).choice(len(FIRST), SAMPLE, replace=False)

    def tested():
        return [
            [coint(series[y], series[x])[1] for y, x in ((a, b), (b, a))]
            for a, b in zip(FIRST[chosen], SECOND[chosen], strict=True)
        ]

    theirs = benchmark.pedantic(tested, rounds=3)
    ours = p_values(engle_granger(series, FIRST[chosen], SECOND[chosen]).statistic)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    benchmark.extra_info["seconds_a_pair"] = benchmark.stats.stats.median / SAMPLE


def test_the_table_of_all_pairs(benchmark, series):
    """Hedge ratios, spreads, half-lives, corrected p-values and ranks as well, from a frame of prices to a frame of pairs."""
    last = date(2024, 4, 30)
    formation = Formation(shift(last, 1), shift(last, 1 - SESSIONS), last)
    days = sessions_between(formation.first_session, last)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    prices = pl.DataFrame(
        {"symbol": np.repeat(names, SESSIONS), "session": days * SYMBOLS, "price": np.exp(series).ravel()}
    )
    sectors = pl.DataFrame({"symbol": names, "sector": "X", "sector_session": last})
    pair_statistics(prices, sectors.head(2), formation)
    assert benchmark(pair_statistics, prices, sectors, formation).height == len(FIRST)
