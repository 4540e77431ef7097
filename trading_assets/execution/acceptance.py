"""Acceptance of a difference: a person's word that the broker is right, booked as a correction and audited."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from trading_assets.books.bookings import Action
from trading_assets.execution.book_differences import Difference, accept_difference, standing_differences
from trading_assets.execution.reconciliation import ReconciliationReport, reconcile
from trading_assets.execution.trading_account import TradingAccount


def accept(
    account: TradingAccount,
    session: date,
    difference_id: int,
    *,
    reason: str,
    accepted_by: str,
    actions: Sequence[Action] = (),
) -> tuple[Difference, ReconciliationReport]:
    """Book a difference that still stands, and compare again.

    Shares that the books lack come in at the broker's average cost, shares that they have too many leave at our own: a
    correction makes no profit and no loss.

    Raises
    ------
    ConfigurationError
        If no difference of that number stands now; nothing was booked.
    """
    reconcile(account, session, actions=actions)  # what is accepted is what differs now
    with account.database.connection() as connection:
        standing = standing_differences(connection, account.number)
    item = next((found.item for found in standing.values() if found.difference_id == difference_id), None)
    price = _price(account, item)
    with account.database.connection() as connection:
        accepted = accept_difference(
            connection,
            account.number,
            difference_id,
            price_usd=price,
            reason=reason,
            accepted_by=accepted_by,
            now=account.clock.now(),
        )
    return accepted, reconcile(account, session, actions=actions)


def _price(account: TradingAccount, item: str | None) -> Decimal:
    held = {position.symbol: position for position in account.broker.positions()}.get(item or "")
    return held.average_cost_usd if held is not None else Decimal(0)
