"""Screens from the lake against DuckDB and polars on the same files, in one run: a session, and ten years of them.

The values of the columns that are read are random and as dense as real ones; the other columns are empty, and nobody
reads them. Each test asserts that all sides find the same, and holds the ratio to what users would notice; times are in
``extra_info``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.screener.evaluate import COUNTS, evaluate
from trading_assets.screener.filters import And, Comparison, Cross, Query, Sort, Term
from trading_assets.screener.market_frame import BADGE_FIELDS
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.sessions import sessions_between
from trading_assets.tables.features import DAILY_FEATURES

YEARS = range(2016, 2026)
WARM_CALLS, COLD_CALLS, ROUNDS = 500, 40, 5
CONDITIONS = (
    ("close", ">", 5.0), ("dollar_volume_20", ">", 5e6), ("rsi_14", "<", 60.0), ("close", ">", "sma_200"),
    ("return_21", ">", 0.0), ("volatility_20", "<", 0.4), ("volume_ratio", ">", 0.8), ("momentum_12_1", ">", 0.1),
)  # fmt: skip
QUERY = Query(
    where=And(
        filters=tuple(
            Comparison(
                field=field, operator=operator, value=Term(field=value) if isinstance(value, str) else value
            )
            for field, operator, value in CONDITIONS
        )
    ),
    sort=Sort(field="momentum_12_1"),
)
SQL = " and ".join(f"{field} {operator} {value}" for field, operator, value in CONDITIONS)
CROSSING = Query(where=Cross(field="sma_50", direction="above", value=Term(field="sma_200")))
FIELDS = dict.fromkeys([*BADGE_FIELDS, *(item[0] for item in CONDITIONS), "sma_200"])
SPREADS = {"dollar_volume_20": 1e7, "rsi_14": 100.0, "volatility_20": 1.0, "volume_ratio": 2.0}


def features(symbols: int, days: list[date], seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = symbols * len(days)

    def values(name: str) -> pl.Series:
        found = random.uniform(0, SPREADS.get(name, 20.0), rows)
        found = found - 10.0 if name in {"return_21", "momentum_12_1", "macd_histogram"} else found
        found[random.random(rows) < 0.02] = np.nan  # not warmed up
        return pl.Series(found, nan_to_null=True)

    keys = pl.DataFrame({"symbol": [f"S{number:05}" for number in range(symbols)]}).join(
        pl.DataFrame({"session": days}), how="cross"
    )
    given = {name: values(name) for name in [*FIELDS, "sma_50"]} | {"price_factor": pl.Series(np.ones(rows))}
    others = {
        name: pl.lit(None, dtype)
        for name, dtype in DAILY_FEATURES.schema.items()
        if name not in {*given, *keys.columns}
    }
    return keys.with_columns(**given, **others).select(list(DAILY_FEATURES.columns))


@pytest.fixture(scope="module", params=[5_000, 10_000], ids=lambda count: f"{count} symbols")
def market(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Ten years: closed ones in one part, the last one in months."""
    folder = tmp_path_factory.mktemp("market")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    for year in YEARS:
        days = sessions_between(date(year, 1, 1), date(year, 12, 31))
        known = datetime(min(year + 1, YEARS[-1]), 12, 31, tzinfo=UTC)
        lake.write_sessions(DAILY_FEATURES, features(request.param, days, year), days, known_at=known)
    assert len(files(lake)) == len(YEARS) - 1 + 12
    assert Path(files(lake)[0]).parent.name == "part=00"
    return lake


def files(lake: Lake, pattern: str = "**/*.parquet") -> list[str]:
    return sorted(str(path) for path in (lake.root / DAILY_FEATURES.name).glob(pattern))


def counted(connection: duckdb.DuckDBPyConnection, select: str, paths: list[str]) -> pl.DataFrame:
    rows = connection.execute(select, [paths]).fetchall()
    return pl.DataFrame(rows, schema=COUNTS, orient="row").sort("session")


