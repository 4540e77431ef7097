"""Orders as the broker reports them: one row per order of ours, moving forward only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from resources.database.writes import insert
from trading_assets.execution import journal
from trading_assets.execution.intents import is_own
from trading_assets.execution.journal import Connection, JournaledIntent
from trading_assets.execution.order_states import (
    NO_ORDER_EXISTS,
    OrderProgress,
    is_terminal,
    merge_progress,
)
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerOrder, ClientOrderId, JournalEvent
from trading_assets.tables.orders import ORDERS

LOOK_BACK = timedelta(days=1)


@dataclass(frozen=True)
class OrderSync:
    """What the broker's list of orders told us.

    ``late`` are orders whose intent says that no order exists; ``foreign`` those that this system did not
    send, which are journaled and never adopted.
    """

    seen: int
    changed: int
    open: int
    sessions: tuple[date, ...]
    foreign: tuple[BrokerOrder, ...]
    late: tuple[tuple[JournaledIntent, BrokerOrder], ...]


def sync_orders(account: TradingAccount) -> OrderSync:
    """Merge the broker's open and recent orders into ours."""
    now = account.clock.now()
    with account.database.connection() as connection:
        since = _watermark(connection, account.number, now)
        waiting = _open_client_ids(connection, account.number)
    listed = {order.client_order_id: order for order in account.broker.orders(since)}
    for client_order_id in waiting - listed.keys():
        order = account.broker.order_by_client_id(client_order_id)
        if order is not None:
            listed[client_order_id] = order
    seen_at = account.clock.now()
    with account.database.connection() as connection:
        intents = journal.intents_by_client_id(connection, listed)
        changed = [
            intents[order.client_order_id].session
            for order in listed.values()
            if order.client_order_id in intents
            and record_order(connection, intents[order.client_order_id], order, seen_at)
        ]
        foreign = [order for order in listed.values() if order.client_order_id not in intents]
        _journal_foreign(connection, foreign, seen_at)
        still_open = len(_open_client_ids(connection, account.number))
    return OrderSync(
        seen=len(listed),
        changed=len(changed),
        open=still_open,
        sessions=tuple(sorted(set(changed))),
        foreign=tuple(foreign),
        late=tuple(
            (intents[client_order_id], order)
            for client_order_id, order in listed.items()
            if client_order_id in intents and intents[client_order_id].state in NO_ORDER_EXISTS
        ),
    )


def record_order(connection: Connection, intent: JournaledIntent, order: BrokerOrder, now: datetime) -> bool:
    """Store what was seen of an order of ours; False if it tells nothing new."""
    row = {
        "broker_order_id": order.broker_order_id,
        "client_order_id": order.client_order_id,
        "intent_id": intent.intent_id,
        "account": intent.account,
        "mode": intent.mode,
        "session": intent.session,
        "symbol": order.symbol,
        "side": order.side,
        "quantity": order.quantity if order.quantity is not None else intent.quantity,
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "limit_price_usd": order.limit_price_usd,
        "status": order.status,
        "filled_quantity": order.filled_quantity,
        "average_fill_price_usd": order.average_fill_price_usd,
        "submitted_at": order.submitted_at,
        "updated_at": order.updated_at,
        "body": Jsonb(dict(order.body)),
    }
    if insert(connection, ORDERS, row, conflict="do nothing").rowcount:
        return True
    return _advance(connection, intent, order, now)


def _advance(connection: Connection, intent: JournaledIntent, order: BrokerOrder, now: datetime) -> bool:
    (row,) = journal.rows_of(
        connection,
        "select status, updated_at, filled_quantity, average_fill_price_usd from orders"
        " where client_order_id = %s for update",
        (order.client_order_id,),
    )
    known = OrderProgress(**row)
    merged = merge_progress(known, progress_of(order))
    if (merged.status, merged.filled_key) == (known.status, known.filled_key):
        return False
    connection.execute(
        "update orders set status = %(status)s, updated_at = %(updated_at)s, filled_quantity = %(filled_quantity)s,"
        " average_fill_price_usd = %(average_fill_price_usd)s, body = %(body)s"
        " where client_order_id = %(client_order_id)s",
        {
            "status": merged.status,
            "updated_at": merged.updated_at,
            "filled_quantity": merged.filled_quantity,
            "average_fill_price_usd": merged.average_fill_price_usd,
            "body": Jsonb(dict(order.body)),
            "client_order_id": order.client_order_id,
        },
    )
    journal.add_event(
        connection,
        order.client_order_id,
        JournalEvent.ORDER_UPDATE,
        now,
        intent_id=intent.intent_id,
        broker_order_id=order.broker_order_id,
        from_state=known.status,
        to_state=merged.status,
        body=order.body,
        detail=f"filled {merged.filled_quantity} of {intent.quantity}",
    )
    return True


def progress_of(order: BrokerOrder) -> OrderProgress:
    """Return how far a broker order has come, rounded as the table stores it."""
    price = order.average_fill_price_usd
    return OrderProgress(
        order.status,
        order.updated_at,
        order.filled_quantity,
        None if price is None else round(price, 6),
    )


def open_orders(connection: Connection, account: str) -> list[dict[str, Any]]:
    """Read our orders that the broker may still work on."""
    found = journal.rows_of(
        connection,
        "select broker_order_id, client_order_id, session, symbol, side, quantity, filled_quantity, status"
        " from orders where account = %s order by client_order_id",
        (account,),
    )
    return [row for row in found if not is_terminal(row["status"])]


def _open_client_ids(connection: Connection, account: str) -> set[ClientOrderId]:
    return {row["client_order_id"] for row in open_orders(connection, account)}


def _watermark(connection: Connection, account: str, now: datetime) -> datetime:
    # Our own stamps only: the broker restamps the submission time of queued orders.
    (row,) = journal.rows_of(
        connection,
        "select (select opened_at from accounts where account = %s) as opened_at,"
        " (select max(updated_at) from order_intents where account = %s) as last_step",
        (account, account),
    )
    since = min(row["last_step"] or now, now) - LOOK_BACK
    # The broker's bound is exclusive, and a simulated clock may stand still.
    return max(since, row["opened_at"] - timedelta(seconds=1)) if row["opened_at"] else since


def _journal_foreign(connection: Connection, foreign: Iterable[BrokerOrder], now: datetime) -> None:
    for order in foreign:
        origin = "our prefix, but no intent of ours" if is_own(order.client_order_id) else "not sent by us"
        journal.add_event_once(
            connection,
            order.client_order_id,
            JournalEvent.FOREIGN_ORDER,
            now,
            broker_order_id=order.broker_order_id,
            body=order.body,
            detail=f"{origin}: {order.side} {order.quantity} {order.symbol}, {order.status}",
        )
