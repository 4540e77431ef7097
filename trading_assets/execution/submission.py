"""Submission: each planned intent becomes at most one order at the broker, whatever fails on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from resources.broker import Answer, Broker, Outcome, SubmitResult
from resources.clock import Clock
from resources.database.database import Database
from trading_assets.errors import BrokerRejectedError, ConfigurationError
from trading_assets.execution import halts, journal
from trading_assets.execution.fills import FillReport, ingest_fills
from trading_assets.execution.journal import JournaledIntent, SubmitterReplacedError
from trading_assets.execution.order_states import UNRESOLVED, IntentEvent, IntentState
from trading_assets.execution.order_sync import open_orders, sync_orders
from trading_assets.execution.submitter import Submitter, Wait
from trading_assets.execution.unknown_outcomes import adopt, differing_fields, look_up, resolve
from trading_assets.orders import BrokerOrder, OrderRequest

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


def submit_planned(
    database: Database,
    broker: Broker,
    clock: Clock,
    *,
    account: str,
    mode: str,
    wait: Wait,
    holder: str = "submission",
) -> SubmissionReport:
    """Send every planned intent of the account, after settling what an earlier run left open.

    Running it again, at once or twice at the same time, sends nothing twice.

    Parameters
    ----------
    account, mode
        Must be what the broker reports and what the intents were planned for.
    wait
        Called with seconds between looks and when the broker's quota is used up.
    holder
        Who submits, shown in ``submitters``.

    Raises
    ------
    ConfigurationError
        If the broker's account, the mode or the keys are not the ones expected.
    UnknownOutcomeError, ReconciliationError, TransientError
        If the broker's state cannot be established; nothing (more) was sent.
    """
    with database.try_advisory_lock(journal.submitter_lock(account)) as is_ours:
        if not is_ours:
            return SubmissionReport(account, is_busy=True)
        with database.connection() as connection:
            token = journal.take_token(connection, account, holder, clock.now())
        submitter = Submitter(database, clock, account, mode, token, wait)
        report = start_up_check(submitter, broker)
        with database.connection() as connection:
            queue = journal.intents_in(connection, account, [IntentState.PLANNED])
        for intent in queue:
            report = _send(submitter, broker, intent, report)
    return report


def settle(
    database: Database, broker: Broker, clock: Clock, *, account: str, mode: str, wait: Wait, holder: str
) -> None:
    """Bring the journal up to date with the broker without sending anything; see ``start_up_check``.

    A decision needs it first: books without yesterday's fills would buy the same position once more. Nothing is
    done while another submitter is at work, which does the same.
    """
    with database.try_advisory_lock(journal.submitter_lock(account)) as is_ours:
        if is_ours:
            with database.connection() as connection:
                token = journal.take_token(connection, account, holder, clock.now())
            start_up_check(Submitter(database, clock, account, mode, token, wait), broker)


def start_up_check(submitter: Submitter, broker: Broker) -> SubmissionReport:
    """Bring the journal up to date with the broker; whatever stays unclear raises, and nothing is sent.

    Settles intents without an outcome, merges open and recent orders, pulls fills, adopts orders that turned
    up after they were given up (and halts), and cancels open orders while a halt demands it.
    """
    _check_account(submitter, broker)
    report = SubmissionReport(submitter.account)
    with submitter.database.connection() as connection:
        unresolved = journal.intents_in(connection, submitter.account, UNRESOLVED)
    for intent in unresolved:
        report = _settled(report, resolve(submitter, broker, intent))
    fills = ingest_fills(submitter.database, broker, submitter.clock, account=submitter.account)
    report = replace(
        report, fills=fills, foreign=tuple(order.client_order_id for order in fills.orders.foreign)
    )
    for intent, order in fills.orders.late:
        adopt(submitter, intent, order, IntentEvent.LATE_ARRIVAL)
        report = replace(report, adopted=(*report.adopted, intent.client_order_id))
        if intent.state is not IntentState.PLANNED:
            submitter.halt(f"{intent.client_order_id}: turned up at the broker after it was {intent.state}")
    return _enforce_halts(submitter, broker, report)


def _check_account(submitter: Submitter, broker: Broker) -> None:
    seen = broker.account()
    if seen.account != submitter.account:
        raise ConfigurationError(
            "The keys lead to another account than the books: restore the keys, or use another TRADING_DATA",
            books=submitter.account,
            broker=seen.account,
        )
    if seen.is_blocked:
        raise BrokerRejectedError("The broker has blocked trading on this account", account=seen.account)


def _enforce_halts(submitter: Submitter, broker: Broker, report: SubmissionReport) -> SubmissionReport:
    with submitter.database.connection() as connection:
        engaged = halts.active_halts(connection, submitter.account)
        if not any(halt.level in {"orders", "flatten"} for halt in engaged):
            return report
        waiting = open_orders(connection, submitter.account)
    for order in waiting:
        is_asked = broker.cancel(order["broker_order_id"])
        with submitter.database.connection() as connection:
            journal.add_event_once(
                connection,
                order["client_order_id"],
                "cancel_requested",
                submitter.clock.now(),
                broker_order_id=order["broker_order_id"],
                detail="by a halt"
                if is_asked
                else "by a halt; the broker says it cannot be cancelled any more",
            )
    if waiting:
        sync_orders(submitter.database, broker, submitter.clock, account=submitter.account)
    return replace(report, cancelled=tuple(order["client_order_id"] for order in waiting))


def _send(
    submitter: Submitter, broker: Broker, intent: JournaledIntent, report: SubmissionReport
) -> SubmissionReport:
    for _ in range(SENDS_PER_RUN):
        if submitter.clock.now() >= intent.valid_until:
            return _settled(report, _expire(submitter, broker, intent))
        claimed = _claim(submitter, intent)
        if isinstance(claimed, str):
            return replace(report, held=(*report.held, (intent.client_order_id, claimed)))
        result = broker.submit(_request(claimed))
        intent = _record(submitter, broker, claimed, result)
        if intent.state is not IntentState.PLANNED:
            return _settled(report, intent, result)
        if result.outcome is Outcome.RATE_LIMITED:
            submitter.wait(result.retry_after_seconds)
    return replace(report, deferred=(*report.deferred, intent.client_order_id))


def _claim(submitter: Submitter, intent: JournaledIntent) -> JournaledIntent | str:
    # Everything that may forbid sending is read in the transaction that allows it, not only before.
    if (intent.account, intent.mode) != (submitter.account, submitter.mode):
        raise ConfigurationError(
            "An intent was planned for another account or mode: it is not sent; withdraw it or change TRADING_MODE",
            client_order_id=intent.client_order_id,
            planned_for=intent.mode,
            now=submitter.mode,
        )
    now = submitter.clock.now()
    with submitter.database.connection() as connection:
        journal.check_token(connection, submitter.account, submitter.token)
        halt = halts.halt_forbids(halts.active_halts(connection, submitter.account), intent.purpose)
        if halt is None:
            return journal.move(connection, intent, IntentEvent.CLAIMED, now, token=submitter.token)
        detail = f"halt {halt.halt_id} ({halt.level}): {halt.reason}"
        journal.add_event_once(
            connection, intent.client_order_id, "held", now, intent_id=intent.intent_id, detail=detail
        )
        return detail


def _record(
    submitter: Submitter, broker: Broker, intent: JournaledIntent, result: SubmitResult
) -> JournaledIntent:
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
                submitter.note(intent, "duplicate", result.reason, answer)
                order = look_up(broker, intent.client_order_id, submitter.wait)
                if order is not None:
                    return adopt(submitter, intent, order, IntentEvent.ADOPTED)
        unknown = submitter.move(intent, IntentEvent.AMBIGUOUS, answer=answer, detail=result.reason)
    except SubmitterReplacedError:
        submitter.note(intent, "late_answer", f"{result.outcome}, after another submitter took over", answer)
        raise
    return resolve(submitter, broker, unknown)


def _accept(
    submitter: Submitter, intent: JournaledIntent, order: BrokerOrder, answer: Answer
) -> JournaledIntent:
    if differing_fields(intent, order):
        return adopt(submitter, intent, order, IntentEvent.ADOPTED)  # which halts
    return submitter.acknowledge(intent, IntentEvent.ACCEPTED, order, answer=answer)


def _expire(submitter: Submitter, broker: Broker, intent: JournaledIntent) -> JournaledIntent:
    # Something was sent for it once: one last look before it is written off.
    order = broker.order_by_client_id(intent.client_order_id) if intent.attempt else None
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
