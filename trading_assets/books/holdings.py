"""What books consist of: fills, what is held of a symbol at what cost, and cash; in exact decimals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from fractions import Fraction

from trading_assets.books.bookings import ZERO
from trading_assets.orders import ActivityId, Side

QUANTITY_QUANTUM = Decimal("0.000000001")
PRICE_QUANTUM = Decimal("0.000001")
DIGITS = 50
"""Of what is computed between two roundings."""
UNATTRIBUTED = "unattributed"
"""Whose an execution or a booking is that belongs to no strategy, such as a fee of the account."""


@dataclass(frozen=True)
class Fill:
    """One execution: ``session`` is the decision that led to it, ``executed_session`` the trading day of the fill."""

    symbol: str
    side: Side
    quantity: Decimal
    price_usd: Decimal
    session: date
    executed_session: date
    executed_at: datetime
    activity_id: ActivityId | None = None

    @property
    def signed_quantity(self) -> Decimal:
        """Shares added to the position; negative for a sale."""
        return self.quantity * self.side.sign


@dataclass(frozen=True)
class Holding:
    """A symbol's position; ``cost_usd`` is what the shares held cost in total (negative: proceeds of a short).

    ``income_usd`` are its dividends (negative: paid on a short), which are no part of the realised profit. ``since`` is the
    day on which the position was opened; None when flat.
    """

    quantity: Decimal = ZERO
    cost_usd: Decimal = ZERO
    realised_pnl_usd: Decimal = ZERO
    income_usd: Decimal = ZERO
    since: date | None = field(default=None, compare=False)

    @property
    def average_cost_usd(self) -> Decimal:
        """Cost per share, to a millionth of a dollar; 0 when flat."""
        return (self.cost_usd / self.quantity).quantize(PRICE_QUANTUM) if self.quantity else ZERO


@dataclass(frozen=True)
class Books:
    """Cash and holdings after some fills and bookings; symbols that were closed stay, with their realised profit.

    Opening cash + transferred + realised profit + income = cash + cost of what is held, to the last digit.
    """

    cash_usd: Decimal
    holdings: dict[str, Holding] = field(default_factory=dict)
    other_income_usd: Decimal = ZERO
    transferred_usd: Decimal = ZERO

    @property
    def quantities(self) -> dict[str, Decimal]:
        """Shares per symbol that is not flat."""
        return {symbol: held.quantity for symbol, held in self.holdings.items() if held.quantity}

    @property
    def realised_pnl_usd(self) -> Decimal:
        """Profit of everything sold so far."""
        return sum((held.realised_pnl_usd for held in self.holdings.values()), ZERO)

    @property
    def income_usd(self) -> Decimal:
        """Dividends, interest and fees so far."""
        return sum((held.income_usd for held in self.holdings.values()), self.other_income_usd)


def changed(held: Holding, change: Decimal, cost_usd: Decimal) -> Holding:
    """Return a holding after ``change`` shares that cost ``cost_usd`` in total (both negative: sold for it)."""
    if held.quantity * change >= 0:
        return replace(held, quantity=held.quantity + change, cost_usd=held.cost_usd + cost_usd)
    closing = max(min(change, abs(held.quantity)), -abs(held.quantity))
    left = held.quantity + closing
    # the cost of what is closed is fixed once, so that cost and profit add up exactly
    closed = held.cost_usd if not left else (held.cost_usd * -closing / held.quantity).quantize(PRICE_QUANTUM)
    paid = cost_usd if closing == change else cost_usd * closing / change
    return replace(
        held,
        quantity=left + change - closing,
        cost_usd=held.cost_usd - closed + cost_usd - paid,
        realised_pnl_usd=held.realised_pnl_usd - paid - closed,
    )


def opened(before: Holding, after: Holding, day: date) -> Holding:
    """Return the holding ``after`` a change with the day since when it is held: that of the change if it opened or turned it."""
    if before.quantity * after.quantity > 0 or not (after.quantity or after.since):
        return after
    return replace(after, since=day if after.quantity else None)


def times(quantity: Decimal, factor: Fraction) -> Decimal:
    """Return what some shares become at so many for each, rounded down to a billionth."""
    with localcontext(prec=DIGITS):
        exact = quantity * factor.numerator / factor.denominator
        return exact.quantize(QUANTITY_QUANTUM, rounding=ROUND_DOWN)
