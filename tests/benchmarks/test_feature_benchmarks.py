"""Features of 400 symbols x 1,000 sessions: all rows, one session, and what others take for the same columns."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
import talib

from trading_assets.features import build
from trading_assets.features.build import BENCHMARK, build_daily_features
from trading_assets.features.compute import computed, inputs_of, reaches
from trading_assets.features.symbol_runs import symbol_runs
from trading_assets.features.tiles import Tile, tiles
from trading_assets.tables.features import DAILY_FEATURES

SYMBOLS, DAYS = 400, 1_000
FEW = 4  # symbols that are enough to time pandas
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
            "symbol": np.repeat([*(f"S{number:05d}" for number in range(SYMBOLS - 1)), BENCHMARK], DAYS),
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


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_all_features_by_talib_and_numpy_in_a_loop_over_symbols(benchmark, bars: pl.DataFrame) -> None:
    assert len(benchmark(by_talib_and_numpy, bars)) == SYMBOLS


@pytest.mark.benchmark(group="features, 400,000 rows")
def test_talibs_functions_as_polars_expressions(benchmark, bars: pl.DataFrame) -> None:
    rows = bars.with_columns(id=pl.col("symbol").rle_id())
    assert benchmark(by_polars_talib, rows).height == SYMBOLS * DAYS


@pytest.mark.benchmark(group="features, ratio")
def test_ratios_to_talib_polars_talib_and_pandas_ta_in_one_run(benchmark, bars: pl.DataFrame) -> None:
    sessions = bars["session"].unique().to_list()
    market = pl.concat([bars["close"].tail(DAYS)] * SYMBOLS)
    rows = bars.with_columns(id=pl.col("symbol").rle_id(), market=market)
    few = bars.head(FEW * DAYS)

    def ratios() -> dict[str, float]:
        ours = fastest(lambda: build_daily_features(bars, NO_ACTIONS, sessions=sessions))
        last = fastest(lambda: build_daily_features(bars, NO_ACTIONS, sessions=sessions[-1:]))
        rivals = {
            "talib, its 29 columns": fastest(lambda: by_talib(bars)),
            "talib and numpy, all columns": fastest(lambda: by_talib_and_numpy(bars)),
            "polars_talib, its 29 columns": fastest(lambda: by_polars_talib(rows), 3),
            "polars_talib, all columns": fastest(lambda: by_polars_talib(rows, whole=True), 3),
            "pandas_ta_classic, its 29 columns": fastest(lambda: by_pandas_ta(few), 2) * SYMBOLS / FEW,
        }
        facts = {f"{name}, to all our rows": seconds / ours for name, seconds in rivals.items()}
        facts |= {f"{name}, to our last session": seconds / last for name, seconds in rivals.items()}
        values = fastest(lambda: our_values(bars, sessions))
        facts |= {f"{name}, to all our values": seconds / values for name, seconds in rivals.items()}
        work = fastest(
            lambda: build_daily_features(bars, NO_ACTIONS, sessions=sessions), clock=time.process_time
        )
        theirs = fastest(lambda: by_talib_and_numpy(bars), clock=time.process_time)
        return facts | {
            "our nanoseconds a row": ours / (SYMBOLS * DAYS) * 1e9,
            "talib and numpy, all columns, processor time to ours for all rows": theirs / work,
        }

    found = benchmark.pedantic(ratios, rounds=1)
    benchmark.extra_info.update({name: round(ratio, 2) for name, ratio in found.items()})
    assert found["talib and numpy, all columns, to our last session"] > 1
    assert found["talib, its 29 columns, to all our values"] > 1
    assert found["pandas_ta_classic, its 29 columns, to all our rows"] > 20


def fastest(run, rounds: int = 7, clock=time.perf_counter) -> float:
    seconds = []
    for _ in range(rounds):
        began = clock()
        run()
        seconds.append(clock() - began)
    return min(seconds)


def our_values(bars: pl.DataFrame, sessions: list[date]) -> int:
    """Compute every feature of every row on two threads, as arrays like the rivals', not yet as columns of a frame."""
    runs = symbol_runs(bars)
    market = build._market(bars, NO_ACTIONS, sessions, DAILY_FEATURES, runs)
    reach, _ = reaches()

    def compute(tile: Tile) -> int:
        found = computed(inputs_of(market, tile), market.carried.memories(tile), reach, 0)
        return sum(values.size for _, _, values in found)

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(compute, tiles(runs.starts, np.arange(SYMBOLS))))


def by_talib(bars: pl.DataFrame) -> list[list[np.ndarray]]:
    columns = [bars[name].to_numpy().reshape(SYMBOLS, DAYS) for name in ("high", "low", "close", "volume")]
    return [technical(*(column[number] for column in columns)) for number in range(SYMBOLS)]


def by_talib_and_numpy(bars: pl.DataFrame) -> list[list[np.ndarray]]:
    names = ("open", "high", "low", "close", "volume")
    columns = [bars[name].to_numpy().reshape(SYMBOLS, DAYS) for name in names]
    market = columns[3][-1]
    returns = talib.ROCP(market, 1)
    return [everything(*(column[number] for column in columns), market, returns) for number in range(SYMBOLS)]


