"""Features equal TA-Lib 0.8 value for value and null for null, on random walks and on real symbols."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import talib

from trading_assets.features.adjust import adjusted_as_seen_from
from trading_assets.features.build import build_daily_features, build_hourly_features
from trading_assets.indicators import trend
from trading_assets.indicators.kernel import compiled
from trading_assets.indicators.registry import FEATURES
from trading_assets.sessions import session_close, session_hours, sessions_between

NO_ACTIONS = pl.DataFrame(
    schema={
        "symbol": pl.String,
        "ex_date": pl.Date,
        "kind": pl.String,
        "split_ratio": pl.Float64,
        "cash_usd": pl.Float64,
    }
)
RELATIVE = 1e-9
# Where a difference of like numbers is compared, TA-Lib's own rounding is this large (0-100 and ratio columns).
ABSOLUTE = {"stoch_k": 1e-9, "stoch_d": 1e-9, "zscore_20": 1e-9, "bb_position": 1e-9}


def by_talib(bars: pl.DataFrame) -> dict[str, np.ndarray]:
    high, low, close, volume = (
        bars[name].to_numpy().astype(float) for name in ("high", "low", "close", "volume")
    )
    macd, signal, histogram = talib.MACD(close, 12, 26, 9)
    upper, middle, lower = talib.BBANDS(close, 20, 2, 2)
    k, d = talib.STOCH(high, low, close, fastk_period=14, slowk_period=3, slowd_period=3)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
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
            "bb_position": (close - lower) / (upper - lower),
            "atr_14": talib.ATR(high, low, close, 14),
            "adx_14": talib.ADX(high, low, close, 14),
            "stoch_k": k,
            "stoch_d": d,
            "volume_sma_20": talib.SMA(volume, 20),
            "volume_ratio": volume / talib.SMA(volume, 20),
            "dollar_volume_20": talib.SMA(close * volume, 20),
            "high_252": talib.MAX(high, 252),
            "low_252": talib.MIN(low, 252),
            "distance_high_252": (close - talib.MAX(high, 252)) / talib.MAX(high, 252),
            "zscore_20": (close - talib.SMA(close, 20)) / talib.STDDEV(close, 20),
        }


def assert_equal_to_talib(features: pl.DataFrame, bars: pl.DataFrame) -> None:
    for name, expected in by_talib(bars).items():
        ours = features[name].to_numpy()
        assert features[name].is_nan().sum() == 0, name
        np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected), err_msg=f"nulls of {name}")
        np.testing.assert_allclose(ours, expected, rtol=RELATIVE, atol=ABSOLUTE.get(name, 0), err_msg=name)


def random_walk(seed: int, bars: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = rng.uniform(1, 500) * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.015))
    open_ = close * np.exp(rng.normal(0, 0.01, bars))
    return pl.DataFrame(
        {
            "symbol": ["WALK"] * bars,
            "session": [date(2000, 1, 3) + timedelta(days=i) for i in range(bars)],
            "open": open_,
            "high": np.maximum(open_, close) * (1 + rng.exponential(0.005, bars)),
            "low": np.minimum(open_, close) * (1 - rng.uniform(0, 0.01, bars)),
            "close": close,
            "volume": rng.integers(1, 10**8, bars).astype(float),
        }
    )


@pytest.mark.parametrize("seed", range(6))
def test_features_of_a_random_walk_equal_talib(seed: int) -> None:
    bars = random_walk(seed, 800)
    assert_equal_to_talib(build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list()), bars)


@pytest.mark.parametrize("length", [1, 2, 14, 15, 18, 20, 27, 28, 33, 34, 35, 253])
def test_histories_too_short_for_an_indicator_have_nulls_where_talib_has_none(length: int) -> None:
    bars = random_walk(99, length)
    assert_equal_to_talib(build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list()), bars)


def test_sixteen_real_symbols_over_23_years_equal_talib(shared_data: Path) -> None:
    bars = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet").sort("symbol", "session")
    bars = bars.with_columns(pl.col("volume").cast(pl.Float64))
    features = build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].unique().to_list())
    assert bars["symbol"].n_unique() == 16
    # seven of the tickers were used again: an instrument begins after a silence of more than a month
    anew = pl.col("session").diff().over("symbol") > timedelta(days=30)
    numbered = bars.with_columns(instrument=anew.fill_null(value=False).cum_sum().over("symbol"))
    assert numbered.filter(pl.col("instrument") > 0)["symbol"].n_unique() == 7
    for (symbol, _), own in numbered.group_by("symbol", "instrument", maintain_order=True):
        ours = features.filter(pl.col("symbol") == symbol, pl.col("session").is_in(own["session"].implode()))
        assert_equal_to_talib(ours, own)


HOURS_MISSING = {
    # sessions on which the symbol's hours are not all there, by reason; everything else maps onto the grid one to one
    date(2001, 6, 8): "the exchange stood still for an hour and a half",
    date(2002, 9, 11): "it opened at noon",
    date(2013, 8, 22): "Nasdaq stood still for three hours",
}
PARTLY_RECORDED = {"SPWR", "SPWRA", "VXX"}
"""Listed again or renamed: whole sessions are missing in the file."""


@pytest.fixture(scope="module")
def real_hours(shared_data: Path) -> pl.DataFrame:
    """Twenty-three years of hourly bars as recorded, in clock hours of New York: the first one says 09:00 for 09:30."""
    new_york = pl.col("bar_start").dt.convert_time_zone("America/New_York")
    half_past = pl.when(new_york.dt.hour() == 9).then(pl.duration(minutes=30)).otherwise(pl.duration())
    return (
        pl.read_parquet(shared_data / "us_hourly_1998_2021.parquet")
        .with_columns(
            bar_start=pl.col("bar_start") + half_past,
            session=new_york.dt.date(),
            volume=pl.col("volume").cast(pl.Float64),
        )
        .sort("symbol", "bar_start")
    )


@pytest.fixture(scope="module")
def in_session(real_hours: pl.DataFrame) -> pl.DataFrame:
    grid = [start for day in real_hours["session"].unique().sort() for start, _ in session_hours(day)]
    return real_hours.filter(pl.col("bar_start").is_in(grid))


def test_recorded_hours_are_the_hours_of_the_sessions(
    real_hours: pl.DataFrame, in_session: pl.DataFrame
) -> None:
    others = real_hours.join(in_session, on=["symbol", "bar_start"], how="anti")
    assert all(bar >= session_close(bar.date()) for bar in others["bar_start"]), (
        "only trades after an early close"
    )
    assert others.height == 192
    for (symbol,), own in in_session.group_by("symbol"):
        days = sessions_between(own["session"].min(), own["session"].max())
        due = pl.DataFrame({"bar_start": [start for day in days for start, _ in session_hours(day)]})
        absent = due.join(own, on="bar_start", how="anti")["bar_start"].dt.date().unique()
        if symbol not in PARTLY_RECORDED:
            assert set(absent) <= set(HOURS_MISSING), symbol
            assert len(days) == 5849


def test_recorded_hours_add_up_to_the_recorded_day(
    real_hours: pl.DataFrame, in_session: pl.DataFrame, shared_data: Path
) -> None:
    days = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet").with_columns(
        pl.col("volume").cast(pl.Float64)
    )
    own = ["symbol", "session"]
    summed = in_session.group_by(own, maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    # the recorder's day goes on after an early close; the session does not
    went_on = real_hours.join(in_session, on=["symbol", "bar_start"], how="anti").select(own).unique()
    both = summed.join(days, on=own, suffix="_day").join(went_on, on=own, how="anti")
    assert both.height == 29_130
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_allclose(both[name], both[f"{name}_day"], rtol=1e-12, err_msg=name)


def test_hourly_features_of_real_symbols_equal_talib(in_session: pl.DataFrame) -> None:
    bars = in_session.filter(~pl.col("symbol").is_in(PARTLY_RECORDED))
    features = build_hourly_features(bars, NO_ACTIONS, sessions=bars["session"].unique().to_list())
    assert features.select("symbol", "bar_start").equals(bars.select("symbol", "bar_start"))
    for (symbol,), own in bars.group_by("symbol", maintain_order=True):
        assert own.height > 40_000
        assert_equal_to_talib(features.filter(symbol=symbol), own)


def test_a_flat_price_has_bands_of_no_width_where_talib_returns_rounding_noise() -> None:
    close = np.r_[np.linspace(90, 112.3, 60), np.full(40, 10.01)]
    bars = random_walk(1, 100).with_columns(
        *(pl.Series(name, close) for name in ("open", "high", "low", "close"))
    )
    last = build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list()).row(-1, named=True)
    assert last["bb_upper"] == last["bb_middle"] == last["bb_lower"] == last["sma_20"] == 10.01
    assert last["bb_position"] is None
    assert last["zscore_20"] is None
    assert last["volatility_20"] == 0
    assert last["stoch_k"] == last["stoch_d"] == 0


def test_a_price_that_never_moved_is_treated_as_by_talib() -> None:
    flat = {name: pl.lit(25.0) for name in ("open", "high", "low", "close")}
    bars = random_walk(1, 60).with_columns(**flat)
    features = build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list())
    expected = by_talib(bars)
    for name in ("rsi_14", "adx_14", "stoch_k", "stoch_d", "atr_14", "macd", "ema_12"):
        np.testing.assert_array_equal(features[name].to_numpy(), expected[name], err_msg=name)


def test_warm_up_of_the_registry_is_the_number_of_bars_before_the_first_value() -> None:
    bars = random_walk(5, 300).with_columns(symbol=pl.lit("SPY"))
    features = build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list())
    first = {name: features[name].is_not_null().arg_max() + 1 for name in FEATURES}
    assert first == {name: feature.warm_up for name, feature in FEATURES.items()}


def test_one_symbol_or_many_side_by_side_give_the_same_values() -> None:
    first, second = random_walk(1, 90)["close"].to_numpy(), random_walk(2, 90)["close"].to_numpy()
    together = trend.macd(np.column_stack([first, second]), 12, 26, 9)
    for line, left, right in zip(
        together, trend.macd(first, 12, 26, 9), trend.macd(second, 12, 26, 9), strict=True
    ):
        np.testing.assert_array_equal(line, np.column_stack([left, right]))


def test_a_kernel_that_can_be_stored_nowhere_still_runs() -> None:
    scope: dict = {}
    exec(
        "def double(values, out):\n    for i in range(len(values)):\n        out[i] = 2 * values[i]\n", scope
    )
    out = np.empty(2)
    compiled(scope["double"])(np.array([1.0, 2.0]), out)
    assert out.tolist() == [2.0, 4.0]


def test_features_after_splits_and_dividends_equal_talib_on_prices_as_seen_from_the_session() -> None:
    bars = random_walk(7, 500)
    sessions = bars["session"].to_list()
    rows = [(sessions[at], kind, ratio, cash) for at, kind, ratio, cash in ACTIONS]
    actions = pl.DataFrame(
        [("WALK", *row) for row in rows],
        schema=["symbol", "ex_date", "kind", "split_ratio", "cash_usd"],
        orient="row",
    )
    features = build_daily_features(bars, actions, sessions=sessions)
    for at in (253, 259, 260, 261, 300, 301, 380, 499):
        seen = adjusted_as_seen_from(bars, actions, sessions[at])
        row = features.row(at, named=True)
        for name, expected in by_talib(seen).items():
            if name == "dollar_volume_20":  # of raw prices and shares
                continue
            assert row[name] == pytest.approx(expected[-1], rel=1e-9, abs=ABSOLUTE.get(name, 0)), (name, at)


ACTIONS = [
    (40, "cash_dividend", None, 0.3),
    (100, "split", 3.0, None),
    (260, "cash_dividend", None, 0.25),
    (301, "split", 0.1, None),
    (380, "split", 1.5, None),
    (380, "cash_dividend", None, 0.2),
]
