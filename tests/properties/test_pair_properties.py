"""Pair statistics depend on how prices move, not on their scale, the order of the rows, or which pair is asked about first."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.pairs.engle_granger import engle_granger
from trading_assets.pairs.formation import Formation
from trading_assets.pairs.statistics import pair_statistics
from trading_assets.sessions import sessions_between

FORMATION = Formation(date(2024, 5, 1), date(2023, 11, 1), date(2024, 4, 30))
DAYS = sessions_between(FORMATION.first_session, FORMATION.last_session)
SEEDS = st.integers(0, 2**32 - 1)


def market(seed: int, symbols: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    shared = random.normal(size=len(DAYS)).cumsum()
    logs = [
        0.01 * (random.uniform() * shared + random.normal(size=len(DAYS)).cumsum() * random.uniform())
        for _ in range(symbols)
    ]
    names = [f"S{number}" for number in range(symbols)]
    prices = pl.concat(
        pl.DataFrame({"symbol": name, "session": DAYS, "price": 50 * np.exp(values)})
        for name, values in zip(names, logs, strict=True)
    )
    sectors = pl.DataFrame(
        {
            "symbol": names,
            "sector": random.choice(["X", "Y"], size=symbols).tolist(),
            "sector_session": DAYS[-1],
        }
    )
    return prices, sectors


@settings(max_examples=25)
@given(seed=SEEDS, symbols=st.integers(2, 8), data=st.data())
def test_the_order_of_rows_changes_nothing(seed, symbols, data):
    prices, sectors = market(seed, symbols)
    shuffled = data.draw(SEEDS)
    again = pair_statistics(
        prices.sample(fraction=1, shuffle=True, seed=shuffled),
        sectors.sample(fraction=1, shuffle=True, seed=shuffled),
        FORMATION,
    )
    assert_frame_equal(again, pair_statistics(prices, sectors, FORMATION), check_exact=True)


@settings(max_examples=25)
@given(seed=SEEDS, scale=st.floats(1e-3, 1e3))
def test_the_scale_of_a_price_changes_the_mean_of_the_spread_alone(seed, scale):
    prices, sectors = market(seed, 4)
    one = pl.when(pl.col("symbol") == "S1").then(scale).otherwise(1.0)
    plain = pair_statistics(prices, sectors, FORMATION)
    scaled = pair_statistics(prices.with_columns(price=pl.col("price") * one), sectors, FORMATION)
    assert_frame_equal(scaled.drop("spread_mean"), plain.drop("spread_mean"), rel_tol=1e-7, abs_tol=1e-7)


@settings(max_examples=25)
@given(seed=SEEDS, factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_a_unit_of_measure_changes_the_hedge_ratio_by_that_much_and_no_test(seed, factor, shift):
    random = np.random.default_rng(seed)
    series = random.normal(size=(2, 120)).cumsum(axis=1)
    one, two = np.array([0]), np.array([1])
    plain = engle_granger(series, one, two)
    other = engle_granger(series * np.array([[factor], [1.0]]) + np.array([[shift], [0.0]]), one, two)
    np.testing.assert_allclose(other.statistic, plain.statistic, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        other.hedge_ratio[0, 0], plain.hedge_ratio[0, 0] * factor, rtol=1e-6, atol=1e-9
    )
    np.testing.assert_array_equal(other.lags, plain.lags)


@settings(max_examples=25)
@given(seed=SEEDS)
def test_a_pair_asked_about_the_other_way_round_is_the_same_pair(seed):
    series = np.random.default_rng(seed).normal(size=(2, 90)).cumsum(axis=1)
    one, two = np.array([0]), np.array([1])
    forth, back = engle_granger(series, one, two), engle_granger(series, two, one)
    for name in ("statistic", "hedge_ratio", "half_life", "lags"):
        np.testing.assert_array_equal(getattr(forth, name), getattr(back, name)[:, ::-1])
