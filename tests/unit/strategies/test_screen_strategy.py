"""A strategy of two screens buys what passes one and sells what passes the other, or what does not pass any more."""

from __future__ import annotations

import json
from datetime import date

import polars as pl
import pytest

from trading_assets.decision.plan_file import parse_plan
from trading_assets.errors import ConfigurationError
from trading_assets.screener.presets import SCREENS
from trading_assets.sessions import sessions_between
from trading_assets.strategies.contract import checked_signals, parameter_hash
from trading_assets.strategies.registry import build_strategy

DAYS = sessions_between(date(2024, 1, 2), date(2024, 3, 28))


def features(strategy, **symbols: list[float | None]) -> pl.DataFrame:
    """A row a session with the RSI; None is a session without a bar. All else is the same for everybody."""
    rows = [
        {"symbol": symbol, "session": day, "rsi_14": rsi, "dollar_volume_20": 1e7 + number}
        for number, (symbol, values) in enumerate(symbols.items())
        for day, rsi in zip(DAYS, values, strict=False)
        if rsi is not None
    ]
    columns = {
        name: pl.lit(50.0)
        for name in strategy.feature_columns
        if name not in {"rsi_14", "dollar_volume_20", "sector"}
    }
    return pl.DataFrame(rows).with_columns(**columns)


def sides(strategy, frame: pl.DataFrame, symbol: str) -> list[str]:
    said = checked_signals(strategy, frame).filter(pl.col("symbol") == symbol)
    found = dict(said.select("session", "side").iter_rows())
    days = frame["session"].unique().sort()
    return [found.get(day, "-").removesuffix("_long") for day in days]


def screen(entry: str = "RSI below 30", **parameters: object):
    return build_strategy("screen", {"entry": entry, **parameters})


@pytest.mark.parametrize(
    ("rsi", "expected"),
    [
        ([50, 20, 40, 60, 75, 40], ["-", "enter", "hold", "hold", "exit", "-"]),
        ([20, 25, 75, 20, 75], ["enter", "enter", "exit", "enter", "exit"]),
        ([20, 40, 40, 40, 40], ["enter", "hold", "hold", "exit", "-"]),  # the time is up
        ([75, 40], ["-", "-"]),  # nothing held, nothing sold
    ],
)
def test_it_is_held_until_it_passes_the_exit_screen_or_the_time_is_up(rsi, expected):
    strategy = screen(exit="RSI above 70", max_holding_sessions=3)
    assert sides(strategy, features(strategy, AAA=rsi), "AAA") == expected


def test_without_an_exit_it_is_held_while_it_passes_the_entry_screen():
    strategy = screen()
    assert sides(strategy, features(strategy, AAA=[50, 20, 25, 40, 40, 20]), "AAA") == [
        "-", "enter", "enter", "exit", "-", "enter",
    ]  # fmt: skip


def test_the_exit_screen_rules_where_both_pass():
    strategy = screen(exit="RSI below 10")
    assert sides(strategy, features(strategy, AAA=[5, 20, 5, 5]), "AAA") == ["-", "enter", "exit", "-"]


def test_the_reasons_count_the_sessions():
    strategy = screen(exit="RSI above 70", max_holding_sessions=2)
    said = checked_signals(strategy, features(strategy, AAA=[20, 40, 40], BBB=[20, 75, 40]))
    assert said.filter(symbol="AAA")["reason"].to_list() == [
        "passes the entry screen, 2 of 2",
        "passed the entry screen 1 session ago",
        "passed the entry screen 2 sessions ago: time is up",
    ]
    assert (
        said.filter(symbol="BBB")["reason"][1] == "passes the exit screen, 1 session after the entry screen"
    )


def test_a_session_without_a_bar_is_no_exit():
    strategy = screen(exit="RSI above 70")
    frame = features(strategy, AAA=[20, None, 75], BBB=[50, 50, 50])
    assert sides(strategy, frame, "AAA") == ["enter", "-", "exit"]


