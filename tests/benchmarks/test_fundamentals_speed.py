"""Speed of joining fundamentals as known: one session of 10,000 symbols, two years of 5,000, against DuckDB's ASOF JOIN."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from trading_assets.features.ratios import FACT_SCHEMA, SOURCE_COLUMNS, with_fundamentals
from trading_assets.sessions import latest_closed_session, sessions_between

SESSIONS = sessions_between(date(2023, 1, 3), date(2025, 1, 3))[-504:]
NO_ACTIONS = pl.DataFrame(
    schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64}
)
# by date alone, which knows less: the instants are not looked at
RIVAL = """
select r.symbol, r.session, {columns}, r.session - f.session as age
from rows r asof left join facts f on r.symbol = f.symbol and r.session >= f.session
"""


def names(count: int) -> list[str]:
    return [f"S{number:05d}" for number in range(count)]


def weekly(symbols: int, weeks: int, last: date) -> pl.DataFrame:
    random = np.random.default_rng(1)
    frames = []
    for week in range(weeks):
        saturday = datetime.combine(last, time(14), UTC) - timedelta(days=7 * week + (last.weekday() + 2) % 7)
        dated = latest_closed_session(saturday)
        values = {name: random.uniform(1, 50, symbols) for name in SOURCE_COLUMNS}
        stamps = {"session": dated, "known_at": saturday, "price_usd": 20.0, "quoted_on": dated}
        told = pl.DataFrame({"symbol": names(symbols), **values}).with_columns(
            superseded_at=None, **{name: pl.lit(value) for name, value in stamps.items()}
        )
        frames.append(told.select(pl.col(name).cast(dtype) for name, dtype in FACT_SCHEMA.items()))
    return pl.concat(frames)


@pytest.fixture(scope="module", params=[(10_000, 1, 2), (5_000, 504, 104)], ids=["one session", "two years"])
def market(request):
    symbols, sessions, weeks = request.param
    days = pl.DataFrame({"session": SESSIONS[-sessions:]})
    rows = pl.DataFrame({"symbol": names(symbols)}).join(days, how="cross").with_columns(close=25.0)
    return rows, weekly(symbols, weeks, SESSIONS[-1])


@pytest.mark.benchmark(group="fundamentals")
def test_ours(benchmark, market):
    rows, facts = market
    joined = benchmark.pedantic(with_fundamentals, args=(rows, facts, NO_ACTIONS), rounds=5, warmup_rounds=1)
    assert joined["pe"].null_count() < joined.height / 50


@pytest.mark.benchmark(group="fundamentals")
def test_duckdb(benchmark, market):
    rows, facts = market
    database = duckdb.connect()
    database.register("rows", rows.to_arrow())
    database.register("facts", facts.to_arrow())
    moved = ", ".join(f"{name} * r.close / f.price_usd as {name}" for name in SOURCE_COLUMNS)
    query = RIVAL.format(columns=moved)
    joined = benchmark.pedantic(lambda: database.sql(query).pl(), rounds=5, warmup_rounds=1)
    assert joined.height == rows.height
