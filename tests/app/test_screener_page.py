"""The Screener page: a sentence, its chips and the form say the same; what is not understood runs nothing."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.parse import urlencode

import polars as pl
import pytest
from psycopg.conninfo import conninfo_to_dict

from app.sections.screener.results import page_sizes, says_something
from app.sections.screener.sentence import EXAMPLES, helpful, marked, replaced
from resources.database.writes import insert
from trading_assets.errors import Problem
from trading_assets.screener.english.parse import understand
from trading_assets.screener.filters import And, Comparison, Not, Or, Query, Sort, predicates
from trading_assets.screener.presets import SCREENS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.operations import QUALITY_FINDINGS

NEWEST = "2024-05-06"


@pytest.fixture(scope="module")
def market(traded):
    """The settings of the installation, whose services run while the pages are looked at."""
    with traded.opened():
        yield {name: value for name, value in traded.environment().items() if name.startswith("TRADING_")}


@pytest.fixture
def screener(open_page, traded, market):
    """Open the page with an address."""
    return lambda **query: open_page("Screener", traded.data, variables=market, **query)


@pytest.fixture
def own_screener(open_page, traded, market, fresh_database):
    """Open the page on a database of the test's own, where screens can be saved."""
    variables = market | {"TRADING_DATABASE_URL": url_of(fresh_database)}
    return lambda **query: open_page("Screener", traded.data, variables=variables, **query)


def url_of(database) -> str:
    told = conninfo_to_dict(database.conninfo)
    return f"postgresql:///{told.pop('dbname')}?{urlencode(told)}"


def texts(app) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning)
    return "\n".join(str(item.value) for kind in kinds for item in kind)


def results(app):
    """Return the table of what passes; None if there is none."""
    return next((table.value for table in app.dataframe if "closes" in table.value.columns), None)


def chips(app) -> list[str]:
    return [label for block in app.get("popover") if "removes" in (label := block.proto.popover.label)]


def symbols(app) -> set[str]:
    return {link.rpartition("=")[2] for link in results(app)["symbol"]}


def query(app) -> Query:
    understood = understand(app.text_input(key="q").value)
    return understood.query


def button(app, label: str):
    return next(item for item in app.button if item.label == label)


def features(traded, session: str = NEWEST) -> pl.DataFrame:
    with traded.opened() as platform:
        rows = platform.lake.scan(DAILY_FEATURES).collect()
    return rows.filter(pl.col("session").dt.to_string() == session)


def test_a_sentence_shows_its_chips_its_count_and_what_passes(screener, traded):
    app = screener(q="RSI below 60 and price above 20")
    assert not app.exception
    rows = features(traded)
    passed = rows.filter((pl.col("rsi_14") < 60) & (pl.col("close") > 20))
    assert symbols(app) == set(passed["symbol"])
    assert f"**{passed.height} of {rows.height} symbols**" in texts(app)
    removed = rows.filter(pl.col("rsi_14") >= 60).height
    assert chips(app)[0].endswith(f"removes {removed}]]")
    shown = results(app)
    assert shown["rank"].tolist() == list(range(1, passed.height + 1))
    assert {len(closes) for closes in shown["closes"]} == {63}
    assert [closes[-1] for closes in shown["closes"]] == pytest.approx(shown["close"].tolist(), rel=1e-6)
    assert "rsi_14" in shown.columns, "what the sentence names is shown"


def test_an_example_is_asked_by_a_click(screener):
    app = screener()
    app.button(key="scr_example_2").click().run()
    assert not app.exception
    assert app.text_input(key="q").value == EXAMPLES[2]
    assert "Understood as" in texts(app)


@pytest.mark.parametrize("sentence", EXAMPLES)
def test_every_example_is_understood(sentence):
    assert understand(sentence).query is not None


def test_what_is_not_understood_is_marked_and_nothing_runs(screener):
    app = screener(q="RSI below 60 and qwertz above 20")
    assert not app.exception
    assert ":red-background[**qwertz**]" in texts(app)
    assert results(app) is None, "no results of another question are shown"
    assert not chips(app)
    assert "symbols**" not in texts(app)


def test_a_suggestion_replaces_the_word_and_runs(screener):
    app = screener(q="RSI below 60 and volme above 1m")
    assert results(app) is None
    next(
        item for item in app.button if item.key.startswith("scr_instead") and item.label == "volume"
    ).click().run()
    assert not app.exception
    assert app.text_input(key="q").value == "RSI below 60 and volume above 1m"
    assert results(app) is not None


