"""Unknown outcomes: find out from the broker, by our own id, whether an order exists."""

from __future__ import annotations

from trading_assets.errors import (
    RateLimitedError,
    ReconciliationError,
    TransientError,
    UnknownOutcomeError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.execution.journal import JournaledIntent
from trading_assets.execution.submitter import Submitter
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerOrder, ClientOrderId, IntentEvent, IntentState, JournalEvent

LOOKS = 3
PAUSE_SECONDS = 2.0
FAILED_LOOKS = 5


def resolve(submitter: Submitter, intent: JournaledIntent) -> JournaledIntent:
    """Settle an intent whose request may or may not have reached the broker.

    Returns
    -------
    JournaledIntent
        Acknowledged if the order exists; planned again, to be sent under the same id, if it does not and
        the intent is still valid; abandoned otherwise.

    Raises
    ------
    UnknownOutcomeError
        If the broker gives no clear answer: nothing else may be sent for the account meanwhile.
    ReconciliationError
        If the order under this id is not the one that was intended; trading is halted.
    """
    if intent.state is IntentState.SUBMITTING:
        intent = submitter.move(intent, IntentEvent.AMBIGUOUS, detail="no outcome was recorded")
    order = look_up(submitter.account, intent.client_order_id)
    if order is not None:
        return adopt(submitter, intent, order, IntentEvent.ADOPTED)
    if submitter.account.clock.now() < intent.valid_until:
        detail = f"not at the broker in {LOOKS} looks: send again under the same id"
        return submitter.move(intent, IntentEvent.NOT_FOUND, detail=detail)
    detail = f"not at the broker in {LOOKS} looks, and no longer valid"
    return submitter.move(intent, IntentEvent.GIVEN_UP, detail=detail)


def adopt(
    submitter: Submitter, intent: JournaledIntent, order: BrokerOrder, event: IntentEvent
) -> JournaledIntent:
    """Take an order found at the broker for the intent's own, after comparing every field.

    Raises
    ------
    ReconciliationError
        If a field differs; trading is halted.
    """
    differences = differing_fields(intent, order)
    if differences:
        reason = f"{intent.client_order_id}: the broker's order differs in {', '.join(differences)}"
        submitter.note(intent, JournalEvent.CONTRADICTION, reason)
        submitter.halt(reason)
        raise ReconciliationError(
            "The broker has another order under an id of ours: trading is halted, compare the two and resume",
            client_order_id=intent.client_order_id,
            differs_in=", ".join(differences),
        )
    return submitter.acknowledge(intent, event, order, detail=f"found at the broker, {order.status}")


def differing_fields(intent: JournaledIntent, order: BrokerOrder) -> list[str]:
    """Name the fields in which a broker's order is not the intended one, with both values."""
    pairs = {
        "symbol": (intent.symbol, order.symbol),
        "side": (intent.side, order.side),
        "quantity": (intent.quantity, order.quantity),
        "order type": (intent.order_type, order.order_type),
        "time in force": (intent.time_in_force, order.time_in_force),
        "limit price": (intent.limit_price_usd, order.limit_price_usd),
    }
    return [f"{name} ({ours} / {theirs})" for name, (ours, theirs) in pairs.items() if ours != theirs]


def look_up(account: TradingAccount, client_order_id: ClientOrderId) -> BrokerOrder | None:
    """Look for an order until it is found, or plainly not found several times with pauses between.

    Raises
    ------
    UnknownOutcomeError
        If too many looks failed.
    """
    absent = failed = 0
    while True:
        pause = PAUSE_SECONDS
        try:
            order = account.broker.order_by_client_id(client_order_id)
        except (TransientError, VendorDataError, VendorRefusedError) as error:
            failed += 1
            if failed >= FAILED_LOOKS:
                raise UnknownOutcomeError(
                    "The broker does not say whether the order exists: nothing is sent until it does",
                    client_order_id=client_order_id,
                ) from error
            if isinstance(error, RateLimitedError):
                pause = max(pause, error.retry_after_seconds)
        else:
            absent += 1
            if order is not None or absent >= LOOKS:
                return order
        account.wait(pause)
