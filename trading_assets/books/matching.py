"""Which of the broker's activities belong together, and to which known corporate action."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from trading_assets.books.bookings import ZERO, Action, Activity, BookingKind

BOOKED_BEFORE, BOOKED_AFTER = timedelta(days=5), timedelta(days=10)
"""How far from its ex-date the broker's booking of a corporate action may be dated."""
LATE = timedelta(days=90)
"""So late a split may be booked, as it is counted from its ex-date in any case, and so late a dividend may be paid."""
CHAIN = timedelta(days=5)
"""Activities of one unknown split lie no further apart."""
_CASH = {
    "CIL": BookingKind.CASH_IN_LIEU,
    "FEE": BookingKind.FEE,
    "CFEE": BookingKind.FEE,
    "PTC": BookingKind.FEE,
    "PTR": BookingKind.FEE,
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
    "JNLS": BookingKind.TRANSFER,
    "ACATS": BookingKind.TRANSFER,
}
_ACTION_OF = {
    BookingKind.SPLIT: "split",
    BookingKind.SPIN_OFF: "spin_off",
    BookingKind.SYMBOL_CHANGE: "symbol_change",
    BookingKind.MERGER: "delisting",
}


@dataclass
class Group:
    """Activities that are one event: the legs of a merger, say. ``kind`` is None if no rule knows the broker's word."""

    kind: BookingKind | None
    action: Action | None
    activities: list[Activity] = field(default_factory=list)

    @property
    def day(self) -> date:
        """When it takes effect: a split at its ex-date, everything else when the broker has booked all of it."""
        if self.action is not None and self.action.kind == "split":
            return self.action.ex_date
        return max(activity.day for activity in self.activities)

    @property
    def booking_id(self) -> str:
        """Name of what it becomes."""
        return min(activity.activity_id for activity in self.activities)

    @property
    def is_split(self) -> bool:
        """Whether it changes the number of one symbol's shares."""
        return self.action.kind == "split" if self.action else self.kind is BookingKind.SPLIT

    def shares(self) -> dict[str, Decimal]:
        """Return the shares that were added, by symbol."""
        moved: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for activity in self.activities:
            if activity.symbol is not None and activity.shares:
                moved[activity.symbol] += activity.shares
        return dict(moved)

    def cash(self, symbol: str | None = None) -> Decimal:
        """Return the cash that was added, for one symbol if wanted."""
        told = [item.cash_usd for item in self.activities if symbol is None or item.symbol == symbol]
        return sum(told, ZERO)


def kind_of(word: str) -> BookingKind | None:
    """Return what the broker's word for an activity means, None if no rule knows it."""
    if word.startswith("DIV"):
        return BookingKind.DIVIDEND
    if word.startswith("INT"):
        return BookingKind.INTEREST
    if word.startswith("REO"):
        return BookingKind.MERGER
    return _CASH.get(word) or _POSITION.get(word)


def moves_shares(kind: BookingKind | None) -> bool:
    """Whether activities of that kind change positions, as far as is known."""
    return kind in set(_POSITION.values())


def grouped(activities: Iterable[Activity], known: Sequence[Action]) -> tuple[list[Group], list[Activity]]:
    """Put together what moves positions, and return it with the rest: activities of cash alone.

    Parameters
    ----------
    activities
        In any order.
    known
        Corporate actions, oldest first.
    """
    about = _by_symbol(known)
    groups: dict[object, Group] = {}
    cash: list[Activity] = []
    for item in sorted(activities, key=lambda activity: (activity.day, activity.activity_id)):
        kind = kind_of(item.kind)
        action = _action_behind(item, kind, about.get(item.symbol or "", ()))
        is_fraction = (
            kind is BookingKind.CASH_IN_LIEU and action is not None and action.new_symbol is not None
        )
        if kind is BookingKind.CASH_IN_LIEU and not is_fraction:
            action = None
        if not (
            item.symbol and (moves_shares(kind) or item.shares or is_fraction or (action and kind is None))
        ):
            cash.append(item)
            continue
        key = action if action is not None else _alone(item, kind, groups)
        own = BookingKind.CASH_IN_LIEU if is_fraction else kind
        group = groups.setdefault(key, Group(own, action))
        group.kind = own if group.kind in {None, BookingKind.CASH_IN_LIEU} else group.kind
        group.activities.append(item)
    return list(groups.values()), cash


def _alone(item: Activity, kind: BookingKind | None, groups: dict[object, Group]) -> object:
    """Return what an activity without a known action shares with others of its event."""
    if kind in {BookingKind.SYMBOL_CHANGE, BookingKind.MERGER}:
        return kind, item.day  # a leg for each symbol
    if kind is BookingKind.SPLIT:
        for day in (item.day - timedelta(days=back) for back in range(CHAIN.days + 1)):
            if (kind, item.symbol, day) in groups:
                return kind, item.symbol, day
        return kind, item.symbol, item.day
    return item.activity_id


def _by_symbol(known: Iterable[Action]) -> dict[str, list[Action]]:
    """Put the actions together that concern a symbol, or bring it."""
    found: dict[str, list[Action]] = defaultdict(list)
    for action in known:
        for symbol in {action.symbol, action.new_symbol or action.symbol}:
            found[symbol].append(action)
    return found


def _action_behind(item: Activity, kind: BookingKind | None, known: Sequence[Action]) -> Action | None:
    """Return the nearest action that may be behind an activity: of its own kind, or of any if its kind is not known.

    ``known`` are those that concern its symbol, oldest first.
    """
    if kind is BookingKind.CASH_IN_LIEU:
        wanted = {"spin_off", "delisting"}
    elif kind is None:
        wanted = set(_ACTION_OF.values())
    else:
        wanted = {_ACTION_OF[kind]} if kind in _ACTION_OF else set()
    found = [
        action
        for action in known
        if action.kind in wanted
        and _is_near(item, action, late=LATE if kind is BookingKind.SPLIT else BOOKED_AFTER)
        and _concerns(item, action)
    ]
    return min(found, key=lambda action: abs(action.ex_date - item.day)) if found else None


def _is_near(item: Activity, action: Action, *, late: timedelta) -> bool:
    return action.ex_date - BOOKED_BEFORE <= item.day <= action.ex_date + late


def _concerns(item: Activity, action: Action) -> bool:
    if action.new_symbol is not None and action.new_symbol == item.symbol:
        return True
    is_parent_alone = action.kind == "spin_off" and bool(item.shares)
    return action.symbol == item.symbol and not is_parent_alone