def everything(open_, high, low, close, volume, market, market_returns) -> list[np.ndarray]:
    found = technical(high, low, close, volume)
    middle, upper, lower, deviation = found[0], found[10], found[12], found[-1]
    returns, volume_sma, top = found[17], found[23], found[25]
    logs = np.zeros_like(close)
    logs[1:] = np.log(close[1:] / close[:-1])
    momentum, gap = np.full_like(close, np.nan), np.full_like(close, np.nan)
    momentum[252:] = close[231:-21] / close[:-252] - 1
    gap[1:] = open_[1:] / close[:-1] - 1
    return [
        close.copy(),
        volume.copy(),
        *found,
        (close - lower) / (upper - lower),
        (close - middle) / deviation,
        talib.STDDEV(logs, 20) * np.sqrt(252 * 20 / 19),
        momentum,
        gap,
        volume / volume_sma,
        close / top - 1,
        talib.BETA(market, close, 252),
        talib.CORREL(returns, market_returns, 63),
    ]


def by_polars_talib(rows: pl.DataFrame, *, whole: bool = False) -> pl.DataFrame:
    import polars_talib as plta

    close, high, low, volume = (pl.col(name) for name in ("close", "high", "low", "volume"))
    macd = plta.macd(close, fastperiod=12, slowperiod=26, signalperiod=9)
    bands = plta.bbands(close, timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    slow = plta.stoch(high, low, close, fastk_period=14, slowk_period=3, slowd_period=3)
    named = {
        **{f"sma_{n}": plta.sma(close, timeperiod=n) for n in (20, 50, 200)},
        **{f"ema_{n}": plta.ema(close, timeperiod=n) for n in (12, 26, 50)},
        **{f"rocp_{n}": plta.rocp(close, timeperiod=n) for n in (1, 5, 21, 63, 126, 252)},
        "rsi": plta.rsi(close, timeperiod=14),
        "macd": macd,
        "bands": bands,
        "atr": plta.atr(high, low, close, timeperiod=14),
        "adx": plta.adx(high, low, close, timeperiod=14),
        "stoch": slow,
        "volume_sma": plta.sma(volume, timeperiod=20),
        "usd_sma": plta.sma(close * volume, timeperiod=20),
        "max": plta.max(high, timeperiod=252),
        "min": plta.min(low, timeperiod=252),
        "std": plta.stddev(close, timeperiod=20, nbdev=1.0),
    }
    found = rows.select(**{name: expression.over("id") for name, expression in named.items()})
    if not whole:
        return found
    logs, returns, market = (close / close.shift(1)).log(), plta.rocp(close, timeperiod=1), pl.col("market")
    others = {
        "volatility": plta.stddev(logs.fill_null(0.0), timeperiod=20, nbdev=1.0) * np.sqrt(252 * 20 / 19),
        "momentum": close.shift(21) / close.shift(252) - 1,
        "gap": pl.col("open") / close.shift(1) - 1,
        "beta": plta.beta(market, close, timeperiod=252),
        "correlation": plta.correl(
            returns.fill_nan(0.0), plta.rocp(market, timeperiod=1).fill_nan(0.0), timeperiod=63
        ),
    }
    rest = rows.select(
        "close", "volume", **{name: expression.over("id") for name, expression in others.items()}
    )
    middle, deviation = pl.col("sma_20"), pl.col("std")
    return pl.concat([found, rest], how="horizontal").with_columns(
        position=(close - pl.col("bands").struct.field("lowerband"))
        / (pl.col("bands").struct.field("upperband") - pl.col("bands").struct.field("lowerband")),
        zscore=(close - middle) / deviation,
        volume_ratio=volume / pl.col("volume_sma"),
        distance=close / pl.col("max") - 1,
    )


def by_pandas_ta(bars: pl.DataFrame) -> int:
    import pandas_ta_classic as ta

    done = 0
    for _, own in bars.group_by("symbol"):
        frame = own.to_pandas()
        high, low, close, volume = (frame[name] for name in ("high", "low", "close", "volume"))
        found = [
            *(ta.sma(close, length=n, talib=False) for n in (20, 50, 200)),
            *(ta.ema(close, length=n, talib=False) for n in (12, 26, 50)),
            ta.rsi(close, length=14, talib=False),
            ta.macd(close, talib=False),
            ta.bbands(close, length=20, talib=False),
            ta.atr(high, low, close, length=14, talib=False),
            ta.adx(high, low, close, length=14, talib=False),
            ta.stoch(high, low, close, k=14, d=3, smooth_k=3, talib=False),
            *(ta.percent_return(close, length=n) for n in (1, 5, 21, 63, 126, 252)),
            ta.sma(volume, length=20, talib=False),
            ta.sma(close * volume, length=20, talib=False),
            high.rolling(252).max(),
            low.rolling(252).min(),
            close.rolling(20).std(ddof=0),
        ]
        done += len(found)
    return done


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
