"""The order journal in Postgres: intents, their append-only events and submitters."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from resources.broker import Answer
from resources.database.writes import insert
from trading_assets.errors import TransientError
from trading_assets.execution.intents import Intent, StoredIntent, Target
from trading_assets.execution.order_states import next_state
from trading_assets.orders import (
    BrokerOrderId,
    ClientOrderId,
    IntentEvent,
    IntentId,
    IntentState,
    JournalEvent,
    OrderType,
    Purpose,
    Side,
    TimeInForce,
)
from trading_assets.tables.orders import ORDER_EVENTS, ORDER_INTENTS, SUBMITTERS

Connection = psycopg.Connection[Any]
NOTIFY_CHANNEL = "order_intents"


class SubmitterReplacedError(TransientError):
    """Stop sending: another submitter has taken over the account, or moved the intent on."""


@dataclass(frozen=True)
class JournaledIntent:
    """One row of ``order_intents`` as far as submission needs it."""

    intent_id: IntentId
    client_order_id: ClientOrderId
    account: str
    mode: str
    session: date
    symbol: str
    side: Side
    purpose: Purpose
    quantity: Decimal
    order_type: OrderType
    time_in_force: TimeInForce
    limit_price_usd: Decimal | None
    valid_until: datetime
    state: IntentState
    attempt: int
    fencing_token: int | None
    broker_order_id: BrokerOrderId | None


_INTENT_COLUMNS = (
    "intent_id, client_order_id, account, mode, session, symbol, side, purpose, quantity, order_type, time_in_force, "
    "limit_price_usd, valid_until, state, attempt, fencing_token, broker_order_id"
)


def rows_of(connection: Connection, sql: str, parameters: Iterable[object] = ()) -> list[dict[str, Any]]:
    """Run one statement and return its rows by column name."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(cast("Any", sql), tuple(parameters)).fetchall()


def load_targets(connection: Connection, account: str, session: date) -> list[Target]:
    """Read the targets of a session that risk let through."""
    found = rows_of(
        connection,
        "select t.*, (select jsonb_object_agg(a.strategy, (a.allotted_quantity - a.held_quantity)::text) from allocations a"
        " where (a.account, a.session, a.symbol) = (t.account, t.session, t.symbol) and a.allotted_quantity <> a.held_quantity)"
        " as wanted_by from target_positions t"
        " where t.account = %s and t.session = %s and t.outcome = 'trade' order by t.symbol",
        (account, session),
    )
    return [
        Target(
            symbol=row["symbol"],
            quantity=row["quantity"],
            current_quantity=row["current_quantity"],
            reference_price_usd=row["reference_price_usd"],
            wanted_by=changes_of(row["wanted_by"]),
            risk_verdict={key: row[key] for key in ("outcome", "rule", "reason", "weight_frac")},
        )
        for row in found
    ]


def allocated_symbols(connection: Connection, account: str, session: date) -> set[str]:
    """Return the symbols of which it was decided whose they are."""
    found = rows_of(
        connection,
        "select distinct symbol from allocations where account = %s and session = %s",
        (account, session),
    )
    return {row["symbol"] for row in found}


def changes_of(stored: Mapping[str, str] | None) -> dict[str, Decimal]:
    """Return the change in shares of each strategy, which Postgres keeps as exact text in JSON; none: nobody's."""
    return {strategy: Decimal(change) for strategy, change in (stored or {}).items()}


def stored_intents(connection: Connection, account: str, session: date) -> list[StoredIntent]:
    """Read and lock the intents that a session already has."""
    found = rows_of(
        connection,
        "select intent_id, client_order_id, symbol, side, purpose, revision, quantity, reference_price_usd, wanted_by,"
        " state, attempt from order_intents where account = %s and session = %s order by intent_id for update",
        (account, session),
    )
    return [
        StoredIntent(**_in_order_words(row | {"wanted_by": changes_of(row["wanted_by"])})) for row in found
    ]


