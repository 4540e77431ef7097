"""Submission: each planned intent becomes at most one order at the broker, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from resources.broker import Answer, Outcome, SubmitResult
from trading_assets.errors import BrokerRejectedError, ConfigurationError
from trading_assets.execution import halts, journal
from trading_assets.execution.fills import FillReport, ingest_fills
from trading_assets.execution.journal import JournaledIntent, SubmitterReplacedError
from trading_assets.execution.order_states import UNRESOLVED
from trading_assets.execution.order_sync import open_orders, sync_orders
from trading_assets.execution.submitter import Submitter
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.execution.unknown_outcomes import adopt, differing_fields, look_up, resolve
from trading_assets.orders import BrokerOrder, HaltLevel, IntentEvent, IntentState, JournalEvent, OrderRequest

SENDS_PER_RUN = 5


@dataclass(frozen=True)
class SubmissionReport:
    """What a submission did, by client order id.

    ``is_busy`` means that another submitter holds the account, and nothing was done. ``held`` are kept
    back by a halt (with the reason), ``deferred`` by the broker's quota; both stay planned.
    """

    account: str
    is_busy: bool = False
    sent: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    expired: tuple[str, ...] = ()
    abandoned: tuple[str, ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    deferred: tuple[str, ...] = ()
    cancelled: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    fills: FillReport | None = None


def submit_planned(account: TradingAccount) -> SubmissionReport:
    """Send every planned intent of the account, after settling what an earlier run left open.

    Running it again, at once or twice at the same time, sends nothing twice.

    Raises
    ------
    ConfigurationError
        If the broker's account, the mode or the keys are not the ones expected.
    UnknownOutcomeError, ReconciliationError, TransientError
        If the broker's state cannot be established; nothing (more) was sent.
    """
    with _sole_submitter(account) as submitter:
        if submitter is None:
            return SubmissionReport(account.number, is_busy=True)
        report = start_up_check(submitter)
        with account.database.connection() as connection:
            queue = journal.intents_in(connection, account.number, [IntentState.PLANNED])
        for intent in queue:
            report = _send(submitter, intent, report)
    return report


def settle(account: TradingAccount) -> None:
    """Bring the journal up to date with the broker without sending anything; see ``start_up_check``.

    A decision needs it first: books without yesterday's fills would buy the same position once more. Nothing is
    done while another submitter is at work, which does the same.
    """
    with _sole_submitter(account) as submitter:
        if submitter is not None:
            start_up_check(submitter)


@contextmanager
def _sole_submitter(account: TradingAccount) -> Iterator[Submitter | None]:
    with account.database.try_advisory_lock(journal.submitter_lock(account.number)) as is_ours:
        if not is_ours:
            yield None
            return
        with account.database.connection() as connection:
            token = journal.take_token(connection, account.number, account.holder, account.clock.now())
        yield Submitter(account, token)


def start_up_check(submitter: Submitter) -> SubmissionReport:
    """Bring the journal up to date with the broker; whatever stays unclear raises, and nothing is sent.

    Settles intents without an outcome, merges open and recent orders, pulls fills, adopts orders that turned
    up after they were given up (and halts), and cancels open orders while a halt demands it.
    """
    _check_account(submitter)
    report = SubmissionReport(submitter.account.number)
    with submitter.account.database.connection() as connection:
        unresolved = journal.intents_in(connection, submitter.account.number, UNRESOLVED)
    for intent in unresolved:
        report = _settled(report, resolve(submitter, intent))
    fills = ingest_fills(submitter.account)
    report = replace(
        report, fills=fills, foreign=tuple(order.client_order_id for order in fills.orders.foreign)
    )
    for intent, order in fills.orders.late:
        adopt(submitter, intent, order, IntentEvent.LATE_ARRIVAL)
        report = replace(report, adopted=(*report.adopted, intent.client_order_id))
        if intent.state is not IntentState.PLANNED:
            submitter.halt(f"{intent.client_order_id}: turned up at the broker after it was {intent.state}")
    return _enforce_halts(submitter, report)


def _check_account(submitter: Submitter) -> None:
    seen = submitter.account.broker.account()
    if seen.account != submitter.account.number:
        raise ConfigurationError(
            "The keys lead to another account than the books: restore the keys, or use another TRADING_DATA",
            books=submitter.account.number,
            broker=seen.account,
        )
    if seen.is_blocked:
        raise BrokerRejectedError("The broker has blocked trading on this account", account=seen.account)


def _enforce_halts(submitter: Submitter, report: SubmissionReport) -> SubmissionReport:
    with submitter.account.database.connection() as connection:
        engaged = halts.active_halts(connection, submitter.account.number)
        if not any(halt.level != HaltLevel.ENTRIES for halt in engaged):
            return report
        waiting = open_orders(connection, submitter.account.number)
    for order in waiting:
        is_asked = submitter.account.broker.cancel(order["broker_order_id"])
        with submitter.account.database.connection() as connection:
            journal.add_event_once(
                connection,
                order["client_order_id"],
                JournalEvent.CANCEL_REQUESTED,
                submitter.account.clock.now(),
                broker_order_id=order["broker_order_id"],
                detail="by a halt"
                if is_asked
                else "by a halt; the broker says it cannot be cancelled any more",
            )
    if waiting:
        sync_orders(submitter.account)
    return replace(report, cancelled=tuple(order["client_order_id"] for order in waiting))


def _send(submitter: Submitter, intent: JournaledIntent, report: SubmissionReport) -> SubmissionReport:
    for _ in range(SENDS_PER_RUN):
        if submitter.account.clock.now() >= intent.valid_until:
            return _settled(report, _expire(submitter, intent))
        claimed = _claim(submitter, intent)
        if isinstance(claimed, str):
            return replace(report, held=(*report.held, (intent.client_order_id, claimed)))
        result = submitter.account.broker.submit(_request(claimed))
        intent = _record(submitter, claimed, result)
        if intent.state is not IntentState.PLANNED:
            return _settled(report, intent, result)
        if result.outcome is Outcome.RATE_LIMITED:
            submitter.account.wait(result.retry_after_seconds)
    return replace(report, deferred=(*report.deferred, intent.client_order_id))


def _claim(submitter: Submitter, intent: JournaledIntent) -> JournaledIntent | str:
    # Everything that may forbid sending is read in the transaction that allows it, not only before.
    if (intent.account, intent.mode) != (submitter.account.number, submitter.account.mode):
        raise ConfigurationError(
            "An intent was planned for another account or mode: it is not sent; withdraw it or change TRADING_MODE",
            client_order_id=intent.client_order_id,
            planned_for=intent.mode,
            now=submitter.account.mode,
        )
    now = submitter.account.clock.now()
    with submitter.account.database.connection() as connection:
        journal.check_token(connection, submitter.account.number, submitter.token)
        halt = halts.halt_forbids(halts.active_halts(connection, submitter.account.number), intent.purpose)
        if halt is None:
            return journal.move(connection, intent, IntentEvent.CLAIMED, now, token=submitter.token)
        detail = f"halt {halt.halt_id} ({halt.level}): {halt.reason}"
        journal.add_event_once(
            connection,
            intent.client_order_id,
            JournalEvent.HELD,
            now,
            intent_id=intent.intent_id,
            detail=detail,
        )
        return detail


def _record(submitter: Submitter, intent: JournaledIntent, result: SubmitResult) -> JournaledIntent:
    answer = result.answer
    try:
        match result.outcome:
            case Outcome.ACCEPTED if result.order is not None:
                return _accept(submitter, intent, result.order, answer)
            case Outcome.REFUSED:
                return submitter.move(intent, IntentEvent.REFUSED, answer=answer, refusal=result.reason)
            case Outcome.RATE_LIMITED:
                return submitter.move(
                    intent, IntentEvent.NOT_ACCEPTED, answer=answer, detail="the request quota is used up"
                )
            case Outcome.UNAUTHORISED:
                submitter.move(intent, IntentEvent.NOT_ACCEPTED, answer=answer, detail="keys not accepted")
                raise ConfigurationError(
                    "The broker does not accept the keys: check ALPACA_API_KEY and its secret"
                )
            case Outcome.DUPLICATE:
                submitter.note(intent, JournalEvent.DUPLICATE, result.reason, answer)
                order = look_up(submitter.account, intent.client_order_id)
                if order is not None:
                    return adopt(submitter, intent, order, IntentEvent.ADOPTED)
        unknown = submitter.move(intent, IntentEvent.AMBIGUOUS, answer=answer, detail=result.reason)
    except SubmitterReplacedError:
        submitter.note(
            intent, JournalEvent.LATE_ANSWER, f"{result.outcome}, after another submitter took over", answer
        )
        raise
    return resolve(submitter, unknown)


def _accept(
    submitter: Submitter, intent: JournaledIntent, order: BrokerOrder, answer: Answer
) -> JournaledIntent:
    if differing_fields(intent, order):
        return adopt(submitter, intent, order, IntentEvent.ADOPTED)  # which halts
    return submitter.acknowledge(intent, IntentEvent.ACCEPTED, order, answer=answer)


def _expire(submitter: Submitter, intent: JournaledIntent) -> JournaledIntent:
    # Something was sent for it once: one last look before it is written off.
    order = submitter.account.broker.order_by_client_id(intent.client_order_id) if intent.attempt else None
    if order is not None:
        return adopt(submitter, intent, order, IntentEvent.LATE_ARRIVAL)
    return submitter.move(intent, IntentEvent.EXPIRED, detail=f"not sent by {intent.valid_until.isoformat()}")


def _request(intent: JournaledIntent) -> OrderRequest:
    return OrderRequest(
        client_order_id=intent.client_order_id,
        symbol=intent.symbol,
        side=intent.side,
        quantity=intent.quantity,
        order_type=intent.order_type,
        time_in_force=intent.time_in_force,
        limit_price_usd=intent.limit_price_usd,
    )


def _settled(
    report: SubmissionReport, intent: JournaledIntent, result: SubmitResult | None = None
) -> SubmissionReport:
    name = intent.client_order_id
    match intent.state:
        case IntentState.ACKNOWLEDGED if result is not None and result.outcome is Outcome.ACCEPTED:
            return replace(report, sent=(*report.sent, name))
        case IntentState.ACKNOWLEDGED:
            return replace(report, adopted=(*report.adopted, name))
        case IntentState.REFUSED:
            return replace(report, refused=(*report.refused, (name, result.reason if result else "")))
        case IntentState.EXPIRED:
            return replace(report, expired=(*report.expired, name))
        case IntentState.ABANDONED:
            return replace(report, abandoned=(*report.abandoned, name))
        case _:
            return report
