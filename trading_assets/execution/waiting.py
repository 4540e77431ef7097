"""What waits: which intents wait to be sent, and which orders have news at the broker. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from resources.broker import Broker
from resources.database.database import Database
from trading_assets.execution import halts, journal
from trading_assets.execution.order_states import TERMINAL_STATUSES, OrderProgress, merge_progress
from trading_assets.execution.order_sync import LOOK_BACK, progress_of
from trading_assets.orders import BrokerOrder, IntentState, Purpose


@dataclass(frozen=True)
class Batch:
    """Intents of one account and session that a submission run would do something about."""

    account: str
    session: date
    intent_ids: tuple[str, ...]


@dataclass(frozen=True)
class News:
    """What the broker reports and the books do not have; ``facts`` name it, so that it is asked for once."""

    account: str
    session: date
    facts: tuple[str, ...]


def waiting_batches(database: Database, now: datetime) -> list[Batch]:
    """List intents that wait to be sent or settled, oldest session first.

    Those that a halt keeps back are left out until they expire, and those on their way while a submitter is
    at work.
    """
    groups: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
    with database.connection() as connection:
        found = journal.rows_of(
            connection,
            "select account, session, intent_id, state, purpose, valid_until from order_intents"
            " where state in ('planned', 'submitting', 'unknown') order by session, intent_id",
        )
        accounts = {row["account"] for row in found}
        engaged = {account: halts.active_halts(connection, account) for account in accounts}
    busy = {account for account in accounts if _is_busy(database, account)}
    for row in found:
        if row["state"] == IntentState.PLANNED:
            is_held = halts.halt_forbids(engaged[row["account"]], Purpose(row["purpose"])) is not None
            is_due = not is_held or now >= row["valid_until"]
        else:
            is_due = row["account"] not in busy
        if is_due:
            groups[row["account"], row["session"]].append(row["intent_id"])
    return [Batch(account, session, tuple(ids)) for (account, session), ids in groups.items()]


def broker_news(database: Database, broker: Broker) -> list[News]:
    """List what the broker reports of our orders and the books do not have, by decision session.

    Watched are orders that are open, and finished ones whose executions are not all in the books; without
    any, the broker is not asked.
    """
    with database.connection() as connection:
        watched = journal.rows_of(
            connection,
            "select o.account, o.session, o.client_order_id, o.broker_order_id, o.status, o.updated_at,"
            " o.filled_quantity, o.average_fill_price_usd, i.created_at from orders o join order_intents i"
            " using (intent_id) left join fills f on f.broker_order_id = o.broker_order_id"
            " group by o.broker_order_id, i.created_at"
            " having not (o.status = any(%s)) or o.filled_quantity > coalesce(sum(f.quantity), 0)"
            " order by o.account, o.session, o.client_order_id",
            (sorted(TERMINAL_STATUSES),),
        )
    if not watched:
        return []
    since = min(row["created_at"] for row in watched) - LOOK_BACK
    reported = broker.fills(since)
    listed = {order.broker_order_id: order for order in broker.orders(since)}
    known = _known_fills(database, [fill.activity_id for fill in reported])
    news = []
    for (account, session), rows in groupby(watched, key=lambda row: (row["account"], row["session"])):
        orders = {row["broker_order_id"]: row for row in rows}
        fills = [fill.activity_id for fill in reported if fill.broker_order_id in orders]
        facts: list[str] = [activity_id for activity_id in fills if activity_id not in known]
        facts += [_fact(row, listed[name]) for name, row in orders.items() if name in listed]
        if any(facts):
            news.append(News(account, session, tuple(sorted(filter(None, facts)))))
    return news


def unsettled_before(database: Database, account: str, session: date, now: datetime) -> dict[str, str]:
    """Name what earlier decisions left open, by symbol: what the books say of these symbols is not final.

    Open are intents that may still reach the broker or have no known outcome, orders that it may still work
    on, and executions that it reports but has not published.
    """
    with database.connection() as connection:
        found = journal.rows_of(
            connection,
            "select i.symbol, i.session, i.state, o.status, o.filled_quantity, sum(f.quantity) as published"
            " from order_intents i left join orders o using (client_order_id)"
            " left join fills f on f.broker_order_id = o.broker_order_id"
            " where i.account = %s and i.session < %s"
            " group by i.intent_id, o.broker_order_id"
            " having i.state in ('submitting', 'unknown') or (i.state = 'planned' and i.valid_until > %s)"
            " or not (o.status = any(%s)) or o.filled_quantity > coalesce(sum(f.quantity), 0)"
            " order by i.symbol, i.session",
            (account, session, now, sorted(TERMINAL_STATUSES)),
        )
    return {
        row["symbol"]: f"the order decided on {row['session']} is {row['status'] or row['state']}, with "
        f"{(row['published'] or Decimal(0)).normalize():f} shares booked"
        for row in found
    }


def _fact(row: dict[str, Any], order: BrokerOrder) -> str:
    before = OrderProgress(
        row["status"], row["updated_at"], row["filled_quantity"], row["average_fill_price_usd"]
    )
    after = merge_progress(before, progress_of(order))
    is_news = (after.status, after.filled_key) != (before.status, before.filled_key)
    return f"{order.broker_order_id} {after.status} {after.filled_quantity.normalize():f}" if is_news else ""


def _is_busy(database: Database, account: str) -> bool:
    with database.try_advisory_lock(journal.submitter_lock(account)) as is_free:
        return not is_free


def _known_fills(database: Database, activity_ids: list[str]) -> set[str]:
    with database.connection() as connection:
        found = journal.rows_of(
            connection, "select activity_id from fills where activity_id = any(%s)", (activity_ids,)
        )
    return {row["activity_id"] for row in found}
