"""Features of 400 symbols x 1,000 sessions: the whole range, one session, and TA-Lib in a loop over symbols."""

from __future__ import annotations

import time
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import talib

from trading_assets.features.build import build_daily_features

SYMBOLS, DAYS = 400, 1_000
NO_ACTIONS = pl.DataFrame(
    schema={
        "symbol": pl.String,
        "ex_date": pl.Date,
        "kind": pl.String,
        "split_ratio": pl.Float64,
        "cash_usd": pl.Float64,
    }
)


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    rng = np.random.default_rng(1)
    rows = SYMBOLS * DAYS
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.015, (SYMBOLS, DAYS)), axis=1)).ravel()
    open_ = close * np.exp(rng.normal(0, 0.005, rows))
    days = pl.date_range(date(2015, 1, 1), date(2015, 1, 1) + timedelta(days=DAYS - 1), eager=True)
    return pl.DataFrame(
        {
            "symbol": np.repeat([f"S{number:05d}" for number in range(SYMBOLS)], DAYS),
            "session": pl.concat([days] * SYMBOLS),
            "open": open_,
            "high": np.maximum(open_, close) * 1.01,
            "low": np.minimum(open_, close) * 0.99,
            "close": close,
            "volume": rng.integers(1, 10**7, rows).astype(float),
        }
    )


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_all_features_of_the_whole_range(benchmark, bars: pl.DataFrame) -> None:
    sessions = bars["session"].unique().to_list()
    features = benchmark(build_daily_features, bars, NO_ACTIONS, sessions=sessions)
    assert features.height == SYMBOLS * DAYS


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_all_features_of_the_whole_range_on_one_thread(benchmark, bars: pl.DataFrame) -> None:
    sessions = bars["session"].unique().to_list()
    features = benchmark(build_daily_features, bars, NO_ACTIONS, sessions=sessions, threads=1)
    assert features.height == SYMBOLS * DAYS


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_all_features_of_one_session_from_the_whole_history(benchmark, bars: pl.DataFrame) -> None:
    features = benchmark(build_daily_features, bars, NO_ACTIONS, sessions=[bars["session"].max()])
    assert features.height == SYMBOLS


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_talib_in_a_loop_over_symbols(benchmark, bars: pl.DataFrame) -> None:
    assert len(benchmark(by_talib, bars)) == SYMBOLS


@pytest.mark.benchmark(group="features, ratio")
def test_all_columns_cost_less_than_three_times_talibs_share(benchmark, bars: pl.DataFrame) -> None:
    # TA-Lib computes 27 of the 38 columns, without adjustment, checks, or a frame with nulls around them.
    last = [bars["session"].max()]
    ours = benchmark.pedantic(
        lambda: fastest(lambda: build_daily_features(bars, NO_ACTIONS, sessions=last, threads=1)), rounds=1
    )
    theirs = fastest(lambda: by_talib(bars))
    benchmark.extra_info["ours_per_talib"] = ours / theirs
    assert ours < 3 * theirs


def fastest(run) -> float:
    seconds = []
    for _ in range(5):
        began = time.process_time()
        run()
        seconds.append(time.process_time() - began)
    return min(seconds)


def by_talib(bars: pl.DataFrame) -> list[list[np.ndarray]]:
    columns = [bars[name].to_numpy().reshape(SYMBOLS, DAYS) for name in ("high", "low", "close", "volume")]
    return [technical(*(column[number] for column in columns)) for number in range(SYMBOLS)]


def technical(high: np.ndarray, low: np.ndarray, close: np.ndarray, volume: np.ndarray) -> list[np.ndarray]:
    return [
        *(talib.SMA(close, period) for period in (20, 50, 200)),
        *(talib.EMA(close, period) for period in (12, 26, 50)),
        talib.RSI(close, 14),
        *talib.MACD(close, 12, 26, 9),
        *talib.BBANDS(close, 20, 2, 2),
        talib.ATR(high, low, close, 14),
        talib.ADX(high, low, close, 14),
        *talib.STOCH(high, low, close, fastk_period=14, slowk_period=3, slowd_period=3),
        *(talib.ROCP(close, period) for period in (1, 5, 21, 63, 126, 252)),
        talib.SMA(volume, 20),
        talib.SMA(close * volume, 20),
        talib.MAX(high, 252),
        talib.MIN(low, 252),
        talib.STDDEV(close, 20),
    ]
