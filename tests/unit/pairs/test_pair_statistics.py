"""Pair statistics: half-lives, corrections for many tests, which symbols are paired, and the rows that come out."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.multitest import multipletests

from trading_assets.pairs.engle_granger import engle_granger
from trading_assets.pairs.formation import (
    FORMATION_SESSIONS,
    SYMBOLS_A_SECTOR,
    Formation,
    adjusted_closes,
    choose_symbols,
    formation_at,
    liquid_symbols,
)
from trading_assets.pairs.multiple_tests import benjamini_hochberg
from trading_assets.pairs.statistics import pair_statistics
from trading_assets.quality.outcome import judge
from trading_assets.quality.pairs import pair_values
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.pairs import PAIR_STATISTICS

FORMATION = Formation(date(2024, 5, 1), date(2023, 5, 1), date(2024, 4, 30))
DAYS = sessions_between(FORMATION.first_session, FORMATION.last_session)
ONE, TWO = np.array([0]), np.array([1])


def prices_of(series: dict[str, np.ndarray]) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({"symbol": symbol, "session": DAYS, "price": np.exp(values)})
        for symbol, values in series.items()
    )


def market(seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    random = np.random.default_rng(seed)
    walks = random.normal(size=(5, 252)).cumsum(axis=1) * 0.01 + 4
    walks[1] = walks[0] * 1.2 + random.normal(size=252) * 0.01
    prices = prices_of(dict(zip("ABCDE", walks, strict=True)))
    return prices, pl.DataFrame(
        {"symbol": list("ABCDE"), "sector": ["X", "X", "X", "Y", "Y"], "sector_session": DAYS[-1]}
    )


@pytest.mark.parametrize("seed", range(5))
def test_corrections_are_those_of_statsmodels(seed):
    random = np.random.default_rng(seed)
    p = np.concatenate([random.uniform(size=200), random.uniform(size=40) ** 6, [0.0, 0.0, 1.0, 0.01, 0.01]])
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-14)
    with_gaps = np.insert(p, [0, 7, 100], np.nan)
    np.testing.assert_array_equal(benjamini_hochberg(with_gaps)[~np.isnan(with_gaps)], benjamini_hochberg(p))
    assert np.isnan(benjamini_hochberg(with_gaps)).sum() == 3
    assert benjamini_hochberg(np.empty((0, 2))).shape == (0, 2)


def spread_with(kept: float, seed: int = 3, observations: int = 4000) -> np.ndarray:
    random = np.random.default_rng(seed)
    walk, spread = random.normal(size=observations).cumsum(), np.zeros(observations)
    for i in range(1, observations):
        spread[i] = kept * spread[i - 1] + random.normal() * 0.1
    return np.stack([walk + spread, walk])


@pytest.mark.parametrize("half_life", [2.0, 5.0, 20.0])
def test_the_half_life_of_a_known_process_is_found(half_life):
    found = engle_granger(spread_with(0.5 ** (1 / half_life)), ONE, TWO).half_life[0, 0]
    assert found == pytest.approx(half_life, rel=0.15)


def test_the_half_life_is_that_of_a_regression_on_the_observation_before():
    series = spread_with(0.9, observations=252)
    slope, constant = np.polyfit(series[1], series[0], 1)
    spread = series[0] - slope * series[1] - constant
    kept, _ = np.polyfit(spread[:-1], spread[1:], 1)
    ours = engle_granger(series, ONE, TWO)
    assert ours.half_life[0, 0] == pytest.approx(-np.log(2) / np.log(kept), rel=1e-9)
    assert ours.deviation[0, 0] == pytest.approx(spread.std(ddof=1), rel=1e-10)
    assert ours.last[0, 0] == pytest.approx(spread[-1], rel=1e-9)


def test_a_spread_that_swings_to_the_other_side_has_no_half_life():
    assert np.isnan(engle_granger(spread_with(-0.5), ONE, TWO).half_life[0, 0])


@pytest.mark.parametrize("series", [np.ones((2, 10)), np.array([[1.0] * 40, [np.nan] * 40]), np.ones(50)])
def test_series_that_cannot_be_tested_are_refused(series):
    with pytest.raises(ValueError, match="observation"):
        engle_granger(series, ONE, TWO)


def test_the_number_of_threads_changes_nothing():
    series = np.random.default_rng(4).normal(size=(40, 120)).cumsum(axis=1)
    first, second = np.triu_indices(40, 1)
    one, four = (engle_granger(series, first, second, threads=threads) for threads in (1, 4))
    for name in ("statistic", "hedge_ratio", "half_life", "lags"):
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name))


def test_every_pair_of_a_sector_is_a_row_and_the_best_is_first():
    found = pair_statistics(*market(), FORMATION)
    assert found.schema == PAIR_STATISTICS.schema
    assert found.select("symbol", "other_symbol").rows() == [("A", "B"), ("A", "C"), ("B", "C"), ("D", "E")]
    best = found.filter(rank=1).row(0, named=True)
    assert (best["symbol"], best["other_symbol"], best["sector"]) == ("A", "B", "X")
    assert best["p_value"] == min(best["p_value_symbol"], best["p_value_other"]) < 1e-6
    assert best["half_life_sessions"] < 3
    assert sorted(found["rank"]) == [1, 2, 3, 4]


def test_both_orders_of_all_pairs_count_as_tests():
    found = pair_statistics(*market(), FORMATION)
    both = found.select("p_value_symbol", "p_value_other").to_numpy()
    corrected = multipletests(both.reshape(-1), method="fdr_bh")[1].reshape(-1, 2).min(axis=1)
    np.testing.assert_allclose(found["adjusted_p_value"], corrected, rtol=1e-12)


def test_prices_on_one_line_have_a_p_value_of_zero_and_no_statistic():
    walk = np.random.default_rng(8).normal(size=252).cumsum() * 0.01 + 3
    prices = prices_of({"A": walk, "B": walk + 1})
    row = pair_statistics(
        prices, pl.DataFrame({"symbol": ["A", "B"], "sector": "X", "sector_session": DAYS[-1]}), FORMATION
    ).row(0, named=True)
    assert (row["p_value"], row["statistic"], row["lags"], row["rank"]) == (0.0, None, None, 1)
    assert row["hedge_ratio"] == pytest.approx(1.0)


def test_a_sector_with_one_symbol_has_no_pair():
    prices, sectors = market()
    alone = sectors.filter(pl.col("symbol").is_in(["A", "D"]))
    assert pair_statistics(prices, alone, FORMATION).equals(pl.DataFrame(schema=PAIR_STATISTICS.schema))


def test_pairs_are_formed_once_a_month_from_the_sessions_before():
    days = sessions_between(date(2023, 1, 3), date(2024, 12, 31))
    formed = [found for day in days if (found := formation_at(day))]
    assert [found.session.month for found in formed] == [*range(1, 13)] * 2
    for found in formed:
        assert found.last_session < found.session
        assert len(sessions_between(found.first_session, found.last_session)) == FORMATION_SESSIONS


def test_only_active_tradable_liquid_symbols_of_a_known_sector_are_paired():
    listed = pl.DataFrame(
        {
            "symbol": list("ABCDEF"),
            "sector": ["X", "X", None, "X", "X", "X"],
            "status": ["active", "delisted", "active", "active", "active", "active"],
            "is_tradable": [True, True, True, False, None, True],
            "session": DAYS[-1],
        }
    )
    traded = pl.DataFrame({"symbol": list("ABCDEF"), "dollar_volume_20": [6e6, 6e6, 6e6, 6e6, 6e6, 4e6]})
    nothing = pl.DataFrame(schema={"symbol": pl.String, "session": pl.Date, "sector": pl.String})
    assert liquid_symbols(listed, traded, nothing)["symbol"].to_list() == ["A", "E"]
    days = [date(2024, 6, 1), date(2024, 5, 4), date(2024, 5, 4)]
    later = pl.DataFrame({"symbol": ["C", "C", "A"], "session": days, "sector": ["Z", "Y", "Y"]})
    told = liquid_symbols(listed, traded, later).select("symbol", "sector", "sector_session").rows()
    assert told == [("A", "X", DAYS[-1]), ("C", "Y", date(2024, 5, 4)), ("E", "X", DAYS[-1])]


def features(symbols: dict[str, int], *, still: str = "") -> pl.DataFrame:
    days = [date(2023, 1, 1) + timedelta(days=day) for day in range(FORMATION_SESSIONS)]
    return pl.concat(
        pl.DataFrame(
            {
                "symbol": symbol,
                "session": days[:bars],
                "close": [5.0 if symbol == still else 5.0 + day for day in range(bars)],
            }
        )
        for symbol, bars in symbols.items()
    ).with_columns(price_factor=pl.lit(1.0))


def test_what_is_not_one_thing_through_the_formation_is_left_out_and_counted():
    whole = dict.fromkeys("ABCDEF", FORMATION_SESSIONS) | {"G": FORMATION_SESSIONS - 1}
    liquid = pl.DataFrame(
        {
            "symbol": [*whole, "H"],
            "sector": ["X"] * 5 + ["Y", "X", "X"],
            "sector_session": DAYS[-1],
            "dollar_volume_20": 6e6,
        }
    )
    chosen = choose_symbols(liquid, features(whole, still="E"), renewed={"C"}, doubtful={"D"})
    assert chosen.symbols.rows() == [("A", "X", DAYS[-1]), ("B", "X", DAYS[-1])]
    assert chosen.left_out == {
        "another instrument": 1, "bars missing": 2, "price never moves": 1, "prices in doubt": 1, "alone in a sector": 1,
    }  # fmt: skip


def test_the_largest_of_a_sector_are_paired():
    names = [f"S{number:02}" for number in range(SYMBOLS_A_SECTOR + 3)]
    volumes = [6e6 + number for number in range(len(names))]
    liquid = pl.DataFrame(
        {"symbol": names, "sector": "X", "sector_session": DAYS[-1], "dollar_volume_20": volumes}
    )
    chosen = choose_symbols(
        liquid, features(dict.fromkeys(names, FORMATION_SESSIONS)), renewed=(), doubtful=()
    )
    assert chosen.symbols["symbol"].to_list() == names[3:]
    assert chosen.left_out == {"smaller ones of a sector": 3}


def test_prices_are_in_the_scale_of_the_last_session():
    rows = pl.DataFrame(
        {
            "symbol": "A",
            "session": DAYS[:4],
            "close": [100.0, 101.0, 51.0, 52.0],
            "price_factor": [1.0, 1.0, 0.5, 0.5],
        }
    )
    assert adjusted_closes(rows, DAYS[1])["price"].to_list() == [100.0, 101.0, 102.0, 104.0]
    assert adjusted_closes(rows, DAYS[3])["price"].to_list() == [50.0, 50.5, 51.0, 52.0]
    assert adjusted_closes(rows, DAYS[5]).is_empty()


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("p_value", 1.5, "outside 0 to 1"),
        ("adjusted_p_value", 0.0, "below the p-value"),
        ("hedge_ratio", float("inf"), "no number"),
        ("half_life_sessions", -1.0, "half-life"),
        ("last_session", FORMATION.session, "does not end before"),
        ("other_symbol", "A", "beside itself"),
        ("rank", 7, "rank"),
    ],
)
def test_impossible_statistics_are_found(column, value, told):
    pairs = pair_statistics(*market(), FORMATION)
    limits = QualityThresholds()
    assert judge("pair_values", pair_values(pairs), limits).passed
    is_first = pl.col("symbol") == "D"
    broken = pairs.with_columns(
        pl.when(is_first).then(pl.lit(value)).otherwise(column).alias(column).cast(pairs[column].dtype)
    )
    outcome = judge("pair_values", pair_values(broken), limits)
    assert not outcome.passed
    assert not outcome.is_blocking
    assert told in outcome.findings["value"].str.join(" ").item()


def test_the_better_order_is_the_one_with_the_smaller_p_value():
    found = pl.concat(pair_statistics(*market(seed), FORMATION) for seed in range(40))
    assert found["p_value"].equals(
        found.select(pl.min_horizontal("p_value_symbol", "p_value_other")).to_series(), null_equal=True
    )
    is_first = found["p_value_symbol"] == found["p_value"]
    assert ((found["dependent_symbol"] == found["symbol"]) == is_first).all()