def insert_intent(connection: Connection, intent: Intent, now: datetime) -> bool:
    """Journal a new intent; False if it is there already."""
    row = {
        "intent_id": intent.intent_id,
        "client_order_id": intent.client_order_id,
        "account": intent.account,
        "mode": intent.mode,
        "session": intent.session,
        "symbol": intent.symbol,
        "side": intent.side,
        "purpose": intent.purpose,
        "revision": intent.revision,
        "quantity": intent.quantity,
        "order_type": intent.order_type,
        "limit_price_usd": intent.limit_price_usd,
        "time_in_force": intent.time_in_force,
        "reference_price_usd": intent.reference_price_usd,
        "valid_until": intent.valid_until,
        "state": IntentState.PLANNED,
        "wanted_by": _as_text(intent.wanted_by),
        "risk_verdict": Jsonb(dict(intent.risk_verdict)),
        "lineage": Jsonb(dict(intent.lineage)),
        "created_at": now,
        "updated_at": now,
    }
    cursor = insert(connection, ORDER_INTENTS, row, conflict="do nothing")
    if cursor.rowcount == 1:
        add_event(
            connection,
            intent.client_order_id,
            JournalEvent.PLANNED,
            now,
            intent_id=intent.intent_id,
            to_state=IntentState.PLANNED,
        )
    return cursor.rowcount == 1


def update_untouched(connection: Connection, intent: Intent, now: datetime) -> bool:
    """Change quantity, price and whose it is of an intent for which nothing was ever sent."""
    cursor = connection.execute(
        "update order_intents set quantity = %(quantity)s, reference_price_usd = %(reference_price_usd)s,"
        " wanted_by = %(wanted_by)s, risk_verdict = %(risk_verdict)s, lineage = %(lineage)s, updated_at = %(now)s"
        " where intent_id = %(intent_id)s and state = 'planned' and attempt = 0",
        {
            "quantity": intent.quantity,
            "reference_price_usd": intent.reference_price_usd,
            "wanted_by": _as_text(intent.wanted_by),
            "risk_verdict": Jsonb(dict(intent.risk_verdict)),
            "lineage": Jsonb(dict(intent.lineage)),
            "now": now,
            "intent_id": intent.intent_id,
        },
    )
    if cursor.rowcount == 1:
        add_event(
            connection,
            intent.client_order_id,
            JournalEvent.REPLANNED,
            now,
            intent_id=intent.intent_id,
            detail=f"quantity {intent.quantity} at {intent.reference_price_usd}",
        )
    return cursor.rowcount == 1


def intents_in(connection: Connection, account: str, states: Iterable[IntentState]) -> list[JournaledIntent]:
    """Read the account's intents in those states: exits first, sells before buys."""
    found = rows_of(
        connection,
        f"select {_INTENT_COLUMNS} from order_intents where account = %s and state = any(%s)"  # noqa: S608 (a constant)
        " order by session, purpose not in ('reduce', 'close'), side = 'buy', symbol",
        (account, [str(state) for state in states]),
    )
    return [_journaled(row) for row in found]


def intents_by_client_id(
    connection: Connection, client_order_ids: Iterable[ClientOrderId]
) -> dict[ClientOrderId, JournaledIntent]:
    """Read intents by the id that the broker knows them under."""
    found = rows_of(
        connection,
        f"select {_INTENT_COLUMNS} from order_intents where client_order_id = any(%s)",  # noqa: S608 (a constant)
        (list(client_order_ids),),
    )
    return {row["client_order_id"]: _journaled(row) for row in found}


def move(
    connection: Connection,
    intent: JournaledIntent,
    event: IntentEvent,
    now: datetime,
    *,
    token: int | None,
    answer: Answer | None = None,
    detail: str | None = None,
    broker_order_id: BrokerOrderId | None = None,
    refusal: str | None = None,
) -> JournaledIntent:
    """Take one step of the state machine and journal it, both or neither.

    Raises
    ------
    IllegalTransitionError
        If the step is not allowed.
    SubmitterReplacedError
        If the stored row is no longer the one that ``intent`` was read from.
    """
    to_state = next_state(intent.state, event)
    attempt = intent.attempt + (event is IntentEvent.CLAIMED)
    cursor = connection.execute(
        "update order_intents set state = %(to_state)s, attempt = %(attempt)s, fencing_token = %(token)s,"
        " broker_order_id = coalesce(%(broker_order_id)s, broker_order_id),"
        " refusal = coalesce(%(refusal)s, refusal), updated_at = %(now)s"
        " where intent_id = %(intent_id)s and state = %(from_state)s and attempt = %(last_attempt)s"
        " and fencing_token is not distinct from %(last_token)s",
        {
            "to_state": to_state,
            "attempt": attempt,
            "token": token,
            "broker_order_id": broker_order_id,
            "refusal": refusal,
            "now": now,
            "intent_id": intent.intent_id,
            "from_state": intent.state,
            "last_attempt": intent.attempt,
            "last_token": intent.fencing_token,
        },
    )
    if cursor.rowcount != 1:
        raise SubmitterReplacedError(
            "The intent was moved on by somebody else", client_order_id=intent.client_order_id
        )
    add_event(
        connection,
        intent.client_order_id,
        event,
        now,
        intent_id=intent.intent_id,
        from_state=intent.state,
        to_state=to_state,
        attempt=attempt,
        answer=answer,
        detail=detail or refusal,
        broker_order_id=broker_order_id,
    )
    return replace(
        intent,
        state=to_state,
        attempt=attempt,
        fencing_token=token,
        broker_order_id=broker_order_id or intent.broker_order_id,
    )


