"""Seven real tickers that were used again: features, prices and screens of the second instrument are those of it alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.lake.catalog import query as run_sql
from resources.lake.catalog import write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.feature_store.adjusted_bars import read_adjusted_bars
from trading_assets.features.adjust import action_outcomes
from trading_assets.features.build import BENCHMARK, build_daily_features
from trading_assets.screener.evaluate import evaluate
from trading_assets.screener.filters import Comparison, Query, Term
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.sessions import next_session, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS
from trading_assets.tables.table import Table

KNOWN = datetime(2021, 4, 1, tzinfo=UTC)
BEFORE, SINCE = 150, 320  # bars kept on each side of the last long silence
SECOND_BEGAN = {
    "AAA": date(2020, 9, 9), "BNO": date(2010, 6, 2), "EEM": date(2003, 4, 11), "FB": date(2012, 5, 18),
    "QQQ": date(2011, 3, 23), "USO": date(2006, 4, 10), "WM": date(2009, 8, 5),
}  # fmt: skip
PARENT = "IBM"
"""Spins each second company off, so to say: it trades around the seams without a silence."""
FILLED = {"source": "polygon", "source_count": 1, "batch_id": "one"}


class Store(NamedTuple):
    """What a lake holds, and the catalogue over it."""

    lake: Lake
    catalog: Path
    bars: pl.DataFrame
    actions: pl.DataFrame
    features: pl.DataFrame


def kept(raw: pl.DataFrame) -> pl.DataFrame:
    """Return the bars around each seam, and the benchmark's of the same sessions."""
    parts = []
    for symbol, began in SECOND_BEGAN.items():
        own = raw.filter(symbol=symbol)
        parts += [own.filter(pl.col("session") < began).tail(BEFORE), own.filter(pl.col("session") >= began).head(SINCE)]  # fmt: skip
    tickers = pl.concat(parts)
    benchmark = raw.filter(pl.col("symbol") == BENCHMARK).join(tickers, on="session", how="semi")
    around = [pl.col("session").is_between(shift(day, -5), shift(day, 5)) for day in SECOND_BEGAN.values()]
    parent = raw.filter(pl.col("symbol") == PARENT, pl.any_horizontal(around))
    return pl.concat([tickers, benchmark, parent]).sort("symbol", "session")


def planted(bars: pl.DataFrame) -> pl.DataFrame:
    """Plant actions of both companies: before the silence, in it, on the seam and after it, spin-offs among them."""
    rows = []
    for symbol, began in SECOND_BEGAN.items():
        days = bars.filter(symbol=symbol)["session"].to_list()
        seam = days.index(began)
        silent = next_session(days[seam - 1])
        rows += [
            {"symbol": symbol, "ex_date": days[seam - 9], "kind": "split", "split_ratio": 2.0},
            {"symbol": symbol, "ex_date": days[seam - 5], "kind": "cash_dividend", "cash_usd": 0.01},
            {"symbol": symbol, "ex_date": silent, "kind": "split", "split_ratio": 0.1},
            {"symbol": symbol, "ex_date": silent, "kind": "spin_off", "price_factor": 0.5},
            {"symbol": symbol, "ex_date": began, "kind": "split", "split_ratio": 5.0},
            {"symbol": symbol, "ex_date": days[seam + 9], "kind": "split", "split_ratio": 4.0},
            {"symbol": symbol, "ex_date": days[seam + 30], "kind": "spin_off", "price_factor": 0.9},
            {"symbol": symbol, "ex_date": days[seam + 60], "kind": "cash_dividend", "cash_usd": 0.25},
            # the company that was spun off trades under the ticker from the seam on: the earlier one's price is not its worth
            {"symbol": PARENT, "ex_date": began, "kind": "spin_off", "new_symbol": symbol, "share_ratio": 0.01},
        ]  # fmt: skip
    names = [name for name in CORPORATE_ACTIONS.schema if name != "known_at"]
    filled = [dict.fromkeys(names) | {"source": "polygon", "batch_id": "one"} | row for row in rows]
    return pl.DataFrame(filled, schema={name: CORPORATE_ACTIONS.schema[name] for name in names})


def write(lake: Lake, table: Table, rows: pl.DataFrame) -> None:
    lacking = [
        pl.lit(FILLED.get(name), dtype).alias(name)
        for name, dtype in table.schema.items()
        if name not in rows.columns
    ]
    frame = rows.with_columns(lacking).drop("known_at", strict=False)
    days = frame[table.partition_by].unique().sort().to_list()
    lake.write_sessions(
        table,
        frame.select(name for name in table.schema if name != "known_at"),
        days,
        known_at=KNOWN,
    )


def store(folder: Path, bars: pl.DataFrame, actions: pl.DataFrame) -> Store:
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    features = build_daily_features(bars, actions, sessions=bars["session"].unique().sort().to_list())
    for table, rows in ((DAILY_BARS, bars), (CORPORATE_ACTIONS, actions), (DAILY_FEATURES, features)):
        write(lake, table, rows)
    catalog = folder / "trading.duckdb"
    write_catalog(catalog, lake.root, lake.history_root, lake.root / "none", tables=[DAILY_BARS, CORPORATE_ACTIONS])  # fmt: skip
    return Store(lake, catalog, bars, actions, features)


