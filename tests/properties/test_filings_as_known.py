"""Real filings over real prices: no row knows one before the day it was seen, and each knows the newest then.

10-Q and 10-K facts of 2015 to 2017 with the day on which a collector saw them, joined by the product's function. A fact is
dated by the end of its period, weeks before anyone knew it: only ``known_at`` keeps it from the rows in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.features.ratios import FACT_SCHEMA, OLDEST_DAYS, with_fundamentals
from trading_assets.sessions import next_session, session_open, sessions_between, shift

SESSIONS = sessions_between(date(2015, 3, 23), date(2017, 3, 30))
COUNT = 240
AMENDED = 140
RATIOS = ["pe", "margin", "fundamentals_age_days"]
NO_ACTIONS = pl.DataFrame(
    schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64}
)
numbers = st.integers(0, COUNT - 1)
days = st.sampled_from(SESSIONS)


def seen_at(known_on: date) -> datetime:
    return datetime.combine(known_on, time(23), UTC)  # the collector ran in the evening


def stated(filings: Iterable[dict]) -> tuple[date, float | None, float | None] | None:
    """Return period end, earnings per share of four quarters, and margin of the newest period of what is known."""
    newest = {(filing["fiscal_year"], filing["period_focus"]): filing for filing in filings}
    if not newest:
        return None
    last = max(newest.values(), key=lambda filing: filing["end_date"])
    year, focus = last["fiscal_year"], last["period_focus"]
    quarters = [] if focus == "FY" else [f"Q{number}" for number in range(1, int(focus[1]) + 1)]
    parts = [(1, (year if focus == "FY" else year - 1, "FY"))]
    parts += [(sign, (year - back, quarter)) for quarter in quarters for sign, back in ((1, 0), (-1, 1))]
    eps = [(sign, newest.get(period, {}).get("eps_diluted")) for sign, period in parts]
    earned = None if any(value is None for _, value in eps) else sum(sign * value for sign, value in eps)
    margin = last["net_income"] / last["revenues"] if last["net_income"] and last["revenues"] else None
    return last["end_date"], earned, margin


def versions(symbol: str, filings: list[dict]) -> list[dict]:
    """Return what was stated after each day on which something was filed; the same period again replaces."""
    written: list[dict] = []
    for known_on in sorted({filing["known_on"] for filing in filings}):
        dated, earned, margin = stated(filing for filing in filings if filing["known_on"] <= known_on)
        if written and written[-1]["session"] == dated:
            written[-1]["superseded_at"] = seen_at(known_on)
        # the ratio at a price of one dollar: at any other it is the price over the earnings
        known = {"trailing_pe": 1 / earned if earned and earned > 0 else None, "profit_margin_frac": margin}
        stamp = {"symbol": symbol, "session": dated, "known_at": seen_at(known_on), "quoted_on": known_on}
        written.append(stamp | known | {"price_usd": 1.0})
    return written


@pytest.fixture(scope="module")
def market(shared_data):
    """Filings by symbol, versions of facts, and rows with their ratios."""
    filed = pl.read_parquet(shared_data / "us_filings_2015_2017.parquet").filter(
        pl.col("end_date") <= pl.col("known_on"), pl.col("eps_diluted").is_not_null()
    )
    often = filed.group_by("symbol").len().filter(pl.col("len").is_between(7, 24))["symbol"].sort()
    amended = filed.filter("amend")["symbol"].unique().sort()
    bars = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .select("symbol", "session", "known_on", "close")
        .filter(pl.col("session").is_in(SESSIONS), pl.col("close") > 0)
        .filter(pl.col("symbol").is_in(pl.concat([often, amended]).unique().to_list()))
        .sort("symbol", "session", "known_on")
        .group_by("symbol", "session", maintain_order=True)
        .agg(pl.col("close").last())
        .collect()
    )
    traded = bars["symbol"].unique()
    chosen = amended.filter(amended.is_in(traded.to_list()))[:AMENDED].to_list()
    chosen += often.filter(often.is_in(traded.to_list()) & ~often.is_in(chosen)).gather_every(7).to_list()
    chosen = chosen[:COUNT]
    columns = ["symbol", "end_date", "known_on", "amend", "fiscal_year", "period_focus", "eps_diluted", "net_income", "revenues"]  # fmt: skip
    ours = filed.filter(pl.col("symbol").is_in(chosen)).select(columns).sort("known_on", maintain_order=True)
    filings: dict[str, list[dict]] = {symbol: [] for symbol in chosen}
    for filing in ours.iter_rows(named=True):
        filings[filing["symbol"]].append(filing)
    facts = pl.DataFrame(
        [version for symbol in chosen for version in versions(symbol, filings[symbol])], schema=FACT_SCHEMA
    )
    rows = bars.filter(pl.col("symbol").is_in(chosen))
    return filings, facts, with_fundamentals(rows, facts, NO_ACTIONS)


@given(number=numbers, session=days)
def test_each_row_knows_the_newest_filing_seen_before_the_next_opening(market, number, session):
    filings, _, joined = market
    symbol = list(filings)[number]
    seen = [filing for filing in filings[symbol] if filing["known_on"] < next_session(session)]
    known = stated(seen)
    for row in joined.filter(pl.col("symbol") == symbol, pl.col("session") == session).iter_rows(named=True):
        if known is None or known[0] > session or (session - known[0]).days > OLDEST_DAYS:
            assert [row[name] for name in RATIOS] == [None] * 3
        else:
            dated, earned, margin = known
            expected = row["close"] / earned if earned and earned > 0 else None
            assert row["pe"] == (None if expected is None else pytest.approx(expected, rel=1e-12))
            assert (row["margin"], row["fundamentals_age_days"]) == (margin, (session - dated).days)


@given(first=numbers, last=days)
def test_what_was_seen_later_changes_no_row(market, first, last):
    filings, facts, joined = market
    symbols = list(filings)[first : first + 15]
    until = session_open(next_session(last))
    past = facts.filter(pl.col("symbol").is_in(symbols), pl.col("known_at") < until).with_columns(
        superseded_at=pl.when(pl.col("superseded_at") < until).then("superseded_at")
    )
    before = joined.filter(pl.col("symbol").is_in(symbols), pl.col("session") <= last)
    assert_frame_equal(
        with_fundamentals(before.select("symbol", "session", "close"), past, NO_ACTIONS), before
    )


def test_no_filing_is_known_between_the_end_of_its_period_and_the_day_it_was_seen(market):
    _, facts, joined = market
    firsts = facts.group_by("symbol", "session").agg(pl.col("known_at").min())
    known = joined.filter(pl.col("fundamentals_age_days").is_not_null()).with_columns(
        dated=pl.col("session").dt.offset_by("-" + pl.col("fundamentals_age_days").cast(pl.String) + "d")
    )
    both = known.join(firsts, left_on=["symbol", "dated"], right_on=["symbol", "session"])
    assert both.height == known.height > 30_000
    late = (both["session"] - both["known_at"].dt.date()).dt.total_days()
    assert late.min() >= -3  # seen over a weekend, before Monday's opening
    assert (
        facts.select((pl.col("known_at").dt.date() - pl.col("session")).dt.total_days().median()).item() > 25
    )


def test_an_amendment_replaces_what_was_filed_from_the_day_it_was_seen(market):
    filings, facts, joined = market
    replaced = []
    for old, new in zip(facts.iter_rows(named=True), facts[1:].iter_rows(named=True), strict=False):
        seen = [filing for filing in filings[new["symbol"]] if seen_at(filing["known_on"]) == new["known_at"]]
        margins = [old["profit_margin_frac"], new["profit_margin_frac"]]
        if old["superseded_at"] is None or margins[0] == margins[1] or not any(one["amend"] for one in seen):
            continue
        first = next(day for day in SESSIONS if session_open(next_session(day)) > new["known_at"])
        if (first - new["session"]).days > OLDEST_DAYS:
            continue
        around = joined.filter(
            pl.col("symbol") == new["symbol"], pl.col("session").is_in([shift(first, -1), first])
        )
        assert around["margin"].to_list() == margins[-around.height :]
        replaced += [new["symbol"]] if around.height == 2 else []
    assert len(replaced) >= 4


def test_netflix_is_as_dear_on_the_day_of_its_split_as_the_day_before(shared_data):
    # seven for one on 2015-07-15; the filing of April is in old shares, the one of July in new ones
    filed = (
        pl.read_parquet(shared_data / "us_filings_2015_2017.parquet").filter(symbol="NFLX").sort("known_on")
    )
    (april, old), (july, new) = filed.select("known_on", "eps_diluted").rows()[:2]
    stamps = [{"symbol": "NFLX", "session": day, "known_at": seen_at(day), "quoted_on": day} for day in (april, july)]  # fmt: skip
    facts = pl.DataFrame(
        [stamp | {"trailing_pe": 1 / eps, "price_usd": 1.0} for stamp, eps in zip(stamps, (old, new), strict=True)],
        schema=FACT_SCHEMA,
    )  # fmt: skip
    rows = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .filter(
            pl.col("symbol") == "NFLX", pl.col("session").is_between(date(2015, 7, 14), date(2015, 7, 17))
        )
        .sort("session", "known_on")
        .group_by("symbol", "session", maintain_order=True)
        .agg(pl.col("close").last())
        .collect()
    )
    split = pl.DataFrame([("NFLX", date(2015, 7, 15), "split", 7.0)], schema=NO_ACTIONS.schema, orient="row")
    found = with_fundamentals(rows, facts, split)
    closes = rows["close"].to_list()
    expected = [closes[0] / old, *(close / (old / 7) for close in closes[1:3]), closes[3] / new]
    assert found["pe"].to_list() == pytest.approx(expected, rel=1e-12)
    assert found["pe"][1] / found["pe"][0] == pytest.approx(1.0, abs=0.03)
