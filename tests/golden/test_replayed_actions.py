"""Dividends and splits that a replayed file's adjusted closes stand for: those of a published table, and of another vendor."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from trading_assets.sessions import next_session
from trading_assets.simulator.market.replay import ReplayMarket
from trading_assets.simulator.market.tape import publication

LATER = datetime(2030, 1, 1, tzinfo=UTC)
REUSED = (
    "AAA",
    "WMI",
    "WM",
    "QQQ",
    "USO",
    "FB",
    "EEM",
    "BNO",
)  # other companies' rows under the ticker, or none of its own
CLASS_C = (
    "GOOG",
    date(2015, 4, 27),
)  # 1.0027455 of a share: a ratio that no split uses is told by its worth in cash
BAC_FROM = date(1998, 9, 2)  # before, the table's prices are the acquirer's


@pytest.fixture(scope="module")
def published(shared_data: Path) -> pl.DataFrame:
    """The known actions: ``symbol, ex_date, ratio, cash``; a day's dividend and split are one row each."""
    table = pl.read_csv(shared_data / "adjustment_factors_1998_2021.csv", try_parse_dates=True)
    rows = table.sort("symbol", "last_session").with_columns(
        price_step=pl.col("price_factor") / pl.col("price_factor").shift(-1).over("symbol"),
        ratio=(pl.col("split_factor").shift(-1) / pl.col("split_factor")).over("symbol"),
    )
    steps = rows.filter(pl.col("last_session") < date(2021, 3, 31)).with_columns(
        ex_date=pl.col("last_session").map_elements(next_session, return_dtype=pl.Date),
        cash=pl.col("reference_price") * (1 - pl.col("price_step")),
    )
    return steps.filter((pl.col("price_step") != 1) | (pl.col("ratio") != 1))


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> pl.DataFrame:
    """Raw bars of 23 years with the closes as they were adjusted at the end."""
    raw = pl.read_parquet(shared_data / "us_daily_raw_1998_2021.parquet")
    table = pl.read_csv(shared_data / "adjustment_factors_1998_2021.csv", try_parse_dates=True)
    kept = ~pl.col("symbol").is_in(list(REUSED)) & (
        (pl.col("symbol") != "BAC") | (pl.col("session") >= BAC_FROM)
    )
    scaled = raw.filter(kept).sort("session").join_asof(
        table.sort("last_session"), left_on="session", right_on="last_session", by="symbol", strategy="forward",
        check_sortedness=False,
    )  # fmt: skip
    adjusted = pl.col("close") * pl.col("price_factor") * pl.col("split_factor")
    return scaled.with_columns(adj_close=adjusted).select([*raw.columns, "adj_close"])


def replayed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    frame.write_parquet(path)
    market = ReplayMarket(path)
    assert market.unread == ()
    found = market.actions(date(1990, 1, 1), LATER.date(), known_at=LATER)
    rows = [(a.symbol, a.ex_date, a.split_ratio, a.cash_usd, a.known_at) for a in found]
    schema = {"symbol": pl.String, "ex_date": pl.Date, "ratio": pl.Float64, "cash": pl.Float64, "known_at": pl.Datetime("us", "UTC")}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row").sort("symbol", "ex_date")


