"""Which of the broker's activities belong together, and to which known corporate action."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from trading_assets.books.bookings import ZERO, Action, Activity, Booking, BookingKind

BOOKED_BEFORE, BOOKED_AFTER = timedelta(days=3), timedelta(days=10)
"""How far from its ex-date the broker's booking of a corporate action may be dated."""
PAID_AFTER = timedelta(days=90)
"""So long after its ex-date a dividend may be paid."""
_CASH = {
    "INT": BookingKind.INTEREST,
    "FEE": BookingKind.FEE,
    "CFEE": BookingKind.FEE,
    "PTC": BookingKind.FEE,
    "PTR": BookingKind.FEE,
    "CIL": BookingKind.CASH_IN_LIEU,
    "CSD": BookingKind.TRANSFER,
    "CSW": BookingKind.TRANSFER,
    "JNL": BookingKind.TRANSFER,
    "JNLC": BookingKind.TRANSFER,
    "ACATC": BookingKind.TRANSFER,
    "TRANS": BookingKind.TRANSFER,
}
_POSITION = {
    "SPLIT": BookingKind.SPLIT,
    "SSP": BookingKind.SPLIT,
    "SPIN": BookingKind.SPIN_OFF,
    "SSO": BookingKind.SPIN_OFF,
    "NC": BookingKind.SYMBOL_CHANGE,
    "SC": BookingKind.SYMBOL_CHANGE,
    "MA": BookingKind.MERGER,
    "REORG": BookingKind.MERGER,
    "REO": BookingKind.MERGER,
}
_MOVED_BY = {"split", "spin_off", "symbol_change", "delisting"}


@dataclass
class Group:
    """Activities that are one event: the legs of a merger, say."""

    kind: BookingKind | None
    day: date
    action: Action | None
    activities: list[Activity] = field(default_factory=list)

    @property
    def booking_id(self) -> str:
        return min(activity.activity_id for activity in self.activities)

    def shares(self) -> dict[str, Decimal]:
        moved: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for activity in self.activities:
            if activity.symbol is not None and activity.shares:
                moved[activity.symbol] += activity.shares
        return dict(moved)

    def cash(self) -> Decimal:
        return sum((activity.cash_usd for activity in self.activities), ZERO)


def sorted_out(
    activities: Iterable[Activity], known: Sequence[Action]
) -> tuple[list[Group], list[Booking], list[tuple[Activity, str]]]:
    """Sort activities into events that change positions, bookings of cash or transfers, and what nothing explains.

    Parameters
    ----------
    activities
        In any order.
    known
        Corporate actions, oldest first.
    """
    groups: dict[object, Group] = {}
    cash: list[Booking] = []
    unexplained: list[tuple[Activity, str]] = []
    for item in sorted(activities, key=lambda activity: activity.activity_id):
        action = _action_behind(item, known)
        kind = _POSITION.get(item.kind) if item.symbol else None
        if item.kind == "CIL" and action is not None and action.new_symbol is not None:
            kind = BookingKind.SPIN_OFF if action.kind == "spin_off" else BookingKind.MERGER
        if kind is None and (booking := _without_terms(item, known)) is not None:
            cash.append(booking)
            continue
        if kind is not None or action is not None:
            key = action if action is not None else _alone(item, kind)
            day = action.ex_date if action is not None else item.day
            group = groups.setdefault(key, Group(kind, day, action))
            group.kind = group.kind or kind
            group.activities.append(item)
        elif item.shares or item.cash_usd:
            unexplained.append(
                (item, f"the kind {item.kind} is not known, and no known corporate action explains it")
            )
    return list(groups.values()), cash, unexplained


def _alone(item: Activity, kind: BookingKind | None) -> object:
    # a split or spin-off concerns one symbol; a reorganisation has a leg for each symbol of it
    return (kind, item.day, item.symbol if kind in {BookingKind.SPLIT, BookingKind.SPIN_OFF} else None)


def _without_terms(item: Activity, known: Sequence[Action]) -> Booking | None:
    """Return the booking of an activity that moves cash, or puts shares in or takes them out; None if it is no such thing."""
    kind = BookingKind.DIVIDEND if item.kind.startswith("DIV") else _CASH.get(item.kind)
    kind = BookingKind.INTEREST if item.kind.startswith("INT") else kind
    plain = Booking(
        item.activity_id, BookingKind.TRANSFER, item.day, item.symbol, activity_ids=(item.activity_id,)
    )
    if item.kind in {"JNLS", "ACATS"}:
        return replace(plain, shares=item.shares, cash_usd=item.cash_usd, note="shares put in or taken out")
    paid = _dividend_behind(item, known)
    if kind is None and paid is not None and not item.shares:
        kind = BookingKind.DIVIDEND
    if kind is None:
        return None
    booking = replace(plain, kind=kind, cash_usd=item.cash_usd, note=f"{item.kind} of the broker")
    if kind is BookingKind.DIVIDEND and paid is not None:
        return replace(booking, entitled_on=paid.ex_date, action=paid, note=str(paid))
    return booking


def _dividend_behind(item: Activity, known: Sequence[Action]) -> Action | None:
    found = [
        action
        for action in known
        if action.kind == "cash_dividend"
        and action.symbol == item.symbol
        and action.ex_date <= item.day <= action.ex_date + PAID_AFTER
    ]
    return found[-1] if found else None


def _action_behind(item: Activity, known: Sequence[Action]) -> Action | None:
    found = [
        action
        for action in known
        if action.kind in _MOVED_BY
        and action.ex_date - BOOKED_BEFORE <= item.day <= action.ex_date + BOOKED_AFTER
        and (
            (action.symbol == item.symbol and action.kind != "spin_off")
            or (action.new_symbol is not None and action.new_symbol == item.symbol)
        )
    ]
    return min(found, key=lambda action: abs(action.ex_date - item.day)) if found else None
