"""Cash that the broker booked: dividends with those who were entitled to them, fees, interest, and money put in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from trading_assets.books.bookings import Action, Activity, Booking, BookingKind, in_decimal
from trading_assets.books.expected import CENT, Expectation, expected_of
from trading_assets.books.matching import LATE, kind_of

WITHHELD = Decimal("0.4")
"""So much of a dividend a broker may keep back for taxes."""
_Entitled = tuple[Action, Decimal]


@dataclass(frozen=True)
class Paid:
    """What became of activities of cash alone; ``expected`` are dividends that are not paid yet."""

    bookings: list[Booking]
    unexplained: list[tuple[Activity, str]]
    expected: list[Expectation]


def cash_bookings(activities: Iterable[Activity], entitled: Sequence[_Entitled], *, today: date) -> Paid:
    """Decide what activities of cash alone are.

    Parameters
    ----------
    activities
        In any order.
    entitled
        Known dividends, each with the shares that were held before its ex-date.
    today
        Day of the look.
    """
    left: dict[str, list[_Entitled]] = defaultdict(list)
    for known in entitled:
        if known[1]:
            left[known[0].symbol].append(known)
    booked: set[Action] = set()
    bookings: list[Booking] = []
    unexplained: list[tuple[Activity, str]] = []
    for item in sorted(activities, key=lambda activity: (activity.day, activity.activity_id)):
        kind, paid = kind_of(item.kind), None
        if kind in {None, BookingKind.DIVIDEND}:
            paid = _dividend_behind(
                item,
                left.get(item.symbol or "", ()),
                tolerance=CENT if kind is None else abs(item.cash_usd) * WITHHELD,
            )
        if paid is not None:
            left[paid[0].symbol].remove(paid)
            booked.add(paid[0])
        if kind is None and paid is None:
            if item.cash_usd:
                reason = f"the kind {item.kind} is not known, and no known corporate action explains it"
                unexplained.append((item, reason))
            continue
        booking = Booking(
            item.activity_id, kind or BookingKind.DIVIDEND, item.day, item.symbol, cash_usd=item.cash_usd,
            activity_ids=(item.activity_id,), note=f"{item.kind} of the broker",
        )  # fmt: skip
        if paid is not None:
            booking = replace(booking, entitled_on=paid[0].ex_date, action=paid[0], note=str(paid[0]))
        bookings.append(booking)
    expected = [
        item
        for action, held in entitled
        if action not in booked
        for item in expected_of(action, held, today=today, booked_after=LATE)
    ]
    return Paid(bookings, unexplained, expected)


def _dividend_behind(item: Activity, left: Sequence[_Entitled], *, tolerance: Decimal) -> _Entitled | None:
    """Return that of its symbol's unpaid dividends whose amount is nearest, if it is near enough."""
    found = [
        (abs(_amount(action, held) - item.cash_usd), action.ex_date, action, held)
        for action, held in left
        if action.ex_date <= item.day <= action.ex_date + LATE
    ]
    best = min(found, key=lambda one: one[:2]) if found else None
    return (best[2], best[3]) if best is not None and best[0] <= tolerance else None


def _amount(action: Action, held: Decimal) -> Decimal:
    return in_decimal(Fraction(held) * Fraction(str(action.cash_usd or 0)))
