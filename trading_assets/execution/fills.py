"""Fills: one row per execution that the broker reports, stored once by its activity id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from resources.database.writes import insert
from trading_assets.execution import halts, journal
from trading_assets.execution.activities import ingest_activities
from trading_assets.execution.journal import Connection
from trading_assets.execution.order_sync import OrderSync, sync_orders
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerFill, ClientOrderId, HaltLevel, JournalEvent
from trading_assets.sessions import NEW_YORK
from trading_assets.tables.orders import FILLS

READ_AGAIN = timedelta(days=1)
PRICE_TOLERANCE_USD = Decimal("0.005")


@dataclass(frozen=True)
class FillReport:
    """What an ingestion found.

    ``sessions`` are the decision sessions of new fills and changed orders; ``pending`` names orders of
    which the broker reports more filled than it has published fills for; ``contradictions`` are sentences
    about fills that cannot be right.
    """

    new: int
    known: int
    open_orders: int
    sessions: tuple[date, ...]
    orders: OrderSync = field(repr=False)
    foreign: int = 0
    pending: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()


def ingest_fills(account: TradingAccount) -> FillReport:
    """Pull executions, order states and what else was booked from the broker, and store what is new.

    Executions are read before order states, so that an order never has more fills than it reports. A day
    is read again each time; what is known already changes nothing. A contradiction stops trading.
    """
    with account.database.connection() as connection:
        opened_at, since = _watermark(connection, account.number, account.clock.now())
    reported = [fill for fill in account.broker.fills(since) if fill.executed_at >= opened_at]
    synced = sync_orders(account)
    ingest_activities(account)
    now = account.clock.now()
    with account.database.connection() as connection:
        orders = _orders_by_id(connection, {fill.broker_order_id for fill in reported})
        own = [fill for fill in reported if fill.broker_order_id in orders]
        foreign = [fill for fill in reported if fill.broker_order_id not in orders]
        stored = [
            orders[fill.broker_order_id]["session"]
            for fill in own
            if _insert(connection, account.number, orders[fill.broker_order_id], fill, now)
        ]
        _journal_foreign(connection, foreign, now)
        pending, contradictions = check_sums(connection, account.number)
        for client_order_id, sentence in contradictions.items():
            # Once for each: a person who has looked and released the halt must not be halted by the same again.
            if journal.add_event_once(
                connection, client_order_id, JournalEvent.CONTRADICTION, now, detail=sentence
            ):
                halts.engage_halt(
                    connection,
                    account.number,
                    HaltLevel.ORDERS,
                    sentence,
                    engaged_by="fill_ingestion",
                    now=now,
                )
    return FillReport(
        new=len(stored),
        known=len(own) - len(stored),
        open_orders=synced.open,
        sessions=tuple(sorted({*stored, *synced.sessions})),
        orders=synced,
        foreign=len(foreign),
        pending=tuple(pending),
        contradictions=tuple(contradictions.values()),
    )


def check_sums(connection: Connection, account: str) -> tuple[list[str], dict[ClientOrderId, str]]:
    """Compare each order's fills with what the order itself reports.

    Returns
    -------
    tuple
        Client order ids whose fills are not all published yet; sentences about those that contradict their fills.
    """
    found = journal.rows_of(
        connection,
        "select o.client_order_id, o.filled_quantity, o.average_fill_price_usd, sum(f.quantity) as quantity,"
        " sum(f.quantity * f.price_usd) / nullif(sum(f.quantity), 0) as price_usd"
        " from orders o left join fills f using (broker_order_id) where o.account = %s"
        " group by o.broker_order_id having coalesce(sum(f.quantity), 0) <> o.filled_quantity"
        " or abs(sum(f.quantity * f.price_usd) / nullif(sum(f.quantity), 0) - o.average_fill_price_usd) > %s"
        " order by o.client_order_id",
        (account, PRICE_TOLERANCE_USD),
    )
    pending: list[str] = []
    contradictions: dict[ClientOrderId, str] = {}
    for row in found:
        quantity = row["quantity"] or Decimal(0)
        if quantity < row["filled_quantity"]:
            pending.append(row["client_order_id"])
        elif quantity > row["filled_quantity"]:
            contradictions[row["client_order_id"]] = (
                f"{row['client_order_id']}: fills of {quantity.normalize():f} shares, but the order reports "
                f"{row['filled_quantity'].normalize():f}"
            )
        else:
            contradictions[row["client_order_id"]] = (
                f"{row['client_order_id']}: fills average {row['price_usd']:.6f} USD, but the order reports "
                f"{row['average_fill_price_usd']:.6f} USD"
            )
    return pending, contradictions


def _insert(
    connection: Connection, account: str, order: dict[str, Any], fill: BrokerFill, now: datetime
) -> bool:
    row = {
        "activity_id": fill.activity_id,
        "account": account,
        "broker_order_id": fill.broker_order_id,
        "client_order_id": order["client_order_id"],
        "intent_id": order["intent_id"],
        "session": order["session"],
        "executed_session": fill.executed_at.astimezone(NEW_YORK).date(),
        "symbol": fill.symbol,
        "side": fill.side,
        "quantity": fill.quantity,
        "price_usd": fill.price_usd,
        "executed_at": fill.executed_at,
        "recorded_at": now,
        "body": Jsonb(dict(fill.body)),
    }
    return insert(connection, FILLS, row, conflict="(activity_id) do nothing").rowcount == 1


def _watermark(connection: Connection, account: str, now: datetime) -> tuple[datetime, datetime]:
    (row,) = journal.rows_of(
        connection,
        "select (select opened_at from accounts where account = %s) as opened_at,"
        " (select max(executed_at) from fills where account = %s) as last_fill,"
        " (select min(created_at) from order_intents i where account = %s and (state in ('submitting', 'unknown')"
        " or exists (select from orders o left join fills f using (broker_order_id) where o.intent_id = i.intent_id"
        " group by o.broker_order_id having o.filled_quantity > coalesce(sum(f.quantity), 0)))) as oldest_awaited",
        (account, account, account),
    )
    opened_at = row["opened_at"] or now
    newest = max(opened_at, row["last_fill"] or opened_at)
    # An execution may be published, or its order found, long after later executions of other orders.
    return opened_at, min(newest, row["oldest_awaited"] or newest) - READ_AGAIN


def _orders_by_id(connection: Connection, broker_order_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    found = journal.rows_of(
        connection,
        "select broker_order_id, client_order_id, intent_id, session from orders where broker_order_id = any(%s)",
        (list(broker_order_ids),),
    )
    return {row["broker_order_id"]: row for row in found}


def _journal_foreign(connection: Connection, foreign: Sequence[BrokerFill], now: datetime) -> None:
    for fill in foreign:
        stand_in = (
            f"order:{fill.broker_order_id}:{fill.activity_id}"  # a fill does not say its order's client id
        )
        journal.add_event_once(
            connection,
            ClientOrderId(stand_in),
            JournalEvent.FOREIGN_FILL,
            now,
            broker_order_id=fill.broker_order_id,
            body=fill.body,
            detail=f"not from an order of ours: {fill.side} {fill.quantity} {fill.symbol} at {fill.price_usd}",
        )
