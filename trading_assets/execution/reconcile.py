"""Reconciliation: our books, derived from fills, against the broker's positions and cash; one row an item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from resources.broker import Broker, BrokerAccount, BrokerPosition
from resources.clock import Clock
from resources.database import Database
from trading_assets.errors import ConfigurationError
from trading_assets.execution import store
from trading_assets.execution.fills import FillReport, ingest_fills
from trading_assets.execution.orders import open_orders
from trading_assets.execution.store import Connection

CASH = "cash"
SHARE_TOLERANCE = Decimal("0.000001")
CENT = Decimal("0.01")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Books:
    """What we hold by our own fills. ``cash_tolerance_usd`` allows for the broker's rounding to cents."""

    cash_usd: Decimal
    shares: Mapping[str, Decimal]
    cash_tolerance_usd: Decimal = CENT


@dataclass(frozen=True)
class Item:
    """One compared item: a symbol in shares, or cash in USD."""

    item: str
    ours: Decimal
    brokers: Decimal
    is_match: bool
    explanation: str

    @property
    def difference(self) -> Decimal:
        """Ours minus the broker's."""
        return self.ours - self.brokers


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


def open_account(database: Database, broker: Broker, clock: Clock, *, mode: str) -> str:
    """Return the account number, and open its books at first contact.

    Raises
    ------
    ConfigurationError
        If the account already holds positions at first contact, or was opened in another mode.
    """
    seen = broker.account()
    with database.connection() as connection:
        known = store.rows_of(connection, "select mode from accounts where account = %s", (seen.account,))
    if not known:
        _open_books(database, broker, clock, seen, mode)
    elif known[0]["mode"] != mode:
        raise ConfigurationError(
            "The books of this account were opened in another mode: use another TRADING_DATA for each mode",
            books=known[0]["mode"],
            TRADING_MODE=mode,
        )
    return seen.account


def reconcile(
    database: Database, broker: Broker, clock: Clock, session: date, *, account: str
) -> ReconciliationReport:
    """Pull fills, compare the books with the broker, and record the outcome under ``session``.

    A difference halts trading (level orders) and is never papered over; executions that the broker has
    counted and not yet published are explained. Trading resumes only when a person releases the halt.
    """
    fills = ingest_fills(database, broker, clock, account=account)
    seen, positions = broker.account(), broker.positions()
    items = _compare_stored(database, account, seen, positions)
    if not all(item.is_match for item in items):
        # Something may have traded between the two readings: look once more before calling it a difference.
        fills = ingest_fills(database, broker, clock, account=account)
        seen, positions = broker.account(), broker.positions()
        items = _compare_stored(database, account, seen, positions)
    report = ReconciliationReport(account, session, tuple(items), fills)
    now = clock.now()
    with database.connection() as connection:
        _write(connection, report, now)
        _write_snapshot(connection, seen, session, now)
        if not report.is_match:
            names = ", ".join(f"{item.item} {item.difference.normalize():+f}" for item in report.differences)
            store.engage_halt(
                connection,
                account,
                "orders",
                f"Books and broker differ (ours minus broker's): {names}",
                engaged_by="reconciliation",
                now=now,
            )
    return report


def compare_books(
    books: Books,
    cash_usd: Decimal,
    positions: Iterable[BrokerPosition],
    *,
    unpublished: Books,
    waiting: Mapping[str, str],
) -> list[Item]:
    """Compare books and broker item by item: cash first, then symbols.

    Parameters
    ----------
    unpublished
        Shares and cash of executions that orders report and for which the broker published no fill yet.
    waiting
        By symbol, a sentence about its open orders.
    """
    tolerance = books.cash_tolerance_usd + unpublished.cash_tolerance_usd
    items = [_item(CASH, (books.cash_usd, cash_usd, unpublished.cash_usd), tolerance)]
    theirs = {position.symbol: position.quantity for position in positions}
    held = {symbol for symbol, shares in books.shares.items() if shares != 0}
    traded = {symbol for symbol, shares in unpublished.shares.items() if shares != 0}
    items.extend(
        _item(
            symbol,
            (books.shares.get(symbol, ZERO), theirs.get(symbol, ZERO), unpublished.shares.get(symbol, ZERO)),
            SHARE_TOLERANCE,
            waiting.get(symbol, ""),
        )
        for symbol in sorted(held | theirs.keys() | traded)
    )
    return items


