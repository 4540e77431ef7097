"""From target positions to journaled intents, one transaction a session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from trading_assets.execution import journal
from trading_assets.execution.intents import (
    PlanChanges,
    StoredIntent,
    compare_plan,
    plan_intents,
    sending_ends,
)
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import IntentEvent, IntentState, JournalEvent


@dataclass(frozen=True)
class PlanReport:
    """What planning a session did to the journal; ``conflicts`` are sentences for people."""

    session: date
    planned: int
    inserted: int
    updated: int
    superseded: int
    unchanged: int
    conflicts: tuple[str, ...] = ()


def plan_and_store_intents(
    account: TradingAccount, session: date, *, lineage: Mapping[str, object]
) -> PlanReport:
    """Plan the intents of a session from its target positions and journal them.

    A re-run inserts nothing twice. It may change or withdraw an intent only while nothing was sent for it;
    any other difference is journaled as an event and reported.
    """
    now = account.clock.now()
    with account.database.connection() as connection:
        planned = plan_intents(
            journal.load_targets(connection, account.number, session),
            account=account.number,
            mode=account.mode,
            session=session,
            valid_until=sending_ends(session),
            lineage=lineage,
        )
        changes = compare_plan(planned, journal.stored_intents(connection, account.number, session))
        inserted = sum(journal.insert_intent(connection, intent, now) for intent in changes.insert)
        updated = sum(journal.update_untouched(connection, intent, now) for intent in changes.update)
        by_id = {
            intent.intent_id: intent
            for intent in journal.intents_in(connection, account.number, [IntentState.PLANNED])
        }
        for item in changes.supersede:
            journal.move(
                connection,
                by_id[item.intent_id],
                IntentEvent.SUPERSEDED,
                now,
                token=by_id[item.intent_id].fencing_token,
                detail="withdrawn by a re-run of the session",
            )
        conflicts = _journal_conflicts(connection, changes, now)
        if inserted or updated:
            connection.execute("select pg_notify(%s, %s)", (journal.NOTIFY_CHANNEL, account.number))
    return PlanReport(
        session, len(planned), inserted, updated, len(changes.supersede), changes.unchanged, conflicts
    )


def _journal_conflicts(
    connection: journal.Connection, changes: PlanChanges, now: datetime
) -> tuple[str, ...]:
    sentences = []
    for item, wanted in changes.conflicts:
        sentence = f"{item.symbol}: {wanted}; kept {_kept(item)}"
        sentences.append(sentence)
        journal.add_event_once(
            connection,
            item.client_order_id,
            JournalEvent.PLAN_CONFLICT,
            now,
            intent_id=item.intent_id,
            detail=sentence,
        )
    return tuple(sentences)


def _kept(item: StoredIntent) -> str:
    return f"{item.side} {item.quantity} ({item.purpose}, {item.state})"
