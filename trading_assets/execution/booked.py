"""What is booked of an account: its opening, its fills and what changed hands between its strategies, for the pure books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from resources.database.database import Database
from trading_assets import sessions as calendar
from trading_assets.books.attribution import Crossing, Execution
from trading_assets.books.holdings import Fill
from trading_assets.books.slippage import OrderFill
from trading_assets.execution.journal import changes_of
from trading_assets.orders import Side

FILLS = """
select symbol, side, quantity, price_usd, session, executed_session, executed_at, activity_id
from fills where account = %s order by executed_at, activity_id
"""


ORDER_FILLS = """
select f.symbol, f.side, f.quantity, f.price_usd, f.session, f.executed_session, f.executed_at, f.activity_id, i.wanted_by,
       f.broker_order_id, i.reference_price_usd
from fills f left join order_intents i using (intent_id) where f.account = %s order by f.executed_at, f.activity_id
"""
CROSSINGS = """
select session, symbol, min(reference_price_usd), jsonb_object_agg(strategy, (allotted_quantity - held_quantity)::text)
from allocations where account = %s and allotted_quantity <> held_quantity group by session, symbol
having bool_or(allotted_quantity > held_quantity) and bool_or(allotted_quantity < held_quantity) order by session, symbol
"""


def account_fills(database: Database, account: str) -> list[Fill]:
    """Read every fill of the account, oldest first."""
    return [_fill(*row) for row in database.fetch(FILLS, (account,))]


def opening(database: Database, account: str) -> tuple[Decimal, date]:
    """Return the account's cash before its first fill, and the newest session that was over when it was opened."""
    cash, opened_at = database.fetch(
        "select opening_cash_usd, opened_at from accounts where account = %s", (account,)
    )[0]
    return cash, calendar.latest_closed_session(opened_at)


def newest_session(database: Database, account: str) -> date | None:
    """Return the newest session whose books were compared with the broker's."""
    newest: date | None = database.fetch(
        "select max(session) from account_snapshots where account = %s", (account,)
    )[0][0]
    return newest


def executions(database: Database, account: str) -> list[Execution]:
    """Read every fill of the account with what each strategy wanted of its order, oldest first."""
    return [item.execution for item in order_fills(database, account)]


def order_fills(database: Database, account: str) -> list[OrderFill]:
    """Read every fill of the account with its order and the price that the order's decision was sized with, oldest first."""
    return [
        OrderFill(Execution(_fill(*fill), changes_of(wanted_by)), order, arrival)
        for *fill, wanted_by, order, arrival in database.fetch(ORDER_FILLS, (account,))
    ]


def crossings(database: Database, account: str) -> list[Crossing]:
    """Read the decisions in which strategies went against each other in a symbol, oldest first."""
    return [
        Crossing(
            session=session,
            executed_session=calendar.next_session(session),
            decided_at=calendar.session_close(session),
            symbol=symbol,
            price_usd=price,
            changes=changes_of(changes),
        )
        for session, symbol, price, changes in database.fetch(CROSSINGS, (account,))
    ]


def _fill(symbol: str, side: str, *values: Any) -> Fill:
    return Fill(symbol, Side(side), *values)