def known(published: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    spans = bars.group_by("symbol").agg(first=pl.col("session").min(), last=pl.col("session").max())
    inside = published.join(spans, on="symbol").filter(
        pl.col("last_session") >= pl.col("first"), pl.col("last_session") < pl.col("last")
    )
    return inside.sort("symbol", "ex_date")


@pytest.mark.parametrize("collected", ["without known_on", "on one day", "on one day of each year"])
def test_adjusted_closes_of_one_day_give_the_published_dividends_and_splits(
    collected: str, recorded: pl.DataFrame, published: pl.DataFrame, tmp_path: Path
) -> None:
    frame = recorded.with_columns(pl.col("adj_close").round(6))
    if collected == "on one day":
        frame = frame.with_columns(known_on=pl.lit(date(2021, 4, 1)))
    if collected == "on one day of each year":  # each collection has the history so far, in its own scale
        frame = pl.concat(vintage(frame, date(year, 12, 31)) for year in (2004, 2012, 2020))
    found = replayed(frame.sample(fraction=1, shuffle=True, seed=1), tmp_path / "bars.parquet")
    expected = known(published, frame)
    assert found.select("symbol", "ex_date").equals(expected.select("symbol", "ex_date"))
    both = found.join(expected, on=["symbol", "ex_date"], suffix="_told")
    is_class_c = (pl.col("symbol") == CLASS_C[0]) & (pl.col("ex_date") == CLASS_C[1])
    assert both.filter(is_class_c)["cash"].to_list() == [pytest.approx(565.06 * (1 - 1 / 1.0027), abs=0.05)]
    both = both.filter(~is_class_c)
    splits = both.filter(pl.col("ratio_told") != 1)
    assert splits.height >= 4
    assert splits.filter((pl.col("ratio") / pl.col("ratio_told") - 1).abs() > 1e-3).is_empty()
    paid = both.filter(pl.col("ratio_told") == 1)
    assert paid.height > 300
    assert paid["ratio"].null_count() == paid.height
    wrong = paid.filter((pl.col("cash") - pl.col("cash_told")).abs() > 0.0005)
    assert wrong.is_empty(), wrong
    days = {date(2004, 12, 31), date(2012, 12, 31), date(2020, 12, 31), date(2021, 4, 1)}
    if collected == "without known_on":
        days = {*found["ex_date"]}
    assert {*found["known_at"]} <= {publication(day) for day in days}


def vintage(frame: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return what a vendor would have sent on a day: rows up to it, in whose scale the adjusted closes are."""
    seen = frame.filter(pl.col("session") <= day).sort("symbol", "session")
    last = (pl.col("adj_close") / pl.col("close")).last().over("symbol")
    return seen.with_columns(adj_close=(pl.col("adj_close") / last).round(6), known_on=pl.lit(day))


def test_closes_adjusted_to_the_cent_give_what_the_cent_shows_and_nothing_else(
    recorded: pl.DataFrame, published: pl.DataFrame, tmp_path: Path
) -> None:
    recent = recorded.filter(pl.col("session") >= date(2012, 1, 3)).with_columns(pl.col("adj_close").round(2))
    found = replayed(recent, tmp_path / "bars.parquet")
    expected = known(published, recent)
    both = found.join(expected, on=["symbol", "ex_date"], suffix="_told")
    assert both.height == found.height, "nothing is invented"
    assert both.height > 0.97 * expected.height
    closes = recent.select("symbol", "adj_close", last_session="session", before="close")
    paid = both.filter(pl.col("ratio").is_null(), pl.col("ratio_told") == 1).join(
        closes, on=["symbol", "last_session"]
    )
    # a cent of the adjusted close, which is in the scale of later splits, is so much of what was paid
    cent = 0.01 * pl.col("before") / pl.col("adj_close")
    assert paid.height > 200
    assert paid.filter((pl.col("cash") - pl.col("cash_told")).abs() > cent + 0.005).is_empty()
    splits = both.filter(pl.col("ratio_told") != 1).select("symbol", "ex_date", "ratio")
    assert (date(2020, 8, 31), 4.0) in splits.filter(symbol="AAPL").select("ex_date", "ratio").rows()
    assert (date(2014, 6, 9), 7.0) in splits.filter(symbol="AAPL").select("ex_date", "ratio").rows()


def test_closes_collected_day_by_day_give_the_dividends_that_another_vendor_publishes(
    shared_data: Path, published: pl.DataFrame, tmp_path: Path
) -> None:
    names = ["AAPL", "AIG", "BAC", "IBM", "SPY", "IWM"]
    collected = pl.read_parquet(shared_data / "us_daily_2015_2017.parquet").filter(
        pl.col("symbol").is_in(names)
    )
    found = replayed(collected, tmp_path / "bars.parquet")
    expected = known(published, collected)
    assert found.height > 30
    assert found.join(expected, on=["symbol", "ex_date"], how="anti").is_empty()
    missing = expected.join(found, on=["symbol", "ex_date"], how="anti").select("symbol", "ex_date").rows()
    assert missing == [("AIG", date(2016, 9, 13))], "on which this vendor collected no restated row"
    both = found.join(expected, on=["symbol", "ex_date"], suffix="_told")
    assert both.filter((pl.col("cash") - pl.col("cash_told")).abs() > 0.006).is_empty()
