"""Speed of all checks of the bars: one session of 10,000 symbols, and 126 sessions of the real market, against consolidating them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.quality.checked import LOOK_BACK_SESSIONS, CheckedBars
from trading_assets.quality.checks import check_sessions
from trading_assets.quality.consolidate import consolidate
from trading_assets.sessions import sessions_between

SESSIONS = sessions_between(date(2016, 5, 2), date(2016, 6, 30))[-LOOK_BACK_SESSIONS - 1 :]
SOURCES = ("polygon", "yahoo", "alpaca")
SYMBOLS = 10_000


def drawn() -> pl.DataFrame:
    random = np.random.default_rng(1)
    base, symbols = random.uniform(5, 200, SYMBOLS), [f"S{number:05d}" for number in range(SYMBOLS)]
    days = []
    for session in SESSIONS:
        close = base * np.exp(random.normal(0, 0.02, SYMBOLS))
        start = close * np.exp(random.normal(0, 0.005, SYMBOLS))
        high, low = np.maximum(start, close) * 1.01, np.minimum(start, close) * 0.99
        volume = random.lognormal(12, 0.4, SYMBOLS).round()
        bars = {
            "symbol": symbols,
            "open": start,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "vwap": close,
        }
        days.append(
            pl.DataFrame(bars).with_columns(
                session=pl.lit(session), trade_count=pl.lit(100, pl.Int64), batch_id=pl.lit("b")
            )
        )
    return pl.concat(days)


def test_the_checks_of_one_session_of_ten_thousand_symbols(benchmark):
    bars, last = drawn(), SESSIONS[-1]
    result = consolidate(dict.fromkeys(SOURCES, bars), priority=SOURCES, sessions=SESSIONS)
    today = pl.col("session") == last
    reported = [
        bars.filter(today).select("symbol", "session", "volume").with_columns(source=pl.lit(s))
        for s in SOURCES
    ]
    nothing = pl.lit(None, pl.Date)

    def judge() -> list[object]:
        checked = CheckedBars(
            result.bars.filter(today),
            result.quarantined,
            [last],
            before=result.bars.filter(~today),
            universe=bars.filter(today)
            .select("symbol", "session")
            .with_columns(status=pl.lit("active"), listed_date=nothing, delisted_date=nothing),
            vendor=pl.concat(reported),
        )
        return check_sessions(checked)

    outcomes = benchmark.pedantic(judge, rounds=5, warmup_rounds=1)
    assert all(outcome.passed for outcome in outcomes)


@pytest.mark.parametrize("work", ["consolidate", "check"])
def test_half_a_year_of_the_whole_market(benchmark, shared_data, work):
    sessions = sessions_between(date(2015, 3, 20), date(2016, 6, 30))[:126]
    bars = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .filter(pl.col("session") <= sessions[-1])
        .collect()
        .sort("symbol", "session", "known_on")
        .unique(["symbol", "session"], keep="first", maintain_order=True)
        .select("symbol", "session", "open", "high", "low", "close", pl.col("volume").cast(pl.Float64))
        .with_columns(
            vwap=pl.lit(None, pl.Float64), trade_count=pl.lit(None, pl.Int64), batch_id=pl.lit("file")
        )
    )

    def run() -> object:
        return consolidate({"yahoo": bars}, priority=("yahoo",), sessions=sessions)

    result = run()

    def judge() -> object:
        return check_sessions(CheckedBars(result.bars, result.quarantined, sessions))

    done = benchmark.pedantic(run if work == "consolidate" else judge, rounds=3, warmup_rounds=1)
    assert done