def add_event(
    connection: Connection,
    client_order_id: ClientOrderId,
    kind: IntentEvent | JournalEvent,
    now: datetime,
    *,
    intent_id: IntentId | None = None,
    broker_order_id: BrokerOrderId | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    attempt: int | None = None,
    answer: Answer | None = None,
    body: Mapping[str, object] | None = None,
    detail: str | None = None,
) -> None:
    """Append one event; a body that is not JSON is kept as a JSON string."""
    content: object = dict(body) if body is not None else _content(answer)
    row = {
        "intent_id": intent_id,
        "client_order_id": client_order_id,
        "broker_order_id": broker_order_id,
        "kind": str(kind),
        "from_state": from_state,
        "to_state": to_state,
        "attempt": attempt,
        "http_status": answer.status if answer else None,
        "body": None if content is None else Jsonb(content),
        "body_hash": answer.body_hash if answer else None,
        "detail": detail,
        "happened_at": now,
    }
    insert(connection, ORDER_EVENTS, row)


def add_event_once(
    connection: Connection,
    client_order_id: ClientOrderId,
    kind: IntentEvent | JournalEvent,
    now: datetime,
    *,
    detail: str,
    intent_id: IntentId | None = None,
    broker_order_id: BrokerOrderId | None = None,
    body: Mapping[str, object] | None = None,
) -> bool:
    """Append an event unless the order's last one of that kind says the same."""
    known = connection.execute(
        "select detail from order_events where client_order_id = %s and kind = %s order by event_id desc limit 1",
        (client_order_id, kind),
    ).fetchone()
    if known is not None and known[0] == detail:
        return False
    add_event(
        connection,
        client_order_id,
        kind,
        now,
        intent_id=intent_id,
        broker_order_id=broker_order_id,
        detail=detail,
        body=body,
    )
    return True


def submitter_lock(account: str) -> str:
    """Return the name of the advisory lock that a submitter of the account holds while it works."""
    return f"submitter/{account}"


def take_token(connection: Connection, account: str, holder: str, now: datetime) -> int:
    """Become the account's submitter: every earlier one is fenced off from here on."""
    row = insert(
        connection,
        SUBMITTERS,
        {"account": account, "fencing_token": 1, "holder": holder, "taken_at": now},
        conflict="(account) do update set fencing_token = submitters.fencing_token + 1,"
        " holder = excluded.holder, taken_at = excluded.taken_at",
        returning="fencing_token",
    ).fetchone()
    return int(row[0]) if row else 0


def check_token(connection: Connection, account: str, token: int) -> None:
    """Hold the account's submitter row for this transaction.

    Raises
    ------
    SubmitterReplacedError
        If a later submitter has taken over.
    """
    row = connection.execute(
        "select fencing_token from submitters where account = %s for share", (account,)
    ).fetchone()
    if row is None or row[0] != token:
        raise SubmitterReplacedError("Another submitter has taken over this account", account=account)


def _as_text(wanted_by: Mapping[str, Decimal]) -> Jsonb:
    return Jsonb({strategy: f"{change:f}" for strategy, change in wanted_by.items()})


def _content(answer: Answer | None) -> object:
    if answer is None or answer.status is None:
        return None
    try:
        return json.loads(answer.text)
    except ValueError:
        return answer.text.replace("\x00", "")


def _journaled(row: dict[str, Any]) -> JournaledIntent:
    return JournaledIntent(**_in_order_words(row))


_WORDS: Mapping[str, type[StrEnum]] = {
    "side": Side,
    "purpose": Purpose,
    "order_type": OrderType,
    "time_in_force": TimeInForce,
    "state": IntentState,
}


def _in_order_words(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _WORDS[name](value) if name in _WORDS else value for name, value in row.items()}
