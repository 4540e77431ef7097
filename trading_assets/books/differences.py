"""Comparison of what we should have with what the broker reports: one item a symbol, and cash. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import combinations

from trading_assets.books.bookings import ZERO, Activity
from trading_assets.books.expected import CASH, CENT, Expectation
from trading_assets.orders import BrokerPosition

SHARE_TOLERANCE = Decimal("0.000001")
MOST_REASONS = 8
"""Of so many reasons every combination is tried."""
PUBLISHED_LATER = "executions that the broker has not published yet"
UNEXPLAINED = "nothing explains it: compare orders and fills with the broker's own pages"


@dataclass(frozen=True)
class Holdings:
    """Cash and shares by symbol; ``cash_tolerance_usd`` allows for the broker's rounding to cents."""

    cash_usd: Decimal = ZERO
    shares: Mapping[str, Decimal] = field(default_factory=dict)
    cash_tolerance_usd: Decimal = ZERO


@dataclass(frozen=True)
class Item:
    """One compared item: a symbol in shares, or cash in USD.

    ``is_as_known`` says that it differs by what was known to differ before, and by nothing that is not explained.
    """

    item: str
    ours: Decimal
    brokers: Decimal
    is_match: bool
    explanation: str
    is_as_known: bool = False

    @property
    def difference(self) -> Decimal:
        """Ours minus the broker's."""
        return self.ours - self.brokers


@dataclass(frozen=True)
class _Reason:
    text: str
    amount: Decimal
    tolerance: Decimal = ZERO


def compare_books(
    books: Holdings,
    cash_usd: Decimal,
    positions: Iterable[BrokerPosition],
    *,
    unpublished: Holdings,
    waiting: Mapping[str, str],
    expected: Sequence[Expectation] = (),
    unexplained: Sequence[tuple[Activity, str]] = (),
    standing: Mapping[str, Decimal] | None = None,
) -> list[Item]:
    """Compare books and broker item by item: cash first, then symbols.

    Parameters
    ----------
    unpublished
        Shares and cash of executions that orders report and for which the broker published no fill yet.
    waiting
        By symbol, a sentence about its open orders.
    expected
        What known corporate actions change that the broker has not booked; it explains exactly itself.
    unexplained
        Activities that no rule books, each with the reason; they are named where something differs.
    standing
        By item, what was known to differ before, ours minus the broker's.
    """
    reasons = _reasons(unpublished, expected)
    known = standing or {}
    tolerance = CENT + books.cash_tolerance_usd + unpublished.cash_tolerance_usd
    cash = _item(CASH, books.cash_usd, cash_usd, reasons.get(CASH, []), tolerance)
    items = [_against_known(cash, known, reasons.get(CASH, []), tolerance)]
    theirs = {position.symbol: position.quantity for position in positions}
    later = {symbol for symbol, shares in unpublished.shares.items() if shares != 0}
    held = {symbol for symbol, shares in books.shares.items() if shares != 0}
    for symbol in sorted(held | theirs.keys() | later):
        ours, brokers = books.shares.get(symbol, ZERO), theirs.get(symbol, ZERO)
        item = _item(symbol, ours, brokers, reasons.get(symbol, []), SHARE_TOLERANCE)
        items.append(_against_known(item, known, reasons.get(symbol, []), SHARE_TOLERANCE))
    return [_with_notes(item, waiting, unexplained) for item in items]


def _reasons(unpublished: Holdings, expected: Sequence[Expectation]) -> dict[str, list[_Reason]]:
    found: dict[str, list[_Reason]] = defaultdict(list)
    if unpublished.cash_usd:
        found[CASH].append(_Reason(PUBLISHED_LATER, unpublished.cash_usd))
    for symbol, shares in unpublished.shares.items():
        if shares:
            found[symbol].append(_Reason(PUBLISHED_LATER, shares))
    for change in expected:
        if change.amount:
            found[change.item].append(_Reason(str(change), change.amount, change.tolerance))
    return found


def _item(name: str, ours: Decimal, brokers: Decimal, reasons: Sequence[_Reason], tolerance: Decimal) -> Item:
    if abs(ours - brokers) <= tolerance:
        return Item(name, ours, brokers, is_match=True, explanation="equal")
    told = _explaining(ours - brokers, reasons, tolerance)
    if told is not None:
        text = " and ".join(reason.text for reason in told)
        return Item(name, ours, brokers, is_match=True, explanation=f"explained: {text}")
    return Item(name, ours, brokers, is_match=False, explanation=UNEXPLAINED)


def _explaining(
    difference: Decimal, reasons: Sequence[_Reason], tolerance: Decimal
) -> tuple[_Reason, ...] | None:
    """Return the fewest reasons that add up to a difference; all of them together where there are very many."""
    known = list(reasons)[:MOST_REASONS]
    sets = (told for size in range(1, len(known) + 1) for told in combinations(known, size))
    for told in (*sets, tuple(reasons)):
        allowed = tolerance + sum((reason.tolerance for reason in told), ZERO)
        if told and abs(difference + sum((reason.amount for reason in told), ZERO)) <= allowed:
            return told
    return None


def _against_known(
    item: Item, standing: Mapping[str, Decimal], reasons: Sequence[_Reason], tolerance: Decimal
) -> Item:
    if item.is_match or item.item not in standing:
        return item
    rest = item.difference - standing[item.item]
    is_as_known = abs(rest) <= tolerance or _explaining(rest, reasons, tolerance) is not None
    return replace(item, is_as_known=is_as_known)


def _with_notes(item: Item, waiting: Mapping[str, str], unexplained: Sequence[tuple[Activity, str]]) -> Item:
    notes = [waiting[item.item]] if item.item in waiting else []
    if not item.is_match:
        notes = [
            f"the broker booked {activity.kind} {moved.normalize():+f} on {activity.day}: {why}"
            for activity, why in unexplained
            if (moved := activity.cash_usd if item.item == CASH else activity.shares)
            and item.item in {CASH, activity.symbol}
        ] + notes
    return replace(item, explanation="; ".join([item.explanation, *notes]))
