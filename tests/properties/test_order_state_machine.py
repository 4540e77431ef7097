"""Whatever reports arrive, in whatever order and however often, an order's state only moves forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from trading_assets.execution.order_states import (
    TRANSITIONS,
    OrderProgress,
    is_terminal,
    merge_progress,
    next_state,
)
from trading_assets.orders import IntentEvent, IntentState

STATUSES = [
    *("pending_review", "pending_new", "held", "accepted", "accepted_for_bidding", "new", "partially_filled"),
    *("pending_cancel", "pending_replace", "stopped", "suspended", "calculated", "done_for_day"),
    *("rejected", "expired", "canceled", "replaced", "filled", "a_status_of_tomorrow"),
]
NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)
reports = st.builds(
    OrderProgress,
    status=st.sampled_from(STATUSES),
    updated_at=st.integers(0, 3).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    filled_quantity=st.integers(0, 5).map(Decimal),
    average_fill_price_usd=st.none() | st.integers(1, 3).map(Decimal),
)


@given(st.lists(reports, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_outcome_does_not_depend_on_the_order_or_repetition_of_reports(seen, random) -> None:
    again = [*seen, *random.choices(seen, k=3)]
    random.shuffle(again)
    first, second = reduce(merge_progress, seen), reduce(merge_progress, again)
    assert (first.status, first.filled_key) == (second.status, second.filled_key)


@given(st.lists(reports, min_size=2, max_size=8))
def test_filled_quantity_never_falls_and_a_final_state_stays_final(seen) -> None:
    known = seen[0]
    for report in seen[1:]:
        merged = merge_progress(known, report)
        assert merged.filled_quantity >= known.filled_quantity
        assert is_terminal(merged.status) or not is_terminal(known.status)
        known = merged


@given(st.data())
def test_every_walk_sends_only_after_a_claim_and_ends_where_no_second_order_can_come_from(data) -> None:
    state, history = IntentState.PLANNED, []
    for _ in range(data.draw(st.integers(1, 12))):
        events = sorted(event for known, event in TRANSITIONS if known is state)
        if not events:
            break
        event = data.draw(st.sampled_from(events))
        state = next_state(state, event)
        history.append(event)
    outcomes = {IntentEvent.ACCEPTED, IntentEvent.REFUSED, IntentEvent.NOT_ACCEPTED, IntentEvent.AMBIGUOUS}
    claims = sum(event is IntentEvent.CLAIMED for event in history)
    assert sum(event in outcomes for event in history) <= claims
    if IntentEvent.ACCEPTED in history:
        assert state is IntentState.ACKNOWLEDGED
        assert history[-1] is IntentEvent.ACCEPTED
