"""The one submitter of an account: its fencing token, and the journal steps that hold it."""

from __future__ import annotations

from dataclasses import dataclass

from resources.broker import Answer
from trading_assets.execution import halts, journal
from trading_assets.execution.journal import JournaledIntent
from trading_assets.execution.order_sync import record_order
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerOrder, HaltLevel, IntentEvent, JournalEvent


@dataclass(frozen=True)
class Submitter:
    """Who may send for ``account`` right now; every step it takes is refused once it has been replaced."""

    account: TradingAccount
    token: int

    def move(
        self,
        intent: JournaledIntent,
        event: IntentEvent,
        *,
        answer: Answer | None = None,
        detail: str | None = None,
        refusal: str | None = None,
    ) -> JournaledIntent:
        """Take one step in a transaction of its own."""
        with self.account.database.connection() as connection:
            journal.check_token(connection, self.account.number, self.token)
            return journal.move(
                connection,
                intent,
                event,
                self.account.clock.now(),
                token=self.token,
                answer=answer,
                detail=detail,
                refusal=refusal,
            )

    def acknowledge(
        self,
        intent: JournaledIntent,
        event: IntentEvent,
        order: BrokerOrder,
        *,
        answer: Answer | None = None,
        detail: str | None = None,
    ) -> JournaledIntent:
        """Record that the order exists at the broker, with the order itself."""
        now = self.account.clock.now()
        with self.account.database.connection() as connection:
            journal.check_token(connection, self.account.number, self.token)
            moved = journal.move(
                connection,
                intent,
                event,
                now,
                token=self.token,
                answer=answer,
                detail=detail,
                broker_order_id=order.broker_order_id,
            )
            record_order(connection, moved, order, now)
        return moved

    def note(
        self, intent: JournaledIntent, kind: JournalEvent, detail: str, answer: Answer | None = None
    ) -> None:
        """Append an event that changes no state."""
        with self.account.database.connection() as connection:
            journal.add_event(
                connection,
                intent.client_order_id,
                kind,
                self.account.clock.now(),
                intent_id=intent.intent_id,
                attempt=intent.attempt,
                answer=answer,
                detail=detail,
            )

    def halt(self, reason: str) -> None:
        """Stop all sending for the account until a person releases the halt."""
        with self.account.database.connection() as connection:
            halts.engage_halt(
                connection,
                self.account.number,
                HaltLevel.ORDERS,
                reason,
                engaged_by="submission",
                now=self.account.clock.now(),
            )
