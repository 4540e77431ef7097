"""The trading account: one account at one broker with its books, and in whose name something is done to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from resources.broker import Broker
from resources.clock import Clock
from resources.database.database import Database
from resources.database.writes import insert
from resources.platform import Platform
from trading_assets.errors import ConfigurationError
from trading_assets.execution import journal
from trading_assets.orders import BrokerAccount
from trading_assets.tables.accounts import ACCOUNTS

Wait = Callable[[float], None]


@dataclass(frozen=True)
class TradingAccount:
    """What everything that trades is given.

    ``number`` is what the broker calls the account and ``mode`` the one that its books were opened in. ``wait`` is called with
    seconds between looks and when the broker's quota is used up; ``holder`` is who acts, shown in ``submitters``.
    """

    database: Database
    broker: Broker
    clock: Clock
    number: str
    mode: str
    wait: Wait = time.sleep
    holder: str = "submission"


def open_account(
    database: Database,
    broker: Broker,
    clock: Clock,
    *,
    mode: str,
    wait: Wait = time.sleep,
    holder: str = "submission",
) -> TradingAccount:
    """Return the broker's account, and open its books at first contact.

    Raises
    ------
    ConfigurationError
        If the account already holds positions at first contact, or was opened in another mode.
    """
    seen = broker.account()
    with database.connection() as connection:
        known = journal.rows_of(connection, "select mode from accounts where account = %s", (seen.account,))
    if not known:
        _open_books(database, broker, clock, seen, mode)
    elif known[0]["mode"] != mode:
        raise ConfigurationError(
            "The books of this account were opened in another mode: use another TRADING_DATA for each mode",
            books=known[0]["mode"],
            TRADING_MODE=mode,
        )
    return TradingAccount(database, broker, clock, seen.account, mode, wait, holder)


def account_of(platform: Platform, *, holder: str = "submission") -> TradingAccount:
    """Return the account that an installation trades in; see `open_account`."""
    return open_account(
        platform.database, platform.broker, platform.clock, mode=platform.settings.mode, holder=holder
    )


def _open_books(database: Database, broker: Broker, clock: Clock, seen: BrokerAccount, mode: str) -> None:
    held = sorted(position.symbol for position in broker.positions())
    if held:
        raise ConfigurationError(
            "The account holds positions that these books know nothing about: close them at the broker (or "
            "restore a backup of the books that bought them), then start again",
            positions=", ".join(held[:10]) + (f" and {len(held) - 10} more" if len(held) > 10 else ""),
        )
    with database.connection() as connection:
        books = {
            "account": seen.account, "mode": mode, "opening_cash_usd": seen.cash_usd, "opened_at": clock.now(),
        }  # fmt: skip
        insert(connection, ACCOUNTS, books, conflict="do nothing")
