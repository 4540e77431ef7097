"""The market that screens look at, read from a lake: what changes, what was known, what is missing, who came and went."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import polars as pl
import pytest

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.errors import LakeError
from trading_assets.feature_store import as_known
from trading_assets.screener.evaluate import count_matches, evaluate, screen_version
from trading_assets.screener.filters import And, Comparison, Cross, In, Query, Screen, Sort, Term
from trading_assets.screens.absence import why_absent
from trading_assets.screens.session_results import screen_runs
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.sessions import session_close, sessions_between
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE
from trading_assets.tables.screens import SCREENER_RESULTS
from trading_assets.tables.table import Table

DAYS = sessions_between(date(2023, 12, 27), date(2024, 1, 10))
KNOWN = datetime(2024, 2, 1, tzinfo=UTC)
LOW_RSI = Comparison(field="rsi_14", operator="<", value=30)
ROSE = Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=1))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))


def put(
    lake: Lake, table: Table, rows: list[dict], *, known_at: datetime = KNOWN, days: list[date] | None = None
) -> None:
    """Write rows with anything else null, or what stands for it where null is refused."""
    dummy = {pl.String: "x", pl.Int32: 1, pl.Int64: 1, pl.Date: DAYS[0], pl.Float64: 1.0}
    filled = {
        name: None if column.nullable and name not in table.key else dummy.get(column.dtype)
        for name, column in table.columns.items()
        if name != "known_at"
    }
    schema = {name: table.schema[name] for name in filled}
    frame = pl.DataFrame([filled | row for row in rows], schema=schema)
    lake.write_sessions(
        table, frame, days or sorted({row[table.partition_by] for row in rows}), known_at=known_at
    )


def features(*paths: tuple[str, tuple[float | None, ...]], field: str = "rsi_14") -> list[dict]:
    """One row per symbol and session with a value: the field is what the path says, and prices stand still."""
    return [
        {"symbol": symbol, "session": day, "close": 10.0, "dollar_volume_20": 1e6, "price_factor": 1.0,
         "share_factor": 1.0, field: value}
        for symbol, path in paths
        for day, value in zip(DAYS, path, strict=False)
        if value is not None
    ]  # fmt: skip


def passing(market: ScreenerMarket, query: Query, session: date) -> list[str]:
    return sorted(evaluate(query, market.load(query, session)).rows["symbol"])


def test_a_session_is_read_once_and_again_only_after_it_was_written(lake, monkeypatch):
    put(lake, DAILY_FEATURES, features(("AAA", (20.0, 40.0)), ("BBB", (40.0, 20.0))))
    market, query = ScreenerMarket(lake), Query(where=LOW_RSI)
    read = []
    scan = lake.scan
    monkeypatch.setattr(
        lake, "scan", lambda table, **options: read.append(table.name) or scan(table, **options)
    )
    assert passing(market, query, DAYS[0]) == ["AAA"]
    assert passing(market, query, DAYS[1]) == ["BBB"]
    first = len(read)
    assert passing(market, query, DAYS[0]) == ["AAA"]
    assert len(read) == first
    assert passing(market, Query(where=ROSE), DAYS[1]) == []
    assert len(read) > first, "a column that was not read yet"
    put(lake, DAILY_FEATURES, features(("AAA", (50.0,)), ("BBB", (10.0,)), ("CCC", (5.0,))))
    assert passing(market, query, DAYS[0]) == ["BBB", "CCC"]
    assert market.newest_session() == DAYS[1]


def test_names_and_sectors_are_those_of_the_session_and_may_be_missing(lake):
    put(lake, DAILY_FEATURES, features(("AAA", (20.0, 20.0)), ("BBB", (20.0, 20.0))))
    put(lake, UNIVERSE, [
        {"symbol": "AAA", "session": DAYS[0], "name": "Old name", "sector": "Energy"},
        {"symbol": "AAA", "session": DAYS[1], "name": "New name", "sector": "Materials"},
        {"symbol": "A", "session": DAYS[0], "name": "Does not trade", "sector": "Utilities"},
    ])  # fmt: skip
    market, query = ScreenerMarket(lake), Query(where=In(field="sector", values=("Energy",)))
    before = evaluate(query, market.load(query, DAYS[0]))
    assert before.rows.select("symbol", "name", "sector").rows() == [("AAA", "Old name", "Energy")]
    assert before.undecided == 1
    assert evaluate(query, market.load(query, DAYS[1])).rows.is_empty()
    assert market.matches(query, DAYS[0], DAYS[1])["matched"].to_list() == [1, 0]


def test_years_are_read_one_after_the_other_and_look_back_into_the_year_before(lake):
    path = tuple(float(9 + (number % 3)) for number in range(len(DAYS)))
    rows = features(("AAA", path), ("BBB", path[::-1]), field="close")
    put(lake, DAILY_FEATURES, rows)
    market = ScreenerMarket(lake)
    query = Query(
        where=And(filters=(ROSE, Cross(field="close", direction="above", value=9.5, within=3))),
        sort=Sort(field="close"),
    )
    counted = market.matches(query, DAYS[2], DAYS[-1])
    assert counted["session"].to_list() == DAYS[2:]
    assert {day.year for day in DAYS[2:]} == {2023, 2024}
    assert counted["matched"].to_list() == [
        evaluate(query, market.load(query, day)).matched for day in DAYS[2:]
    ]
    assert counted.equals(count_matches(query, [market.load_range([query], DAYS[2:])]))
    assert counted["matched"].sum() > 4
    assert market.matches(query, date(2024, 1, 6), date(2024, 1, 7)).is_empty()


def test_columns_of_more_sessions_than_memory_is_given_for_are_still_right(lake):
    put(lake, DAILY_FEATURES, features(("AAA", tuple(float(n) for n in range(10, 19))), field="close"))
    query = Query(where=Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=8)))
    market = ScreenerMarket(lake, cache_bytes=1)
    assert passing(market, query, DAYS[8]) == ["AAA"]
    assert passing(market, query, DAYS[8]) == ["AAA"]


def test_threads_share_one_market(lake):
    put(lake, DAILY_FEATURES, features(("AAA", (20.0,) * 9), ("BBB", (40.0,) * 9)))
    market, query, found = ScreenerMarket(lake), Query(where=LOW_RSI), []
    threads = [
        Thread(target=lambda day=day: found.append(passing(market, query, day)))
        for day in DAYS[:9]
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["AAA"]] * 27


def test_an_instant_shows_the_features_as_they_would_have_been_computed_then(lake, monkeypatch):
    days = sessions_between(date(2023, 1, 3), date(2024, 1, 10))
    random = np.random.default_rng(3)
    bars = [
        {"symbol": symbol, "session": day, "open": price, "high": price * 1.01, "low": price * 0.99, "close": price,
         "volume": 1e6}
        for symbol in ("AAA", "SPY")
        for day, price in zip(days, 50 * np.exp(np.cumsum(random.normal(0, 0.02, len(days)))), strict=True)
    ]  # fmt: skip
    put(lake, DAILY_BARS, bars)
    later = KNOWN + timedelta(days=1)
    wrong = [row | {"close": row["close"] * 1.005} for row in bars if row["session"] == days[-2]]
    put(lake, DAILY_BARS, wrong, known_at=later)
    split = {"symbol": "AAA", "ex_date": days[-1], "kind": "split", "split_ratio": 2.0}
    put(lake, CORPORATE_ACTIONS, [split], known_at=later)
    query = Query(where=Comparison(field="beta_252", operator="<", value=9), sort=Sort(field="rsi_14"))
    market = ScreenerMarket(lake)
    at_first = evaluate(query, market.load(query, days[-1], as_of=KNOWN)).rows
    now = evaluate(query, market.load(query, days[-1], as_of=later)).rows
    values = dict(zip(at_first["symbol"], at_first["rsi_14"], strict=True))
    corrected = dict(zip(now["symbol"], now["rsi_14"], strict=True))
    assert values.keys() == corrected.keys() == {"AAA", "SPY"}
    assert all(values[symbol] != corrected[symbol] for symbol in values)
    plain = Lake(lake.root.with_name("plain"), FileLocks(lake.root.with_name("plain_locks")))
    put(plain, DAILY_BARS, bars)
    known = ScreenerMarket(plain).load(query, days[-1], as_of=KNOWN)
    assert evaluate(query, known).rows.equals(at_first), "what came later leaves no trace"
    monkeypatch.setattr(as_known, "SYMBOLS_AT_ONCE", 1)
    apart = ScreenerMarket(plain).load(query, days[-1], as_of=KNOWN)
    assert evaluate(query, apart).rows.equals(at_first), "a symbol at a time is as good as all at once"
    assert market.load(query, days[-1], as_of=KNOWN - timedelta(days=1)).height == 0
    assert market.newest_session(as_of=KNOWN) == days[-1]
    assert market.newest_session(as_of=KNOWN, blocked=lambda _: days[-2:]) == days[-3]
    assert market.newest_session(as_of=KNOWN, blocked=lambda asked: asked) is None
    assert market.newest_session(as_of=KNOWN - timedelta(days=1)) is None
    with pytest.raises(LakeError, match="aware"):
        market.load(query, days[-1], as_of=KNOWN.replace(tzinfo=None))


def test_an_absent_symbol_is_explained_by_what_the_lake_says_of_it(lake):
    put(lake, DAILY_BARS, [
        {"symbol": symbol, "session": day, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}
        for symbol, days in (("HALT", (0, 2)), ("NEW", (2,)), ("OLD", (0,)), ("BLOCKED", (1,)), ("BAD", (0,))) for day in
        (DAYS[number] for number in days)
    ])  # fmt: skip
    put(lake, QUARANTINED_BARS, [
        {"symbol": "BAD", "session": DAYS[1], "source": "yahoo", "rule": "positive_prices", "expectation": "prices above 0"}
    ])  # fmt: skip
    listed = [
        {"symbol": "OLD", "session": DAYS[1], "renamed_to": "GOLD"},
        {"symbol": "AAPL", "session": DAYS[1]},
    ]
    put(lake, UNIVERSE, listed)
    expected = {
        "HALT": "did not trade",
        "NEW": f"its first one is of {DAYS[2]}",
        "OLD": f"its last one is of {DAYS[0]}; it trades as GOLD since",
        "BLOCKED": "features of that session were not made",
        "BAD": "refused by the check positive_prices, which expected prices above 0",
        "APPL": "no bars at all: did you mean AAPL?",
        "ZZZZZ": "an unknown symbol",
    }
    for symbol, words in expected.items():
        assert words in why_absent(lake, symbol, DAYS[1])


def test_a_screen_begins_with_all_entered_and_a_changed_one_is_compared_with_itself(lake):
    put(lake, DAILY_FEATURES, features(
        ("AAA", (20.0, 25.0, 20.0, 20.0)), ("BBB", (40.0, 45.0, 20.0, 20.0)), ("CCC", (20.0, 20.0, 44.0, 44.0)),
        ("DDD", (45.0, 44.0, 44.0, 55.0)),
    ))  # fmt: skip

    in_force: dict[str, str | None] = {}

    def run(screen: Screen, days: list[date]) -> tuple[set, set]:
        runs = list(screen_runs(lake, [screen], days, lambda name, _: in_force.get(name)))
        results = pl.concat([pl.DataFrame(schema=SCREENER_RESULTS.schema), *(run.results() for run in runs)])
        lake.write_sessions(SCREENER_RESULTS, results, days, known_at=KNOWN)
        events = pl.concat([run.events() for run in runs])
        told = {(row["session"], row["symbol"], row["event"]) for row in events.iter_rows(named=True)}
        return set(results.select("session", "symbol", "event").iter_rows()), told

    screen = Screen(name="low", where=LOW_RSI)
    results, events = run(screen, DAYS[:1])
    assert results == events == {(DAYS[0], "AAA", "entered"), (DAYS[0], "CCC", "entered")}
    results, events = run(screen, DAYS[1:3])
    assert results == {(DAYS[1], "AAA", "stayed"), (DAYS[1], "CCC", "stayed"), (DAYS[2], "AAA", "stayed"),
                       (DAYS[2], "BBB", "entered")}  # fmt: skip
    assert events == {(DAYS[2], "BBB", "entered"), (DAYS[2], "CCC", "exited")}
    wider = Screen(name="low", where=Comparison(field="rsi_14", operator="<", value=50))
    results, events = run(wider, DAYS[3:4])
    assert {row[1:] for row in results} == {("AAA", "stayed"), ("BBB", "stayed"), ("CCC", "stayed")}, (
        "CCC passes the wider screen in both sessions: the market did not move"
    )
    assert events == {(DAYS[3], "DDD", "exited")}
    assert run(screen.model_copy(update={"name": "new"}), DAYS[3:4])[1] == {
        (DAYS[3], "AAA", "entered"), (DAYS[3], "BBB", "entered"),
    }  # fmt: skip

    impossible = Screen(name="none", where=Comparison(field="rsi_14", operator="<", value=1))
    assert run(impossible, DAYS[2:3]) == (set(), set())
    in_force["none"] = screen_version(impossible)
    results, events = run(wider.model_copy(update={"name": "none"}), DAYS[3:4])
    assert {row[1:] for row in results} == {("AAA", "stayed"), ("BBB", "stayed"), ("CCC", "stayed")}, (
        "a screen that had no member was made wider: the market did not move"
    )
    assert events == {(DAYS[3], "DDD", "exited")}
    in_force["none"] = screen_version(wider)
    assert {row[2] for row in run(wider.model_copy(update={"name": "none"}), DAYS[3:4])[0]} == {"entered"}, (
        "the same version had no member before"
    )


def test_which_version_was_in_force_is_asked_for_the_instant_of_the_evaluation(lake):
    put(lake, DAILY_FEATURES, features(("AAA", (20.0, 20.0))))
    screen, other = (Screen(name=name, where=LOW_RSI) for name in ("low", "other"))
    asked = []

    def version_at(name, instant):
        asked.append((name, instant))

    list(screen_runs(lake, [screen], DAYS[1:2], version_at))
    results = pl.concat([run.results() for run in screen_runs(lake, [other], DAYS[:1], version_at)])
    lake.write_sessions(SCREENER_RESULTS, results, DAYS[:1], known_at=KNOWN)
    asked_before = len(asked)
    list(screen_runs(lake, [screen, other], DAYS[1:2], version_at))
    assert asked[0] == ("low", session_close(DAYS[0])), "nothing was evaluated then"
    assert asked[asked_before:] == [("low", KNOWN)], "what is stored of the other one names its version"


def test_a_session_without_features_is_passed_over(lake):
    put(lake, DAILY_FEATURES, [row for row in features(("AAA", (20.0,) * 4)) if row["session"] != DAYS[1]])
    screen = Screen(name="low", where=LOW_RSI)
    new = lambda _name, _instant: None  # noqa: E731 (no version was in force before)
    runs = list(screen_runs(lake, [screen], DAYS[:4], new))
    rows = pl.concat([run.results() for run in runs])
    assert rows.select("session", "event").rows() == [
        (DAYS[0], "entered"), (DAYS[2], "stayed"), (DAYS[3], "stayed"),
    ]  # fmt: skip
    lake.write_sessions(SCREENER_RESULTS, rows.filter(pl.col("session") == DAYS[0]), DAYS[:1], known_at=KNOWN)
    assert [run.results()["event"].to_list() for run in screen_runs(lake, [screen], DAYS[2:3], new)] == [
        ["stayed"]
    ]
    assert list(screen_runs(lake, [screen], DAYS[1:2], new)) == []
