"""Activities: what the broker booked besides trades, stored once by its id, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from psycopg.types.json import Jsonb

from resources.database.writes import insert_many
from trading_assets.books.bookings import Activity
from trading_assets.execution import journal
from trading_assets.execution.trading_account import TradingAccount
from trading_assets.orders import BrokerActivity
from trading_assets.sessions import NEW_YORK
from trading_assets.tables.bookings import ACCOUNT_ACTIVITIES

READ_AGAIN = timedelta(days=45)
"""The broker may publish, correct or cancel an activity weeks after the day that it belongs to."""
LATEST = (
    "(activity_id) do update set cash_usd = excluded.cash_usd, shares = excluded.shares, body = excluded.body,"
    " recorded_at = excluded.recorded_at"
)


def ingest_activities(account: TradingAccount) -> int:
    """Pull what the broker booked besides trades since the account was opened, and return how many are new.

    The days before the newest known one are read again each time. What is known already changes nothing, unless the broker
    has corrected it: one that it cancelled moves nothing any more.
    """
    found = account.broker.activities(_since(account))
    now = account.clock.now()
    with account.database.connection() as connection:
        known = {
            (row["activity_id"], row["cash_usd"], row["shares"])
            for row in journal.rows_of(
                connection,
                "select activity_id, cash_usd, shares from account_activities where activity_id = any(%s)",
                ([item.activity_id for item in found],),
            )
        }
        new = [item for item in found if (item.activity_id, item.cash_usd, item.shares) not in known]
        insert_many(connection, ACCOUNT_ACTIVITIES, list(_rows(account.number, new, now)), conflict=LATEST)
    return len(new)


def account_activities(connection: journal.Connection, account: str) -> list[Activity]:
    """Read every activity of the account since the day it was opened, oldest first."""
    rows = journal.rows_of(
        connection,
        "select activity_id, kind, symbol, activity_date as day, cash_usd, shares, body ->> 'price' as price_usd"
        " from account_activities a where account = %s and activity_date >="
        " (select (opened_at at time zone 'America/New_York')::date from accounts where accounts.account = a.account)"
        " order by activity_date, activity_id",
        (account,),
    )
    return [Activity(**{**row, "price_usd": _price(row["price_usd"])}) for row in rows]


def _price(text: str | None) -> Decimal | None:
    return Decimal(text) if text and text.replace(".", "", 1).isdigit() else None


def _since(account: TradingAccount) -> datetime:
    ((opened_at, newest),) = account.database.fetch(
        "select opened_at, (select max(activity_date) from account_activities a where a.account = accounts.account)"
        " from accounts where account = %s",
        (account.number,),
    )
    opened: datetime = opened_at
    if newest is None:
        return opened
    known = min(datetime.combine(newest, time(), NEW_YORK).astimezone(UTC), account.clock.now())
    return max(opened, known - READ_AGAIN)


def _rows(account: str, activities: Iterable[BrokerActivity], now: datetime) -> Iterator[dict[str, object]]:
    for item in activities:
        yield {
            "activity_id": item.activity_id,
            "account": account,
            "kind": item.kind,
            "symbol": item.symbol,
            "activity_date": item.day,
            "cash_usd": item.cash_usd,
            "shares": item.shares,
            "recorded_at": now,
            "body": Jsonb(dict(item.body)),
        }
