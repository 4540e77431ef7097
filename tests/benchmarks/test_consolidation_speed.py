"""Speed of judging and consolidating the whole market: 321 sessions of some 6,100 symbols, one source and three."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.quality.consolidate import consolidate
from trading_assets.sessions import sessions_between

SOURCES = ("polygon", "yahoo", "alpaca")
START, END = date(2015, 3, 20), date(2016, 6, 30)


@pytest.fixture(scope="module")
def market(shared_data) -> pl.DataFrame:
    key = pl.struct("symbol", "session")
    return (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .filter(pl.col("known_on") <= END)
        .filter(key.ne_missing(key.shift(-1)))
        .select("symbol", "session", "open", "high", "low", "close", pl.col("volume").cast(pl.Float64))
        .with_columns(
            vwap=pl.lit(None, pl.Float64), trade_count=pl.lit(None, pl.Int64), batch_id=pl.lit("file")
        )
        .collect()
    )


@pytest.mark.parametrize("sources", [1, 3])
def test_consolidation_of_the_whole_market(benchmark, market, sources):
    frames = dict.fromkeys(SOURCES[:sources], market)
    sessions = sessions_between(START, END)
    result = benchmark.pedantic(
        consolidate,
        args=(frames,),
        kwargs={"priority": SOURCES, "sessions": sessions},
        rounds=3,
        warmup_rounds=1,
    )
    assert result.bars.height > 1_900_000
