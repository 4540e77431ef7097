"""The lake against bare polars and DuckDB on the same rows, in one run: 5,000 symbols x 10 years, a 7,000-symbol month.

Each test times both sides by turns and reports the ratio of the medians, and of processor time, which a busy machine
disturbs less (``extra_info``); the bounds are what users would notice, not what the machine of the day reaches.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.feature_store.adjusted_bars import read_adjusted_bars
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

TABLE = VENDOR_DAILY_BARS["polygon"]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
ROUNDS = 7
SYMBOL = "S02500"


def bars(symbols: int, days: list[date], seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    rows = symbols * len(days)
    close = np.round(random.lognormal(3, 1, rows), 2)
    return pl.DataFrame({"symbol": [f"S{number:05}" for number in range(symbols)]}).join(
        pl.DataFrame({"session": days}), how="cross"
    ).with_columns(
        open=pl.Series(np.round(close * 0.999, 2)),
        high=pl.Series(np.round(close * 1.01, 2)),
        low=pl.Series(np.round(close * 0.99, 2)),
        close=pl.Series(close),
        volume=pl.Series(random.integers(1, 10_000_000, rows).astype(float)),
        vwap=pl.Series(np.round(close * 1.0005, 4)),
        trade_count=pl.Series(random.integers(1, 100_000, rows)),
        reports=pl.lit(1, pl.Int32),
        batch_id=pl.lit("batch"),
    )  # fmt: skip


def lake_in(folder: Path) -> Lake:
    return Lake(folder / "lake", FileLocks(folder / "locks"))


def compare(
    benchmark: BenchmarkFixture,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    bound: float,
    *,
    prepare: Callable[[], object] = lambda: None,
) -> None:
    """Time both by turns, report ours to the benchmark and their ratio, and hold the ratio to a bound."""
    wall: dict[str, list[float]] = {"ours": [], "theirs": []}
    processor: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        for name, call in (("theirs", theirs), ("ours", ours)):
            prepare()
            started, used = time.perf_counter(), time.process_time()
            call()
            wall[name].append(time.perf_counter() - started)
            processor[name].append(time.process_time() - used)
    median = {name: statistics.median(values) for name, values in wall.items()}
    used_up = {name: statistics.median(values) for name, values in processor.items()}
    benchmark.extra_info |= {
        "ours_ms": round(median["ours"] * 1000, 1),
        "theirs_ms": round(median["theirs"] * 1000, 1),
        "ratio": round(median["ours"] / median["theirs"], 2),
        "processor_ratio": round(used_up["ours"] / used_up["theirs"], 2),
    }
    prepare()
    benchmark.pedantic(ours, rounds=1)
    assert benchmark.extra_info["ratio"] < bound


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """5,000 symbols x 10 years, closed years in one part, 2025 in months."""
    lake = lake_in(tmp_path_factory.mktemp("market"))
    for year in range(2016, 2026):
        days = sessions_between(date(year, 1, 1), date(year, 12, 31))
        known = datetime(min(year + 1, 2025), 12, 31, tzinfo=UTC)
        lake.write_sessions(TABLE, bars(5000, days, year), days, known_at=known)
    return lake


OWN_WAY: dict[str, object] = {}
SAME_WAY: dict[str, object] = {"compression": "lz4", "row_group_size": 10_000}


@pytest.mark.parametrize("how", [OWN_WAY, SAME_WAY], ids=["polars' defaults", "the same compression"])
@pytest.mark.parametrize("is_corrected", [False, True], ids=["new session", "corrected session"])
def test_writing_a_session_into_its_month_against_polars_writing_the_month(
    benchmark: BenchmarkFixture, tmp_path: Path, is_corrected: bool, how: dict[str, Any]
) -> None:
    days = sessions_between(date(2026, 1, 1), date(2026, 1, 31))
    month, lake = bars(7000, days), lake_in(tmp_path)
    lake.write_sessions(TABLE, month, days, known_at=NOW)
    whole = lake.scan(TABLE).collect()
    one = month.filter(pl.col("session") == days[-1])
    stored = tmp_path / "stored"
    if not is_corrected:
        lake = lake_in(tmp_path / "without")
        lake.write_sessions(TABLE, month.filter(pl.col("session") < days[-1]), days[:-1], known_at=NOW)
    shutil.copytree(lake.root, stored)

    def as_before() -> None:
        for folder, source in ((lake.root, stored), (lake.history_root, None)):
            shutil.rmtree(folder, ignore_errors=True)
            if source:
                shutil.copytree(source, folder)

    def write_session() -> None:
        frame = one.with_columns(pl.col("close") + 1)
        report = lake.write_sessions(TABLE, frame, [days[-1]], known_at=NOW + timedelta(seconds=1))
        assert (report.changed, report.inserted) == ((7000, 0) if is_corrected else (0, 7000))

    def write_month() -> None:
        whole.write_parquet(tmp_path / "bare.parquet", **how)

    compare(benchmark, write_session, write_month, bound=8, prepare=as_before)


def test_writing_the_same_session_again_against_reading_its_month(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    days = sessions_between(date(2026, 1, 1), date(2026, 1, 31))
    month, lake = bars(7000, days), lake_in(tmp_path)
    lake.write_sessions(TABLE, month, days, known_at=NOW)
    one = month.filter(pl.col("session") == days[-1])
    (path,) = lake.root.rglob("*.parquet")
    compare(
        benchmark,
        lambda: lake.write_sessions(TABLE, one, [days[-1]], known_at=NOW),
        lambda: pl.read_parquet(path),
        bound=5,
    )


def test_a_first_write_of_321_sessions_against_polars_writing_them(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    days = sessions_between(date(2015, 3, 20), date(2016, 6, 30))[:321]
    rows = bars(7000, days).sort("session", "symbol")
    folders = iter(range(1000))

    def write() -> None:
        report = lake_in(tmp_path / str(next(folders))).write_sessions(
            TABLE, rows, days, known_at=datetime(2016, 7, 1, tzinfo=UTC)
        )
        assert report.inserted == rows.height

    def bare() -> None:
        rows.sort("symbol", "session").write_parquet(
            tmp_path / "bare.parquet", compression="lz4", row_group_size=25_000
        )

    compare(benchmark, write, bare, bound=5)


def test_one_symbol_of_ten_years_against_polars_on_the_glob(
    benchmark: BenchmarkFixture, market: Lake
) -> None:
    glob = market.root / TABLE.name / "**/*.parquet"
    compare(
        benchmark,
        lambda: market.scan(TABLE, symbols=[SYMBOL]).collect(),
        lambda: pl.scan_parquet(glob).filter(pl.col("symbol") == SYMBOL).collect(),
        bound=1.5,
    )


def test_one_session_of_all_symbols_against_duckdb_on_the_glob(
    benchmark: BenchmarkFixture, market: Lake
) -> None:
    day = date(2020, 6, 30)
    glob = f"{market.root}/{TABLE.name}/**/*.parquet"
    with duckdb.connect() as connection:
        compare(
            benchmark,
            lambda: market.scan(TABLE, start=day, end=day).collect(),
            lambda: connection.sql(f"select * from read_parquet('{glob}') where session = '{day}'").pl(),
            bound=1.5,
        )


WHOLE = {
    "sums": (
        lambda rows: rows.select(pl.col("close").sum(), pl.col("volume").max()).collect(),
        "select sum(close), max(volume) from {}",
    ),
    "mean by symbol": (
        lambda rows: rows.group_by("symbol").agg(pl.col("close").mean()).collect(),
        "select symbol, avg(close) from {} group by 1",
    ),
}


@pytest.mark.parametrize("engine", ["duckdb", "polars"])
@pytest.mark.parametrize("what", WHOLE)
def test_a_full_scan_of_two_columns_against_the_bare_engine_on_the_glob(
    benchmark: BenchmarkFixture, market: Lake, what: str, engine: str
) -> None:
    aggregate, sql = WHOLE[what]
    glob = f"{market.root}/{TABLE.name}/**/*.parquet"
    with duckdb.connect() as connection:
        theirs = {
            "duckdb": lambda: connection.sql(sql.format(f"read_parquet('{glob}')")).pl(),
            "polars": lambda: aggregate(pl.scan_parquet(glob)),
        }
        compare(benchmark, lambda: aggregate(market.scan(TABLE)), theirs[engine], bound=3)


def test_adjusted_bars_of_one_symbol_of_ten_years_against_reading_them_raw(
    benchmark: BenchmarkFixture, market: Lake, tmp_path: Path
) -> None:
    lake, days = lake_in(tmp_path), sessions_between(date(2016, 1, 1), date(2025, 12, 31))
    raw = market.scan(TABLE, symbols=[f"S{number:05}" for number in range(500)]).collect()
    extra = {
        name: pl.lit(None, dtype) for name, dtype in DAILY_BARS.schema.items() if name not in raw.columns
    }
    given = {"source": pl.lit("polygon"), "source_count": pl.lit(1, pl.Int32)}
    columns = [name for name in DAILY_BARS.columns if name != "known_at"]
    lake.write_sessions(DAILY_BARS, raw.with_columns(**extra | given).select(columns), days, known_at=NOW)
    schema = {name: dtype for name, dtype in CORPORATE_ACTIONS.schema.items() if name != "known_at"}
    dividends = [
        {"symbol": f"S{number:05}", "ex_date": day, "kind": "cash_dividend", "cash_usd": 0.01, "source": "polygon", "batch_id": "b"}
        for number in range(500) for day in days[20::62]
    ]  # fmt: skip
    lake.write_sessions(CORPORATE_ACTIONS, pl.DataFrame(dividends, schema=schema), days, known_at=NOW)
    compare(
        benchmark,
        lambda: read_adjusted_bars(lake, ["S00250"]),
        lambda: lake.scan(DAILY_BARS, symbols=["S00250"]).collect(),
        bound=10,
    )


def test_a_year_as_known_then_against_the_year_as_it_is(benchmark: BenchmarkFixture, market: Lake) -> None:
    start, end = date(2025, 1, 1), date(2025, 12, 31)
    days = sessions_between(date(2025, 12, 1), end)
    corrected = bars(5000, days, 2025).with_columns(pl.col("close") + 1)
    market.write_sessions(TABLE, corrected, days, known_at=NOW)
    compare(
        benchmark,
        lambda: market.scan(TABLE, start=start, end=end, as_of=NOW - timedelta(days=1)).collect(),
        lambda: market.scan(TABLE, start=start, end=end).collect(),
        bound=4,
    )
