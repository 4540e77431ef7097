"""Lots: shares of a strategy that were acquired together and are given up first in, first out, in backtests and in the account."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from trading_assets.books.bookings import ZERO


@dataclass
class Lot:
    """Shares acquired at once.

    Attributes
    ----------
    quantity
        Shares; negative for a short position.
    price_usd
        What one of them cost, or brought in if it was sold short; in the scale of today's shares.
    costs_usd, income_usd
        Paid for, and received on, all of its shares so far.
    reason
        Why they were acquired, in words.
    opened_at
        Instant of the execution; None where the grain is a session, or no execution opened it.
    """

    strategy: str
    symbol: str
    session: date
    quantity: Decimal
    price_usd: Decimal
    costs_usd: Decimal = ZERO
    income_usd: Decimal = ZERO
    reason: str = ""
    opened_at: datetime | None = None

    @property
    def cost_usd(self) -> Decimal:
        """What all of its shares cost; negative for the proceeds of a short position."""
        return self.price_usd * self.quantity

    def part(self, quantity: Decimal) -> Lot:
        """Return ``quantity`` of its shares (same sign), with their part of costs and income."""
        share = quantity / self.quantity
        return replace(
            self,
            quantity=quantity,
            costs_usd=self.costs_usd * share,
            income_usd=self.income_usd * share,
        )


def take_oldest(lots: list[Lot], shares: Decimal) -> list[Lot]:
    """Take shares out of the oldest lots.

    Parameters
    ----------
    lots
        Of one owner and symbol, oldest first, all long or all short; what is left of them stays in the list.
    shares
        How many are to be taken, without sign. If there are fewer, all are taken.

    Returns
    -------
    list of Lot
        What was taken, oldest first: a part for each lot that it came from.

    Examples
    --------
    >>> from datetime import date
    >>> lots = [Lot("momentum", "AAA", date(2024, 1, day), Decimal(10), Decimal(day)) for day in (2, 3)]
    >>> [(str(lot.quantity), str(lot.price_usd)) for lot in take_oldest(lots, Decimal(15))]
    [('10', '2'), ('5', '3')]
    >>> [str(lot.quantity) for lot in lots]
    ['5']
    """
    taken: list[Lot] = []
    left = shares
    while left > 0 and lots:
        lot = lots[0]
        sign = -1 if lot.quantity < 0 else 1
        number = min(left, abs(lot.quantity))
        taken.append(lot.part(sign * number))
        rest = abs(lot.quantity) - number
        lots[:1] = [lot.part(sign * rest)] if rest else []
        left -= number
    return taken
