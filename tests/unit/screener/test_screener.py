"""Screens: what passes, in which order, and what is said about the symbols that do not."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.features.build import build_daily_features
from trading_assets.screener.decide import fails, passes
from trading_assets.screener.display import bound, shown
from trading_assets.screener.english.parse import parse
from trading_assets.screener.evaluate import badges, count_matches, evaluate, ranked, screen_version
from trading_assets.screener.explain import explain
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import (
    And,
    Between,
    Comparison,
    Cross,
    Filter,
    In,
    Not,
    Or,
    Query,
    Screen,
    Sort,
    Term,
)
from trading_assets.screener.market_frame import Market, columns_needed
from trading_assets.screener.membership import exits, with_events
from trading_assets.screener.presets import SCREENS
from trading_assets.screener.screen_file import read_screen, write_screen
from trading_assets.sessions import sessions_between
from trading_assets.tables.features import DAILY_FEATURES, FEATURE_NAMES
from trading_assets.tables.fundamentals import FUNDAMENTALS

DAYS = sessions_between(date(2024, 1, 2), date(2024, 1, 12))
LOW_RSI = Comparison(field="rsi_14", operator="<", value=30)
CHEAP = Comparison(field="pe", operator="<", value=15)


def market(*sessions: dict[str, dict[str, float | str | None]], asked: int = 1) -> Market:
    """The last of sessions that follow each other: rows of AAA, BBB, ... liquid, dear and neutral but for what is given."""
    neutral = dict.fromkeys([*FEATURE_NAMES, *FUNDAMENTALS], 50.0) | {
        "dollar_volume_20": 1e8,
        "macd_histogram": 0.0,
        "price_factor": 1.0,
        "share_factor": 1.0,
        "fundamentals_age_days": 3.0,
        "sector": "Energy",
    }
    rows = [
        {"symbol": symbol, "session": day, **neutral, **values}
        for day, symbols in zip(DAYS, sessions, strict=False)
        for symbol, values in symbols.items()
    ]
    schema = (
        {"symbol": pl.String, "session": pl.Date} | dict.fromkeys(neutral, pl.Float64) | {"sector": pl.String}
    )
    return Market(pl.DataFrame(rows, schema=schema), DAYS[len(sessions) - asked : len(sessions)])


def rsi(*values: float | None) -> dict[str, dict[str, float | None]]:
    return {letter * 3: {"rsi_14": value} for letter, value in zip("ABCDEFGH", values, strict=False)}


def passing(node: Filter, seen: Market) -> list[str]:
    return sorted(evaluate(Query(where=node), seen).rows["symbol"])


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (LOW_RSI, ["AAA"]),
        (Comparison(field="rsi_14", operator="<=", value=30), ["AAA", "BBB"]),
        (Comparison(field="rsi_14", operator=">=", value=30), ["BBB", "CCC"]),
        (
            Comparison(field="rsi_14", operator=">", value=Term(field="rsi_14", factor=0.5)),
            ["AAA", "BBB", "CCC"],
        ),
        (Between(field="rsi_14", low=20, high=30), ["AAA", "BBB"]),
        (In(field="symbol", values=("AAA", "DDD", "ZZZ")), ["AAA", "DDD"]),
        (Not(filter=LOW_RSI), ["BBB", "CCC"]),
        (Not(filter=Between(field="rsi_14", low=20, high=30)), ["CCC"]),
        (Not(filter=In(field="symbol", values=("AAA", "EEE"))), ["BBB", "CCC", "DDD"]),
        (Or(filters=(LOW_RSI, In(field="symbol", values=("DDD",)))), ["AAA", "DDD"]),
        (And(filters=(Not(filter=LOW_RSI), In(field="symbol", values=("CCC", "DDD")))), ["CCC"]),
    ],
)
def test_filters_pass_what_they_say_and_never_a_symbol_without_the_data(node, expected):
    assert passing(node, market(rsi(20.0, 30.0, 40.0, None, float("nan")))) == expected


def test_a_symbol_without_a_listing_is_in_no_sector_and_in_no_other_one_either():
    seen = market({"AAA": {"sector": "Energy"}, "BBB": {"sector": "Utilities"}, "CCC": {"sector": None}})
    energy = In(field="sector", values=("Energy", "Materials"))
    assert passing(energy, seen) == ["AAA"]
    assert passing(Not(filter=energy), seen) == ["BBB"]


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        (1, ["NOW"]),
        (2, ["NOW", "BEFORE"]),
        (3, ["NOW", "BEFORE", "TOUCHED"]),
    ],
)
def test_a_crossing_is_from_not_above_to_above_within_so_many_sessions(within, expected):
    paths = {
        "NOW": (9, 9, 10, 11),
        "BEFORE": (9, 10, 11, 12),
        "TOUCHED": (10, 10.5, 12, 12),
        "ALWAYS": (11, 11, 11, 11),
        "NEVER": (9, 9, 9, 10),
        "DOWN": (11, 11, 9, 8),
    }
    sessions = [
        {name: {"close": path[number], "sma_50": 10.0} for name, path in paths.items()} for number in range(4)
    ]
    node = Cross(field="close", direction="above", value=Term(field="sma_50"), within=within)
    assert passing(node, market(*sessions)) == sorted(expected)
    below = Cross(field="close", direction="below", value=10, within=2)
    assert passing(below, market(*sessions)) == ["DOWN"]


def test_an_earlier_value_is_that_of_the_market_session_in_the_present_scale():
    splits = {"SPLIT": {"close": 26.0, "price_factor": 0.25, "volume": 400.0, "share_factor": 4.0}}
    seen = market(
        {"SPLIT": {"close": 100.0, "volume": 100.0}, "HALTED": {"close": 10.0}, "OLD": {"close": 10.0}},
        {"SPLIT": {"close": 101.0, "volume": 100.0}, "OLD": {"close": 11.0}},
        splits | {"HALTED": {"close": 12.0}, "OLD": {"close": 12.0}},
    )  # fmt: skip
    assert dict(zip(seen.keys["symbol"], seen.numbers("close", 2), strict=True)) == {
        "SPLIT": 25.0,
        "HALTED": 10.0,
        "OLD": 10.0,
    }
    assert dict(zip(seen.keys["symbol"], seen.numbers("volume", 1), strict=True))["SPLIT"] == 400.0
    rose = Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=1))
    result = evaluate(Query(where=rose), seen)
    assert sorted(result.rows["symbol"]) == ["OLD", "SPLIT"]
    assert result.undecided == 1, "the halted one has no row at the session before"
    assert result.rows.columns[-1] == "close_1_ago"


def paid(close: tuple[float, float], **factors: float) -> Market:
    """A close and the next, with a dividend of $1 or what else the factors say in between."""
    today = {"close": close[1], "price_factor": 99.5 / 100.5} | factors
    return market({"PAID": {"close": close[0]}}, {"PAID": today})


def test_against_a_number_an_earlier_price_is_the_one_that_was_paid():
    fell = paid((100.5, 100.2))
    crossed = Cross(field="close", direction="above", value=100)
    for false in (
        crossed,
        Comparison(field="close", sessions_ago=1, operator="<", value=100),
        Between(field="close", sessions_ago=1, low=99, high=100),
    ):
        assert passing(false, fell) == []
        assert passing(Not(filter=false), fell) == ["PAID"]
    assert passing(crossed, paid((99.9, 100.2))) == ["PAID"]
    split = paid((402.0, 100.2), price_factor=99.5 / 100.5 / 4, share_factor=4.0)
    was = Comparison(field="close", sessions_ago=1, operator=">", value=100.4)
    assert passing(was, split) == ["PAID"]
    assert passing(crossed, split) == []
    assert evaluate(Query(where=was), split).rows["close_1_ago"].to_list() == [100.5]
    assert (
        explain(Query(where=was), split, "PAID").verdicts[0].reason
        == "price 1 session ago is 100.50, > 100.4"
    )


def test_against_another_price_a_dividend_counts_as_a_return():
    fell = paid((100.5, 100.2))
    rose = Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=1))
    found = evaluate(Query(where=rose), fell)
    assert found.rows["close_1_ago"].to_list() == [pytest.approx(99.5)]
    reason = explain(Query(where=rose), fell, "PAID").verdicts[0].reason
    assert reason == "price is 100.20, > price 1 session ago (99.50)"
    both = And(filters=(rose, Comparison(field="close", sessions_ago=1, operator=">", value=100)))
    assert evaluate(Query(where=both), fell).rows["close_1_ago"].to_list() == [100.5]


def test_two_fields_cross_within_the_scale_of_each_session():
    sessions = [
        {"PAID": {"close": 9.0, "sma_50": 10.0}},
        {"PAID": {"close": 11.0, "sma_50": 10.0, "price_factor": float("nan")}},
    ]
    node = Cross(field="close", direction="above", value=Term(field="sma_50"))
    assert "price_factor" not in columns_needed(Query(where=node))[0]
    assert passing(node, market(*sessions)) == ["PAID"]


def test_rounding_makes_no_new_high_and_hides_none():
    # Companies that pay $0.02 to $2 twice, after a split; every other one closes at a new high on the second ex-date.
    days = sessions_between(date(2023, 1, 3), date(2024, 1, 19))
    names = [f"PAYS{cents:03}" for cents in range(1, 101)]
    rising = names[::2]
    bars = pl.DataFrame(
        [
            {"symbol": name, "session": day, "open": 70.0, "low": 60.0, "volume": 1e6, "high": close + 5, "close": close}
            for number, name in enumerate(names)
            for day in days
            for close in [71.07 + 0.13 * number]
        ]
    ).with_columns(
        pl.when(pl.col("session") < days[-1]).then("high")
        .when(pl.col("symbol").is_in(rising)).then(pl.col("high") + 7).otherwise("close").alias(name)
        for name in ("high", "close")
    )  # fmt: skip
    actions = pl.DataFrame(
        [
            (name, day, *action)
            for cents, name in enumerate(names, start=1)
            for day, action in (
                (days[3], ("split", 3.0, None)),
                (days[4], ("cash_dividend", None, cents / 50)),
                (days[-1], ("cash_dividend", None, cents / 50)),
            )
        ],
        schema={"symbol": pl.String, "ex_date": pl.Date, "kind": pl.String, "split_ratio": pl.Float64, "cash_usd": pl.Float64},
        orient="row",
    )  # fmt: skip
    lacking = dict.fromkeys(FUNDAMENTALS, pl.lit(None, pl.Float64))
    rows = build_daily_features(bars, actions, sessions=days[-2:]).with_columns(**lacking)
    seen = Market(rows, days[-1:])
    high, before, close = (seen.numbers(*value) for value in (("high_252",), ("high_252", 1), ("close",)))
    assert (high > before).sum() > len(rising), "rounding should make some look like new highs"
    assert (close < high)[::2].any(), "and some closes look lower than themselves"
    at_the_high = Comparison(field="close", operator=">=", value=Term(field="high_252"))
    above_it = Comparison(field="close", operator=">", value=Term(field="high_252"))
    assert passing(parse("new 52-week high").where, seen) == rising
    assert passing(at_the_high, seen) == rising
    assert passing(above_it, seen) == []
    crossed = Cross(field="close", direction="above", value=Term(field="high_252"))
    assert passing(crossed, seen) == []


def test_sessions_at_once_give_the_same_as_one_by_one():
    sessions = [
        {name: {"rsi_14": float((number * 7 + place * 5) % 60), "close": 6.0 + (number * place) % 5} for place, name in
         enumerate(["AAA", "BBB", "CCC", "DDD"]) if (number + place) % 4}
        for number in range(6)
    ]  # fmt: skip
    query = Query(
        where=Or(
            filters=(
                LOW_RSI,
                Cross(field="close", direction="above", value=7, within=2),
                Comparison(field="close", sessions_ago=2, operator=">", value=9),
            )
        ),
        sort=Sort(field="rsi_14", descending=False),
        top=3,
    )
    at_once = market(*sessions, asked=4)
    one_by_one = [ranked(query, market(*sessions[: number + 1])) for number in range(2, 6)]
    assert ranked(query, at_once).equals(pl.concat(one_by_one))
    counts = count_matches(query, [at_once])
    assert counts["session"].to_list() == DAYS[2:6]
    assert counts["matched"].sum() == evaluate(query, at_once).matched


def test_each_condition_says_how_many_fail_it_lack_the_data_and_are_left_after_it():
    rows = market({
        "AAA": {"rsi_14": 20.0}, "BBB": {"rsi_14": 40.0, "close": 4.0}, "CCC": {"rsi_14": None, "close": 4.0},
        "DDD": {"rsi_14": None}, "EEE": {"rsi_14": 25.0, "close": 4.0},
    })  # fmt: skip
    dear = Comparison(field="close", operator=">", value=5)
    result = evaluate(Query(where=And(filters=(LOW_RSI, dear))), rows)
    counted = [
        (item.filter, item.passed, item.failed, item.missing, item.remaining) for item in result.conditions
    ]
    assert counted == [(LOW_RSI, 2, 1, 2, 2), (dear, 2, 3, 0, 1)]
    assert (result.screened, result.matched) == (5, 1)
    assert result.undecided == 1, "only DDD: CCC fails the price, whatever its RSI"
    assert [item.removed for item in result.conditions] == [3, 3]


def test_results_are_ranked_with_ties_by_symbol_and_missing_values_last():
    rows = market({
        "AAA": {"return_5": None}, "BBB": {"return_5": 0.1}, "CCC": {"return_5": 0.2}, "DDD": {"return_5": 0.1},
    })  # fmt: skip
    for descending, expected in ((True, ["CCC", "BBB", "DDD", "AAA"]), (False, ["BBB", "DDD", "CCC", "AAA"])):
        found = evaluate(Query(sort=Sort(field="return_5", descending=descending)), rows).rows
        assert found["symbol"].to_list() == expected
        assert found["rank"].to_list() == [1, 2, 3, 4]
    best = evaluate(Query(sort=Sort(field="return_5"), top=2), rows)
    assert best.rows["symbol"].to_list() == ["CCC", "BBB"]
    assert best.matched == 4
    assert best.rows["return_5"].to_list() == [0.2, 0.1]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Oversold", {"rsi_14": 29.9, "close": 60.0}),
        ("Overbought", {"rsi_14": 70.1}),
        ("Bullish", {"close": 60.0, "sma_50": 50.0, "sma_200": 40.0, "macd_histogram": 0.1}),
        ("Bearish", {"close": 40.0, "sma_50": 50.0, "sma_200": 60.0, "macd_histogram": -0.1}),
        ("Neutral", {"close": 60.0, "sma_50": 50.0, "sma_200": 40.0, "macd_histogram": -0.1}),
        ("Neutral", {"rsi_14": None, "sma_50": None}),
    ],
)
def test_badges_name_the_state(name, values):
    assert badges(market({"AAA": values})).to_list() == [name]


def test_explaining_names_the_values_what_is_missing_and_the_place():
    rows = market({
        "LOW": {"rsi_14": 20.0, "pe": 12.0}, "HIGH": {"rsi_14": 47.1, "pe": 12.0}, "POOR": {"rsi_14": 25.0, "pe": None},
    })  # fmt: skip
    query = Query(where=And(filters=(LOW_RSI, CHEAP)), sort=Sort(field="rsi_14"), top=1)
    high = explain(query, rows, "HIGH")
    assert high.summary == "HIGH: RSI is 47.10, not < 30"
    assert [verdict.outcome for verdict in high.verdicts] == ["fails", "passes"]
    assert [verdict.reason for verdict in high.verdicts] == ["RSI is 47.10, not < 30", "P/E is 12.00, < 15"]
    poor = explain(query, rows, "POOR")
    assert (poor.summary, poor.verdicts[1].outcome) == ("POOR: lacks P/E", "missing")
    assert explain(query, rows, "LOW").summary == "LOW passes, number 1 of 1"
    everyone = query.model_copy(update={"where": Comparison(field="rsi_14", operator=">", value=0)})
    beyond = explain(everyone, rows, "LOW")
    assert (beyond.is_in, beyond.rank) == (False, 3)
    assert beyond.summary == "LOW passes, number 3 of 3, and the screen keeps the top 1"
    absent = explain(query, rows, "GONE")
    assert (absent.is_there, absent.is_in) == (False, False)
    assert "no accepted bar" in absent.summary


HIGH_FOR_THREE = Comparison(field="rsi_14", operator=">", value=70, in_each=3)


@pytest.mark.parametrize(
    ("values", "outcome", "reason"),
    [
        ((71, 72, 73), "passes", "RSI is 73.00, > 70, and so in each of the last 3 sessions"),
        ((71, 65, 73), "fails", "in session 2024-01-03 RSI 1 session ago is 65.00, not > 70"),
        ((60, 65, 73), "fails", "in session 2024-01-03 RSI 1 session ago is 65.00, not > 70, and 1 more of the 3 fail"),
        ((71, 72, 70), "fails", "in session 2024-01-04 RSI is 70.00, not > 70"),
        ((None, 72, 73), "missing", "lacks RSI 2 sessions ago"),
        ((None, 65, 73), "fails", "in session 2024-01-03 RSI 1 session ago is 65.00, not > 70"),
    ],
)  # fmt: skip
def test_a_condition_on_each_of_several_sessions_says_which_of_them_fails_or_lacks_the_data(
    values, outcome, reason
):
    told = explain(Query(where=HIGH_FOR_THREE), market(*(rsi(value) for value in values)), "AAA")
    assert (told.verdicts[0].outcome, told.verdicts[0].reason) == (outcome, reason)
    assert told.is_in == (outcome == "passes")


def test_a_session_without_a_row_is_not_met_by_a_condition_on_each_session():
    seen = market(rsi(71), {}, rsi(73))
    assert evaluate(Query(where=HIGH_FOR_THREE), seen).undecided == 1
    assert explain(Query(where=HIGH_FOR_THREE), seen, "AAA").summary == "AAA: lacks RSI 1 session ago"


def test_a_screen_is_written_in_the_lowest_format_that_can_say_it_and_older_files_load():
    old, new = (
        Screen(name="x", where=Comparison(field="rsi_14", operator=">", value=70, in_each=each))
        for each in (1, 3)
    )
    assert (old.format, new.format) == (1, 2)
    assert read_screen(write_screen(new)) == new
    as_before = json.loads(write_screen(old))
    del as_before["where"]["in_each"]  # as the version before wrote it
    assert read_screen(json.dumps(as_before)) == old
    assert screen_version(read_screen(json.dumps(as_before))) == screen_version(old) != screen_version(new)


def test_a_condition_on_each_session_reaches_no_further_back_than_a_value_may_lie():
    assert Comparison(field="close", operator=">", value=1, sessions_ago=1, in_each=252).in_each == 252
    with pytest.raises(ValidationError, match="more than 252 sessions ago"):
        Comparison(field="close", operator=">", value=Term(field="close", sessions_ago=2), in_each=252)
    with pytest.raises(ValidationError, match="more than 252 sessions ago"):
        Between(field="close", low=1, high=2, sessions_ago=2, in_each=252)


@pytest.mark.parametrize("written", ["Banks - Regional", "Banks—Regional"])
def test_an_industry_is_the_same_with_either_dash_of_the_vendor(written):
    seen = market({"AAA": {}}).keys.with_columns(industry=pl.lit("Banks—Regional"))
    assert passes(In(field="industry", values=(written,)), Market(seen)).tolist() == [True]
    assert fails(In(field="industry", values=(written,)), Market(seen)).tolist() == [False]


@pytest.mark.parametrize(
    ("node", "outcome", "reason"),
    [
        (Comparison(field="close", operator=">", value=Term(field="sma_200", factor=1.5)), "fails",
         "price is 60.00, not > 1.5 x 200-day SMA (50.00)"),
        (Comparison(field="return_5", operator=">", value=0.05), "passes", "5-day return is 5,000.00%, > 5%"),
        (Between(field="close", low=1, high=2), "fails", "price is 60.00, not price between"),
        (In(field="sector", values=("Utilities",)), "fails", "sector is Energy, not sector"),
        (Comparison(field="close", sessions_ago=1, operator=">", value=5), "missing", "lacks price 1 session ago"),
        (Not(filter=Comparison(field="close", operator=">", value=5)), "fails", "price is 60.00, not not"),
    ],
)  # fmt: skip
def test_a_verdict_says_what_decided(node, outcome, reason):
    verdict = explain(Query(where=node), market({"AAA": {"close": 60.0}}), "AAA").verdicts[0]
    assert verdict.outcome == outcome
    assert verdict.reason.startswith(reason)


def test_events_are_entries_and_exits_with_the_reason():
    sessions = [
        {"STAYS": {"rsi_14": 20.0}, "LEAVES": {"rsi_14": 10.0}, "HALTED": {"rsi_14": 15.0}, "COMES": {"rsi_14": 40.0}},
        {"STAYS": {"rsi_14": 21.0}, "LEAVES": {"rsi_14": 31.2}, "COMES": {"rsi_14": 25.0}, "SLIPS": {"rsi_14": 29.0}},
        {"STAYS": {"rsi_14": 21.0}, "LEAVES": {"rsi_14": None}, "COMES": {"rsi_14": 22.0}, "SLIPS": {"rsi_14": 29.5}},
    ]  # fmt: skip
    seen, days = market(*sessions, asked=2), DAYS[1:3]
    query = Query(where=LOW_RSI, sort=Sort(field="rsi_14", descending=False), top=3)
    members, before = ranked(query, seen), ["STAYS", "LEAVES", "HALTED"]
    said = with_events(members, days, before)
    assert said.select("session", "symbol", "event").rows() == [
        (days[0], "STAYS", "stayed"), (days[0], "COMES", "entered"), (days[0], "SLIPS", "entered"),
        (days[1], "STAYS", "stayed"), (days[1], "COMES", "stayed"), (days[1], "SLIPS", "stayed"),
    ]  # fmt: skip
    assert exits(query, seen, members, days, before).rows() == [
        (days[0], "HALTED", "no accepted bar at the session"),
        (days[0], "LEAVES", "RSI is 31.20, not < 30"),
    ]
    narrow = query.model_copy(update={"top": 2})
    assert exits(narrow, seen, ranked(narrow, seen), days, ["SLIPS"]).rows() == [
        (days[0], "SLIPS", "passes, but ranks 3 and the screen keeps the top 2"),
    ]


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_shipped_screens_survive_json_run_on_nothing_and_want_liquid_shares(screen):
    assert read_screen(write_screen(screen)) == screen
    empty = evaluate(screen.query, market({}))
    assert (empty.rows.height, empty.screened) == (0, 0)
    assert screen.description
    assert screen.sort is not None
    floors = {item.field for item in screen.where.filters if isinstance(item, Comparison)}
    assert {"close", "dollar_volume_20"} <= floors


def test_every_field_can_be_compared_with_itself_and_others_of_its_kind_alone():
    numbers = [name for name, field in FIELDS.items() if field.kind == "number"]
    columns = dict.fromkeys(DAILY_FEATURES.columns, 1.0) | {"symbol": "AAA", "session": DAYS[0]}
    seen = Market(pl.DataFrame([columns]), [DAYS[0]])
    for name in numbers:
        query = Query(where=Comparison(field=name, operator=">", value=Term(field=name, factor=0.5)))
        assert name in columns_needed(query)[0]
        assert evaluate(query, seen).undecided == 0
    assert set(FEATURE_NAMES) <= set(numbers)
    with pytest.raises(ValidationError, match=r"RSI and 200-day SMA are of different kinds: 0-100, a price"):
        Comparison(field="rsi_14", operator=">", value=Term(field="sma_200"))


def test_a_fingerprint_is_of_what_is_looked_for_and_not_of_how_it_is_called():
    query = Query(where=LOW_RSI)
    assert screen_version(query) == "d83e558c4d4d7a9c", (
        "results of the past name this version: it must not change"
    )
    assert screen_version(Screen(name="mine", description="x", where=LOW_RSI)) == screen_version(query)
    assert screen_version(Query(where=LOW_RSI, sort=Sort(field="dollar_volume_20"))) == screen_version(query)
    others = (
        Query(where=CHEAP),
        Query(where=Not(filter=LOW_RSI)),
        Query(where=LOW_RSI, sort=Sort(field="close"), top=5),
        Query(where=And(filters=(LOW_RSI, CHEAP))),
        Query(where=Or(filters=(LOW_RSI, CHEAP))),
    )
    assert len({screen_version(item) for item in (query, *others)}) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rsi < 30", "JSON document"),
        ("[1]", "JSON object"),
        ('{"format": 3, "name": "x"}', "reads formats 1 and 2: update"),
        ('{"name": "My Screen"}', "name: String should match"),
        ('{"name": "x", "where": {"kind": "comparison", "field": "rsi14", "operator": "<", "value": 3}}', "did you mean rsi_14"),
        ('{"name": "x", "colour": "red"}', "colour: Extra"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_screen_is_refused_with_advice(text, message):
    with pytest.raises(ConfigurationError, match=message):
        read_screen(text)


@pytest.mark.parametrize(
    ("field", "value", "text", "compared"),
    [
        ("close", 12.5, "12.50", "12.5"),
        ("close", 0.0123, "0.0123", "0.0123"),
        ("market_cap", 2.5e9, "2.50B", "2.5B"),
        ("volume", 12_345.0, "12,345", "12,345"),
        ("return_5", -0.1, "-10.00%", "-10%"),
        ("volatility_20", 0.255, "25.50%", "25.5%"),
        ("rsi_14", 30.0, "30.00", "30"),
    ],
)
def test_numbers_are_shown_in_the_unit_of_their_field(field, value, text, compared):
    assert (shown(field, value), bound(field, value)) == (text, compared)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "comparison", "field": "rsi14", "operator": "<", "value": 30}', "did you mean rsi_14"),
        ('{"kind": "comparison", "field": "symbol", "operator": "<", "value": 30}', "holds text"),
        ('{"kind": "comparison", "field": "close", "operator": "=", "value": 30}', "operator"),
        ('{"kind": "comparison", "field": "close", "operator": "<", "value": NaN}', "finite"),
        ('{"kind": "between", "field": "close", "low": 9, "high": 1}', "swap"),
        ('{"kind": "eval", "code": "1"}', "does not match any of the expected tags"),
        ('{"kind": "not", "filter": {"kind": "and", "filters": []}}', "at least 2"),
        ('{"kind": "in", "field": "symbol", "values": ["A"], "extra": 1}', "Extra"),
    ],
)
def test_filters_that_make_no_sense_are_refused_with_a_reason(text, message):
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(Filter).validate_python(json.loads(text))


def test_a_filter_that_is_too_deep_is_refused():
    node: Filter = LOW_RSI
    for _ in range(20):
        node = Not(filter=node)
    with pytest.raises(ValidationError, match="deep"):
        Query(where=node)
