"""Terms: what the activities of one event mean per share held, with the known action behind it or from themselves alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from trading_assets.books.bookings import ZERO, Action, Booking, BookingKind
from trading_assets.books.matching import BOOKED_AFTER, Group

WAITING = "it waits for its other leg"
NO_COST = "of whom is not known: at no cost"


def bookings_of_group(group: Group, held: Mapping[str, Decimal], today: date) -> list[Booking] | str:
    """Return what an event becomes, or why it cannot be booked.

    Parameters
    ----------
    group
        Its activities.
    held
        Shares by symbol before it; 0 where none is.
    today
        Day of the look.

    Returns
    -------
    list of Booking or str
        Nothing if a leg is missing that a known action promises, as long as it may still come.
    """
    if group.kind is BookingKind.TRANSFER:
        return _transfer(group)
    if group.is_split:
        return _split(group, held)
    if group.action is not None:
        return _known(group, group.action, held, today)
    return _unknown(group, held)


def pending_split(action: Action, held: Decimal) -> Booking:
    """Return the booking of a split that the broker has not booked; what was whole stays whole."""
    kept = action.shares_per_share
    exact = Fraction(held) * kept
    if held and not held % 1:
        kept = Fraction(int(exact)) / Fraction(held)
    return Booking(
        action.name, BookingKind.SPLIT, action.ex_date, action.symbol, kept_shares=kept,
        cost_sold_frac=_sold(exact, Fraction(held) * kept), price_ratio=action.price_ratio,
        action=action, note=f"{action}, not booked by the broker yet",
    )  # fmt: skip


def _plain(group: Group, kind: BookingKind, symbol: str) -> Booking:
    first = group.activities[0]
    return Booking(
        group.booking_id,
        kind,
        group.day,
        symbol,
        activity_ids=tuple(sorted(activity.activity_id for activity in group.activities)),
        action=group.action,
        note=str(group.action) if group.action else f"{first.kind} of the broker",
    )


def _transfer(group: Group) -> list[Booking]:
    item = group.activities[0]
    plain = _plain(group, BookingKind.TRANSFER, str(item.symbol))
    note = "shares put in or taken out"
    return [
        replace(
            plain, shares=item.shares, price_usd=item.price_usd or ZERO, cash_usd=item.cash_usd, note=note
        )
    ]


def _split(group: Group, held: Mapping[str, Decimal]) -> list[Booking] | str:
    action = group.action
    symbol = action.symbol if action else str(group.activities[0].symbol)
    before, added = held[symbol], group.shares().get(symbol, ZERO)
    after = before + added
    if not before or after * before < 0:
        return _lacks(before, symbol)
    if not after and action is None:
        return WAITING
    plain = replace(_plain(group, BookingKind.SPLIT, symbol), cash_usd=group.cash())
    kept = Fraction(after) / Fraction(before)
    if action is None:
        return [replace(plain, kept_shares=kept, price_ratio=kept)]
    exact = Fraction(before) * action.shares_per_share
    if abs(exact - Fraction(after)) >= 1:
        if group.kind is None:
            return f"it moves other shares than {action}"
        plain = replace(plain, note=f"{action}; the broker booked {added:+f} shares, which is another ratio")
    sold = _sold(exact, Fraction(after))
    return [replace(plain, kept_shares=kept, cost_sold_frac=sold, price_ratio=action.price_ratio)]


def _known(group: Group, action: Action, held: Mapping[str, Decimal], today: date) -> list[Booking] | str:
    moved = group.shares()
    before, left = held[action.symbol], moved.pop(action.symbol, ZERO)
    if _is_incomplete(action, before, left, moved) and today <= action.ex_date + BOOKED_AFTER:
        return []
    into = (
        action.new_symbol
        if action.new_symbol in moved
        else max(moved, key=lambda name: abs(moved[name]), default=None)
    )
    received = moved.pop(into, ZERO) if into is not None else ZERO
    kind = BookingKind.MERGER if action.kind == "delisting" else BookingKind(action.kind)
    if kind is BookingKind.MERGER and not received and not group.cash():
        kind = BookingKind.DELISTING
    plain = replace(_plain(group, kind, action.symbol), cash_usd=group.cash())
    if not before and kind is BookingKind.SPIN_OFF and into is not None:
        return [replace(plain, symbol=into, shares=received, note=f"{plain.note}, sold before: at no cost")]
    after = before + left
    if not before or after * before < 0 or abs(after) > abs(before) or received * before < 0:
        return _lacks(before, action.symbol)
    if group.kind is None and not _as_told(action, before, after, received):
        return f"it moves other shares than {action}"
    along, sold = _cost_parts(plain, before, received)
    booking = replace(
        plain,
        kept_shares=Fraction(after) / Fraction(before),
        into=into,
        into_shares=Fraction(received) / Fraction(before),
        cost_along_frac=along,
        cost_sold_frac=sold,
        price_ratio=action.price_ratio,
    )
    return [booking, *_extras(plain, moved)]


def _unknown(group: Group, held: Mapping[str, Decimal]) -> list[Booking] | str:
    kind = group.kind
    if kind is None:
        word = group.activities[0].kind
        return f"the kind {word} is not known, and no known corporate action explains it"
    moved = group.shares()
    leaving = sorted(symbol for symbol, shares in moved.items() if held[symbol] * shares < 0)
    arriving = {symbol: shares for symbol, shares in moved.items() if symbol not in leaving}
    if any(abs(moved[symbol]) > abs(held[symbol]) for symbol in leaving):
        return "it takes away more than the books hold"
    found = []
    for symbol in leaving:
        into = _partner(kind, moved[symbol], leaving, arriving)
        if into is None and kind is BookingKind.SYMBOL_CHANGE:
            return WAITING
        received = arriving.pop(into) if into is not None else ZERO
        leg = _leg(group, kind, symbol, kept=Fraction(held[symbol] + moved[symbol]) / Fraction(held[symbol]))
        found.append(
            replace(leg, into=into, into_shares=Fraction(received) / Fraction(held[symbol]))
            if received
            else leg
        )
    rest = {item.symbol for item in group.activities if item.cash_usd} - set(leaving)
    plain = _plain(group, kind, "")
    for symbol in sorted(str(name) for name in rest):
        name = f"{group.booking_id}/{symbol}/cash"
        found.append(replace(plain, booking_id=name, symbol=symbol, cash_usd=group.cash(symbol)))
    if kind is BookingKind.SYMBOL_CHANGE and arriving:
        return WAITING
    return [*found, *_extras(plain, arriving)]


def _partner(
    kind: BookingKind, left: Decimal, leaving: list[str], arriving: Mapping[str, Decimal]
) -> str | None:
    if kind is BookingKind.SYMBOL_CHANGE:
        return next((name for name in sorted(arriving) if arriving[name] == -left), None)
    return max(arriving, key=lambda name: abs(arriving[name])) if len(leaving) == 1 and arriving else None


def _leg(group: Group, kind: BookingKind, symbol: str, *, kept: Fraction) -> Booking:
    cash = group.cash(symbol)
    if kind is BookingKind.MERGER and len(group.shares()) == 1 and not cash:
        kind = BookingKind.DELISTING
    return replace(
        _plain(group, kind, symbol),
        booking_id=f"{group.booking_id}/{symbol}",
        kept_shares=kept,
        cost_along_frac=Fraction(1),
        cash_usd=cash,
    )


def _extras(plain: Booking, arriving: Mapping[str, Decimal]) -> list[Booking]:
    """Return what came along and belongs to no leg that is known, such as a right."""
    return [
        replace(
            plain, booking_id=f"{plain.booking_id}/{symbol}", symbol=symbol, shares=shares, cash_usd=ZERO,
            note=f"{plain.note}, {NO_COST}",
        )
        for symbol, shares in sorted(arriving.items())
    ]  # fmt: skip


def _is_incomplete(action: Action, before: Decimal, left: Decimal, arrived: Mapping[str, Decimal]) -> bool:
    is_gone = action.kind in {"symbol_change", "delisting"}
    ratio = 1.0 if action.kind == "symbol_change" else action.share_ratio
    promises = bool(action.new_symbol and ratio and abs(before) * Decimal(str(ratio)) >= 1)
    return (is_gone and before != 0 and not left) or (promises and not arrived)


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


def _as_told(action: Action, held: Decimal, after: Decimal, received: Decimal) -> bool:
    is_gone = action.kind in {"symbol_change", "delisting"}
    ratio = 1.0 if action.kind == "symbol_change" else action.share_ratio or 0.0
    is_right = abs(Fraction(received) - Fraction(held) * Fraction(str(ratio))) < 1
    return is_right and after == (ZERO if is_gone else held)


def _sold(exact: Fraction, left: Fraction) -> Fraction:
    missing = abs(exact) - abs(left)
    return missing / abs(exact) if 0 < missing < 1 else Fraction(0)


def _lacks(held: Decimal, symbol: str) -> str:
    return f"the books hold {held.normalize():f} {symbol}"
