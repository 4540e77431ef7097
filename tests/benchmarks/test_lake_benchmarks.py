"""The lake against bare polars and DuckDB on the same rows, in one run: 5,000 symbols x 10 years, a 7,000-symbol month.

Each test times both sides by turns and reports the ratio of the medians (``extra_info``); the bounds are what users
would notice, not what the machine of the day reaches.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from resources.lake import Lake
from resources.lake_locks import FileLocks
from trading_assets.schemas import VENDOR_DAILY_BARS
from trading_assets.sessions import sessions_between

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
    benchmark: BenchmarkFixture, ours: Callable[[], object], theirs: Callable[[], object], bound: float
) -> None:
    """Time both by turns, report ours to the benchmark and their ratio, and hold the ratio to a bound."""
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        for name, call in (("theirs", theirs), ("ours", ours)):
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    median = {name: statistics.median(values) for name, values in times.items()}
    benchmark.extra_info |= {
        "ours_ms": round(median["ours"] * 1000, 1),
        "theirs_ms": round(median["theirs"] * 1000, 1),
        "ratio": round(median["ours"] / median["theirs"], 2),
    }
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


def test_writing_a_session_into_its_month_against_polars_writing_the_month(
    benchmark: BenchmarkFixture, tmp_path: Path
) -> None:
    days = sessions_between(date(2026, 1, 1), date(2026, 1, 31))
    month, lake = bars(7000, days), lake_in(tmp_path)
    lake.write_sessions(TABLE, month, days, known_at=NOW)
    whole = lake.scan(TABLE).collect()
    one = month.filter(pl.col("session") == days[-1]).drop("close")
    instants = iter(range(1000))

    def write_session() -> None:
        number = next(instants)
        frame = one.with_columns(close=pl.lit(float(number + 1)))
        report = lake.write_sessions(TABLE, frame, [days[-1]], known_at=NOW + timedelta(seconds=number))
        assert report.changed > 6_900

    def write_month() -> None:
        whole.write_parquet(tmp_path / "bare.parquet", compression="zstd", compression_level=1)

    compare(benchmark, write_session, write_month, bound=8)


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
            tmp_path / "bare.parquet", compression="zstd", compression_level=1, row_group_size=25_000
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


def test_a_full_scan_of_two_columns_against_duckdb_on_the_glob(
    benchmark: BenchmarkFixture, market: Lake
) -> None:
    glob = f"{market.root}/{TABLE.name}/**/*.parquet"
    with duckdb.connect() as connection:
        compare(
            benchmark,
            lambda: market.scan(TABLE).group_by("symbol").agg(pl.col("close").mean()).collect(),
            lambda: connection.sql(f"select symbol, avg(close) from read_parquet('{glob}') group by 1").pl(),
            bound=3,
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
