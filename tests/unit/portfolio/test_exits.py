"""Exits end a position whatever its signal says, with rule and numbers, and keep it from coming back at once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.portfolio.exits import EXIT_RULES, Exits, Memory, Position, exit_of
from trading_assets.portfolio.wishes import Mandate, Shown, View, wishes

ALL = Exits(
    stop_loss_frac="0.1", atr_stop_mult=3, trailing_stop_frac="0.2", take_profit_frac="0.5", max_holding_sessions=20
)  # fmt: skip


@pytest.mark.parametrize(
    ("close", "position", "rule", "words"),
    [
        (90, Position(Decimal(100), 1, Decimal(100)), "stop_loss", "close 90 is 10.00% below the average cost 100, at most 10.00%"),
        (91, Position(Decimal(100), 1, Decimal(100)), "atr_stop", "close 91 is at or below 91.0000: the highest close 100 less 3 x ATR 3.0000"),
        (118, Position(Decimal(100), 1, Decimal(121)), None, ""),
        (100, Position(Decimal(100), 1, Decimal(125)), "atr_stop", ""),
        (150, Position(Decimal(100), 1, Decimal(150)), "take_profit", "close 150 is 50.00% above the average cost 100, enough at 50.00%"),
        (99, Position(Decimal(100), 19, Decimal(100)), None, ""),
        (99, Position(Decimal(100), 20, Decimal(100)), "max_holding", "held for 20 sessions, at most 20"),
    ],
)  # fmt: skip
def test_the_first_rule_that_holds_is_named_with_its_numbers(close, position, rule, words):
    found = exit_of(ALL, position, Decimal(close), 3.0)
    assert (found and found[0]) == rule
    assert not found or words in found[1]


def test_a_trailing_stop_follows_the_highest_close():
    exits = Exits(trailing_stop_frac="0.2")
    told = exit_of(exits, Position(Decimal(10), 5, Decimal(50)), Decimal(40), None)
    assert told == ("trailing_stop", "close 40 is 20.00% below the highest close 50, at most 20.00%")
    assert exit_of(exits, Position(Decimal(10), 5, Decimal(50)), Decimal("40.01"), None) is None


def test_missing_data_ends_nothing():
    assert exit_of(Exits(atr_stop_mult=1), Position(Decimal(100), 5, Decimal(100)), Decimal(1), None) is None
    unknown = Position(Decimal(0), 5)
    assert exit_of(ALL.model_copy(update={"max_holding_sessions": None}), unknown, Decimal(1), 1.0) is None


def decided(side: str, memory: Memory, *, held: bool, exits: Exits | None = ALL, bar: bool = True):
    (wish,) = wishes(
        Mandate("s", exits=exits),
        {"A": View(side, 0.5, "why")},
        {"A": Decimal(7)} if held else {},
        equity_usd=Decimal(1000),
        shown=Shown({"A"} if bar else (), {"A": 80.0}),
        memory=memory,
    )
    return wish.kept, wish.rule, wish.enters


FALLEN = Memory({"A": Position(Decimal(100), 3, Decimal(100))})


def test_an_exit_wins_over_enter_and_hold_and_waits_for_a_bar():
    for side in ("enter_long", "hold_long"):
        assert decided(side, FALLEN, held=True) == (0, "stop_loss", False)
    assert decided("exit_long", FALLEN, held=True) == (0, None, False)
    assert decided("hold_long", FALLEN, held=True, bar=False) == (7, "no_bar", False)
    assert decided("hold_long", FALLEN, held=True, exits=None) == (7, None, False)


def test_what_was_stopped_out_is_not_entered_before_it_has_cooled_down():
    for since, outcome in ((1, ("cooldown", False)), (5, ("cooldown", False)), (6, (None, True))):
        assert decided("enter_long", Memory(given_up={"A": since}), held=False)[1:] == outcome
    at_once = ALL.model_copy(update={"cooldown_sessions": 0})
    assert decided("enter_long", Memory(given_up={"A": 1}), held=False, exits=at_once)[1:] == (None, True)


money = st.decimals("0.01", 10_000, places=2)


@given(
    money,
    money,
    money,
    st.floats(0.01, 100),
    st.integers(1, 40),
    st.sets(st.sampled_from(sorted(Exits.model_fields))),
)
def test_removing_an_exit_never_ends_more(close, cost, high, atr, sessions, removed):  # fmt: skip
    position = Position(cost, sessions, max(high, close))
    fewer = ALL.model_copy(update=dict.fromkeys(removed - {"cooldown_sessions"}))
    found = exit_of(fewer, position, close, atr)
    assert found is None or exit_of(ALL, position, close, atr) is not None
    assert found is None or found[0] in EXIT_RULES
