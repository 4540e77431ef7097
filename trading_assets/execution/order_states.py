"""Order states: which steps an intent may take, and how a broker order's state moves forward only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading_assets.errors import TradingError
from trading_assets.orders import IntentEvent, IntentState, OrderStatus


class IllegalTransitionError(TradingError):
    """Stop: the journal and the code disagree about where an intent stands."""


_S, _E = IntentState, IntentEvent
TRANSITIONS: dict[tuple[IntentState, IntentEvent], IntentState] = {
    (_S.PLANNED, _E.CLAIMED): _S.SUBMITTING,
    (_S.PLANNED, _E.EXPIRED): _S.EXPIRED,
    (_S.PLANNED, _E.SUPERSEDED): _S.ABANDONED,
    (_S.SUBMITTING, _E.ACCEPTED): _S.ACKNOWLEDGED,
    (_S.SUBMITTING, _E.ADOPTED): _S.ACKNOWLEDGED,
    (_S.SUBMITTING, _E.REFUSED): _S.REFUSED,
    (_S.SUBMITTING, _E.NOT_ACCEPTED): _S.PLANNED,
    (_S.SUBMITTING, _E.AMBIGUOUS): _S.UNKNOWN,
    (_S.UNKNOWN, _E.ADOPTED): _S.ACKNOWLEDGED,
    (_S.UNKNOWN, _E.NOT_FOUND): _S.PLANNED,
    (_S.UNKNOWN, _E.GIVEN_UP): _S.ABANDONED,
    # The broker is right about what exists: an order that turns up after we gave it up is ours all the same.
    (_S.ABANDONED, _E.LATE_ARRIVAL): _S.ACKNOWLEDGED,
    (_S.EXPIRED, _E.LATE_ARRIVAL): _S.ACKNOWLEDGED,
    (_S.REFUSED, _E.LATE_ARRIVAL): _S.ACKNOWLEDGED,
    (_S.PLANNED, _E.LATE_ARRIVAL): _S.ACKNOWLEDGED,
}

UNRESOLVED = frozenset({IntentState.SUBMITTING, IntentState.UNKNOWN})
FINISHED = frozenset({IntentState.REFUSED, IntentState.ABANDONED, IntentState.EXPIRED})
NO_ORDER_EXISTS = FINISHED | {IntentState.PLANNED}


def next_state(state: IntentState, event: IntentEvent) -> IntentState:
    """Return the state after ``event``.

    Raises
    ------
    IllegalTransitionError
        If the event cannot happen in that state.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(
            "An intent cannot take this step: stop and look at its order events", state=state, event=event
        ) from None


_WAITING, _WORKING = 0, 1
_STATUS_RANK: dict[str, int] = {
    OrderStatus.PENDING_REVIEW: _WAITING,
    OrderStatus.PENDING_NEW: _WAITING,
    OrderStatus.HELD: _WAITING,
    OrderStatus.ACCEPTED: _WAITING,
    OrderStatus.ACCEPTED_FOR_BIDDING: _WAITING,
    OrderStatus.NEW: _WORKING,
    OrderStatus.PARTIALLY_FILLED: _WORKING,
    OrderStatus.PENDING_CANCEL: _WORKING,
    OrderStatus.PENDING_REPLACE: _WORKING,
    OrderStatus.STOPPED: _WORKING,
    OrderStatus.SUSPENDED: _WORKING,
    OrderStatus.CALCULATED: _WORKING,
    OrderStatus.DONE_FOR_DAY: _WORKING,
    # Among final states the one that says more about what happened wins: a cancel can lose against a fill.
    OrderStatus.REJECTED: 2,
    OrderStatus.EXPIRED: 3,
    OrderStatus.CANCELED: 4,
    OrderStatus.REPLACED: 5,
    OrderStatus.FILLED: 6,
}
TERMINAL_STATUSES = frozenset(status for status, rank in _STATUS_RANK.items() if rank > _WORKING)


def is_terminal(status: str) -> bool:
    """Say whether a broker order in that status can no longer change."""
    return status in TERMINAL_STATUSES


@dataclass(frozen=True)
class OrderProgress:
    """How far one broker order has come."""

    status: str
    updated_at: datetime
    filled_quantity: Decimal
    average_fill_price_usd: Decimal | None

    @property
    def status_key(self) -> tuple[int, datetime, str]:
        """Sort key of the status: the later state is the greater one."""
        # A status that this version does not know counts as working, never as final.
        return _STATUS_RANK.get(self.status, _WORKING), self.updated_at, self.status

    @property
    def filled_key(self) -> tuple[Decimal, Decimal]:
        """Sort key of what was filled: the greater quantity is the later report."""
        return self.filled_quantity, self.average_fill_price_usd or Decimal(0)


def merge_progress(known: OrderProgress, seen: OrderProgress) -> OrderProgress:
    """Combine what was known of an order with what was seen, whatever order they arrive in.

    Status moves by rank (waiting, working, final), the filled quantity only upwards; late, repeated and
    reordered reports therefore change nothing. Commutative, associative and idempotent.
    """
    status = max(known, seen, key=lambda progress: progress.status_key)
    filled = max(known, seen, key=lambda progress: progress.filled_key)
    return OrderProgress(
        status=status.status,
        updated_at=status.updated_at,
        filled_quantity=filled.filled_quantity,
        average_fill_price_usd=filled.average_fill_price_usd,
    )
