"""The broker's ledger in SQLite: account, orders, activities, positions and daily equity.

Everything that one request or one step of time changes is one transaction, committed before the answer is
sent. The journal is a write-ahead log with ``synchronous=NORMAL``: a commit has been handed to the operating
system with write() when it returns, so that a killed process loses nothing; only a crash of the machine
itself may lose the last commits (never their order), and a simulated account does not need an fsync an order
against that.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import orjson

from trading_assets.errors import ServiceError
from trading_assets.simulator.broker.account import Account, Position
from trading_assets.simulator.broker.order_book import Order
from trading_assets.simulator.broker.order_listings import (
    ActivityQuery,
    OrderQuery,
    activity_listing,
    micros,
    order_listing,
)

FILE_NAME = "broker.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, client_order_id TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL, side TEXT NOT NULL, is_open INTEGER NOT NULL, submitted_us INTEGER NOT NULL,
    body BLOB NOT NULL, state BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_time ON orders (submitted_us, number);
CREATE INDEX IF NOT EXISTS open_orders ON orders (number) WHERE is_open = 1;
CREATE TABLE IF NOT EXISTS activities (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, at_us INTEGER NOT NULL,
    new_york_date TEXT NOT NULL, order_id TEXT, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS activities_by_time ON activities (at_us, number);
CREATE TABLE IF NOT EXISTS positions (
    symbol TEXT PRIMARY KEY, shares TEXT NOT NULL, average_price TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS equity (
    session TEXT PRIMARY KEY, equity_usd TEXT NOT NULL, cash_usd TEXT NOT NULL,
    maintenance_margin_usd TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Activity:
    """One thing that happened to the account: an execution, a split, a dividend."""

    id: str
    kind: str
    at: datetime
    new_york_date: date
    order_id: str | None
    body: dict[str, object]


@dataclass(frozen=True)
class ClosingBalance:
    """The account at the close of one session, in USD."""

    session: date
    equity: Decimal
    cash: Decimal
    maintenance_margin: Decimal


class Ledger:
    """The broker's tables in ``folder``; one process at a time.

    Parameters
    ----------
    folder
        Created if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            folder / FILE_NAME, timeout=1.0, isolation_level=None, check_same_thread=False
        )
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise ServiceError(
                "Another simulator already keeps this account; stop it, or use another state folder",
                folder=folder,
            ) from error

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything written inside, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fact(self, name: str) -> str | None:
        """Return a fact, None if it was never written."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Write a fact."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def save_order(self, order: Order) -> None:
        """Insert or update an order."""
        self._db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET "
            "is_open = excluded.is_open, body = excluded.body, state = excluded.state",
            (
                order.number,
                order.id,
                order.client_order_id,
                order.symbol,
                order.side,
                int(order.is_open),
                micros(order.submitted_at),
                orjson.dumps(order.body()),
                order.dump(),
            ),
        )

    def next_order_number(self) -> int:
        """Return a number that no order has."""
        row = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM orders").fetchone()
        return int(row[0])

    def next_activity_number(self) -> int:
        """Return a number that no activity has."""
        row = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM activities").fetchone()
        return int(row[0])

    def open_orders(self) -> list[Order]:
        """List the open orders in the order of their arrival."""
        rows = self._db.execute("SELECT state FROM orders WHERE is_open = 1 ORDER BY number")
        return [Order.load(row[0]) for row in rows]

    def order(self, *, order_id: str) -> Order | None:
        """Return an order by its id."""
        row = self._db.execute("SELECT state FROM orders WHERE id = ?", (order_id,)).fetchone()
        return None if row is None else Order.load(row[0])

    def order_body(self, *, order_id: str | None = None, client_order_id: str | None = None) -> bytes | None:
        """Return an order as it is shown, by either id."""
        column, value = ("id", order_id) if client_order_id is None else ("client_order_id", client_order_id)
        query = f"SELECT body FROM orders WHERE {column} = ?"  # noqa: S608 (one of two literals)
        row = self._db.execute(query, (value,)).fetchone()
        return None if row is None else bytes(row[0])

    def order_bodies(self, query: OrderQuery) -> bytes:
        """List orders as one JSON array."""
        return _array(self._db.execute(*order_listing(query)).fetchall())

    def record(self, number: int, activity: Activity) -> None:
        """Append an activity."""
        self._db.execute(
            "INSERT INTO activities VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                activity.id,
                activity.kind,
                micros(activity.at),
                activity.new_york_date.isoformat(),
                activity.order_id,
                orjson.dumps(activity.body),
            ),
        )

    def activity_bodies(self, query: ActivityQuery) -> bytes | None:
        """List activities as one JSON array; None if the page token is no activity's id."""
        start: int | None = None
        if query.page_token is not None:
            row = self._db.execute(
                "SELECT number FROM activities WHERE id = ?", (query.page_token,)
            ).fetchone()
            if row is None:
                return None
            start = int(row[0])
        return _array(self._db.execute(*activity_listing(query, start)).fetchall())

    def load_account(self) -> Account | None:
        """Return the account with its positions, None on a new ledger."""
        identity = self.fact("account")
        cash = self.fact("cash_usd")
        if identity is None or cash is None:
            return None
        facts = orjson.loads(identity)
        positions = {
            symbol: Position(symbol, Decimal(shares), Decimal(price))
            for symbol, shares, price in self._db.execute("SELECT * FROM positions ORDER BY symbol")
        }
        return Account(
            id=facts["id"],
            number=facts["number"],
            created_at=datetime.fromisoformat(facts["created_at"]),
            cash_usd=Decimal(cash),
            positions=positions,
        )

    def save_account(self, account: Account) -> None:
        """Write the account's identity, cash and all its positions."""
        facts = {"id": account.id, "number": account.number, "created_at": account.created_at.isoformat()}
        self.remember("account", orjson.dumps(facts).decode())
        self.remember("cash_usd", str(account.cash_usd))
        self._db.execute("DELETE FROM positions")
        self.save_positions(account, list(account.positions))

    def save_positions(self, account: Account, symbols: Sequence[str]) -> None:
        """Write cash and the positions of some symbols."""
        self.remember("cash_usd", str(account.cash_usd))
        for symbol in symbols:
            position = account.positions.get(symbol)
            if position is None:
                self._db.execute("DELETE FROM positions WHERE symbol = ?", (symbol,))
            else:
                self._db.execute(
                    "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
                    (symbol, str(position.shares), str(position.average_price)),
                )

    def save_closing_balance(self, balance: ClosingBalance) -> None:
        """Write the account's value at a close."""
        self._db.execute(
            "INSERT OR REPLACE INTO equity VALUES (?, ?, ?, ?)",
            (
                balance.session.isoformat(),
                str(balance.equity),
                str(balance.cash),
                str(balance.maintenance_margin),
            ),
        )

    def closing_balances(self, start: date, end: date) -> list[ClosingBalance]:
        """List the closing balances of the sessions from ``start`` to ``end``."""
        rows = self._db.execute(
            "SELECT * FROM equity WHERE session BETWEEN ? AND ? ORDER BY session",
            (start.isoformat(), end.isoformat()),
        )
        return [_closing_balance(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """Count the rows of orders and activities."""
        tables = ("orders", "activities")
        queries = [f"SELECT count(*) FROM {name}" for name in tables]  # noqa: S608 (literals)
        return {
            name: int(self._db.execute(query).fetchone()[0])
            for name, query in zip(tables, queries, strict=True)
        }


def _closing_balance(row: tuple[str, str, str, str]) -> ClosingBalance:
    return ClosingBalance(date.fromisoformat(row[0]), Decimal(row[1]), Decimal(row[2]), Decimal(row[3]))


def _array(rows: Sequence[tuple[bytes]]) -> bytes:
    return b"[" + b",".join(row[0] for row in rows) + b"]"
