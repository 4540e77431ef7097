"""The listed universe over a range: delisted names stay until they ended, renamed ones are linked, listings are dated."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from resources.clock import ManualClock
from resources.lake.lake import Lake
from resources.raw.store import RawStore
from resources.vendors.listings import LISTING_SCHEMA, finish_listings
from resources.vendors.protocol import Fetched
from trading_assets.market_data import corporate_actions, universe
from trading_assets.market_data.ingest import Ingested
from trading_assets.progress import Recorder
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import UNIVERSE

SESSIONS = sessions_between(date(2022, 5, 2), date(2022, 7, 29))
NOW = datetime(2022, 8, 1, tzinfo=UTC)

NAMES = {
    "AAPL": (date(1980, 12, 12), None, None),
    "GONE": (date(2000, 1, 3), date(2022, 5, 20), None),
    "FB": (date(2012, 5, 18), date(2022, 6, 8), "META"),
    "META": (date(2022, 6, 9), None, None),
    "FRESH": (date(2022, 6, 15), None, None),
}


class Listings:
    """A vendor of listings: symbols with the first day, the last day and the symbol after it."""

    name = "polygon"

    def __init__(self):
        self.asked = []

    def listings(self, as_of, *, progress=None):
        self.asked.append(as_of)
        rows = [
            {
                "symbol": symbol, "session": as_of, "snapshot_session": as_of, "name": f"{symbol} Inc",
                "status": "delisted" if last and last < as_of else "active",
                "delisted_date": last if last and last < as_of else None,
                "renamed_to": now if last and last < as_of else None,
            }
            for symbol, (first, last, now) in NAMES.items()
            if first <= as_of
        ]  # fmt: skip
        return Fetched(finish_listings(pl.DataFrame(rows, schema=LISTING_SCHEMA, orient="row")), ())


@pytest.fixture
def installation(tmp_path, monkeypatch):
    """A lake with a vendor of listings; batches are not recorded."""
    lake = Lake(tmp_path / "lake", SimpleNamespace(hold=lambda _: nullcontext()))
    platform = SimpleNamespace(
        lake=lake, raw=RawStore(tmp_path / "raw"), clock=ManualClock(NOW), progress=Recorder(), reference_source=Listings(),
    )  # fmt: skip

    def store(platform, table, fetched, *, source, kind, dates):
        frame = fetched.frame.with_columns(batch_id=pl.lit(f"{source}-{kind}"))
        columns = [name for name in table.schema if name != "known_at"]
        report = lake.write_sessions(table, frame.select(columns), dates, known_at=NOW)
        return Ingested(frame, report, "batch", 0, 0, (), {})

    monkeypatch.setattr(universe, "store_fetched", store)
    return platform


def rows(platform, symbol: str) -> dict[date, tuple]:
    frame = platform.lake.scan(UNIVERSE, symbols=[symbol]).sort("session").collect()
    return {
        row["session"]: (row["status"], row["delisted_date"], row["renamed_to"], row["listed_date"])
        for row in frame.iter_rows(named=True)
    }


def test_a_range_asks_once_a_month_and_ends_names_on_their_own_day(installation):
    universe.ingest_universe(installation, SESSIONS)
    assert installation.reference_source.asked == [
        date(2022, 5, 2),
        date(2022, 6, 1),
        date(2022, 7, 1),
        date(2022, 7, 29),
    ]
    gone = rows(installation, "GONE")
    assert gone[date(2022, 5, 20)] == ("active", None, None, None), "nobody knew on its last day"
    assert gone[date(2022, 5, 23)] == ("delisted", date(2022, 5, 20), None, None)
    renamed = rows(installation, "FB")
    assert renamed[date(2022, 6, 8)][0] == "active"
    assert renamed[date(2022, 6, 9)][:3] == ("delisted", date(2022, 6, 8), "META")
    assert min(rows(installation, "META")) == date(2022, 7, 1), "a new name shows at the next snapshot"


def test_every_name_that_was_ever_listed_is_found_with_its_end_and_its_successor(installation):
    universe.ingest_universe(installation, SESSIONS)
    names = universe.every_name(installation.lake)
    found = {
        row["symbol"]: (row["last_session"], row["delisted_date"], row["renamed_to"])
        for row in names.iter_rows(named=True)
    }
    assert list(found) == sorted(NAMES)
    assert found["GONE"] == (date(2022, 5, 20), date(2022, 5, 20), None)
    assert found["FB"] == (date(2022, 6, 8), date(2022, 6, 8), "META")
    assert found["AAPL"] == (SESSIONS[-1], None, None)


def test_a_name_that_turns_up_from_one_session_to_the_next_was_listed_then(installation):
    days = sessions_between(date(2022, 6, 14), date(2022, 6, 16))
    for day in days:
        universe.ingest_universe(installation, [day])
    fresh = rows(installation, "FRESH")
    assert {day: facts[3] for day, facts in fresh.items()} == {days[1]: days[1], days[2]: days[1]}
    assert {facts[3] for facts in rows(installation, "AAPL").values()} == {None}, (
        "listed before anybody looked"
    )


def test_a_renamed_share_is_not_taken_for_a_new_one(installation):
    for day in sessions_between(date(2022, 6, 8), date(2022, 6, 10)):
        universe.ingest_universe(installation, [day])
    assert {facts[3] for facts in rows(installation, "META").values()} == {None}


def test_the_first_bar_says_when_a_name_was_listed_unless_it_is_as_old_as_the_history(installation):
    bar = {
        "open": 1.0,
        "high": 1.0,
        "low": 1.0,
        "close": 1.0,
        "volume": 1.0,
        "source": "polygon",
        "source_count": 1,
        "batch_id": "b",
    }
    days = sessions_between(date(2022, 3, 1), date(2022, 6, 14))
    frame = pl.DataFrame(
        [{"symbol": symbol, "session": day, **bar} for symbol, first in (("AAPL", days[0]), ("GONE", days[40])) for day in days if day >= first],
        schema_overrides={"source_count": pl.Int32},
    )  # fmt: skip
    missing = {
        name: pl.lit(None, dtype=dtype)
        for name, dtype in DAILY_BARS.schema.items()
        if name not in frame.columns
    }
    installation.lake.write_sessions(
        DAILY_BARS, frame.with_columns(**missing).drop("known_at"), days, known_at=NOW
    )
    universe.ingest_universe(installation, [date(2022, 6, 15)])
    assert rows(installation, "GONE")[date(2022, 6, 15)][3] == days[40]
    assert rows(installation, "AAPL")[date(2022, 6, 15)][3] is None


def test_ended_listings_become_delistings_and_symbol_changes_of_the_session_after(installation):
    universe.ingest_universe(installation, SESSIONS)
    days = [date(2022, 5, 23), date(2022, 6, 9)]
    ended = corporate_actions._ended_listings(installation.lake, SESSIONS, days)
    assert ended.sort("ex_date").select("symbol", "ex_date", "kind", "new_symbol").rows() == [
        ("GONE", date(2022, 5, 23), "delisting", None),
        ("FB", date(2022, 6, 9), "symbol_change", "META"),
    ]
    assert set(ended["batch_id"]) == {"polygon-universe"}