def test_taking_a_chip_away_rewrites_the_sentence(screener, traded):
    app = screener(q="RSI below 60 and price above 20 and volume above 1")
    removers = [item for item in app.button if item.key.startswith("scr_remove_")]
    assert len(removers) == 3
    removers[0].click().run()
    assert not app.exception
    assert [leaf.field for leaf in predicates(query(app).where)] == ["close", "volume"]
    assert symbols(app) == set(
        features(traded).filter((pl.col("close") > 20) & (pl.col("volume") > 1))["symbol"]
    )


def test_the_form_of_a_chip_is_filled_from_it_and_changes_it(screener):
    app = screener(q="RSI below 60 and 5 day return above 2%")
    key = next(item.key for item in app.selectbox if item.value == "return_5").removesuffix("_field")
    value = next(item for item in app.number_input if item.key == f"{key}_return_5_value")
    assert value.value == 2, "fractions are asked for in percent"
    value.set_value(3.5).run()
    button_of(app, key, "change").click().run()
    assert not app.exception
    changed = predicates(query(app).where)
    assert changed[0] == Comparison(field="rsi_14", operator="<", value=60)
    assert changed[1] == Comparison(field="return_5", operator=">", value=0.035)


def test_the_form_keeps_and_changes_in_how_many_sessions_a_condition_holds(screener):
    app = screener(q="RSI above 20 for 3 days")
    key = next(item.key for item in app.number_input if item.value == 3).removesuffix("_in_each")
    app.number_input(key=f"{key}_rsi_14_value").set_value(25).run()
    button_of(app, key, "change").click().run()
    assert not app.exception
    assert predicates(query(app).where) == [Comparison(field="rsi_14", operator=">", value=25, in_each=3)]
    assert app.text_input(key="q").value == "RSI > 25 in each of the last 3 sessions"
    key = next(item.key for item in app.number_input if item.value == 3).removesuffix("_in_each")
    app.number_input(key=f"{key}_in_each").set_value(2).run()
    button_of(app, key, "change").click().run()
    assert predicates(query(app).where) == [Comparison(field="rsi_14", operator=">", value=25, in_each=2)]


def button_of(app, key: str, kind: str):
    return app.button(key=f"scr_{kind}_{key.removeprefix('scr_')}")


def test_an_alternative_and_an_opposite_are_made_in_the_form(screener):
    app = screener(q="RSI below 60")
    key = next(
        item.key for item in app.selectbox if item.value == "rsi_14" and "new" not in item.key
    ).removesuffix("_field")
    app.toggle(key=f"{key}_not").set_value(True).run()
    button_of(app, key, "or").click().run()
    assert not app.exception
    low = Comparison(field="rsi_14", operator="<", value=60)
    assert query(app).where == Or(filters=(low, Not(filter=low)))
    assert "any of" in texts(app)


def test_a_condition_is_added_by_the_form(screener):
    app = screener(q="RSI below 60")
    app.selectbox(key="scr_new_0_field").set_value("sector").run()
    sector = app.multiselect(key="scr_new_0_sector_values")
    sector.set_value(["Energy", "Utilities"]).run()
    app.button(key="scr_add_button_0").click().run()
    assert not app.exception
    where = query(app).where
    assert isinstance(where, And)
    assert where.filters[1].values == ("Energy", "Utilities")


def test_the_order_follows_the_sentence_and_the_sentence_the_order(screener):
    app = screener(q="price above 20, top 5 by RSI")
    order = next(item for item in app.selectbox if item.label == "Sort by")
    assert order.value == "rsi_14"
    assert len(results(app)) == 5
    assert results(app)["rsi_14"].is_monotonic_decreasing
    next(item for item in app.selectbox if item.label == "Order").set_value("lowest").run()
    assert not app.exception
    assert query(app).sort == Sort(field="rsi_14", descending=False)
    assert results(app)["rsi_14"].is_monotonic_increasing


def test_an_address_opens_any_session(screener, traded):
    app = screener(q="price above 20", session="2024-05-02")
    assert not app.exception
    assert "session Thu 02 May 2024" in texts(app)
    assert symbols(app) == set(features(traded, "2024-05-02").filter(pl.col("close") > 20)["symbol"])


def test_a_day_without_features_names_the_session_before(screener):
    app = screener(q="price above 20", session="2024-05-04")
    assert "2024-05-04 is no exchange session" in texts(app)
    assert "nearest stored ones are 2024-05-03 and 2024-05-06" in texts(app)
    assert results(app) is None


@pytest.mark.parametrize(
    ("day", "words"), [("2026-11-20", "after the newest session"), ("2019-02-19", "before the first session")]
)
def test_an_address_of_a_session_that_is_not_stored_is_not_answered_with_another(screener, day, words):
    app = screener(q="price above 20", session=day)
    assert not app.exception
    assert f"{day} lies {words} with features" in texts(app)
    assert str(app.date_input(key="session").value) == day, "what was asked stays to be seen"
    assert results(app) is None


