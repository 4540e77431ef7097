"""Rules: which booking each of the broker's activities becomes, by its kind and by the corporate actions that are known.

The broker's figures count. A known action says what they mean: how cost moves, who is entitled, how earlier prices compare.
Kinds of activities are an open set: one that no rule knows is booked if a known action explains exactly what it moved, and is
left unexplained otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

from trading_assets.books.bookings import ZERO, Action, Activity, Booking, BookingKind
from trading_assets.books.dividends import cash_bookings
from trading_assets.books.expected import SHARES, Expectation, expected_of
from trading_assets.books.holdings import Fill, times
from trading_assets.books.matching import BOOKED_AFTER, Group, grouped
from trading_assets.books.terms import bookings_of_group, pending_split

_ORDER = {"split": 0, "spin_off": 1, "symbol_change": 2, "merger": 3, "delisting": 3}
_GROUPS, _ACTIONS, _FILLS, _CORRECTIONS = range(4)
_Event = tuple[date, int, int, str, "Group | Action | Fill | Booking"]


@dataclass(frozen=True)
class Rulings:
    """What became of the activities of an account.

    ``unexplained`` are those that no rule books, each with the reason; ``expected`` is what known actions change and the
    broker has not booked yet.
    """

    bookings: tuple[Booking, ...] = ()
    unexplained: tuple[tuple[Activity, str], ...] = ()
    expected: tuple[Expectation, ...] = ()


def rule(
    fills: Iterable[Fill],
    activities: Iterable[Activity],
    actions: Iterable[Action],
    *,
    ahead: Iterable[Action] = (),
    corrections: Sequence[Booking] = (),
    today: date,
) -> Rulings:
    """Decide what each activity changes in the books of an account.

    Parameters
    ----------
    fills
        All fills of the account.
    activities
        What the broker booked besides trades, since the account was opened.
    actions
        Known corporate actions that have taken effect, of every symbol that the account ever traded or was given.
    ahead
        Those of the next days, which the broker may have booked already.
    corrections
        Differences that a person accepted.
    today
        Day of the look, in New York.

    Returns
    -------
    Rulings
        The same whatever order the input comes in. A split takes effect at its ex-date, booked by the broker or not;
        everything else when the broker has booked all of it. What was whole stays whole at a split: the fraction is paid in
        cash. Bookings are in the order in which they apply.
    """
    effective = _in_order(actions)
    groups, cash = grouped(activities, _in_order([*effective, *ahead]))
    booked = {group.action for group in groups}
    desk = _Desk(today)
    events: list[_Event] = [
        (group.day, _GROUPS, _ORDER.get(str(group.kind), 4), group.booking_id, group) for group in groups
    ]
    events += [
        (action.ex_date, _ACTIONS, 0, action.name, action) for action in effective if action not in booked
    ]
    events += [
        (fill.executed_session, _FILLS, 0, f"{fill.executed_at.isoformat()} {fill.activity_id}", fill)
        for fill in fills
    ]
    events += [(item.day, _CORRECTIONS, 0, item.booking_id, item) for item in corrections]
    ordered = sorted(events, key=lambda event: event[:4])
    for _, same in groupby(ordered, key=lambda event: event[:2]):
        desk.apply(list(same))
    paid = cash_bookings(cash, desk.entitled, today=today)
    desk.expected += paid.expected
    everything = [*desk.bookings, *paid.bookings, *corrections]
    return Rulings(
        tuple(replace(booking, sequence=number) for number, booking in enumerate(everything)),
        (*desk.unexplained, *paid.unexplained),
        tuple(desk.expected),
    )


def _in_order(actions: Iterable[Action]) -> list[Action]:
    return sorted(actions, key=lambda action: (action.ex_date, action.symbol, action.kind))


class _Desk:
    """Goes through the life of an account in order and knows what it holds."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.held: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.bookings: list[Booking] = []
        self.unexplained: list[tuple[Activity, str]] = []
        self.expected: list[Expectation] = []
        self.entitled: list[tuple[Action, Decimal]] = []

    def apply(self, events: Sequence[_Event]) -> None:
        """Apply the events of one day and kind; groups that do not fit yet are tried again after the others."""
        waiting = [event for *_, event in events if isinstance(event, Group)]
        while waiting:
            left = [group for group in waiting if not self._try(group)]
            if len(left) == len(waiting):
                break
            waiting = left
        for group in waiting:
            reason = bookings_of_group(group, self.held, self.today)
            self.unexplained += [(activity, str(reason)) for activity in group.activities]
        for *_, event in events:
            if isinstance(event, Fill):
                self.held[event.symbol] += event.signed_quantity
            elif isinstance(event, Booking):
                self.held[str(event.symbol)] += event.shares
            elif isinstance(event, Action):
                self._pending(event)

    def _try(self, group: Group) -> bool:
        found = bookings_of_group(group, self.held, self.today)
        if isinstance(found, str):
            return False
        if (
            not found and group.action is not None
        ):  # a leg is missing: the action explains the difference until then
            held = self.held[group.action.symbol]
            self.expected += expected_of(group.action, held, today=self.today, booked_after=BOOKED_AFTER)
        for booking in found:
            self._book(booking)
        return True

    def _book(self, booking: Booking) -> None:
        symbol = str(booking.symbol)
        held = self.held[symbol]
        self.held[symbol] = times(held, booking.kept_shares) + booking.shares
        if booking.into is not None:
            self.held[booking.into] += times(held, booking.into_shares)
        if booking.kind is BookingKind.SPLIT and booking.day > self.today and booking.action is not None:
            # the broker has booked what the books will at the ex-date
            added = self.held[symbol] - held
            self.expected.append(Expectation(symbol, added, SHARES, booking.action))
        self.bookings.append(booking)

    def _pending(self, action: Action) -> None:
        held = self.held[action.symbol]
        if action.kind == "cash_dividend":
            self.entitled.append((action, held))
            return
        self.expected += expected_of(action, held, today=self.today, booked_after=BOOKED_AFTER)
        if action.kind == "split" and action.split_ratio:
            self._book(pending_split(action, held))
