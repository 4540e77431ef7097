"""An hourly feature row knows its own bar and nothing later, and is the daily feature with bars for sessions."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.features.build import build_daily_features, build_hourly_features
from trading_assets.indicators.registry import FEATURES
from trading_assets.sessions import session_hours, sessions_between
from trading_assets.tables.features import DAILY_FEATURES, HOURLY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

DAYS = sessions_between(date(2026, 10, 20), date(2026, 12, 28))  # the end of summer time, and two half days
HOURS = [(start, day) for day in DAYS for start, _ in session_hours(day)]
SYMBOLS = ("AAA", "BBB", "SPY")
ACTIONS = {
    "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64, "cash_usd": pl.Float64,
}  # fmt: skip
seeds = st.integers(0, 2**32)
cuts = st.integers(1, len(DAYS) - 1)


def market(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    frames = []
    for symbol in SYMBOLS:
        count = len(HOURS)
        close = np.round(rng.uniform(5, 300) * np.exp(np.cumsum(rng.standard_t(3, count) * 0.008)), 4)
        open_ = np.round(close * np.exp(rng.normal(0, 0.004, count)), 4)
        spread = rng.exponential(0.004, count)
        traded = rng.random(count) < 0.97
        if symbol != "SPY" and rng.random() < 0.7:  # no bars for some sessions
            first = int(rng.integers(0, count))
            traded[first : first + int(rng.integers(1, 30))] = False
        frames.append(
            pl.DataFrame(
                {
                    "symbol": [symbol] * count,
                    "bar_start": [start for start, _ in HOURS],
                    "session": [day for _, day in HOURS],
                    "open": open_,
                    "high": np.maximum(open_, close) * (1 + spread),
                    "low": np.minimum(open_, close) / (1 + spread),
                    "close": close,
                    "volume": rng.integers(0, 10**6, count).astype(float),
                }
            ).filter(pl.Series(traded))
        )
    return pl.concat(frames)


def actions(*rows: tuple[str, date, str, float | None, float | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=ACTIONS, orient="row")


some_actions = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS), st.sampled_from(DAYS), st.just("split"), st.sampled_from([2.0, 0.1, 1.5]), st.none()
    ),
    max_size=4,
    unique_by=lambda row: row[:2],
).map(lambda rows: actions(*rows))  # fmt: skip


@given(seed=seeds, known=some_actions, cut=cuts)
@settings(max_examples=25, deadline=None)
def test_later_bars_and_actions_change_no_row(seed, known, cut):
    bars, last = market(seed), DAYS[cut]
    whole = build_hourly_features(bars, known, sessions=DAYS)
    first_hours = session_hours(last)[0][0]
    past = bars.filter(pl.col("bar_start") <= first_hours)  # the session has just begun
    seen = build_hourly_features(past, known.filter(pl.col("ex_date") <= last), sessions=DAYS)
    assert_frame_equal(seen, whole.filter(pl.col("bar_start") <= first_hours))


@given(seed=seeds, known=some_actions, cut=cuts)
@settings(max_examples=25, deadline=None)
def test_a_session_alone_gives_what_the_range_gives(seed, known, cut):
    bars = market(seed)
    whole = build_hourly_features(bars, known, sessions=DAYS)
    alone = build_hourly_features(bars, known, sessions=[DAYS[cut]], threads=1)
    assert_frame_equal(alone, whole.filter(session=DAYS[cut]))
    joined_later = {*FUNDAMENTALS, AGE_COLUMN}
    computed = {name: dtype for name, dtype in HOURLY_FEATURES.schema.items() if name not in joined_later}
    assert alone.schema == computed


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_the_values_are_the_daily_ones_of_the_same_bars(seed):
    hourly = market(seed).filter(symbol="SPY")
    # as if each bar were a session
    fake = sessions_between(date(2020, 1, 2), date(2026, 1, 2))[: hourly.height]
    daily = build_daily_features(
        hourly.drop("bar_start").with_columns(session=pl.Series(fake)), actions(), sessions=fake
    )
    features = build_hourly_features(hourly, actions(), sessions=DAYS)
    annual = {"volatility_20": math.sqrt(7)}
    for name in FEATURES:
        expected = daily[name] * annual.get(name, 1.0)
        np.testing.assert_allclose(features[name].to_numpy(), expected.to_numpy(), rtol=1e-12, err_msg=name)


def test_a_symbol_without_bars_for_a_session_begins_anew():
    bars = market(3).filter(symbol="SPY").with_columns(symbol=pl.lit("AAA"))
    hole = DAYS[20]
    with_hole = bars.filter(pl.col("session") != hole)
    features = build_hourly_features(with_hole, actions(), sessions=DAYS)
    after = with_hole.filter(pl.col("session") > hole)
    fresh = build_hourly_features(after, actions(), sessions=DAYS)
    assert_frame_equal(features.filter(pl.col("session") > hole), fresh)
    assert fresh["sma_20"].null_count() == 19
    # hours without a trade are no hole
    thin = bars.filter(~((pl.col("session") == hole) & (pl.col("bar_start") != session_hours(hole)[2][0])))
    assert build_hourly_features(thin, actions(), sessions=DAYS)["sma_20"].null_count() == 19


def test_a_split_moves_no_return_and_scales_from_the_first_bar_of_its_session():
    ex_date = DAYS[15]
    bars = market(5).filter(symbol="SPY")
    price = pl.when(pl.col("session") >= ex_date).then(0.25).otherwise(1.0)
    split = bars.with_columns(
        *(pl.col(name) * price for name in ("open", "high", "low", "close")), pl.col("volume") / price
    )
    before = build_hourly_features(bars, actions(), sessions=DAYS)
    after = build_hourly_features(split, actions(("SPY", ex_date, "split", 4.0, None)), sessions=DAYS)
    factor = np.where(bars["session"].to_numpy() >= np.datetime64(ex_date), 0.25, 1.0)
    for name in ("return_1", "return_21", "rsi_14", "gap", "volatility_20", "zscore_20"):
        np.testing.assert_allclose(after[name].to_numpy(), before[name].to_numpy(), rtol=1e-9, atol=1e-9)
    for name in ("sma_50", "atr_14", "macd", "bb_upper"):
        np.testing.assert_allclose(after[name].to_numpy(), before[name].to_numpy() * factor, rtol=1e-9)
    volume = before["volume_sma_20"].to_numpy() / factor
    np.testing.assert_allclose(after["volume_sma_20"].to_numpy(), volume, rtol=1e-9)


def test_the_benchmark_is_the_last_hourly_close_of_spy():
    bars = market(8)
    spy = bars.filter(symbol="SPY").with_columns(symbol=pl.lit("AAA"))
    features = build_hourly_features(pl.concat([spy, bars.filter(symbol="SPY")]), actions(), sessions=DAYS)
    twin = features.filter(symbol="AAA")
    assert twin["correlation_spy_63"].drop_nulls().min() == pytest.approx(1)
    assert twin["beta_252"].drop_nulls().to_list() == pytest.approx([1.0] * (twin.height - 252))


def test_the_columns_say_that_they_count_bars():
    assert HOURLY_FEATURES.columns.keys() - {"bar_start"} == DAILY_FEATURES.columns.keys()
    words = {name: HOURLY_FEATURES.columns[name].description for name in FEATURES}
    assert not [name for name, text in words.items() if "session" in text and name != "volatility_20"]
    assert words["volatility_20"] == ("Sample deviation of 20 log returns times sqrt(1764): 7 bars a session")
    assert words["rsi_14"] == "Relative strength index (Wilder), 14 bars"
