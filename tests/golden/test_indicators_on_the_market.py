"""Two hundred symbols of the real market 2015-2017: every technical feature equals TA-Lib, or numpy where it has none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib
from numpy.lib.stride_tricks import sliding_window_view

from trading_assets.features.adjust import adjustment_factors
from trading_assets.features.build import build_daily_features
from trading_assets.indicators.registry import FEATURES
from trading_assets.sessions import sessions_between

RELATIVE = 1e-9
ABSOLUTE = {
    "stoch_k": 1e-9,
    "stoch_d": 1e-9,
    "zscore_20": 1e-9,
    "bb_position": 1e-9,
    "correlation_spy_63": 1e-9,
    "dollar_volume_20": 1e-6,
}
EVERY = 35  # of 7,072 symbols in the order of their mean turnover


@pytest.fixture(scope="module")
def collected(shared_data: Path) -> pl.LazyFrame:
    usable = pl.min_horizontal("open", "high", "low", "close") > 0
    return pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet").filter(usable)


@pytest.fixture(scope="module")
def chosen(collected: pl.LazyFrame) -> list[str]:
    turnover = collected.group_by("symbol").agg(usd=(pl.col("close") * pl.col("volume")).mean())
    ordered = turnover.sort("usd", "symbol", descending=[True, False]).collect()["symbol"]
    return sorted(ordered.gather_every(EVERY)[:200])


@pytest.fixture(scope="module")
def bars(collected: pl.LazyFrame, chosen: list[str]) -> pl.DataFrame:
    """Return the newest report of each bar of the chosen symbols and of SPY, on sessions."""
    found = collected.filter(pl.col("symbol").is_in([*chosen, "SPY"])).sort("known_on").collect()
    days = sessions_between(found["session"].min(), found["session"].max())
    return (
        found.filter(pl.col("session").is_in(days))
        .unique(["symbol", "session"], keep="last", maintain_order=True)
        .with_columns(pl.col("volume").cast(pl.Float64))
        .sort("symbol", "session")
    )


@pytest.fixture(scope="module")
def actions(bars: pl.DataFrame, implied_actions: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    return implied_actions(bars)


def rolling(values: np.ndarray, period: int, reduce) -> np.ndarray:
    out = np.full(len(values), np.nan)
    if len(values) >= period:
        out[period - 1 :] = reduce(sliding_window_view(values, period))
    return out


def moments(own: np.ndarray, market: np.ndarray, period: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    out = np.full((3, len(own)), np.nan)
    if len(own) > period:  # the first bar has no return
        a, b = sliding_window_view(own[1:], period), sliding_window_view(market[1:], period)
        a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
        out[:, period:] = (a * b).mean(axis=1), (a * a).mean(axis=1), (b * b).mean(axis=1)
    return tuple(out)


def reference(bars: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return every feature of a symbol by TA-Lib, or by numpy where TA-Lib has none or only rounding noise."""
    names = ("open", "high", "low", "close", "volume", "benchmark")
    open_, high, low, close, volume, benchmark = (bars[name].to_numpy().astype(float) for name in names)
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    k, d = talib.STOCH(high, low, close, fastk_period=14, slowk_period=3, slowd_period=3)
    middle = talib.SMA(close, 20)
    deviation = rolling(close, 20, lambda window: window.std(axis=1))
    upper, lower = middle + 2 * deviation, middle - 2 * deviation
    own, market = (np.diff(line, prepend=np.nan) / np.r_[np.nan, line[:-1]] for line in (close, benchmark))
    logs = np.diff(np.log(close), prepend=np.nan)
    covariance, _, variance = moments(own, market, 252)
    both, own_63, market_63 = moments(own, market, 63)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "close": bars["raw_close"].to_numpy(),
            "volume": bars["raw_volume"].to_numpy(),
            **{f"sma_{n}": talib.SMA(close, n) for n in (20, 50, 200)},
            **{f"ema_{n}": talib.EMA(close, n) for n in (12, 26, 50)},
            **{f"return_{n}": talib.ROCP(close, n) for n in (1, 5, 21, 63, 126, 252)},
            "rsi_14": talib.RSI(close, 14),
            "macd": macd,
            "macd_signal": signal,
            "macd_histogram": histogram,
            "bb_upper": upper,
            "bb_middle": middle,
            "bb_lower": lower,
            "bb_position": np.where(deviation > 0, (close - lower) / (upper - lower), np.nan),
            "zscore_20": np.where(deviation > 0, (close - middle) / deviation, np.nan),
            "atr_14": talib.ATR(high, low, close, 14),
            "adx_14": talib.ADX(high, low, close, 14),
            "stoch_k": k,
            "stoch_d": d,
            "volatility_20": np.r_[np.nan, rolling(logs[1:], 20, lambda w: w.std(axis=1, ddof=1))]
            * np.sqrt(252),
            "momentum_12_1": np.r_[np.full(252, np.nan), close[231:-21] / close[:-252] - 1][: len(close)],
            "volume_sma_20": talib.SMA(volume, 20),
            "volume_ratio": np.where(talib.SMA(volume, 20) > 0, volume / talib.SMA(volume, 20), np.nan),
            "dollar_volume_20": talib.SMA(bars["raw_close"].to_numpy() * bars["raw_volume"].to_numpy(), 20),
            "high_252": talib.MAX(high, 252),
            "low_252": talib.MIN(low, 252),
            "distance_high_252": close / talib.MAX(high, 252) - 1,
            "gap": open_ / np.r_[np.nan, close[:-1]] - 1,
            "beta_252": np.where(variance > 0, covariance / variance, np.nan),
            "correlation_spy_63": np.where(
                own_63 * market_63 > 0, both / np.sqrt(own_63 * market_63), np.nan
            ),
        }


