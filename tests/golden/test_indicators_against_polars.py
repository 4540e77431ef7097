"""Features that TA-Lib does not have equal polars, numpy and empyrical; adjustment equals a vendor's factors."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import empyrical
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.errors import DataQualityError
from trading_assets.features.adjust import action_outcomes, adjusted_as_seen_from, adjustment_factors
from trading_assets.features.build import build_daily_features
from trading_assets.indicators.extremes import highest, lowest
from trading_assets.indicators.registry import FEATURES
from trading_assets.indicators.trend import sma
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

ACTION_SCHEMA = {
    "symbol": pl.String,
    "ex_date": pl.Date,
    "kind": pl.String,
    "split_ratio": pl.Float64,
    "cash_usd": pl.Float64,
    "new_symbol": pl.String,
    "share_ratio": pl.Float64,
    "price_factor": pl.Float64,
}
NO_ACTIONS = pl.DataFrame(schema=ACTION_SCHEMA)


def day(offset: int) -> date:
    return date(2010, 1, 4) + timedelta(days=offset)


def bars_of(symbol: str, seed: int, count: int, first: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
    open_ = close * np.exp(rng.normal(0, 0.01, count))
    return pl.DataFrame(
        {
            "symbol": [symbol] * count,
            "session": [day(first + i) for i in range(count)],
            "open": open_,
            "high": np.maximum(open_, close) * 1.01,
            "low": np.minimum(open_, close) * 0.99,
            "close": close,
            "volume": rng.integers(1, 10**7, count).astype(float),
        }
    )


def actions_of(*rows: tuple[object, ...]) -> pl.DataFrame:
    columns = len(ACTION_SCHEMA)
    filled = [(*row, *[None] * (columns - len(row))) for row in rows]
    return pl.DataFrame(filled, schema=ACTION_SCHEMA, orient="row")


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return pl.concat([bars_of("AAA", 1, 600), bars_of("LATE", 2, 500, first=100), bars_of("SPY", 3, 600)])


@pytest.fixture(scope="module")
def features(market: pl.DataFrame) -> pl.DataFrame:
    return build_daily_features(market, NO_ACTIONS, sessions=market["session"].unique().to_list())


def assert_equals(features: pl.DataFrame, name: str, expected: pl.Series) -> None:
    np.testing.assert_array_equal(
        features[name].is_null().to_numpy(), expected.is_null().to_numpy(), err_msg=name
    )
    np.testing.assert_allclose(
        features[name].to_numpy(), expected.to_numpy(), rtol=1e-9, atol=1e-12, err_msg=name
    )


@pytest.mark.parametrize("symbol", ["AAA", "LATE"])
def test_returns_deviations_and_gaps_equal_polars(
    market: pl.DataFrame, features: pl.DataFrame, symbol: str
) -> None:
    close, open_ = pl.col("close"), pl.col("open")
    expected = market.filter(symbol=symbol).select(
        volatility_20=close.log().diff().rolling_std(20, ddof=1) * np.sqrt(252),
        momentum_12_1=close.shift(21) / close.shift(252) - 1,
        gap=open_ / close.shift(1) - 1,
        zscore_20=(close - close.rolling_mean(20)) / close.rolling_std(20, ddof=0),
    )
    for name in expected.columns:
        assert_equals(features.filter(symbol=symbol), name, expected[name])


@pytest.mark.parametrize("symbol", ["AAA", "LATE"])
def test_beta_and_correlation_equal_empyrical_and_numpy(
    market: pl.DataFrame, features: pl.DataFrame, symbol: str
) -> None:
    spy = market.filter(symbol="SPY").select("session", benchmark="close")
    pair = (
        market.filter(symbol=symbol)
        .join(spy, on="session")
        .select(own=pl.col("close").pct_change(), benchmark=pl.col("benchmark").pct_change())
    )
    own, benchmark = pair["own"].to_numpy(), pair["benchmark"].to_numpy()
    rows = features.filter(symbol=symbol)
    for end in (253, 300, len(own)):
        beta = empyrical.beta(own[end - 252 : end], benchmark[end - 252 : end])
        assert rows["beta_252"][end - 1] == pytest.approx(beta, rel=1e-9)
    for end in (64, 250, len(own)):
        expected = np.corrcoef(own[end - 63 : end], benchmark[end - 63 : end])[0, 1]
        assert rows["correlation_spy_63"][end - 1] == pytest.approx(expected, rel=1e-9)
    assert rows["beta_252"].null_count() == 252
    assert rows["correlation_spy_63"].null_count() == 63


def test_the_benchmark_has_beta_one_and_nothing_has_a_beta_without_it(
    market: pl.DataFrame, features: pl.DataFrame
) -> None:
    spy = features.filter(symbol="SPY")
    assert spy["beta_252"].drop_nulls().to_numpy() == pytest.approx(1.0, rel=1e-12)
    alone = market.filter(pl.col("symbol") != "SPY")
    rows = build_daily_features(alone, NO_ACTIONS, sessions=[market["session"].max()])
    assert rows["beta_252"].is_null().all()
    assert rows["correlation_spy_63"].is_null().all()


def test_a_symbol_that_trades_while_the_benchmark_does_not_keeps_its_beta(market: pl.DataFrame) -> None:
    holes = market.filter((pl.col("symbol") != "SPY") | (pl.col("session") != day(400)))
    rows = build_daily_features(holes, NO_ACTIONS, sessions=[day(400), day(500)])
    assert rows.filter(symbol="AAA")["beta_252"].null_count() == 0


def test_nothing_traded_gives_no_volume_ratio_instead_of_a_division_by_zero() -> None:
    bars = bars_of("AAA", 1, 30).with_columns(volume=pl.lit(0.0))
    rows = build_daily_features(bars, NO_ACTIONS, sessions=bars["session"].to_list())
    assert rows["volume_ratio"].is_null().all()
    assert rows["volume_sma_20"].drop_nulls().to_list() == [0.0] * 11


def test_output_has_the_schema_of_the_table_and_only_the_sessions_asked_for(market: pl.DataFrame) -> None:
    asked = [day(300), day(599), day(5000), day(-10)]
    rows = build_daily_features(market, NO_ACTIONS, sessions=asked)
    joined_later = {*FUNDAMENTALS, AGE_COLUMN}
    computed = [(name, dtype) for name, dtype in DAILY_FEATURES.schema.items() if name not in joined_later]
    assert list(rows.schema.items()) == computed
    assert rows.select("symbol", "session").rows() == [
        (symbol, session) for symbol in ("AAA", "LATE", "SPY") for session in asked[:2]
    ]
    empty = build_daily_features(market.clear(), NO_ACTIONS, sessions=asked)
    assert list(empty.schema.items()) == computed
    nothing = build_daily_features(market, NO_ACTIONS, sessions=[day(5000)])
    assert nothing.is_empty()
    assert list(nothing.schema.items()) == computed
    assert set(FEATURES) <= set(rows.columns)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda bars: bars.reverse(),
        lambda bars: pl.concat([bars, bars.tail(1)]),
        lambda bars: pl.concat([bars.filter(symbol="SPY"), bars.filter(symbol="AAA")]),
        lambda bars: bars.with_columns(
            close=pl.when(pl.col("session") == day(7)).then(0.0).otherwise("close")
        ),
        lambda bars: bars.with_columns(
            high=pl.when(pl.col("session") == day(7)).then(None).otherwise("high")
        ),
        lambda bars: bars.with_columns(
            low=pl.when(pl.col("session") == day(7)).then(np.nan).otherwise("low")
        ),
        lambda bars: bars.with_columns(volume=-pl.col("volume")),
    ],
    ids=["reversed", "duplicate", "symbols out of order", "zero price", "null", "NaN", "negative volume"],
)
def test_bars_that_the_checks_should_have_stopped_are_refused(market: pl.DataFrame, spoil) -> None:
    with pytest.raises(DataQualityError):
        build_daily_features(spoil(market), NO_ACTIONS, sessions=[day(599)])


def test_factors_of_splits_dividends_and_spin_offs_follow_their_definitions() -> None:
    bars = pl.DataFrame(
        {
            "symbol": ["A"] * 6,
            "session": [day(i) for i in range(6)],
            "close": [100.0, 50.0, 49.0, 48.0, 40.0, 20.0],
        }
    )
    actions = actions_of(
        ("A", day(0), "split", 7.0, None),  # on the first bar: there is nothing before it to adjust
        ("A", day(1), "split", 2.0, None),
        ("A", day(2), "cash_dividend", None, 1.0),
        ("A", day(3), "cash_dividend", None, 49.0),  # not below the last close: cannot be true
        ("A", day(3), "split", 0.0, None),
        ("A", day(4), "spin_off", None, None, "N", None, 1 / 1.2),
        ("A", day(5), "split", 2.0, None),
        ("A", day(5), "cash_dividend", None, 4.0),  # per old share: the holder of the day before is paid
        ("A", day(9), "split", 5.0, None),
        ("B", day(2), "split", 3.0, None),
        ("A", day(2), "symbol_change", None, None),
    )
    factors = adjustment_factors(bars, actions)
    after_dividend = 0.5 * 49 / 50
    assert factors["price_factor"].to_list() == pytest.approx(
        [1, 0.5, after_dividend, after_dividend, after_dividend / 1.2, after_dividend / 1.2 * 0.9 / 2],
        rel=1e-15,
    )
    assert factors["share_factor"].to_list() == [1, 2, 2, 2, 2, 4]
    outcomes = action_outcomes(bars, actions).select("ex_date", "kind", "effective_session", "outcome")
    assert outcomes.rows() == [
        (day(0), "split", day(0), "not needed: no earlier bar"),
        (day(1), "split", day(1), "applied"),
        (day(2), "cash_dividend", day(2), "applied"),
        (day(3), "cash_dividend", day(3), "not applied: not below the last close"),
        (day(3), "split", day(3), "not applied: the amount is missing or cannot be true"),
        (day(4), "spin_off", day(4), "applied"),
        (day(5), "cash_dividend", day(5), "applied"),
        (day(5), "split", day(5), "applied"),
        (day(9), "split", None, "waits for the first bar since"),
    ]


def test_a_spin_off_told_in_shares_is_worth_the_new_company_at_its_first_bar() -> None:
    closes = {"N": [None, None, 30.0, 31.0], "P": [100.0, 100.0, 85.0, 86.0]}
    bars = pl.DataFrame(
        [(name, day(i), close) for name, row in closes.items() for i, close in enumerate(row) if close],
        schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64},
        orient="row",
    )
    spin_off = actions_of(("P", day(2), "spin_off", None, None, "N", 0.5))
    assert adjusted_as_seen_from(bars, spin_off, day(3)).filter(symbol="P")["close"].to_list() == [
        85.0, 85.0, 85.0, 86.0,
    ]  # fmt: skip
    late = bars.filter((pl.col("symbol") == "P") | (pl.col("session") > day(2)))
    for known in (late, bars.filter(symbol="P")):
        assert (
            adjusted_as_seen_from(known, spin_off, day(3)).filter(symbol="P")["price_scale"].to_list()
            == [1.0] * 4
        )
        outcome = action_outcomes(known, spin_off).row(0, named=True)
        assert (outcome["price_step"], outcome["effective_session"]) == (1.0, day(2))
        assert outcome["outcome"].startswith("not applied: no bar of the spun-off company")


def test_an_action_since_the_last_bar_sets_the_scale_once_its_ex_date_has_come() -> None:
    bars = bars_of("A", 1, 3).with_columns(vwap=pl.col("close"))
    split = actions_of(("A", day(4), "split", 4.0))
    seen = adjusted_as_seen_from(bars, split, day(4))
    assert seen["close"].to_list() == (bars["close"] / 4).to_list()
    assert seen["vwap"].to_list() == (bars["vwap"] / 4).to_list()
    assert seen["volume"].to_list() == (bars["volume"] * 4).to_list()
    assert adjusted_as_seen_from(bars, split, day(3))["close"].to_list() == bars["close"].to_list()


def test_an_ex_date_without_a_bar_takes_effect_on_the_next_bar() -> None:
    bars = bars_of("A", 1, 10).filter(pl.col("session") != day(5))
    factors = adjustment_factors(bars, actions_of(("A", day(5), "split", 2.0, None)))
    assert factors.filter(pl.col("price_factor") == 1)["session"].max() == day(4)
    assert factors.filter(pl.col("price_factor") == 0.5)["session"].min() == day(6)


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.lists(st.floats(low, high) | st.just(10.01), min_size=1, max_size=60)
        for low, high in ((0.0001, 1e10), (1.0, 1e14))  # prices, and volumes
    ),
    st.integers(1, 60),
)
def test_an_average_is_the_correctly_rounded_mean_of_its_window(values: list[float], period: int) -> None:
    averages = sma(np.array(values), period)
    for end in range(period, len(values) + 1):
        assert averages[end - 1] == float(sum(map(Fraction, values[end - period : end])) / period)
    assert np.isnan(averages[: period - 1]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80), st.integers(1, 90))
def test_extremes_equal_a_search_of_every_window(values: list[float], period: int) -> None:
    array = np.array(values)
    top, bottom = highest(array, period), lowest(array, period)
    for end in range(1, len(values) + 1):
        window = values[max(end - period, 0) : end]
        whole = end >= period
        np.testing.assert_equal(
            (top[end - 1], bottom[end - 1]), (max(window), min(window)) if whole else (np.nan,) * 2
        )


def test_machine_code_is_made_once_and_numba_is_loaded_only_to_compute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    lazy = (
        "import sys, trading_assets.features.build, trading_assets.pairs.statistics, trading_assets.tables.registry;"
        "sys.exit('numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", lazy], check=True, timeout=60)
    kept = []
    for _ in range(2):
        for kernels in ("features", "pairs"):
            module = f"trading_assets.{kernels}.compile"
            subprocess.run([sys.executable, "-m", module], check=True, timeout=120)
        kept.append({path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb*")})
    assert len(kept[0]) >= 20
    assert kept[1] == kept[0]
