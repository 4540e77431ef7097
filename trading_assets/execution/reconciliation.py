"""Reconciliation: our books, derived from fills, against the broker's positions and cash; one row an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from resources.clock import Clock
from resources.database.database import Database
from resources.database.writes import insert, insert_many
from trading_assets.books.differences import CENT, ZERO, Holdings, Item, compare_books
from trading_assets.books.holdings import Split, books_from_fills
from trading_assets.execution import halts, journal
from trading_assets.execution.booked import account_fills, opening
from trading_assets.execution.fills import FillReport, ingest_fills
from trading_assets.execution.journal import Connection
from trading_assets.execution.order_sync import open_orders
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerAccount, BrokerActivity, HaltLevel, Side
from trading_assets.sessions import NEW_YORK, is_session, next_session, session_open
from trading_assets.tables.accounts import ACCOUNT_SNAPSHOTS, RECONCILIATION


@dataclass(frozen=True)
class ReconciliationReport:
    """The comparison of a session; ``is_match`` says whether trading may go on."""

    account: str
    session: date
    items: tuple[Item, ...]
    fills: FillReport = field(repr=False)

    @property
    def is_match(self) -> bool:
        """Whether every item agrees."""
        return all(item.is_match for item in self.items)

    @property
    def differences(self) -> tuple[Item, ...]:
        """The items that do not agree."""
        return tuple(item for item in self.items if not item.is_match)


def reconcile(
    account: TradingAccount, session: date, *, splits: Sequence[Split] = ()
) -> ReconciliationReport:
    """Pull fills, compare the books with the broker, and record the outcome under ``session``.

    A difference halts trading (level orders) and is never papered over; executions that the broker has
    counted and not yet published are explained, and so is cash that it booked for anything but trades.
    Trading resumes only when a person releases the halt.

    Parameters
    ----------
    splits
        Known splits of what was ever traded; they count from the open of their ex-date.
    """
    effective = _effective(splits, account.clock)
    fills = ingest_fills(account)
    seen, items = _compare_now(account, effective, booked=())
    if not all(item.is_match for item in items):
        # Something may have traded between the readings, or been booked that is no trade: look once more.
        fills = ingest_fills(account)
        booked = account.broker.activities(_opened_at(account))
        seen, items = _compare_now(account, effective, booked=booked)
    report = ReconciliationReport(account.number, session, tuple(items), fills)
    now = account.clock.now()
    with account.database.connection() as connection:
        _write(connection, report, now)
        _write_snapshot(connection, seen, session, now)
        _halt_on(report.differences, connection, account.number, now)
    return report


def verify_books(account: TradingAccount, *, splits: Sequence[Split] = ()) -> tuple[Item, ...]:
    """Compare the books with the broker before anything is decided on them; a difference halts trading.

    The caller has pulled fills and orders. Parameters as in ``reconcile``; returns the items that differ.
    """
    booked = account.broker.activities(_opened_at(account))
    _, items = _compare_now(account, _effective(splits, account.clock), booked=booked)
    differences = tuple(item for item in items if not item.is_match)
    with account.database.connection() as connection:
        _halt_on(differences, connection, account.number, account.clock.now())
    return differences


def _effective(splits: Sequence[Split], clock: Clock) -> list[Split]:
    now = clock.now()
    return [split for split in splits if session_open(_first_session(split.ex_date)) <= now]


def _halt_on(differences: Sequence[Item], connection: Connection, account: str, now: datetime) -> None:
    if differences:
        names = ", ".join(f"{item.item} {item.difference.normalize():+f}" for item in differences)
        reason = f"Books and broker differ (ours minus broker's): {names}"
        halts.engage_halt(connection, account, HaltLevel.ORDERS, reason, engaged_by="reconciliation", now=now)


def load_holdings(database: Database, account: str, splits: Sequence[Split], today: date) -> Holdings:
    """Derive what we should have from the account's fills and the splits that took effect."""
    fills = account_fills(database, account)
    cash, _ = opening(database, account)
    books = books_from_fills(fills, cash, splits=splits, through=today)
    odd = sum((fill.quantity * fill.price_usd) % CENT != 0 for fill in fills)
    return Holdings(books.cash_usd, books.quantities, CENT / 2 * odd)


