"""Bookings of an account: its fills, activities, known actions and accepted differences, put through the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from psycopg.types.json import Jsonb

from resources.clock import Clock
from resources.database.writes import insert_many
from resources.lake.lake import Lake
from trading_assets.books.bookings import Action, Booking
from trading_assets.books.rules import Rulings, rule
from trading_assets.execution.activities import account_activities
from trading_assets.execution.book_differences import corrections
from trading_assets.execution.booked import account_fills, opening
from trading_assets.execution.journal import Connection
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.market_data.known_actions import known_actions
from trading_assets.sessions import NEW_YORK, is_session, next_session, session_open
from trading_assets.tables.bookings import BOOKINGS

AHEAD = timedelta(days=10)
"""So early a broker may book what a company does."""


def today_in_new_york(clock: Clock) -> date:
    """Return the day that it is at the exchange."""
    return clock.now().astimezone(NEW_YORK).date()


def account_symbols(account: TradingAccount) -> set[str]:
    """Return every symbol that the account ever traded, was given, or shared out between its strategies."""
    found = account.database.fetch(
        "select symbol from fills where account = %(account)s"
        " union select symbol from account_activities where account = %(account)s and symbol is not null"
        " union select symbol from allocations where account = %(account)s and allotted_quantity <> held_quantity"
        " union select item from book_differences where account = %(account)s and state = 'accepted' and item <> 'cash'",
        {"account": account.number},
    )
    return {symbol for (symbol,) in found}


def actions_so_far(lake: Lake, account: TradingAccount) -> list[Action]:
    """Read the known actions, up to those of the next days, of everything that the account ever had to do with."""
    _, opened = opening(account.database, account.number)
    symbols = account_symbols(account)
    return known_actions(lake, symbols, opened, today_in_new_york(account.clock) + AHEAD)


def rulings(account: TradingAccount, actions: Sequence[Action]) -> Rulings:
    """Decide what everything that the broker booked, and every known action that has taken effect, changes in the books.

    Actions count from the open of their ex-date; of those ahead, the broker may have booked some already.
    """
    now = account.clock.now()
    effective = [action for action in actions if session_open(_first_session(action.ex_date)) <= now]
    ahead = [action for action in actions if session_open(_first_session(action.ex_date)) > now]
    with account.database.connection() as connection:
        activities = account_activities(connection, account.number)
        accepted = corrections(connection, account.number)
    fills = account_fills(account.database, account.number)
    today = today_in_new_york(account.clock)
    return rule(fills, activities, effective, ahead=ahead, corrections=accepted, today=today)


def bookings_of(account: TradingAccount, lake: Lake) -> tuple[Booking, ...]:
    """Return what changed the account besides its trades, as far as it is known now."""
    return rulings(account, actions_so_far(lake, account)).bookings


def store_bookings(connection: Connection, account: str, bookings: Sequence[Booking], now: datetime) -> None:
    """Write the bookings of the account in place of those written before."""
    connection.execute("delete from bookings where account = %s", (account,))
    insert_many(connection, BOOKINGS, [_row(account, booking, now) for booking in bookings])


def _first_session(day: date) -> date:
    return day if is_session(day) else next_session(day)


def _row(account: str, booking: Booking, now: datetime) -> dict[str, object]:
    return {
        "account": account,
        "booking_id": booking.booking_id,
        "kind": booking.kind,
        "effective_date": booking.day,
        "symbol": booking.symbol,
        "kept_ratio": str(booking.kept_shares),
        "into_symbol": booking.into,
        "into_ratio": str(booking.into_shares),
        "shares": booking.shares,
        "cash_usd": booking.cash_usd,
        "activities": Jsonb(list(booking.activity_ids)),
        "action_ex_date": booking.action.ex_date if booking.action else None,
        "note": booking.note,
        "booked_at": now,
    }