def test_what_is_asked_and_what_orders_it_comes_before_what_is_always_there(screener):
    shown = list(results(screener(q="RSI below 60 and exchange is Nasdaq and 5 day return > -50%")).columns)
    places = [
        shown.index(name)
        for name in ("symbol", "close", "exchange", "rsi_14", "return_5", "dollar_volume_20", "closes")
    ]
    assert places == sorted(places)
    assert "name" not in shown[: places[-1]]
    app = screener(q="exchange is Nasdaq")
    assert set(results(app)["exchange"]) == {"Nasdaq"}, "as the sentence says it"


def test_columns_that_say_nothing_are_left_out():
    rows = pl.DataFrame(
        {"symbol": ["A", "B"], "name": ["A", None], "sector": [None, None]},
        schema_overrides={"sector": pl.String},
    )
    assert not says_something(rows, "name")
    assert not says_something(rows, "sector")
    assert says_something(rows.with_columns(name=pl.Series(["A", "Bee"])), "name")


def test_each_number_of_rows_is_offered_once():
    assert page_sizes(5000) == page_sizes(1000) == [50, 100, 250, 1000]
    assert page_sizes(120) == [50, 100, 120]


def test_as_known_before_anything_was_there_is_nothing(screener):
    app = screener(q="price above 20", scr_known="2001-01-02T10:00")
    assert not app.exception
    assert results(app) is None
    assert "Nothing was known then" in texts(app)
    assert "0 of 0 symbols" not in texts(app)
    late = screener(q="price above 20", session=NEWEST, scr_known="2024-05-01T10:00")
    assert "Nothing was known then" in texts(late)
    assert results(late) is None


def test_a_session_whose_checks_failed_is_marked_where_it_is_computed_as_known(own_screener, fresh_database):
    finding = {
        "check_name": "session_size",
        "severity": "error",
        "table_name": "daily_bars",
        "session": NEWEST,
        "bar_start": None,
        "symbol": None,
        "source": None,
        "value": "3",
        "expectation": "30 or more",
        "found_at": "2024-05-07T00:00Z",
        "run_id": "run",
    }
    with fresh_database.connection() as connection:
        insert(connection, QUALITY_FINDINGS, finding)
    marked = {known: "checks failed" in texts(own_screener(q="price above 20", session=day, scr_known="2024-06-01T10:00"))
              for known, day in (("blocked", NEWEST), ("clean", "2024-05-02"))}  # fmt: skip
    assert marked == {"blocked": True, "clean": False}


def test_nothing_passes_names_the_condition_that_removes_most(screener, traded):
    app = screener(q="price above 20 and RSI below 1")
    assert not app.exception
    assert results(app) is None
    assert f"removes the most: {features(traded).height} of" in texts(app)


def test_why_a_symbol_is_not_there_says_which_condition_it_fails(screener, traded):
    rows = features(traded)
    symbol, rsi = rows.filter(pl.col("rsi_14") >= 50).select("symbol", "rsi_14").row(0)
    app = screener(q="RSI below 50 and price above 0.01", scr_why=symbol)
    assert not app.exception
    verdicts = next(table.value for table in app.dataframe if "verdict" in table.value.columns)
    assert verdicts["verdict"].tolist() == ["✕ fails", "✓ passes"]
    assert f"{rsi:.2f}" in verdicts["reason"][0]


def test_a_shipped_screen_is_loaded_and_says_who_entered_and_left(screener):
    app = screener()
    app.button(key="scr_load_shipped_momentum_leaders").click().run()
    assert not app.exception
    assert query(app) == SCREENS["momentum_leaders"].query
    assert any("momentum_leaders" in item.label for item in app.expander)


def test_a_screen_is_saved_again_loaded_and_removed(own_screener, fresh_database):
    app = own_screener(q="RSI below 60 and price above 20")
    asked = query(app)
    assert "None saved yet" in texts(app)
    app.text_input(key="scr_name").set_value("mine").run()
    app.text_input(key="scr_about").set_value("Not too hot").run()
    app.button(key="scr_save_button").click().run()
    assert not app.exception
    assert app.toast[0].value == "mine is saved as version 1"
    app.text_input(key="q").set_value("RSI below 40").run()
    app.button(key="scr_save_button").click().run()
    assert app.toast[0].value == "mine is saved as version 2"
    app.text_input(key="q").set_value("").run()
    app.button(key="scr_load_saved_mine").click().run()
    assert query(app).where == Comparison(field="rsi_14", operator="<", value=40)
    stored = fresh_database.fetch(
        "select version, screen -> 'where' ->> 'kind' from saved_screens order by version"
    )
    assert stored == [(1, asked.where.kind), (2, "comparison")]
    app.button(key="scr_forget_mine").click().run()
    assert not app.exception
    assert "None saved yet" in texts(app)