@pytest.fixture(scope="module")
def both(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Both companies of each ticker."""
    raw = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet").sort("symbol", "session")
    bars = kept(raw.with_columns(pl.col("volume").cast(pl.Float64)))
    return store(tmp_path_factory.mktemp("both"), bars, planted(bars))


@pytest.fixture(scope="module")
def alone(both: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The second company alone, and what happened to it."""
    return store(tmp_path_factory.mktemp("alone"), since(both.bars), since(both.actions, "ex_date"))


def since(rows: pl.DataFrame, day: str = "session") -> pl.DataFrame:
    """Return the second instruments' rows, and those of symbols that were never reused."""
    began = pl.col("symbol").replace_strict(SECOND_BEGAN, default=None, return_dtype=pl.Date)
    return rows.filter(began.is_null() | (pl.col(day) >= began))


def of(symbol: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter((pl.col("symbol") == symbol) & (pl.col("session") >= SECOND_BEGAN[symbol])).sort("session")  # fmt: skip


def test_the_recording_is_what_it_was(both: Store, alone: Store) -> None:
    tickers = pl.col("symbol").is_in(list(SECOND_BEGAN))
    firsts = alone.bars.filter(tickers).group_by("symbol").agg(pl.col("session").min())
    assert dict(firsts.iter_rows()) == SECOND_BEGAN
    earlier = both.bars.filter(tickers).height - alone.bars.filter(tickers).height
    assert earlier > 600, "rows of the companies before"


@pytest.mark.parametrize("symbol", SECOND_BEGAN)
def test_features_since_the_seam_are_those_of_the_second_instrument_alone(
    symbol: str, both: Store, alone: Store
) -> None:
    ours = of(symbol, both.features)
    assert ours.height == of(symbol, both.bars).height
    assert ours["price_factor"].n_unique() == 4
    assert_frame_equal(ours, of(symbol, alone.features), check_exact=True)


@pytest.mark.parametrize("symbol", SECOND_BEGAN)
def test_adjusted_prices_in_python_and_in_sql_are_those_of_the_second_instrument_alone(
    symbol: str, both: Store, alone: Store
) -> None:
    columns = ["session", "open", "high", "low", "close", "volume", "price_scale", "share_scale"]
    expected = of(symbol, read_adjusted_bars(alone.lake, [symbol]).bars).select(columns)
    assert expected["price_scale"].n_unique() > 3
    assert_frame_equal(of(symbol, read_adjusted_bars(both.lake, [symbol]).bars).select(columns), expected, check_exact=True)  # fmt: skip
    for stored in (both, alone):
        sql = f"select * from adjusted_bars() where symbol = '{symbol}'"
        assert_frame_equal(of(symbol, run_sql(stored.catalog, sql)).select(columns), expected, rel_tol=1e-12)


def test_each_action_did_the_same_to_its_own_instrument(both: Store, alone: Store) -> None:
    key = ["symbol", "ex_date", "kind"]
    told = action_outcomes(both.bars, both.actions).sort(key)
    assert_frame_equal(
        since(told, "ex_date"), action_outcomes(alone.bars, alone.actions).sort(key), check_exact=True
    )
    silent = told.filter(pl.col("effective_session").is_null())
    assert silent.height == 2 * len(SECOND_BEGAN), "what happened in the silence reaches no bar"
    steps = told.filter(symbol=PARENT)
    closes = both.bars.with_columns(before=pl.col("close").shift().over("symbol"))
    for symbol, began in SECOND_BEGAN.items():
        seam = closes.filter(session=began)
        worth, before = (
            seam.filter(symbol=symbol)["close"].item(),
            seam.filter(symbol=PARENT)["before"].item(),
        )
        step = steps.filter(ex_date=began)["price_step"].item()
        assert step == pytest.approx(1 - 0.01 * worth / before, rel=1e-12)


def looked_back(ago: int) -> Iterator[Query]:
    earlier = Term(field="close", sessions_ago=ago)
    yield Query(where=Comparison(field="close", operator=">", value=earlier))
    yield Query(where=Comparison(field="close", sessions_ago=ago, operator="<", value=30))
    yield Query(where=Comparison(field="volume", operator=">", value=Term(field="volume", sessions_ago=ago)))


@pytest.mark.parametrize(("symbol", "ago"), [("EEM", 100), ("WM", 252), ("WM", 225), ("USO", 30), ("FB", 60)])
def test_screens_look_back_on_the_second_instrument_alone(
    symbol: str, ago: int, both: Store, alone: Store
) -> None:
    days = of(symbol, both.bars)["session"]
    reached = {shift(day, -ago) for day in days.head(ago)} & {*both.bars.filter(symbol=symbol)["session"]}
    assert bool(reached) is (symbol in {"EEM", "WM"}), "rows of the company before lie where the screen looks"
    markets = ScreenerMarket(both.lake), ScreenerMarket(alone.lake)
    for query in looked_back(ago):
        ours, expected = (
            pl.concat(evaluate(query, part).rows for part in market.history(query, days.min(), days.max()))
            for market in markets
        )
        assert of(symbol, ours).select("session", "close").equals(of(symbol, expected).select("session", "close"))  # fmt: skip
        assert of(symbol, ours).filter(pl.col("session") < shift(days[0], ago)).is_empty()
    assert not of(symbol, ours).is_empty(), "the last query finds days on which more was traded"