def _item(
    name: str, amounts: tuple[Decimal, Decimal, Decimal], tolerance: Decimal, waiting: str = ""
) -> Item:
    ours, brokers, unpublished = amounts
    is_equal = abs(ours - brokers) <= tolerance
    is_match = is_equal or abs(ours + unpublished - brokers) <= tolerance
    if is_equal:
        text = "equal"
    elif is_match:
        text = f"explained: {unpublished.normalize():+f} of executions that the broker has not published yet"
    else:
        text = "unexplained: trading is halted; compare orders and fills with the broker's own pages"
    return Item(name, ours, brokers, is_match, f"{text}; {waiting}" if waiting else text)


def load_books(connection: Connection, account: str) -> Books:
    """Sum the account's fills over its opening cash, exactly."""
    found = store.rows_of(
        connection,
        "select symbol, sum(case when side = 'buy' then quantity else -quantity end) as shares,"
        " sum(case when side = 'buy' then -quantity else quantity end * price_usd) as cash_usd,"
        " count(*) filter (where quantity * price_usd * 100 <> trunc(quantity * price_usd * 100)) as roundings"
        " from fills where account = %s group by symbol",
        (account,),
    )
    (opening,) = store.rows_of(
        connection, "select opening_cash_usd from accounts where account = %s", (account,)
    )
    return Books(
        cash_usd=opening["opening_cash_usd"] + sum((row["cash_usd"] for row in found), ZERO),
        shares={row["symbol"]: row["shares"] for row in found},
        cash_tolerance_usd=CENT + CENT / 2 * sum(row["roundings"] for row in found),
    )


def _compare_stored(
    database: Database, account: str, seen: BrokerAccount, positions: Sequence[BrokerPosition]
) -> list[Item]:
    with database.connection() as connection:
        books = load_books(connection, account)
        unpublished = _unpublished(connection, account)
        waiting: dict[str, list[str]] = {}
        for order in open_orders(connection, account):
            waiting.setdefault(order["symbol"], []).append(_sentence(order))
    sentences = {symbol: ", ".join(items) for symbol, items in waiting.items()}
    return compare_books(books, seen.cash_usd, positions, unpublished=unpublished, waiting=sentences)


def _unpublished(connection: Connection, account: str) -> Books:
    found = store.rows_of(
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
        sign = 1 if row["side"] == "buy" else -1
        shares[row["symbol"]] = shares.get(row["symbol"], ZERO) + sign * row["shares"]
        cash -= sign * (row["value_usd"] or ZERO)
        tolerance += CENT
    return Books(cash, shares, tolerance)


def _sentence(order: Mapping[str, Any]) -> str:
    filled, quantity = order["filled_quantity"].normalize(), order["quantity"].normalize()
    return f"{order['side']} order {order['status']}, {filled:f} of {quantity:f} filled"


def _open_books(database: Database, broker: Broker, clock: Clock, seen: BrokerAccount, mode: str) -> None:
    held = sorted(position.symbol for position in broker.positions())
    if held:
        raise ConfigurationError(
            "The account holds positions that these books know nothing about: close them at the broker (or "
            "restore a backup of the books that bought them), then start again",
            positions=", ".join(held[:10]) + (f" and {len(held) - 10} more" if len(held) > 10 else ""),
        )
    with database.connection() as connection:
        connection.execute(
            "insert into accounts (account, mode, opening_cash_usd, opened_at) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            (seen.account, mode, seen.cash_usd, clock.now()),
        )


def _write(connection: Connection, report: ReconciliationReport, now: object) -> None:
    connection.execute(
        "delete from reconciliation where account = %s and session = %s", (report.account, report.session)
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into reconciliation (account, session, item, ours, brokers, difference, is_match, explanation,"
            " reconciled_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    report.account,
                    report.session,
                    item.item,
                    item.ours,
                    item.brokers,
                    item.difference,
                    item.is_match,
                    item.explanation,
                    now,
                )
                for item in report.items
            ],
        )


def _write_snapshot(connection: Connection, seen: BrokerAccount, session: date, now: object) -> None:
    connection.execute(
        "insert into account_snapshots (account, session, cash_usd, equity_usd, buying_power_usd, taken_at, body)"
        " values (%s, %s, %s, %s, %s, %s, %s) on conflict (account, session) do update set"
        " cash_usd = excluded.cash_usd, equity_usd = excluded.equity_usd,"
        " buying_power_usd = excluded.buying_power_usd, taken_at = excluded.taken_at, body = excluded.body",
        (
            seen.account,
            session,
            seen.cash_usd,
            seen.equity_usd,
            seen.buying_power_usd,
            now,
            Jsonb(dict(seen.body)),
        ),
    )
