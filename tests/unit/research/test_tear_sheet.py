"""The tear sheet says what it was given, in words where there is nothing to say, and loads and runs nothing but itself."""

from __future__ import annotations

import base64
import doctest
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest
import vl_convert

from tests.unit.research.made_up_backtest import FIGURES, curves, made_up_sheet, sessions, trips
from trading_assets.backtest.round_trips import ROUND_TRIP_SCHEMA
from trading_assets.palette import DARK, LIGHT
from trading_assets.research import tear_sheet as whole
from trading_assets.research.sheets import charts, tables, words
from trading_assets.research.sheets.curves import columns_of, distribution
from trading_assets.research.sheets.words import written
from trading_assets.research.tear_sheet import TearSheet, tear_sheet
from trading_assets.statistics.calendar_returns import month_table

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>&\"'"


class Page(HTMLParser):
    """What a browser would make of a tear sheet: text, scripts by type, and every attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.words: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.styles: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag in {"script", "style"}:
            self.inside.append(tag)
        if tag == "script":
            self.scripts.append((dict(attributes).get("type", "text/javascript"), ""))

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self.inside.pop()

    def handle_data(self, data):
        if self.inside[-1:] == ["script"]:
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self.inside:
            self.styles.append(data)
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def data(self) -> dict[str, object]:
        (written,) = [text for kind, text in self.scripts if kind == "application/json"]
        return json.loads(written)


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(tear_sheet(made_up_sheet()))


def test_every_figure_is_there_with_its_definition(page):
    for figure in FIGURES:
        assert written(figure.value, figure.unit) in page.text
        assert figure.definition in page.text
    tooltips = [value for tag, name, value in page.attributes if (tag, name) == ("div", "title")]
    assert FIGURES[0].definition in tooltips
    assert "43.21 %" in page.text
    assert "$143,210.55" in page.text
    assert "211 sessions" in page.text


def test_months_trades_reasons_outcomes_versions_and_caveats_are_there(page):
    sheet = made_up_sheet()
    for row in month_table(sheet.curves.returns, sheet.curves.sessions).rows():
        assert all(f"{100 * value:+.1f}" in page.text for value in row[1:] if value is not None)
    assert "The newest 200 of 300 trades" in page.text
    assert "was rank … " in page.text
    assert "max_positions 237 3.26 %" in page.text
    assert "381d58ea6085" in page.text
    assert "Prices are of a simulated market." in page.text
    assert "✓ passed" in page.text
    assert "one of 12 sets of parameters, limits and costs" in page.text


def test_nothing_is_loaded_and_only_our_own_scripts_may_run(page):
    loading = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}
    assert {value for _, name, value in page.attributes if name in loading} == {"#distrust"}
    assert not {tag for tag, *_ in page.attributes} & {"link", "img", "iframe", "object", "embed", "base"}
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?:", "".join(page.styles))
    assert not re.search(r"https?://(?!vega\.github\.io/schema/)", json.dumps(page.data))
    (policy,) = [value for _, name, value in page.attributes if name == "content" and "default-src" in value]
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    running = [text for kind, text in page.scripts if kind == "text/javascript"]
    digests = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == digests
    assert len(running) == 2


def test_text_that_came_with_the_data_stays_text():
    sheet = made_up_sheet()
    own = trips(3).with_columns(
        symbol=pl.lit(EVIL), strategy=pl.lit(EVIL), entry_reason=pl.lit(EVIL), exit_reason=pl.lit(EVIL)
    )
    html = tear_sheet(
        replace(
            sheet, title=EVIL, trips=own, outcomes={(EVIL, EVIL): 1}, sectors={EVIL: EVIL}, versions={EVIL: EVIL},
            look_ahead=[(EVIL, False, EVIL)], caveats=[EVIL], benchmark=EVIL,
            figures=[replace(FIGURES[0], name=EVIL, group=EVIL, definition=EVIL)],
        )
    )  # fmt: skip
    seen = Page(html)
    assert len(seen.scripts) == 3
    assert not {tag for tag, *_ in seen.attributes} & {"img"}
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert EVIL in seen.text
    assert seen.data["rows"]["symbols"][0]["name"] == EVIL
    drawn(seen.data, "equity")


EMPTY = TearSheet("Nothing", curves(0), trips=pl.DataFrame(schema=ROUND_TRIP_SCHEMA))


@pytest.mark.parametrize(
    ("sheet", "sentences"),
    [
        (EMPTY, ["No session.", "No trade was made.", "No decision was recorded.", "No figure was given.", "do not rely on the figures"]),
        (replace(EMPTY, curves=curves(1)), ["1 session, 02 Jan 2006", "126 sessions are needed", "Too few different returns"]),
        (replace(made_up_sheet(), trips=EMPTY.trips), ["No trade was made.", "No trade has ended."]),
        (replace(made_up_sheet(), curves=curves(benchmark=False)), ["The benchmark has no returns", "No benchmark."]),
        (replace(made_up_sheet(), sectors=None), ["The sectors of the symbols are not known."]),
        (replace(made_up_sheet(), bands=made_up_sheet(20).bands), ["The bands were not made for these sessions."]),
        (replace(made_up_sheet(), figures=[replace(item, value=float("nan")) for item in FIGURES]), ["too little data"]),
    ],
    ids=["nothing", "one session", "no trades", "no benchmark", "no sectors", "bands of other sessions", "no values"],
)  # fmt: skip
def test_what_is_missing_is_said_in_words(sheet, sentences):
    html = tear_sheet(sheet)
    seen = Page(html)
    for sentence in sentences:
        assert sentence in seen.text
    assert not re.search(r"\b(NaN|nan|inf|None)\b", seen.text)


def test_a_check_that_could_not_compare_anything_is_no_suspicion():
    checked = [("contract", True, "as agreed"), ("says_something", None, "no signal in 5 sessions")]
    open_ = Page(tear_sheet(replace(made_up_sheet(), look_ahead=checked))).text
    assert "It could not be checked whether a decision knew the future (says_something)" in open_
    assert "may have known the future" not in open_
    assert "FAILED" not in open_
    failed = Page(
        tear_sheet(replace(made_up_sheet(), look_ahead=[*checked, ("pure", False, "reads the clock")]))
    )
    assert "A decision may have known the future (pure)" in failed.text


def test_the_charts_of_one_session_can_be_drawn():
    data = Page(tear_sheet(replace(EMPTY, curves=curves(1)))).data
    assert set(data["charts"]) == {"equity", "equity_log", "drawdown", "exposure", "positions", "costs"}
    for name in data["charts"]:
        drawn(data, name)


def test_every_chart_can_be_drawn(page):
    assert set(page.data["charts"]) == {
        "equity", "equity_log", "drawdown", "sharpe", "volatility", "beta", "exposure", "positions", "bands", "symbols", "strategies",
        "sectors", "costs", "distribution",
    }  # fmt: skip
    for name in page.data["charts"]:
        assert drawn(page.data, name).count("<path") > 2


def drawn(data: dict[str, object], name: str) -> str:
    spec = dict(data["charts"][name])
    seen = spec.pop("usermeta")["columns"]
    over_time = [
        {"session": 86_400_000 * day, **{column: data["columns"][column][place] for column in seen}}
        for place, day in enumerate(data["columns"]["session"])
    ]
    rows = data["rows"].get(name, over_time)
    whole = {**spec, "width": 600, "datasets": {**spec.get("datasets", {}), "rows": rows}}
    return vl_convert.vegalite_to_svg(whole, vl_version="6.4")


def test_equity_that_grows_more_than_threefold_is_shown_on_a_log_scale():
    slow, fast = curves(growth=0.0002), curves(growth=0.004)
    assert 'data-chart="equity"' in tear_sheet(replace(made_up_sheet(), curves=slow))
    assert 'data-chart="equity_log"' in tear_sheet(replace(made_up_sheet(), curves=fast))


def test_a_failed_check_for_look_ahead_is_the_first_thing_said():
    html = tear_sheet(replace(made_up_sheet(), look_ahead=[("Truncation", False, "differs on 2007-01-03")]))
    assert (
        "A decision may have known the future (Truncation): do not rely on these figures." in Page(html).text
    )
    assert "warning bad" in html


def test_the_curves_begin_with_the_same_opening_balance_and_end_at_the_equity():
    shown = curves(300)
    columns = columns_of(shown)
    assert columns["net"][-1] == round(float(shown.equity_usd[-1]))
    assert columns["gross"][-1] > columns["net"][-1]
    assert columns["benchmark"][0] == pytest.approx(100_000 * (1 + shown.benchmark_returns[0]), abs=1)
    assert columns["sharpe"][:125] == [None] * 125
    assert columns["sharpe"][125] is not None


def test_every_session_is_in_one_bin_and_a_bin_begins_at_zero():
    bins = distribution(curves(750).returns)
    assert sum(row["sessions"] for row in bins) == 750
    assert 0.0 in [row["low"] for row in bins]


def test_best_and_worst_never_show_a_symbol_twice():
    many = pl.DataFrame({"name": [f"S{n}" for n in range(25)], "usd": [100.0 - 10 * n for n in range(25)]})
    assert tables.best_and_worst(many)["name"].to_list() == [f"S{n}" for n in [*range(10), *range(15, 25)]]
    assert tables.best_and_worst(many.head(20)).height == 20


def test_open_trades_come_first_and_then_the_newest_exits():
    shown = tables.trades(trips(300))
    out = [row[3].text for row in shown.rows]
    still = out.count("still held")
    assert out[:still] == ["still held"] * still
    assert out[still:] == sorted(out[still:], reverse=True)


def test_reasons_that_differ_in_a_number_alone_are_counted_together():
    assert tables.patterns(["rank 1 of 20", "rank 2 of 20", "stop", "rank 7"]) == {
        "rank 1 of 20": "rank … of 20", "rank 2 of 20": "rank … of 20", "stop": "stop", "rank 7": "rank 7",
    }  # fmt: skip


def test_quotes_in_the_name_of_the_benchmark_do_not_end_an_expression():
    columns = columns_of(curves(10))
    found = charts.charts_over_time(columns, "S&P 'total' \\ return")
    data = {"charts": found, "columns": columns, "rows": {}}
    assert "&#39;total&#39;" in drawn(data, "equity") or "'total'" in drawn(data, "equity")


@pytest.mark.parametrize("module", [words, tables, whole])
def test_examples_print_what_they_show(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_both_themes_are_in_the_page_and_paper_is_light():
    html = tear_sheet(made_up_sheet())
    light, dark = html.index(f"--paper:{LIGHT.paper}"), html.index(f"--paper:{DARK.paper}")
    assert light < html.index("@media screen and (prefers-color-scheme: dark)") < dark


def test_twenty_years_are_small_enough_to_be_sent():
    html = tear_sheet(replace(made_up_sheet(5040), trips=trips(5000, over=5040)))
    assert sessions(5040)[-1].year == 2025
    assert len(html.encode()) < 3_000_000