def _compare_now(
    account: TradingAccount, splits: Sequence[Split], *, booked: Sequence[BrokerActivity]
) -> tuple[BrokerAccount, list[Item]]:
    seen, positions = account.broker.account(), account.broker.positions()
    today = account.clock.now().astimezone(NEW_YORK).date()
    books = load_holdings(account.database, account.number, splits, today)
    with account.database.connection() as connection:
        unpublished = _unpublished(connection, account.number)
        waiting: dict[str, list[str]] = {}
        for order in open_orders(connection, account.number):
            waiting.setdefault(order["symbol"], []).append(_sentence(order))
    sentences = {symbol: ", ".join(items) for symbol, items in waiting.items()}
    items = compare_books(
        books, seen.cash_usd, positions, unpublished=unpublished, waiting=sentences, booked=booked
    )
    return seen, items


def _first_session(day: date) -> date:
    return day if is_session(day) else next_session(day)


def _opened_at(account: TradingAccount) -> datetime:
    found = account.database.fetch("select opened_at from accounts where account = %s", (account.number,))
    opened_at: datetime = found[0][0]
    return opened_at


def _unpublished(connection: Connection, account: str) -> Holdings:
    found = journal.rows_of(
        connection,
        "select o.symbol, o.side, o.filled_quantity - coalesce(sum(f.quantity), 0) as shares,"
        " o.filled_quantity * o.average_fill_price_usd - coalesce(sum(f.quantity * f.price_usd), 0) as value_usd"
        " from orders o left join fills f using (broker_order_id) where o.account = %s"
        " group by o.broker_order_id having o.filled_quantity > coalesce(sum(f.quantity), 0)",
        (account,),
    )
    shares: dict[str, Decimal] = {}
    cash = tolerance = ZERO
    for row in found:
        sign = Side(row["side"]).sign
        shares[row["symbol"]] = shares.get(row["symbol"], ZERO) + sign * row["shares"]
        cash -= sign * (row["value_usd"] or ZERO)
        tolerance += CENT
    return Holdings(cash, shares, tolerance)


def _sentence(order: Mapping[str, Any]) -> str:
    filled, quantity = order["filled_quantity"].normalize(), order["quantity"].normalize()
    return f"{order['side']} order {order['status']}, {filled:f} of {quantity:f} filled"


def _write(connection: Connection, report: ReconciliationReport, now: object) -> None:
    connection.execute(
        "delete from reconciliation where account = %s and session = %s", (report.account, report.session)
    )
    rows = [
        {
            "account": report.account,
            "session": report.session,
            "item": item.item,
            "ours": item.ours,
            "brokers": item.brokers,
            "difference": item.difference,
            "is_match": item.is_match,
            "explanation": item.explanation,
            "reconciled_at": now,
        }
        for item in report.items
    ]
    insert_many(connection, RECONCILIATION, rows)


def _write_snapshot(connection: Connection, seen: BrokerAccount, session: date, now: object) -> None:
    row = {
        "account": seen.account,
        "session": session,
        "cash_usd": seen.cash_usd,
        "equity_usd": seen.equity_usd,
        "buying_power_usd": seen.buying_power_usd,
        "taken_at": now,
        "body": Jsonb(dict(seen.body)),
    }
    insert(
        connection,
        ACCOUNT_SNAPSHOTS,
        row,
        conflict="(account, session) do update set cash_usd = excluded.cash_usd, equity_usd = excluded.equity_usd,"
        " buying_power_usd = excluded.buying_power_usd, taken_at = excluded.taken_at, body = excluded.body",
    )
