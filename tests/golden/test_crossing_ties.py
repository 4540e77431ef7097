"""Ties of averages of cent prices: however the averages are summed, the signs are those of exact integer arithmetic."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.crossover import crossover_signals
from trading_assets.backtest.series import PRICES, Series
from trading_assets.indicators.crossing import compare, crossings, is_above, is_below
from trading_assets.screener.decide import passes
from trading_assets.screener.filters import Cross, Term
from trading_assets.screener.market_frame import Market
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import checked_signals
from trading_assets.strategies.registry import build_strategy

FAST, SLOW = 20, 50
TIES = 8


@pytest.fixture(scope="module")
def closes(shared_data: Path, tmp_path_factory) -> np.ndarray:
    """Return the closes of the synthetic market: a row per session and a column per symbol."""
    folder = tmp_path_factory.mktemp("synthetic")
    (folder / "data").mkdir()
    recipe = shared_data / "golden_backtests" / "gen.py"
    subprocess.run([sys.executable, recipe], cwd=folder, check=True, capture_output=True, timeout=120)
    market = pl.read_parquet(folder / "data" / "synth.parquet")
    return market["close"].to_numpy().reshape(market["symbol"].n_unique(), -1).T.copy()


def exact_signs(closes: np.ndarray) -> np.ndarray:
    """Signs of fast - slow in whole cents, without a division."""
    cents = np.rint(closes * 100).astype(np.int64)
    sums = np.concatenate([np.zeros((1, cents.shape[1]), np.int64), cents.cumsum(axis=0)])
    signs = np.zeros(cents.shape, dtype=np.int8)
    fast, slow = (sums[SLOW:] - sums[SLOW - width : -width] for width in (FAST, SLOW))
    signs[SLOW - 1 :] = np.sign(fast * SLOW - slow * FAST)
    return signs


def exact_crossings(exact: np.ndarray) -> np.ndarray:
    """Crossings by the exact signs, where both averages exist on the bar and the one before."""
    was, now = exact[SLOW - 1 : -1], exact[SLOW:]
    found = np.zeros_like(exact)
    found[SLOW:] = np.where((now > 0) & (was <= 0), 1, np.where((now < 0) & (was >= 0), -1, 0))
    return found


def by_running_sum(closes: np.ndarray, width: int) -> np.ndarray:
    sums = np.concatenate([np.zeros((1, closes.shape[1])), closes.cumsum(axis=0)])
    return padded((sums[width:] - sums[:-width]) / width, closes)


def by_window(closes: np.ndarray, width: int) -> np.ndarray:
    return padded(np.lib.stride_tricks.sliding_window_view(closes, width, axis=0).mean(axis=-1), closes)


def by_polars(closes: np.ndarray, width: int) -> np.ndarray:
    frame = pl.DataFrame(closes)
    return frame.select(pl.all().rolling_mean(width)).fill_null(np.nan).to_numpy()


def padded(means: np.ndarray, closes: np.ndarray) -> np.ndarray:
    return np.concatenate([np.full((len(closes) - len(means), closes.shape[1]), np.nan), means])


WAYS = {"running sum": by_running_sum, "window": by_window, "polars": by_polars}


@pytest.fixture(scope="module")
def exact(closes: np.ndarray) -> np.ndarray:
    return exact_signs(closes)


def test_the_market_has_its_ties_and_plain_comparison_gets_some_of_them_wrong(closes, exact):
    both = slice(SLOW - 1, None)
    assert int((exact[both] == 0).sum()) == TIES
    for average in WAYS.values():
        plain = np.sign(average(closes, FAST) - average(closes, SLOW))[both]
        assert 0 < (plain != exact[both]).sum() <= TIES


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_averaging_gives_the_exact_signs_and_crossings(closes, exact, way):
    fast, slow = WAYS[way](closes, FAST), WAYS[way](closes, SLOW)
    assert np.array_equal(compare(fast, ">", slow).astype(np.int8) - compare(fast, "<", slow), exact)
    frame = pl.DataFrame({"fast": fast.ravel(), "slow": slow.ravel()})
    pair = pl.col("fast"), pl.col("slow")
    signs = frame.select(is_above(*pair).cast(pl.Int8) - is_below(*pair).cast(pl.Int8)).to_series()
    assert np.array_equal(signs.fill_null(0).to_numpy(), exact.ravel())
    assert np.array_equal(crossings(fast, slow), exact_crossings(exact))


@pytest.fixture(scope="module")
def features(closes: np.ndarray) -> pl.DataFrame:
    """The averages as features: a row per symbol and exchange session, symbol after symbol."""
    bars, symbols = closes.shape
    days = sessions_between(date(2014, 1, 2), date(2024, 12, 31))[:bars]
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:03d}" for number in range(symbols)], bars),
            "session": days * symbols,
            "close": closes.T.ravel(),
            "sma_20": by_polars(closes, FAST).T.ravel(),
            "sma_50": by_polars(closes, SLOW).T.ravel(),
        }
    ).with_columns(dollar_volume_20=pl.lit(1e9))


def test_screen_strategy_and_backtest_see_the_exact_crossings(closes, exact, features):
    expected = pl.Series(exact_crossings(exact).T.ravel())
    keys = features.select("symbol", "session")
    crossed = {"above": keys.filter(expected == 1), "below": keys.filter(expected == -1)}
    said = checked_signals(
        build_strategy("ma_crossover", {"min_price_usd": 0.0}),
        features.with_columns(pl.selectors.float().fill_nan(None)),
    )
    for side, direction in (("enter_long", "above"), ("exit_long", "below")):
        found = said.filter(side=side).select("symbol", "session").sort("symbol", "session")
        assert found.equals(crossed[direction]), side
    market = Market(features)
    for direction, rows in crossed.items():
        condition = Cross(field="sma_20", direction=direction, value=Term(field="sma_50"))
        assert features.select("symbol", "session").filter(passes(condition, market)).equals(rows), direction
    bars = features.select("symbol", "session", *(pl.col("close").alias(name) for name in PRICES), volume=1.0)
    signals = crossover_signals(Series.of(bars), FAST, SLOW)
    assert np.array_equal(np.where(signals == 2, -1, signals), expected.to_numpy())
