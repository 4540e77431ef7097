"""Ties of averages of cent prices: however the averages are summed, the signs are those of exact integer arithmetic."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets.indicators.crossing import compare, crossings, is_above, is_below

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
    was = exact[SLOW - 1 : -1]
    now = exact[SLOW:]
    expected = np.where((now > 0) & (was <= 0), 1, np.where((now < 0) & (was >= 0), -1, 0))
    found = crossings(fast, slow)
    assert np.array_equal(found[SLOW:], expected)
    assert not found[:SLOW].any()