def milliseconds(call: Callable[[], object], times: int) -> dict[str, float]:
    """Return the median and the 99th percentile of so many calls."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append((time.perf_counter() - started) * 1000)
    return {"p50_ms": round(statistics.median(taken), 2), "p99_ms": round(float(np.percentile(taken, 99)), 2)}


def by_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least time of each call in ms, taken by turns so that a busy machine disturbs all alike."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken[name].append((time.perf_counter() - started) * 1000)
    return {name: round(min(times), 1) for name, times in taken.items()}


def test_a_screen_of_one_session(benchmark: BenchmarkFixture, market: Lake) -> None:
    session = sessions_between(date(YEARS[-1], 12, 1), date(YEARS[-1], 12, 31))[-1]
    month = files(market, f"year={session.year}/part={session.month:02}/*.parquet")
    opened, connection = ScreenerMarket(market), duckdb.connect()

    def ours(screener: ScreenerMarket) -> list[str]:
        return evaluate(QUERY, screener.load(QUERY, session, also=())).rows["symbol"].to_list()

    def with_duckdb() -> list[str]:
        select = f"select symbol from read_parquet(?) where session = ? and {SQL} order by momentum_12_1 desc"
        return [name for (name,) in connection.execute(select, [month, session]).fetchall()]

    def with_polars() -> list[str]:
        rows = pl.scan_parquet(month).sql(
            f"select symbol, momentum_12_1 from self where session = '{session}' and {SQL}"
        )
        return rows.sort("momentum_12_1", descending=True).collect()["symbol"].to_list()

    assert ours(opened) == with_duckdb() == with_polars()
    told = {
        "warm": milliseconds(lambda: ours(opened), WARM_CALLS),
        "cold": milliseconds(lambda: ours(ScreenerMarket(market)), COLD_CALLS),
        "duckdb": milliseconds(with_duckdb, COLD_CALLS),
        "polars": milliseconds(with_polars, COLD_CALLS),
        "matched": len(with_duckdb()),
    }
    benchmark.extra_info |= told
    benchmark.pedantic(ours, args=(opened,), rounds=20)
    assert told["warm"]["p50_ms"] < told["duckdb"]["p50_ms"]


def test_ten_years_of_sessions(benchmark: BenchmarkFixture, market: Lake) -> None:
    everything, connection = files(market), duckdb.connect()
    start, end = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)

    def ours() -> pl.DataFrame:
        return ScreenerMarket(market).matches(QUERY, start, end)

    def with_duckdb() -> pl.DataFrame:
        select = f"select session, count(*) as screened, count(*) filter ({SQL}) as matched from read_parquet(?) group by 1"
        return counted(connection, select, everything)

    assert ours().equals(with_duckdb())
    told = by_turns({"ours_ms": ours, "duckdb_ms": with_duckdb}, ROUNDS)
    benchmark.extra_info |= told | {"ratio": round(told["ours_ms"] / told["duckdb_ms"], 2)}
    benchmark.pedantic(ours, rounds=1)
    assert told["ours_ms"] < 4 * told["duckdb_ms"]


def test_ten_years_of_crossings(benchmark: BenchmarkFixture, market: Lake) -> None:
    everything, connection = files(market), duckdb.connect()
    start, end = date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31)
    select = """
    with seen as (
        select session, sma_50, sma_200, lag(sma_50) over mine as was_50, lag(sma_200) over mine as was_200
        from read_parquet(?) window mine as (partition by symbol order by session))
    select session, count(*) as screened, count(*) filter (sma_50 > sma_200 and was_50 <= was_200) as matched from seen
    group by 1 order by 1
    """

    def ours() -> pl.DataFrame:
        return ScreenerMarket(market).matches(CROSSING, start, end)

    def with_duckdb() -> pl.DataFrame:
        return counted(connection, select, everything)

    assert ours().equals(with_duckdb())
    told = by_turns({"ours_ms": ours, "duckdb_ms": with_duckdb}, 2)
    benchmark.extra_info |= told | {"ratio": round(told["ours_ms"] / told["duckdb_ms"], 2)}
    benchmark.pedantic(ours, rounds=1)
    assert told["ours_ms"] < told["duckdb_ms"]
