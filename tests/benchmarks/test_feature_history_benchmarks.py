"""Features through the lake: a backfill of years, and one new session from a checkpoint; reading and writing included."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.assets.features import SESSIONS_AT_ONCE
from trading_assets.feature_store.history import FeatureHistory
from trading_assets.features.build import build_daily_features
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS
from trading_assets.tables.listings import CORPORATE_ACTIONS

SYMBOLS, MORE_SYMBOLS, FIRST, LAST = 300, 2_000, date(2015, 1, 2), date(2017, 12, 29)
"""Sizes that a laptop does in seconds; `backfilled` and `new_session` take any."""
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def filled_lake(folder: Path, symbols: int, first: date, last: date) -> tuple[Lake, list[date]]:
    """Write random walks with a dividend a quarter and some splits, a year at a time."""
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    rng = np.random.default_rng(7)
    names = ["SPY", *(f"S{number:05d}" for number in range(symbols - 1))]
    close = rng.uniform(5, 300, symbols)
    sessions = sessions_between(first, last)
    for year, group in groupby(sessions, key=lambda day: day.year):
        days = list(group)
        path = close * np.exp(np.cumsum(rng.normal(0, 0.015, (len(days), symbols)), axis=0))
        close = path[-1]
        open_ = path * np.exp(rng.normal(0, 0.004, path.shape))
        frame = pl.DataFrame(
            {
                "symbol": np.tile(names, len(days)),
                "session": pl.Series(np.repeat(np.array(days, dtype="datetime64[D]"), symbols)).cast(pl.Date),
                "open": open_.ravel().round(2) + 0.01,
                "high": np.maximum(open_, path).ravel().round(2) + 0.1,
                "low": np.minimum(open_, path).ravel().round(2) * 0.99 + 0.001,
                "close": path.ravel().round(2) + 0.01,
                "volume": rng.integers(1, 10**7, path.size).astype(float),
            }
        ).with_columns(
            vwap=pl.lit(None, pl.Float64), trade_count=pl.lit(None, pl.Int64), source=pl.lit("polygon"),
            source_count=pl.lit(1, pl.Int32), close_difference_frac=pl.lit(0.0),
            volume_difference_frac=pl.lit(0.0), batch_id=pl.lit("b"),
        )  # fmt: skip
        months = [list(days) for _, days in groupby(days, key=lambda day: day.month)]
        for written in [days] if year < last.year else months:
            rows = frame.filter(pl.col("session").is_between(written[0], written[-1]))
            lake.write_sessions(DAILY_BARS, rows, written, known_at=NOW)
    paid = pl.DataFrame({"symbol": names[: symbols // 3]}).join(
        pl.DataFrame({"ex_date": sessions[30::63]}), how="cross"
    )
    actions = paid.with_columns(
        kind=pl.lit("cash_dividend"), split_ratio=pl.lit(None, pl.Float64), cash_usd=pl.lit(0.02),
        new_symbol=pl.lit(None, pl.String), share_ratio=pl.lit(None, pl.Float64),
        price_factor=pl.lit(None, pl.Float64), source=pl.lit("polygon"), batch_id=pl.lit("b"),
    )  # fmt: skip
    lake.write_sessions(CORPORATE_ACTIONS, actions, actions["ex_date"].unique().to_list(), known_at=NOW)
    return lake, sessions


def completed(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of the ratios, empty: joining them is measured elsewhere."""
    return rows.with_columns(
        *(pl.lit(None, pl.Float64).alias(name) for name in FUNDAMENTALS),
        pl.lit(None, pl.Int32).alias(AGE_COLUMN),
    )


def backfilled(lake: Lake, sessions: list[date]) -> Iterator[dict[str, float]]:
    """Make the features of all sessions as the asset does; say after each part how long reading and writing took."""
    history = FeatureHistory.of(lake, sessions[-1], NOW)
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        part = sessions[start : start + SESSIONS_AT_ONCE]
        began = time.perf_counter()
        rows = completed(history.features(part, part))
        made = time.perf_counter()
        for _, month in groupby(part, key=lambda day: (day.year, day.month)):
            days = list(month)
            own = rows.filter(pl.col("session").is_between(days[0], days[-1]))
            lake.write_sessions(DAILY_FEATURES, own, days, known_at=NOW)
        yield {"rows": rows.height, "made": made - began, "written": time.perf_counter() - made}


def new_session(lake: Lake, session: date, known_at: datetime) -> int:
    """Make the features of one session as the asset does."""
    rows = completed(FeatureHistory.of(lake, session, known_at).features([session], [session]))
    return lake.write_sessions(DAILY_FEATURES, rows, [session], known_at=known_at).rows


@pytest.mark.benchmark(group="features through the lake")
def test_backfill_of_three_years(benchmark, tmp_path: Path) -> None:
    lake, sessions = filled_lake(tmp_path, SYMBOLS, FIRST, LAST)
    parts = benchmark.pedantic(lambda: list(backfilled(lake, sessions)), rounds=1)
    total = {name: sum(part[name] for part in parts) for name in parts[0]}
    benchmark.extra_info["rows a second"] = round(total["rows"] / (total["made"] + total["written"]))
    benchmark.extra_info["share of writing"] = round(total["written"] / (total["made"] + total["written"]), 2)
    assert total["rows"] == SYMBOLS * len(sessions)
    assert len(lake.sessions(DAILY_FEATURES)) == len(sessions)


@pytest.mark.benchmark(group="features through the lake")
def test_one_new_session_from_a_checkpoint_costs_less_than_from_the_whole_history(
    benchmark, tmp_path: Path
) -> None:
    lake, sessions = filled_lake(tmp_path, MORE_SYMBOLS, FIRST, LAST)
    newest, month = sessions[-1], [day for day in sessions[-25:] if day.month == sessions[-1].month]
    history = FeatureHistory.of(lake, newest, NOW)  # its month so far is there, and the checkpoint
    lake.write_sessions(DAILY_FEATURES, completed(history.features(month, month)), month, known_at=NOW)
    nothing = pl.DataFrame(schema=DAILY_FEATURES.schema)

    def whole() -> pl.DataFrame:
        bars = lake.scan(DAILY_BARS, end=newest).sort("symbol", "session").collect()
        actions = lake.scan(CORPORATE_ACTIONS, end=newest).collect()
        return build_daily_features(bars, actions, sessions=[newest])

    def seconds(run) -> float:
        began = time.perf_counter()
        run()
        return time.perf_counter() - began

    rows = benchmark.pedantic(
        lambda: new_session(lake, newest, NOW),
        setup=lambda: lake.write_sessions(DAILY_FEATURES, nothing, [newest], known_at=NOW) and None,
        rounds=9,
    )
    assert rows == MORE_SYMBOLS
    carried = min(
        seconds(lambda: FeatureHistory.of(lake, newest, NOW).features([newest], [newest])) for _ in range(5)
    )
    ratio = min(seconds(whole) for _ in range(3)) / carried
    benchmark.extra_info["from the whole history to from the checkpoint, both unwritten"] = round(ratio, 2)
    assert ratio > 1
