"""Targets become intents with ids that a re-run repeats, and a re-run never touches what was sent."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.errors import DataQualityError
from trading_assets.execution.intents import (
    Intent,
    StoredIntent,
    Target,
    compare_plan,
    is_own,
    plan_intents,
    with_revision,
)
from trading_assets.orders import IntentState

SESSION = date(2026, 1, 5)


def target(symbol: str, quantity: object, current: object = 0) -> Target:
    return Target(symbol, Decimal(str(quantity)), Decimal(str(current)), Decimal(100))


def plan(*targets: Target, account: str = "PA1", mode: str = "sim") -> list[Intent]:
    return plan_intents(
        targets,
        account=account,
        mode=mode,
        session=SESSION,
        valid_until=datetime(2026, 1, 6, 21, tzinfo=UTC),
        lineage={"run": "r1"},
    )


def stored(intent: Intent, state: IntentState = IntentState.PLANNED, attempt: int = 0) -> StoredIntent:
    return StoredIntent(
        intent.intent_id,
        intent.client_order_id,
        intent.symbol,
        intent.side,
        intent.purpose,
        intent.revision,
        intent.quantity,
        intent.reference_price_usd,
        intent.wanted_by,
        state,
        attempt,
    )


@pytest.mark.parametrize(
    ("current", "wanted", "side", "purpose", "quantity"),
    [
        (0, 10, "buy", "open", 10),
        (10, 15, "buy", "increase", 5),
        (10, 4, "sell", "reduce", 6),
        (10, 0, "sell", "close", 10),
        (10, -5, "sell", "close", 10),
        (0, -5, "sell", "open", 5),
        (-5, 0, "buy", "close", 5),
        (0, "0.057436865", "buy", "open", "0.057436865"),
    ],
)
def test_the_change_of_a_position_names_side_purpose_and_quantity(
    current, wanted, side, purpose, quantity
) -> None:
    (intent,) = plan(target("AAPL", wanted, current))
    assert (intent.side, intent.purpose, intent.quantity) == (side, purpose, Decimal(str(quantity)))


def test_a_position_that_is_already_right_needs_no_intent() -> None:
    assert plan(target("AAPL", 10, 10), target("MSFT", 0)) == []


def test_sells_come_before_buys() -> None:
    intents = plan(target("AAPL", 5), target("MSFT", 0, 3), target("ABC", 9, 4))
    assert [(intent.side, intent.symbol) for intent in intents] == [
        ("sell", "MSFT"),
        ("buy", "AAPL"),
        ("buy", "ABC"),
    ]


def test_two_targets_for_one_symbol_are_an_error() -> None:
    with pytest.raises(DataQualityError):
        plan(target("AAPL", 5), target("AAPL", 6))


@given(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=20))
def test_client_order_ids_are_short_printable_and_ours(symbol: str) -> None:
    (intent,) = plan(target(symbol, 5))
    assert re.fullmatch(r"ta-20260105-[A-Za-z0-9._]+-buy-[a-z2-7]{26}", intent.client_order_id)
    assert len(intent.client_order_id) <= 64
    assert is_own(intent.client_order_id)


def test_ids_repeat_for_the_same_decision_and_differ_for_any_other() -> None:
    (intent,) = plan(target("AAPL", 5))
    (again,) = plan(target("AAPL", 7))
    assert (again.intent_id, again.client_order_id) == (intent.intent_id, intent.client_order_id)
    others = [
        plan(target("AAPL", 5), account="PA2")[0],
        plan(target("AAPL", 5), mode="paper")[0],
        plan(target("AAPL", 0, 5))[0],
        plan(target("AAPL", 5, 1))[0],
        with_revision(intent, 1),
    ]
    assert len({intent.intent_id, *(other.intent_id for other in others)}) == 1 + len(others)


def test_whoever_wants_it_an_order_has_the_same_id() -> None:
    (intent,) = plan(target("AAPL", 5))
    (shared,) = plan(replace(target("AAPL", 5), wanted_by={"reversion": Decimal(7), "momentum": Decimal(-2)}))
    assert shared.client_order_id == intent.client_order_id
    assert shared.wanted_by == {"reversion": 7, "momentum": -2}


def test_ids_of_orders_that_were_placed_before_several_strategies_traded_stay_what_they_were() -> None:
    (intent,) = plan_intents(
        [Target("BLL", Decimal(0), Decimal(153), Decimal(100))],
        account="SIM101879320",
        mode="sim",
        session=date(2024, 7, 15),
        valid_until=datetime(2024, 7, 16, 20, tzinfo=UTC),
        lineage={},
    )
    assert intent.client_order_id == "ta-20240715-BLL-sell-d2tdfqd2myiqbmenhlpr3bhoie"


def test_a_first_run_inserts_and_the_same_run_again_changes_nothing() -> None:
    planned = plan(target("AAPL", 5), target("MSFT", 0, 3))
    assert compare_plan(planned, []).insert == tuple(planned)
    again = compare_plan(planned, [stored(intent) for intent in planned])
    assert (again.insert, again.update, again.supersede, again.conflicts, again.unchanged) == (
        (),
        (),
        (),
        (),
        2,
    )


def test_a_re_run_updates_or_withdraws_what_was_not_sent() -> None:
    aapl, msft = plan(target("AAPL", 5), target("MSFT", 6))
    changes = compare_plan(plan(target("AAPL", 7)), [stored(aapl), stored(msft)])
    assert [(intent.intent_id, intent.quantity) for intent in changes.update] == [
        (aapl.intent_id, Decimal(7))
    ]
    assert [item.symbol for item in changes.supersede] == ["MSFT"]


@pytest.mark.parametrize(
    ("state", "attempt"),
    [
        (IntentState.PLANNED, 1),
        (IntentState.SUBMITTING, 1),
        (IntentState.UNKNOWN, 1),
        (IntentState.ACKNOWLEDGED, 1),
        (IntentState.REFUSED, 1),
        (IntentState.ABANDONED, 2),
        (IntentState.EXPIRED, 0),
    ],
)
def test_a_re_run_reports_and_never_changes_or_doubles_what_was_sent(state, attempt) -> None:
    (aapl,) = plan(target("AAPL", 5))
    for wanted in (target("AAPL", 7), target("AAPL", -3)):
        changes = compare_plan(plan(wanted), [stored(aapl, state, attempt)])
        assert (changes.insert, changes.update, changes.supersede) == ((), (), ())
        assert [item.symbol for item, _ in changes.conflicts] == ["AAPL"]


def test_an_intent_that_was_withdrawn_unsent_comes_back_under_a_new_id() -> None:
    (aapl,) = plan(target("AAPL", 5))
    changes = compare_plan([aapl], [stored(aapl, IntentState.ABANDONED)])
    assert changes.insert == (with_revision(aapl, 1),)