def test_the_two_hundred_are_of_every_kind(
    bars: pl.DataFrame, chosen: list[str], actions: pl.DataFrame
) -> None:
    own = bars.filter(pl.col("symbol").is_in(chosen))
    number = pl.col("session").replace_strict({day: n for n, day in enumerate(sessions_between(own["session"].min(), own["session"].max()))})  # fmt: skip
    facts = own.group_by("symbol").agg(
        bars=pl.len(),
        hole=(number.diff().max() - 1).fill_null(0),
        penny=pl.col("close").min() < 1,
        still=(pl.col("high") == pl.col("low")).sum() >= 20,
        usd=(pl.col("close") * pl.col("volume")).mean(),
    )
    kinds = {
        "symbols": facts.height,
        "with splits": actions.filter(pl.col("kind") == "split", pl.col("symbol").is_in(chosen))["symbol"].n_unique(),
        "with dividends": actions.filter(pl.col("kind") == "spin_off", pl.col("symbol").is_in(chosen))["symbol"].n_unique(),
        "that missed sessions": facts.filter(pl.col("hole") > 0).height,
        "that missed more than ten in a row": facts.filter(pl.col("hole") > 10).height,
        "with fewer than 253 bars": facts.filter(pl.col("bars") < 253).height,
        "below one dollar": facts.filter("penny").height,
        "whose price stood still on 20 sessions or more": facts.filter("still").height,
    }  # fmt: skip
    assert kinds == {
        "symbols": 200,
        "with splits": 13,
        "with dividends": 95,
        "that missed sessions": 56,
        "that missed more than ten in a row": 1,
        "with fewer than 253 bars": 35,
        "below one dollar": 25,
        "whose price stood still on 20 sessions or more": 21,
    }
    assert facts["usd"].max() > 1e9 > 2e4 > facts["usd"].min()


@pytest.mark.parametrize("adjusted", [False, True], ids=["raw", "after splits and dividends"])
def test_features_of_real_symbols_equal_talib_and_numpy(
    bars: pl.DataFrame, chosen: list[str], actions: pl.DataFrame, adjusted
) -> None:
    # Indicators run on adjusted prices of one scale (raw / factor); prices are then told in their session's scale.
    known = actions if adjusted else actions.clear()
    features = build_daily_features(bars, known, sessions=bars["session"].unique().to_list())
    factor = adjustment_factors(bars, known)
    price, share = factor["price_factor"], factor["share_factor"]
    assert (price.n_unique() > 200) is adjusted
    index = bars.with_columns(
        *(pl.col(name) / price for name in ("open", "high", "low", "close")),
        volume=pl.col("volume") / share,
        raw_close="close",
        raw_volume="volume",
        price=price,
        share=share,
        one=pl.lit(1.0),
    )
    spy = index.filter(symbol="SPY").select("session", benchmark="close")
    compared = 0
    # what goes on after a silence of more than a month is another instrument
    anew = pl.col("session").diff().over("symbol") > timedelta(days=30)
    numbered = index.with_columns(instrument=anew.fill_null(value=False).cum_sum().over("symbol"))
    instruments = numbered.filter(pl.col("symbol").is_in(chosen)).partition_by("symbol", "instrument")
    assert len(instruments) > len(chosen)
    for own in instruments:
        symbol = own["symbol"][0]
        days = own["session"].implode()
        ours = features.filter(pl.col("symbol") == symbol, pl.col("session").is_in(days))
        expected = reference(own.join_asof(spy, on="session"))
        assert set(expected) == set(FEATURES)
        for name, values in expected.items():
            scale = own[{"price": "price", "shares": "share"}.get(FEATURES[name].scale, "one")].to_numpy()
            found, due = ours[name].to_numpy(), values * scale
            np.testing.assert_array_equal(np.isnan(found), np.isnan(due), err_msg=f"nulls of {symbol} {name}")
            np.testing.assert_allclose(
                found, due, rtol=RELATIVE, atol=ABSOLUTE.get(name, 1e-12), err_msg=f"{symbol} {name}"
            )
            compared += len(due)
    assert compared == len(FEATURES) * bars.filter(pl.col("symbol").is_in(chosen)).height
