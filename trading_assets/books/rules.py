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
from fractions import Fraction

from trading_assets.books.bookings import ZERO, Action, Activity, Booking, BookingKind
from trading_assets.books.expected import Expectation, expected_of
from trading_assets.books.holdings import QUANTITY_QUANTUM, Fill
from trading_assets.books.matching import BOOKED_AFTER, PAID_AFTER, Group, sorted_out


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
    corrections
        Differences that a person accepted.
    today
        Day of the look, in New York.

    Returns
    -------
    Rulings
        The same whatever order the input comes in. A split takes effect at its ex-date, booked by the broker or not;
        everything else when the broker has booked it. What was whole stays whole at a split: the fraction is paid in cash.
    """
    known = sorted(actions, key=lambda action: (action.ex_date, action.symbol, action.kind))
    groups, cash, unexplained = sorted_out(activities, known)
    desk = _Desk(today)
    desk.unexplained += unexplained
    booked = {id(group.action) for group in groups} | {id(item.action) for item in cash if item.action}
    events: list[tuple[date, int, str, object]] = [
        (group.day, 0, group.booking_id, group) for group in groups
    ]
    events += [
        (action.ex_date, 1, f"action/{action.symbol}/{action.ex_date}/{action.kind}", action)
        for action in known
        if id(action) not in booked
    ]
    events += [
        (fill.executed_session, 2, f"{fill.executed_at.isoformat()} {fill.activity_id}", fill)
        for fill in fills
    ]
    events += [(item.day, 3, item.booking_id, item) for item in corrections]
    for _, _, name, event in sorted(events, key=lambda event: event[:3]):
        desk.apply(name, event)
    return Rulings((*desk.bookings, *cash, *corrections), tuple(desk.unexplained), tuple(desk.expected))


class _Desk:
    """Goes through the life of an account in order and knows what it holds."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.held: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self.bookings: list[Booking] = []
        self.unexplained: list[tuple[Activity, str]] = []
        self.expected: list[Expectation] = []

    def apply(self, name: str, event: object) -> None:
        if isinstance(event, Fill):
            self.held[event.symbol] += event.signed_quantity
        elif isinstance(event, Booking):
            self.held[str(event.symbol)] += event.shares
        elif isinstance(event, Action):
            self._pending(name, event)
        elif isinstance(event, Group):
            booking = self._booking_of(event)
            if isinstance(booking, str):
                self.unexplained += [(activity, booking) for activity in event.activities]
            else:
                self._book(booking)

    def _book(self, booking: Booking) -> None:
        symbol = str(booking.symbol)
        held = self.held[symbol]
        self.held[symbol] = _times(held, booking.kept_shares) + booking.shares
        if booking.into is not None:
            self.held[booking.into] += _times(held, booking.into_shares)
        self.bookings.append(booking)

    def _pending(self, name: str, action: Action) -> None:
        held = self.held[action.symbol]
        self.expected += expected_of(
            action, held, today=self.today, booked_after=BOOKED_AFTER, paid_after=PAID_AFTER
        )
        if action.kind == "split" and action.split_ratio:
            kept = action.shares_per_share
            exact = Fraction(held) * kept
            if held and not held % 1:
                kept = Fraction(int(exact)) / Fraction(held)
            self._book(
                Booking(
                    name, BookingKind.SPLIT, action.ex_date, action.symbol, kept_shares=kept,
                    cost_sold_frac=_sold(exact, Fraction(held) * kept), price_ratio=action.shares_per_share,
                    action=action, note=f"{action}, not booked by the broker yet",
                )
            )  # fmt: skip

    def _booking_of(self, group: Group) -> Booking | str:
        action, moved = group.action, group.shares()
        if (action.kind == "split") if action else group.kind is BookingKind.SPLIT:
            return self._split(group, moved)
        kind = _kind_of(group)
        symbol = self._old_symbol(group, moved)
        ids = tuple(sorted(activity.activity_id for activity in group.activities))
        note = str(action) if action else f"{group.activities[0].kind} of the broker"
        plain = Booking(
            group.booking_id,
            kind,
            group.day,
            symbol,
            cash_usd=group.cash(),
            activity_ids=ids,
            action=action,
            note=note,
        )
        if kind is BookingKind.SPIN_OFF and action is None:
            return replace(
                plain, shares=moved.get(symbol, ZERO), note=f"{note}, of whom is not known: at no cost"
            )
        if action is None and not any(moved.values()):
            return plain
        return self._reorganisation(plain, moved, is_known_kind=group.kind is not None)

    def _reorganisation(
        self, plain: Booking, moved: dict[str, Decimal], *, is_known_kind: bool
    ) -> Booking | str:
        symbol = str(plain.symbol)
        held = self.held[symbol]
        after = held + moved.pop(symbol, ZERO)
        if not held or after * held < 0 or abs(after) > abs(held):
            return f"the books hold {held.normalize():f} {symbol}"
        if len(moved) > 1:
            return "it brings more than one symbol"
        into, received = next(iter(moved.items()), (None, ZERO))
        if received * held < 0:
            return f"the books hold {held.normalize():f} {symbol}"
        if not is_known_kind and not _as_told(plain.action, held, after, received):
            return f"it moves other shares than {plain.action}"
        along, sold = _cost_parts(plain, held, received)
        return replace(
            plain,
            kept_shares=Fraction(after) / Fraction(held),
            into=into,
            into_shares=Fraction(received) / Fraction(held),
            cost_along_frac=along,
            cost_sold_frac=sold,
            price_ratio=1 / (1 - along - sold)
            if plain.kind is BookingKind.SPIN_OFF and along + sold
            else None,
        )

    def _split(self, group: Group, moved: dict[str, Decimal]) -> Booking | str:
        action = group.action
        symbol = action.symbol if action else str(group.activities[0].symbol)
        held, added = self.held[symbol], moved.get(symbol, ZERO)
        after = held + added
        if not held or after * held < 0:
            return f"the books hold {held.normalize():f} {symbol}"
        kept, note = Fraction(after) / Fraction(held), f"SPLIT {added:+f} of the broker"
        sold = Fraction(0)
        if action is not None:
            exact, note = Fraction(held) * action.shares_per_share, str(action)
            if abs(exact - Fraction(after)) >= 1:
                if group.kind is None:
                    return f"it moves other shares than {action}"
                note += f"; the broker booked {added:+f} shares, which is another ratio"
            sold = _sold(exact, Fraction(after))
        ids = tuple(sorted(activity.activity_id for activity in group.activities))
        ratio = action.shares_per_share if action else kept or None
        return Booking(
            group.booking_id, BookingKind.SPLIT, group.day, symbol, kept_shares=kept, cost_sold_frac=sold,
            cash_usd=group.cash(), price_ratio=ratio, activity_ids=ids, action=action, note=note,
        )  # fmt: skip

    def _old_symbol(self, group: Group, moved: dict[str, Decimal]) -> str:
        if group.action is not None:
            return group.action.symbol
        leaving = [symbol for symbol, shares in moved.items() if self.held[symbol] * shares < 0]
        return leaving[0] if leaving else str(next(iter(moved), group.activities[0].symbol))