def test_a_shipped_name_cannot_be_taken(own_screener, fresh_database):
    app = own_screener(q="RSI below 60")
    app.text_input(key="scr_name").set_value("oversold").run()
    app.button(key="scr_save_button").click().run()
    assert "shipped screen" in app.toast[0].value
    assert fresh_database.fetch("select count(*) from saved_screens") == [(0,)]


@pytest.fixture
def ollama():
    """Answer as a local model would; what it answers and what it was asked can be set and read."""
    said = SimpleNamespace(query={}, asked=[])

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            said.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            content = json.dumps(
                {"message": {"role": "assistant", "content": json.dumps(said.query)}}
            ).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever)
    thread.start()
    said.url = f"http://127.0.0.1:{server.server_port}"
    yield said
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def model_screener(open_page, traded, market, ollama):
    variables = market | {"TRADING_LOCAL_MODEL": "tiny", "TRADING_LOCAL_MODEL_URL": ollama.url}
    return lambda **query: open_page("Screener", traded.data, variables=variables, **query)


def test_the_local_model_is_asked_by_a_click_and_its_answer_runs_only_when_applied(model_screener, ollama):
    ollama.query = {
        "where": {"kind": "comparison", "field": "rsi_14", "sessions_ago": 0, "operator": "<", "value": 60.0}
    }
    app = model_screener(q="stocks that look tired")
    assert not ollama.asked, "it is not asked before somebody wants it"
    app.button(key="scr_model").click().run()
    assert not app.exception
    assert len(ollama.asked) == 1
    assert ollama.asked[0]["messages"][-1]["content"] == "stocks that look tired"
    assert "RSI \\< 60" in texts(app)
    assert results(app) is None
    app.button(key="scr_model_apply").click().run()
    assert query(app).where == Comparison(field="rsi_14", operator="<", value=60)
    assert results(app) is not None


def test_a_useless_answer_of_the_local_model_is_refused(model_screener, ollama):
    ollama.query = {"where": {"kind": "comparison", "field": "tiredness", "operator": "<", "value": 60.0}}
    app = model_screener(q="stocks that look tired")
    app.button(key="scr_model").click().run()
    assert not app.exception
    assert "not a query that can be run" in texts(app)
    assert not [item for item in app.button if item.key == "scr_model_apply"]


def test_without_a_local_model_there_is_no_button(screener):
    app = screener(q="stocks that look tired")
    assert not [item for item in app.button if item.key == "scr_model"]


def test_a_lake_without_features_says_what_makes_them(open_page, tmp_path, fresh_database):
    (tmp_path / "data" / "lake").mkdir(parents=True)
    app = open_page("Screener", tmp_path / "data", variables={"TRADING_DATABASE_URL": url_of(fresh_database)})
    assert not app.exception
    assert "There are no features yet" in texts(app)


def test_every_stretch_that_was_not_understood_is_marked_once_and_nothing_else_is_markup():
    text = "price > $5 and foo_bar *and* baz"
    problems = (Problem(15, 22, "foo_bar", ""), Problem(29, 32, "baz", ""), Problem(18, 22, "bar", ""))
    assert marked(text, problems) == (
        "price \\> \\$5 and :red-background[**foo\\_bar**] \\*and\\* :red-background[**baz**]"
    )
    assert marked("top 5 by", (Problem(8, 8, "", ""),)) == "top 5 by:red-background[**…**]"


def test_what_is_written_instead_takes_the_place_of_the_words():
    assert replaced("rsi belw 30", Problem(4, 8, "belw", ""), "below") == "rsi below 30"
    assert replaced("cheap foo stocks", Problem(6, 9, "foo", ""), "") == "cheap stocks"
    assert replaced("tech P/E 15, liquid", Problem(9, 11, "15", ""), "P/E < 15") == "tech P/E < 15, liquid"


@pytest.mark.parametrize(
    "sentence",
    [
        "volme above 1m",
        "tech stocks P/E 15",
        "price = 5",
        "top 20",
        "cheaper than AAPL",
        "best stocks to buy",
    ],
)
def test_only_what_helps_is_offered(sentence):
    problems = understand(sentence).problems
    assert problems
    for problem in problems:
        for words in helpful(sentence, problem, len(problems)):
            assert len(understand(replaced(sentence, problem, words)).problems) < len(problems)
