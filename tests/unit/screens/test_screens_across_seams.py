"""Screens of a ticker that is used again: an earlier value is the same instrument's, or missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.features.build import BENCHMARK, build_daily_features
from trading_assets.features.seams import SILENCE, newest_instruments
from trading_assets.screener.evaluate import evaluate
from trading_assets.screener.filters import And, Comparison, Query, Term
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.screens.stored_seams import stored_seams
from trading_assets.sessions import sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES

DAYS = sessions_between(date(2023, 6, 1), date(2024, 6, 28))
KNOWN = datetime(2024, 7, 1, tzinfo=UTC)
SEAM = 150
AGO = 40
GREW = Query(where=Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=AGO)))
WAS_CHEAP = Query(where=Comparison(field="close", sessions_ago=AGO, operator="<", value=20))
ACTIONS = pl.DataFrame(
    schema={
        "symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64, "cash_usd": pl.Float64,
        "new_symbol": pl.String, "share_ratio": pl.Float64, "price_factor": pl.Float64,
    }
)  # fmt: skip


def traded(missing_sessions: int) -> list[date]:
    return [day for place, day in enumerate(DAYS) if not SEAM - missing_sessions <= place < SEAM]


def bars_of(paths: dict[str, list[date]]) -> pl.DataFrame:
    """Ten dollars until the silence, fifty since."""
    rows = [
        {"symbol": symbol, "session": day, "close": 50.0 if day >= DAYS[SEAM] else 10.0}
        for symbol, days in sorted(paths.items())
        for day in days
    ]
    price = pl.col("close")
    return pl.DataFrame(rows).with_columns(open=price, high=price, low=price, volume=pl.lit(1e6))


def stored(lake: Lake, table, rows: pl.DataFrame) -> None:
    lacking = {"source": "polygon", "source_count": 1, "batch_id": "one"}
    frame = rows.with_columns(
        pl.lit(lacking.get(name), dtype).alias(name)
        for name, dtype in table.schema.items()
        if name not in rows.columns and name != "known_at"
    ).select(name for name in table.schema if name != "known_at")
    lake.write_sessions(table, frame, DAYS, known_at=KNOWN)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """USED was silent for a month and a half, HALT for nearly a month, SPY for as long as USED."""
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    bars = bars_of({"USED": traded(32), "HALT": traded(18), "ON": DAYS, BENCHMARK: traded(32)})
    stored(lake, DAILY_BARS, bars)
    stored(lake, DAILY_FEATURES, build_daily_features(bars, ACTIONS, sessions=DAYS))
    return lake


def screened(market: ScreenerMarket, query: Query, session: date, as_of: datetime | None = None):
    found = evaluate(query, market.load(query, session, as_of=as_of))
    return sorted(found.rows["symbol"]), found.undecided


@pytest.mark.parametrize("as_of", [None, KNOWN])
def test_an_earlier_price_is_the_same_instruments_or_missing(lake, as_of):
    market = ScreenerMarket(lake)
    day = DAYS[SEAM + 5]
    assert DAYS[SEAM + 5 - AGO] in traded(32), "a row of the earlier company is there to be mistaken"
    assert screened(market, GREW, day, as_of) == (["HALT", "ON", BENCHMARK], 1)
    assert screened(market, WAS_CHEAP, day, as_of) == (["HALT", "ON", BENCHMARK], 1)
    assert screened(market, GREW, DAYS[SEAM + AGO], as_of) == ([], 0), "its own first bar"


def test_a_condition_that_the_session_decides_needs_no_earlier_row_of_the_instrument(lake):
    near = Comparison(field="close", operator=">", value=20)
    query = Query(where=And(filters=(near, GREW.where)))
    market = ScreenerMarket(lake)
    assert screened(market, query, DAYS[SEAM + 5])[0] == ["HALT", "ON", BENCHMARK]
    assert "USED" in screened(market, Query(where=near), DAYS[SEAM + 5])[0]


def test_ranges_years_and_counts_find_what_each_session_finds(lake):
    market = ScreenerMarket(lake)
    days = DAYS[SEAM - 3 : SEAM + AGO + 3]
    assert {day.year for day in days} == {2024}
    start, end = DAYS[100], DAYS[-1]
    for query in (GREW, WAS_CHEAP):
        each = {day: screened(market, query, day)[0] for day in sessions_between(start, end)}
        whole = evaluate(query, market.load_range([query], days)).rows
        assert {day: sorted(whole.filter(session=day)["symbol"]) for day in days} == {
            day: each[day] for day in days
        }
        years = pl.concat(evaluate(query, part).rows for part in market.history(query, start, end))
        assert {day: sorted(years.filter(session=day)["symbol"]) for day in each} == each
        counted = dict(market.matches(query, start, end).select("session", "matched").iter_rows())
        assert counted == {day: len(found) for day, found in each.items()}


def test_seams_are_found_wherever_a_range_begins_and_the_benchmark_has_none(lake):
    seam = [("USED", DAYS[SEAM])]
    assert stored_seams(lake, DAYS[0], DAYS[-1]).rows() == seam
    last = traded(32)[SEAM - 33]
    assert DAYS[SEAM] - last > SILENCE
    assert stored_seams(lake, last, DAYS[SEAM]).rows() == seam
    assert stored_seams(lake, shift(last, 1), DAYS[-1]).is_empty(), "the silence began before the range"
    assert stored_seams(lake, DAYS[0], DAYS[-1], as_of=datetime(2024, 6, 1, tzinfo=UTC)).is_empty()


def test_a_silence_that_becomes_known_is_seen_by_a_market_that_is_kept(tmp_path):
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    for days in (DAYS, traded(32)):
        bars = bars_of({"USED": days})
        stored(lake, DAILY_BARS, bars)
        stored(lake, DAILY_FEATURES, build_daily_features(bars, ACTIONS, sessions=DAYS))
        if days is DAYS:
            market = ScreenerMarket(lake)
            assert screened(market, GREW, DAYS[SEAM + 5]) == (["USED"], 0)
    assert screened(market, GREW, DAYS[SEAM + 5]) == ([], 1)


def test_the_newest_instrument_is_what_follows_the_last_seam():
    twice = [day for place, day in enumerate(DAYS) if not (40 <= place < 80 or 120 <= place < SEAM)]
    bars = bars_of({"A": DAYS, "B": twice, "C": traded(18), "D": twice[:60]}).sort("symbol", "session")
    newest = newest_instruments(bars).group_by("symbol", maintain_order=True).agg(pl.col("session"))
    assert dict(newest.iter_rows()) == {
        "A": DAYS,
        "B": DAYS[SEAM:],
        "C": traded(18),
        "D": DAYS[80:100],
    }
    assert newest_instruments(bars.filter(symbol="A")).equals(bars.filter(symbol="A"))