def _cost_parts(plain: Booking, held: Decimal, received: Decimal) -> tuple[Fraction, Fraction]:
    """Return which part of the cost goes along, and which belongs to a fraction of a share that is paid in cash."""
    action = plain.action
    whole = Fraction(1)
    if action is not None and action.share_ratio and received * held >= 0:
        exact = Fraction(held) * Fraction(str(action.share_ratio))
        whole = min(Fraction(received) / exact, Fraction(1))
    if plain.kind is BookingKind.SYMBOL_CHANGE:
        return Fraction(1), Fraction(0)
    if plain.kind is BookingKind.MERGER:
        return whole, Fraction(0)
    if plain.kind is BookingKind.SPIN_OFF and action is not None and action.price_factor:
        given = 1 - Fraction(str(action.price_factor))
        return given * whole, given * (1 - whole)
    return Fraction(0), Fraction(0)


def _as_told(action: Action | None, held: Decimal, after: Decimal, received: Decimal) -> bool:
    if action is None:
        return False
    is_gone = action.kind in {"symbol_change", "delisting"}
    ratio = 1.0 if action.kind == "symbol_change" else action.share_ratio or 0.0
    is_right = abs(Fraction(received) - Fraction(held) * Fraction(str(ratio))) < 1
    return is_right and after == (ZERO if is_gone else held)


def _kind_of(group: Group) -> BookingKind:
    if group.action is None:
        kind = group.kind or BookingKind.MERGER
    elif group.action.kind == "delisting":
        kind = BookingKind.MERGER
    else:
        kind = BookingKind(group.action.kind)
    if kind is BookingKind.MERGER and len(group.shares()) < 2 and not group.cash():
        return BookingKind.DELISTING
    return kind


def _sold(exact: Fraction, left: Fraction) -> Fraction:
    missing = abs(exact) - abs(left)
    return missing / abs(exact) if 0 < missing < 1 else Fraction(0)


def _times(quantity: Decimal, factor: Fraction) -> Decimal:
    exact = Fraction(quantity) * factor
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
        QUANTITY_QUANTUM, rounding="ROUND_DOWN"
    )
