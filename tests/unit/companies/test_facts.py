"""Facts of the ratios from the lake: versions of snapshots with the vendor's price, and what was known at an instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.companies.facts import fundamental_facts
from trading_assets.features.ratios import with_fundamentals
from trading_assets.sessions import session_close, session_open, sessions_between
from trading_assets.tables.companies import KEY_STATISTICS, MARKET_DATA
from trading_assets.tables.listings import CORPORATE_ACTIONS

FIRST, SECOND, THIRD = date(2024, 4, 26), date(2024, 5, 3), date(2024, 5, 10)
MONDAY_NOON = datetime(2024, 5, 6, 16, tzinfo=UTC)
NO_ACTIONS = pl.DataFrame(schema=CORPORATE_ACTIONS.schema)
SESSIONS = sessions_between(date(2024, 4, 24), date(2024, 5, 15))


def saturday(dated: date) -> datetime:
    return session_close(dated) + timedelta(hours=17)


def take(lake: Lake, dated: date, known_at: datetime, *, price: float = 100.0, **ratios: float) -> None:
    for table, column, values in (
        (KEY_STATISTICS, "trailing_pe", ratios),
        (MARKET_DATA, "price_usd", dict.fromkeys(ratios, price)),
    ):
        told = pl.DataFrame(
            [
                {"symbol": symbol, "session": dated, column: value, "batch_id": "yahoo-companies-0"}
                | ({"quoted_at": session_close(dated)} if table is MARKET_DATA else {})
                for symbol, value in values.items()
            ],
            schema={name: dtype for name, dtype in table.schema.items() if name != "known_at"},
        )
        lake.write_sessions(table, told, [dated], known_at=known_at)


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    take(lake, FIRST, saturday(FIRST), A=10.0, GONE=30.0)
    take(lake, SECOND, saturday(SECOND), A=20.0, OUT=40.0)
    take(lake, THIRD, saturday(THIRD), A=25.0)
    return lake


def rows(sessions=SESSIONS) -> pl.DataFrame:
    symbols = pl.DataFrame({"symbol": ["A", "GONE", "OUT"]})
    return symbols.join(pl.DataFrame({"session": sessions}), how="cross").with_columns(close=100.0)


def ratios(lake: Lake, sessions=SESSIONS, **options) -> pl.DataFrame:
    facts = fundamental_facts(lake, sessions[0], sessions[-1], **options)
    known_by = options.get("known_by", "next_open")
    return with_fundamentals(rows(sessions), facts, NO_ACTIONS, known_by=known_by)


def pe(found: pl.DataFrame, symbol: str) -> dict[date, float]:
    return dict(found.filter(symbol=symbol).drop_nulls("pe").select("session", "pe").iter_rows())


@pytest.mark.parametrize("known_by", ["next_open", "open"])
@pytest.mark.parametrize("again", [MONDAY_NOON, session_open(MONDAY_NOON.date())])
def test_one_session_alone_knows_what_it_knows_within_a_range(lake, known_by, again):
    take(lake, SECOND, again, A=21.0, price=120.0)
    take(lake, date(2024, 5, 6), session_open(date(2024, 5, 7)), A=23.0)
    whole = ratios(lake, known_by=known_by)
    for session in SESSIONS:
        alone = ratios(lake, [session], known_by=known_by)
        assert_frame_equal(alone, whole.filter(session=session))


def test_one_session_reads_what_no_newer_snapshot_has_replaced(lake):
    facts = fundamental_facts(lake, THIRD, THIRD)
    read = facts.select("symbol", "session").sort("symbol").rows()
    assert read == [("A", THIRD), ("GONE", FIRST), ("OUT", SECOND)]
    assert facts["quoted_on"].sort().to_list() == [FIRST, SECOND, THIRD]


def test_a_snapshot_taken_again_leaves_the_rows_that_knew_the_first_one(lake):
    before = ratios(lake)
    take(lake, SECOND, MONDAY_NOON, A=21.0, price=120.0)
    after = ratios(lake)
    changed = before.filter(before["pe"].ne_missing(after["pe"])).group_by("symbol").agg("session")
    monday = MONDAY_NOON.date()
    assert {symbol: set(days) for symbol, days in changed.iter_rows()} == {
        "A": {day for day in SESSIONS if monday <= day < THIRD},
        "OUT": {day for day in SESSIONS if monday <= day},  # the second one has nothing about it any more
    }
    assert pe(after, "A")[monday] == pytest.approx(21.0 * 100 / 120)
    assert set(pe(after, "OUT")) == {SECOND}


@pytest.mark.parametrize("then", [saturday(FIRST), saturday(SECOND), MONDAY_NOON, saturday(THIRD)])
def test_as_of_an_instant_only_what_was_known_then_is_read(lake, tmp_path, then):
    take(lake, SECOND, MONDAY_NOON, A=21.0, price=120.0)
    as_it_was = Lake(tmp_path / "then", FileLocks(tmp_path / "locks"))
    for dated, known_at, told in (
        (FIRST, saturday(FIRST), {"A": 10.0, "GONE": 30.0}),
        (SECOND, saturday(SECOND), {"A": 20.0, "OUT": 40.0}),
        (SECOND, MONDAY_NOON, {"A": 21.0, "price": 120.0}),
        (THIRD, saturday(THIRD), {"A": 25.0}),
    ):
        if known_at <= then:
            take(as_it_was, dated, known_at, **told)
    assert_frame_equal(ratios(lake, as_of=then), ratios(as_it_was))


def test_a_quote_that_is_told_again_with_new_ratios_is_still_their_price(lake):
    take(lake, THIRD, session_open(date(2024, 5, 13)) + timedelta(hours=1), A=26.0)
    [found] = fundamental_facts(lake, THIRD, SESSIONS[-1]).filter(trailing_pe=26.0).to_dicts()
    assert (found["price_usd"], found["quoted_on"]) == (100.0, THIRD)


def test_without_snapshots_there_are_no_facts_and_no_ratios(tmp_path):
    empty = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    assert fundamental_facts(empty, FIRST, THIRD).is_empty()
    assert ratios(empty)["pe"].null_count() == rows().height
