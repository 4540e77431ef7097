"""The intent state machine allows exactly the steps of the protocol, and broker orders only move forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from trading_assets.execution.order_states import (
    TRANSITIONS,
    IllegalTransitionError,
    OrderProgress,
    is_terminal,
    merge_progress,
    next_state,
)
from trading_assets.orders import IntentEvent, IntentState

NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)


def progress(status: str, filled: str = "0", minutes: int = 0, price: str | None = None) -> OrderProgress:
    return OrderProgress(
        status, NOON + timedelta(minutes=minutes), Decimal(filled), Decimal(price) if price else None
    )


@pytest.mark.parametrize(
    "pair", sorted(set(product(IntentState, IntentEvent)) - TRANSITIONS.keys()), ids="-".join
)
def test_every_step_that_the_protocol_does_not_name_is_refused(pair: tuple[IntentState, IntentEvent]) -> None:
    with pytest.raises(IllegalTransitionError):
        next_state(*pair)


def test_an_acknowledged_intent_never_changes_again() -> None:
    assert not [event for state, event in TRANSITIONS if state is IntentState.ACKNOWLEDGED]


def test_nothing_is_sent_but_from_submitting_and_submitting_is_only_entered_by_a_claim() -> None:
    entries = {(state, event) for (state, event), to in TRANSITIONS.items() if to is IntentState.SUBMITTING}
    assert entries == {(IntentState.PLANNED, IntentEvent.CLAIMED)}


def test_an_unknown_outcome_is_never_taken_for_a_refusal() -> None:
    outcomes = {to for (state, _), to in TRANSITIONS.items() if state is IntentState.UNKNOWN}
    assert IntentState.REFUSED not in outcomes


def test_a_late_report_does_not_move_an_order_back() -> None:
    filled = progress("filled", "10", 5, "101.5")
    assert merge_progress(filled, progress("partially_filled", "4", 3, "101")) == filled
    assert merge_progress(filled, progress("new", minutes=9)).status == "filled"


def test_a_fill_that_wins_against_a_cancel_is_kept() -> None:
    merged = merge_progress(progress("canceled", "4", 1, "100"), progress("filled", "10", 2, "100.6"))
    assert (merged.status, merged.filled_quantity) == ("filled", Decimal(10))


def test_a_rejected_cancel_lets_the_order_work_on() -> None:
    assert merge_progress(progress("pending_cancel", minutes=1), progress("new", minutes=2)).status == "new"


def test_a_status_of_a_future_version_is_not_final() -> None:
    assert not is_terminal("teleported")
    assert merge_progress(progress("teleported", minutes=9), progress("filled", "1", 1)).status == "filled"
