"""Reconciliation: our books, derived from fills and bookings, against the broker's positions and cash; one row an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from resources.database.writes import insert, insert_many
from trading_assets.books.bookings import ZERO, Action, Booking
from trading_assets.books.differences import Holdings, Item, compare_books
from trading_assets.books.expected import CENT
from trading_assets.books.holdings import Books
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.rules import Rulings
from trading_assets.execution import halts, journal
from trading_assets.execution.account_bookings import rulings, store_bookings, today_in_new_york
from trading_assets.execution.book_differences import (
    Difference,
    note_differences,
    sentence,
    standing_differences,
)
from trading_assets.execution.booked import account_fills, opening
from trading_assets.execution.fills import FillReport, ingest_fills
from trading_assets.execution.journal import Connection
from trading_assets.execution.order_sync import open_orders
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerAccount, HaltLevel, Side
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
    account: TradingAccount, session: date, *, actions: Sequence[Action] = ()
) -> ReconciliationReport:
    """Pull fills and activities, compare the books with the broker, and record the outcome under ``session``.

    What nothing explains halts trading (level orders) and is never papered over; executions that the broker has counted
    and not yet published, and known corporate actions that it has not booked yet, explain exactly themselves. A difference
    that a person has released halts no more; see `book_differences`.

    Parameters
    ----------
    actions
        Known corporate actions of what the account ever had to do with; they count from the open of their ex-date.
    """
    fills = ingest_fills(account)
    seen, items, ruled = _compare_now(account, actions)
    if not all(item.is_match for item in items):
        # Something may have traded or been booked between the readings: look once more.
        fills = ingest_fills(account)
        seen, items, ruled = _compare_now(account, actions)
    now = account.clock.now()
    with account.database.connection() as connection:
        told = _with_numbers(items, _note(connection, account.number, items, now))
        report = ReconciliationReport(account.number, session, tuple(told), fills)
        _write(connection, report, now)
        _write_snapshot(connection, seen, session, now)
        store_bookings(connection, account.number, ruled.bookings, now)
    return report


def verify_books(account: TradingAccount, *, actions: Sequence[Action] = ()) -> tuple[Item, ...]:
    """Compare the books with the broker before anything is decided on them; what nothing explains halts trading.

    The caller has pulled fills, activities and orders. Parameters as in ``reconcile``; returns the items that differ.
    """
    _, items, _ = _compare_now(account, actions)
    with account.database.connection() as connection:
        _note(connection, account.number, items, account.clock.now())
    return tuple(item for item in items if not item.is_match)


def _note(
    connection: Connection, account: str, items: Sequence[Item], now: datetime
) -> dict[str, Difference]:
    standing = note_differences(connection, account, items, now)
    named = [halt.reason for halt in halts.active_halts(connection, account)]
    halting = [item for item in standing.values() if not item.is_released]
    if not all(any(item.name in reason for reason in named) for item in halting):
        reason = sentence(halting)
        halts.engage_halt(connection, account, HaltLevel.ORDERS, reason, engaged_by="reconciliation", now=now)
    return standing


def _with_numbers(items: Sequence[Item], standing: Mapping[str, Difference]) -> list[Item]:
    return [
        replace(item, explanation=f"number {standing[item.item].difference_id}: {item.explanation}")
        if item.item in standing
        else item
        for item in items
    ]


def books_now(account: TradingAccount, bookings: Sequence[Booking], today: date) -> Books:
    """Derive the books of the account from its fills and bookings."""
    cash, _ = opening(account.database, account.number)
    fills = account_fills(account.database, account.number)
    return books_from_fills(fills, cash, bookings=bookings, through=today)


def _holdings(account: TradingAccount, bookings: Sequence[Booking]) -> Holdings:
    books = books_now(account, bookings, today_in_new_york(account.clock))
    fills = account_fills(account.database, account.number)
    odd = sum((fill.quantity * fill.price_usd) % CENT != 0 for fill in fills)
    return Holdings(books.cash_usd, books.quantities, CENT / 2 * odd)


def _compare_now(
    account: TradingAccount, actions: Sequence[Action]
) -> tuple[BrokerAccount, list[Item], Rulings]:
    seen, positions = account.broker.account(), account.broker.positions()
    ruled = rulings(account, actions)
    books = _holdings(account, ruled.bookings)
    with account.database.connection() as connection:
        unpublished = _unpublished(connection, account.number)
        standing = standing_differences(connection, account.number)
        waiting: dict[str, list[str]] = {}
        for order in open_orders(connection, account.number):
            waiting.setdefault(order["symbol"], []).append(_sentence(order))
    items = compare_books(
        books,
        seen.cash_usd,
        positions,
        unpublished=unpublished,
        waiting={symbol: ", ".join(items) for symbol, items in waiting.items()},
        expected=ruled.expected,
        unexplained=ruled.unexplained,
        standing={item: known.difference for item, known in standing.items()},
    )
    return seen, items, ruled


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
