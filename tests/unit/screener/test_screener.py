"""Screens: what passes, in which order, and what is said about the symbols that do not."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from trading_assets.schemas import DAILY_FEATURES, FEATURE_NAMES, SCREENER_RESULTS
from trading_assets.screener.compile import PredicateCount, badge, evaluate, evaluate_sessions, expression
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import And, Between, Comparison, Filter, In, Not, Or, Screen, describe
from trading_assets.screener.presets import MOMENTUM_LEADERS, OVERSOLD, SCREENS

SESSION = date(2024, 1, 2)
LOW_RSI = Comparison(field="rsi_14", operator="<", value=30)
UP = Comparison(field="close", operator=">", value="sma_200")


def features(**columns: list[float | None]) -> pl.DataFrame:
    """Symbols AAA, BBB, ... that are liquid, dear and neutral but for ``columns``."""
    count = len(next(iter(columns.values())))
    values = dict.fromkeys(FEATURE_NAMES, 50.0) | {"dollar_volume_20": 1e8, "macd_histogram": 0.0}
    frame = pl.DataFrame(
        {"symbol": [letter * 3 for letter in "ABCDEFGH"[:count]], "session": [SESSION] * count}
        | {name: columns.get(name, [value] * count) for name, value in values.items()},
        schema_overrides=dict.fromkeys(FEATURE_NAMES, pl.Float64),
    )
    return frame.select(list(DAILY_FEATURES.columns))


def passing(node: Filter, frame: pl.DataFrame) -> list[str]:
    screen = Screen(name="test", where=node, sort_by="close")
    return evaluate(screen, frame, ()).rows["symbol"].sort().to_list()


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (LOW_RSI, ["AAA"]),
        (Comparison(field="rsi_14", operator="<=", value=30), ["AAA", "BBB"]),
        (Comparison(field="rsi_14", operator=">=", value=30), ["BBB", "CCC"]),
        (Comparison(field="rsi_14", operator=">", value="rsi_14", factor=0.5), ["AAA", "BBB", "CCC"]),
        (Between(field="rsi_14", low=20, high=30), ["AAA", "BBB"]),
        (In(field="symbol", values=("AAA", "DDD", "ZZZ")), ["AAA", "DDD"]),
        (Not(filter=LOW_RSI), ["BBB", "CCC"]),
        (Or(filters=(LOW_RSI, In(field="symbol", values=("DDD",)))), ["AAA", "DDD"]),
        (And(filters=(Not(filter=LOW_RSI), In(field="symbol", values=("CCC", "DDD")))), ["CCC"]),
    ],
    ids=describe,
)
def test_filters_pass_what_they_say_and_never_a_symbol_without_the_data(node, expected):
    frame = features(rsi_14=[20.0, 30.0, 40.0, None, float("nan")])
    assert passing(node, frame) == expected


def test_results_are_ranked_with_ties_by_symbol_and_say_who_is_new():
    frame = features(rsi_14=[20.0, 10.0, 20.0, 50.0])
    rows = evaluate(OVERSOLD, frame, {"AAA"}).rows.sort("rank")
    assert rows.schema == SCREENER_RESULTS.schema
    assert rows.select("symbol", "rank", "event", "badge").rows() == [
        ("BBB", 1, "entered", "Oversold"),
        ("AAA", 2, "stayed", "Oversold"),
        ("CCC", 3, "entered", "Oversold"),
    ]


def test_sessions_at_once_give_the_same_as_one_by_one():
    random = np.random.default_rng(5)
    days = [SESSION + timedelta(days=number) for number in range(6)]
    frames = [
        features(
            **{
                name: random.choice([10.0, 20.0, 40.0, 0.5], 8).tolist()
                for name in ("rsi_14", "momentum_12_1")
            }
        ).with_columns(session=pl.lit(day))
        for day in days
    ]
    screens = [OVERSOLD, MOMENTUM_LEADERS.model_copy(update={"top": 3})]
    members = {"oversold": {"AAA", "BBB"}}
    at_once = evaluate_sessions(screens, pl.concat(frames), members)
    one_by_one = []
    for frame in frames:
        rows = [evaluate(screen, frame, members.get(screen.name, ())).rows for screen in screens]
        members = {screen.name: set(found["symbol"]) for screen, found in zip(screens, rows, strict=True)}
        one_by_one += rows
    assert at_once.equals(pl.concat(one_by_one).sort(SCREENER_RESULTS.key))
    assert set(at_once["event"]) == {"entered", "stayed"}


def test_each_condition_says_how_many_it_removed_and_how_many_lack_the_data():
    result = evaluate(OVERSOLD, features(rsi_14=[20.0, 40.0, None], close=[50.0, 4.0, 4.0]), ())
    assert result.screened == 3
    assert result.conditions == (
        PredicateCount("rsi_14 < 30", removed=1, missing=1),
        PredicateCount("close > 5", removed=2, missing=0),
        PredicateCount("dollar_volume_20 > 5,000,000", removed=0, missing=0),
    )


def test_top_keeps_the_best_and_missing_sort_values_come_last():
    screen = Screen(
        name="best", where=In(field="symbol", values=("AAA", "BBB", "CCC")), sort_by="return_5", top=2
    )
    assert evaluate(screen, features(return_5=[None, 0.1, 0.2]), ()).rows.sort("rank")[
        "symbol"
    ].to_list() == [
        "CCC",
        "BBB",
    ]


def test_momentum_leaders_are_fifty_in_an_up_trend():
    count = 8
    frame = features(momentum_12_1=[0.1 * place for place in range(count)], sma_200=[40.0] * 7 + [60.0])
    rows = evaluate(MOMENTUM_LEADERS, frame, ()).rows.sort("rank")
    assert rows["symbol"].to_list() == ["GGG", "FFF", "EEE", "DDD", "CCC", "BBB"]
    assert MOMENTUM_LEADERS.top == 50


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
    frame = features(**{field: [value] for field, value in values.items()})
    assert frame.select(badge()).item() == name


@pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)
def test_screens_survive_json_and_run_on_nothing(screen):
    assert Screen.model_validate_json(screen.model_dump_json()) == screen
    empty = evaluate(screen, features(close=[1.0]).clear(), ())
    assert empty.rows.is_empty()
    assert empty.rows.schema == SCREENER_RESULTS.schema


def test_every_field_can_be_compared_with_every_other():
    numbers = [name for name, field in FIELDS.items() if field.kind == "number"]
    frame = features(close=[1.0])
    for name in numbers:
        frame.select(expression(Comparison(field=name, operator=">", value=numbers[0])))
    assert set(FEATURE_NAMES) <= set(numbers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "comparison", "field": "rsi14", "operator": "<", "value": 30}', "did you mean rsi_14"),
        ('{"kind": "comparison", "field": "symbol", "operator": "<", "value": 30}', "holds text"),
        ('{"kind": "comparison", "field": "close", "operator": "=", "value": 30}', "operator"),
        ('{"kind": "comparison", "field": "close", "operator": "<", "value": NaN}', "finite"),
        ('{"kind": "between", "field": "close", "low": 9, "high": 1}', "swap"),
        ('{"kind": "eval", "code": "1"}', "does not match any of the expected tags"),
        ('{"kind": "not", "filter": {"kind": "and", "filters": []}}', "at least 1"),
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
        Screen(name="deep", where=node, sort_by="close")