def test_the_top_counts_and_strength_falls_with_the_rank():
    strategy = screen("RSI below 30, top 2 by RSI ascending")
    frame = features(strategy, AAA=[12, 50], BBB=[11, 50], CCC=[10, 50])
    said = checked_signals(strategy, frame)
    first = said.filter(pl.col("session") == DAYS[0])
    assert first.select("symbol", "side", "strength", "reason").rows() == [
        ("BBB", "enter_long", 0.5, "passes the entry screen, 2 of 2"),
        ("CCC", "enter_long", 1.0, "passes the entry screen, 1 of 2"),
    ]
    assert json.loads(first["inputs"][0])["rsi_14"] == 11
    assert said.filter(pl.col("session") == DAYS[1])["side"].to_list() == ["exit_long", "exit_long"]


def test_the_columns_and_the_look_back_follow_from_the_filters():
    plain = screen()
    assert {"rsi_14", "dollar_volume_20"} <= set(plain.feature_columns)
    assert plain.lookback_sessions == 1
    crossing = screen("20 SMA crossing above 50 SMA in the last 3 days")
    assert {"sma_20", "sma_50"} <= set(crossing.feature_columns)
    assert crossing.lookback_sessions == 4
    both = screen("price > price 5 sessions ago", exit="RSI above 70", max_holding_sessions=10)
    assert {"close", "price_factor", "rsi_14"} <= set(both.feature_columns)
    assert both.lookback_sessions == 15
    assert "sector" in screen("tech stocks").feature_columns


def test_a_text_of_the_universe_may_be_asked():
    strategy = screen("tech stocks with RSI below 30")
    frame = features(strategy, AAA=[20], BBB=[20]).with_columns(
        sector=pl.when(pl.col("symbol") == "AAA")
        .then(pl.lit("Information Technology"))
        .otherwise(pl.lit("Energy"))
    )
    assert checked_signals(strategy, frame)["symbol"].to_list() == ["AAA"]


def test_nothing_is_looked_back_on_across_a_long_silence():
    strategy = screen("price > price 45 sessions ago")
    values = [50.0] * len(DAYS)
    frame = features(strategy, OLD=values, NEW=[50.0, *[None] * 30, *values[31:]]).with_columns(
        close=pl.when(pl.col("session") < DAYS[15]).then(10.0).otherwise(50.0)
    )
    newest = checked_signals(strategy, frame).filter(pl.col("session") == DAYS[45])
    assert newest["symbol"].to_list() == ["OLD"]


def test_a_shipped_screen_goes_by_its_name():
    strategy = screen("golden_cross", exit="death_cross")
    assert {"sma_50", "sma_200"} <= set(strategy.feature_columns)
    assert strategy._queries[0] == SCREENS["golden_cross"].query


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"entry": "RSI belwo 30"}, "entry: not understood: .*belwo"),
        ({"entry": "RSI below 30", "exit": "wibble"}, "exit: 'wibble' is no sentence and no shipped screen"),
        ({"entry": "my_dips"}, "screens show my_dips"),
        ({"entry": ""}, "say what to look for"),
        ({}, "entry: Field required"),
        ({"entry": "RSI below 30", "max_holding_sessions": 0}, "max_holding_sessions"),
    ],
)
def test_a_sentence_that_is_not_understood_is_refused_with_its_words(parameters, told):
    with pytest.raises(ConfigurationError, match=told):
        build_strategy("screen", parameters)


def test_a_plan_tells_the_line():
    text = "strategies:\n  dips:\n    kind: screen\n    parameters: {entry: RSI belwo 30}\n"
    with pytest.raises(ConfigurationError, match=r"my.yaml:4: strategies.dips.parameters.entry.*belwo"):
        parse_plan(text, "my.yaml")


def test_the_hash_covers_what_a_shipped_screen_means(monkeypatch):
    from trading_assets.strategies.screen import _query

    before = parameter_hash(screen("oversold").parameters)
    assert before == parameter_hash(screen("oversold").parameters)
    changed = SCREENS["oversold"].model_copy(update={"top": 5})
    monkeypatch.setitem(SCREENS, "oversold", changed)
    _query.cache_clear()
    assert parameter_hash(screen("oversold").parameters) != before
    monkeypatch.undo()
    _query.cache_clear()
