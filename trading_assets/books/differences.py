"""Comparison of what we should have with what the broker reports: one item a symbol, and cash. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_assets.orders import BrokerActivity, BrokerPosition

CASH = "cash"
SHARE_TOLERANCE = Decimal("0.000001")
CENT = Decimal("0.01")
ZERO = Decimal(0)
PUBLISHED_LATER = "executions that the broker has not published yet"


@dataclass(frozen=True)
class Holdings:
    """Cash and shares by symbol; ``cash_tolerance_usd`` allows for the broker's rounding to cents."""

    cash_usd: Decimal = ZERO
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    cash_tolerance_usd: Decimal = ZERO


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


def compare_books(
    books: Holdings,
    cash_usd: Decimal,
    positions: Iterable[BrokerPosition],
    *,
    unpublished: Holdings,
    waiting: Mapping[str, str],
    booked: Sequence[BrokerActivity] = (),
) -> list[Item]:
    """Compare books and broker item by item: cash first, then symbols.

    Parameters
    ----------
    unpublished
        Shares and cash of executions that orders report and for which the broker published no fill yet.
    waiting
        By symbol, a sentence about its open orders.
    booked
        What the broker booked besides trades. It explains cash; shares that it added are named and still
        are a difference, because decisions must not be made on a count that the books do not have.
    """
    extra = sum((activity.cash_usd for activity in booked), ZERO)
    kinds = ", ".join(sorted({activity.kind for activity in booked if activity.cash_usd}))
    reasons = {f"{extra:+f} USD booked by the broker besides trades ({kinds})": extra} if extra else {}
    reasons |= {PUBLISHED_LATER: unpublished.cash_usd} if unpublished.cash_usd else {}
    tolerance = CENT + books.cash_tolerance_usd + unpublished.cash_tolerance_usd
    items = [_item(CASH, books.cash_usd, cash_usd, reasons, tolerance)]
    theirs = {position.symbol: position.quantity for position in positions}
    later = {symbol: shares for symbol, shares in unpublished.shares.items() if shares != 0}
    held = {symbol for symbol, shares in books.shares.items() if shares != 0}
    for symbol in sorted(held | theirs.keys() | later.keys()):
        notes = [
            f"the broker booked {activity.kind} {activity.shares:+f}: corporate_actions lacks it"
            for activity in booked
            if activity.symbol == symbol and activity.shares
        ]
        reasons = {PUBLISHED_LATER: later[symbol]} if symbol in later else {}
        item = _item(
            symbol, books.shares.get(symbol, ZERO), theirs.get(symbol, ZERO), reasons, SHARE_TOLERANCE
        )
        notes = ([] if item.is_match else notes) + ([waiting[symbol]] if symbol in waiting else [])
        items.append(replace(item, explanation="; ".join([item.explanation, *notes])))
    return items


def _item(
    name: str, ours: Decimal, brokers: Decimal, reasons: Mapping[str, Decimal], tolerance: Decimal
) -> Item:
    if abs(ours - brokers) <= tolerance:
        return Item(name, ours, brokers, is_match=True, explanation="equal")
    for text, amounts in (
        *((reason, [amount]) for reason, amount in reasons.items()),
        (" and ".join(reasons), list(reasons.values())),
    ):
        if amounts and abs(ours + sum(amounts) - brokers) <= tolerance:
            return Item(name, ours, brokers, is_match=True, explanation=f"explained: {text}")
    text = "unexplained: trading is halted; compare orders and fills with the broker's own pages"
    return Item(name, ours, brokers, is_match=False, explanation=text)
