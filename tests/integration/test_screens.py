"""Screens of people: saved in versions, evaluated with each session, asked by command, now and as known at an instant."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from psycopg.types.json import Jsonb

from trading_assets.errors import ConfigurationError
from trading_assets.runs.session import run_session
from trading_assets.screener.evaluate import evaluate, screen_version
from trading_assets.screener.filters import Comparison, Query, Screen, Sort, Term
from trading_assets.screener.presets import SCREENS
from trading_assets.screener.screen_file import write_screen
from trading_assets.screens.saved import SavedScreens
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.screens.stored_sessions import missing_in_words, missing_sessions
from trading_assets.sessions import session_close, shift
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS

NOW = datetime(2024, 5, 2, 22, tzinfo=UTC)
HIGH_RSI = Screen(
    name="mine", where=Comparison(field="rsi_14", operator=">", value=50), sort=Sort(field="rsi_14")
)


def above(rsi: float) -> Screen:
    return HIGH_RSI.model_copy(update={"where": Comparison(field="rsi_14", operator=">", value=rsi)})


def test_each_change_is_a_version_and_the_past_can_be_asked(fresh_database):
    store = SavedScreens(fresh_database)
    assert store.all() == []
    assert store.save(HIGH_RSI, by="ann", now=NOW).version == 1
    assert store.save(HIGH_RSI, by="bob", now=NOW + timedelta(hours=1)).version == 1, "nothing changed"
    assert store.save(above(60), by="bob", now=NOW + timedelta(hours=2)).version == 2
    assert store.remove("mine", by="ann", now=NOW + timedelta(hours=3)).version == 3
    assert store.all() == []
    again = store.save(above(60), by="ann", now=NOW)
    assert again.version == 4
    assert again.saved_at == NOW + timedelta(hours=3), "versions are in the order of their instants"
    assert [(item.version, item.screen, item.saved_by) for item in store.versions("mine")] == [
        (1, HIGH_RSI, "ann"), (2, above(60), "bob"), (3, None, "ann"), (4, above(60), "ann"),
    ]  # fmt: skip
    known = {hours: store.all(as_of=NOW + timedelta(hours=hours)) for hours in (-1, 0, 1, 2)}
    assert [len(items) for items in known.values()] == [0, 1, 1, 1]
    assert known[1][0].screen == HIGH_RSI
    assert known[2][0].screen == store.get("mine") == above(60)
    in_force = [store.version_at("mine", NOW + timedelta(hours=hours)) for hours in (-1, 0, 2)]
    assert in_force == [None, screen_version(HIGH_RSI), screen_version(above(60))]
    assert store.version_at("oversold", NOW) == "", "shipped: in force, and its version then is not on record"


def test_names_of_shipped_screens_are_reserved_and_unknown_ones_get_suggestions(fresh_database):
    store = SavedScreens(fresh_database)
    with pytest.raises(
        ConfigurationError, match="reserved: save yours under another name, such as my_oversold"
    ):
        store.save(HIGH_RSI.model_copy(update={"name": "oversold"}), by="ann", now=NOW)
    with pytest.raises(ConfigurationError, match="cannot be removed"):
        store.remove("oversold", by="ann", now=NOW)
    with pytest.raises(ConfigurationError, match="did you mean oversold"):
        store.get("oversolt")
    with pytest.raises(ConfigurationError, match="no screen 'mine'"):
        store.remove("mine", by="ann", now=NOW)
    assert store.get("oversold") == SCREENS["oversold"]


def test_a_screen_that_cannot_be_read_any_more_says_why_and_spoils_no_other(fresh_database):
    store = SavedScreens(fresh_database)
    store.save(HIGH_RSI, by="ann", now=NOW)
    broken = {
        "name": "old",
        "format": 1,
        "where": {"kind": "comparison", "field": "gone", "operator": ">", "value": 1},
    }
    fresh_database.execute(
        "insert into saved_screens values ('old', 1, %s, %s, 'ann', false)", (Jsonb(broken), NOW)
    )
    found = {item.name: item for item in store.all()}
    assert found["mine"].screen == HIGH_RSI
    assert "no field 'gone'" in found["old"].problem
    with pytest.raises(ConfigurationError, match="cannot be read"):
        store.get("old")
    assert store.save(HIGH_RSI.model_copy(update={"name": "old"}), by="ann", now=NOW).version == 2


@pytest.fixture(scope="module")
def opened(install, traded_sessions):
    """A traded installation of our own whose services run."""
    installation = install(traded_sessions)
    with installation.opened() as platform:
        yield installation, platform


def last_session(platform):
    return platform.lake.sessions(DAILY_FEATURES)[-1]


def run_next(platform):
    following = shift(last_session(platform), 1)
    platform.clock.advance_to(session_close(following) + timedelta(hours=2))
    return following, run_session(platform, following)


def rows(platform, table, session, screen) -> pl.DataFrame:
    found = platform.lake.scan(table, start=session, end=session).filter(pl.col("screen") == screen)
    return found.sort("symbol").collect()


@pytest.mark.slow
def test_a_saved_screen_is_evaluated_from_the_next_session_on_and_tells_what_the_market_did(opened):
    _, platform = opened
    store = SavedScreens(platform.database)
    store.save(HIGH_RSI, by="ann", now=platform.clock.now())
    first, summary = run_next(platform)
    assert summary.assets["screener_results"]["rows"] > 0
    assert "screener_events" in summary.assets
    began = rows(platform, SCREENER_RESULTS, first, "mine")
    assert set(began["event"]) == {"entered"}
    assert set(began["screen_version"]) == {screen_version(HIGH_RSI)}
    assert rows(platform, SCREENER_EVENTS, first, "mine")["symbol"].to_list() == began["symbol"].to_list()

    store.save(above(45), by="ann", now=platform.clock.now())
    second, _ = run_next(platform)
    market = ScreenerMarket(platform.lake)
    passed = {
        day: set(evaluate(above(45).query, market.load(above(45).query, day)).rows["symbol"])
        for day in (first, second)
    }
    events = rows(platform, SCREENER_EVENTS, second, "mine")
    told = {kind: set(events.filter(pl.col("event") == kind)["symbol"]) for kind in ("entered", "exited")}
    assert told == {"entered": passed[second] - passed[first], "exited": passed[first] - passed[second]}
    assert told["entered"] | told["exited"], "the sample should have moved"
    assert passed[first] - set(began["symbol"]), "the wider screen would have told these as entries"
    reasons = events.filter(pl.col("event") == "exited")["reason"]
    assert all(", not > 45" in reason or "no accepted bar" in reason for reason in reasons)
    stayed = rows(platform, SCREENER_RESULTS, second, "mine").filter(pl.col("event") == "stayed")
    assert set(stayed["symbol"]) == passed[first] & passed[second]


@pytest.mark.slow
def test_what_was_known_at_the_run_gives_the_features_that_were_stored(opened):
    _, platform = opened
    session = last_session(platform)
    query = Query(sort=Sort(field="momentum_12_1"))
    market = ScreenerMarket(platform.lake)
    stored = evaluate(query, market.load(query, session)).rows
    known = evaluate(query, market.load(query, session, as_of=platform.clock.now())).rows
    assert stored.height > 30
    assert_frame_equal(known, stored, rel_tol=1e-12, abs_tol=0)


@pytest.mark.slow
def test_the_command_answers_for_people_and_for_programs(opened):
    installation, platform = opened
    session = last_session(platform)
    text = "RSI > 50 and price > 5"
    answer = json.loads(installation.command("screen", text, "--json").stdout)
    assert answer["session"] == session.isoformat()
    assert answer["understood"] == "RSI > 50 and price > $5"
    assert answer["conditions"][-1]["remaining"] == answer["matched"] == len(answer["rows"]) > 5
    told = installation.command("screen", text, "--limit", "2")
    assert told.stdout.startswith("Understood: RSI > 50 and price > $5")
    assert f"Session {session}" in told.stdout
    assert "left after it" in told.stdout
    assert (
        f"{answer['matched']} of {answer['screened']} symbols pass; what trades most comes first; 2 shown"
        in told.stderr
    )
    symbols = [row["symbol"] for row in answer["rows"]]
    assert symbols[0] in told.stdout
    listed = pl.read_csv(io.StringIO(installation.command("screen", text, "--csv", "-").stdout))
    assert listed["symbol"].to_list() == symbols
    out = json.loads(
        installation.command("screen", "RSI > 99.9", "--why", symbols[0].lower(), "--json").stdout
    )
    assert (out["symbol"], out["is_in"], out["verdicts"][0]["outcome"]) == (symbols[0], False, "fails")
    unknown = installation.command("screen", text, "--why", "NOBODY", "--json", exit_code=1)
    assert "no bars at all" in unknown.stderr
    assert "no bars at all" in json.loads(unknown.stdout)["error"]
    before = shift(session, -1).isoformat()
    instant = session_close(session).isoformat()
    known = json.loads(installation.command("screen", text, "--as-of", instant, "--json").stdout)
    assert known["session"] == before, "the session's bars were stored after its close"
    assert known["screened"] > 30
    ahead = json.loads(installation.command("screen", text, "--as-of", "2099-01-01T00:00Z", "--json").stdout)
    assert (ahead["session"], ahead["rows"]) == (answer["session"], answer["rows"])


@pytest.mark.slow
def test_columns_that_do_not_fit_are_named_and_symbols_are_never_squeezed(opened):
    installation, _ = opened
    above = ("RSI", "ADX", "ATR", "20-day SMA", "50-day SMA", "200-day SMA", "52-week high", "52-week low", "volume", "volatility",
             "12-day EMA", "26-day EMA", "stochastic %K", "stochastic %D", "relative volume")  # fmt: skip
    told = installation.command("screen", " and ".join(f"{field} > 0" for field in above))
    head = next(line for line in told.stdout.splitlines() if "symbol" in line)
    assert all(word in head for word in ("rank", "symbol", "badge", "price"))
    assert all(len(line) <= 160 for line in told.stdout.splitlines() if line.startswith(("┃", "│")))
    assert "No room for" in told.stderr
    few = installation.command("screen", "price > 5").stdout
    assert all(word in " ".join(few.split()) for word in ("price", "20-day dollar volume")), (
        "what orders it is shown"
    )


@pytest.mark.slow
def test_a_session_that_a_condition_reads_and_a_check_held_back_is_named(opened):
    _, platform = opened
    session = last_session(platform)
    query = Query(where=Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=10)))
    assert missing_sessions(platform.lake, query, session) == []
    gone = shift(session, -10)
    nothing = platform.lake.scan(DAILY_FEATURES, start=gone, end=gone).collect().clear()
    platform.lake.write_sessions(DAILY_FEATURES, nothing, [gone], known_at=platform.clock.now())
    told = missing_in_words(missing_sessions(platform.lake, query, session), shift(session, -20))
    assert told.startswith(f"Session {gone} has no features (a check held it back")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("screen", "RSI > 50", "--saved", "oversold"), ["one of"]),
        (
            ("screen", "RSI below thirty bananas"),
            ["Not understood, so nothing was run", "^^^", "screens fields"],
        ),
        (("screen", "RSI > 50", "--save", "My Screen"), ["'My Screen' cannot be saved", "my_screen"]),
        (("screens", "remove", "gap_up"), ["cannot be removed"]),
        (("screen", "RSI > 50", "--save", "my-first"), ["'my-first' cannot be saved", "such as my_first"]),
        (
            ("screen", "RSI > 50", "--csv", "/nonexistent/x.csv"),
            ["--csv /nonexistent/x.csv cannot be written"],
        ),
        (("screen", "RSI > 50", "--csv", "/"), ["--csv / is a folder"]),
        (
            ("screens", "export", "oversold", "--out", "/nonexistent/y"),
            ["--out /nonexistent/y cannot be written"],
        ),
        (
            ("screen", "RSI > 50", "--session", "2019-02-19"),
            ["2019-02-19 lies before the first", "nearest stored one is"],
        ),
        (
            ("screen", "RSI > 50", "--session", "2024-04-27"),
            ["nearest stored ones are 2024-04-26 and 2024-04-29"],
        ),
        (
            ("screen", "RSI > 50", "--session", "2024-04-26", "--as-of", "2001-01-02T00:00Z"),
            ["Nothing was known", "later --as-of"],
        ),
    ],
    ids=" ".join,
)
def test_a_wrong_use_ends_with_two_and_says_what_to_do(opened, arguments, words):
    installation, _ = opened
    answer = installation.command(*arguments, exit_code=2)
    for word in words:
        assert word in answer.stderr
    assert answer.stdout == ""


@pytest.mark.slow
def test_screens_are_saved_shown_exported_imported_and_removed(opened, tmp_path):
    installation, platform = opened
    shared, later = tmp_path / "shared.json", tmp_path / "later.json"
    told = installation.command("screen", "RSI > 50", "--save", "dear", "--description", "Mine.")
    assert "Saved as dear, version 1" in told.stderr
    names = {
        row["name"]: row["source"]
        for row in json.loads(installation.command("screens", "list", "--json").stdout)
    }
    assert set(names) >= {*SCREENS, "dear"}
    assert names["dear"].startswith("saved by ")
    assert names["oversold"] == "shipped"
    installation.command("screens", "export", "dear", "--out", str(shared))
    assert json.loads(shared.read_text())["description"] == "Mine."
    assert "version 1" in installation.command("screens", "import", str(shared), "--name", "copied").stdout
    saved, file = (
        json.loads(installation.command("screen", *source, "--json").stdout)["rows"]
        for source in (("--saved", "copied"), ("--file", str(shared)))
    )
    assert saved == file != []
    results = tmp_path / "results.json"
    results.write_text(installation.command("screen", "--saved", "copied", "--json").stdout)
    again = json.loads(installation.command("screen", "--file", str(results), "--json").stdout)["rows"]
    assert again == saved, "results can be asked again"
    later.write_text(write_screen(HIGH_RSI).replace('"format": 1', '"format": 3'))
    assert (
        "update Trading Assets" in installation.command("screens", "import", str(later), exit_code=2).stderr
    )
    assert "Removed copied" in installation.command("screens", "remove", "copied").stdout
    shown = installation.command("screens", "show", "dear").stdout
    assert "dear: Mine." in shown
    assert "RSI > 50" in shown
    assert [item.screen is None for item in SavedScreens(platform.database).versions("copied")] == [
        False,
        True,
    ]
    fields = json.loads(installation.command("screens", "fields", "--json").stdout)
    assert {"rsi_14", "market_cap", "sector"} <= {row["name"] for row in fields}
    assert any(
        row["name"] == "oversold"
        for row in json.loads(installation.command("screens", "macros", "--json").stdout)
    )
