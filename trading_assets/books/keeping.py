"""Book-keeping: fills and bookings added up in their order, for an account or for those who share its positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

from trading_assets.books.bookings import ZERO, Booking, BookingKind
from trading_assets.books.holdings import (
    DIGITS,
    PRICE_QUANTUM,
    QUANTITY_QUANTUM,
    UNATTRIBUTED,
    Books,
    Fill,
    Holding,
    changed,
    opened,
    times,
)
from trading_assets.errors import DataQualityError

_ACCOUNT = ""
_BOOKINGS, _FILLS, _CORRECTIONS = range(3)


def books_from_fills(
    fills: Iterable[Fill],
    opening_cash_usd: Decimal,
    *,
    bookings: Sequence[Booking] = (),
    through: date,
) -> Books:
    """Add up what was executed and booked up to the session ``through``; see ``books_by_session``."""
    return next(books_by_session(fills, opening_cash_usd, [through], bookings=bookings))[1]


def books_by_session(
    fills: Iterable[Fill],
    opening_cash_usd: Decimal,
    sessions: Iterable[date],
    *,
    bookings: Sequence[Booking] = (),
) -> Iterator[tuple[date, Books]]:
    """Yield the books of an account at the end of each session.

    Average cost: a purchase adds to the cost, a sale takes the share of the cost that it sells and realises the rest of
    its proceeds; a fill that turns a position around closes it first. Cash moves by exactly quantity times price, and by
    what bookings say.

    Parameters
    ----------
    fills
        In any order; they are applied by (executed_session, executed_at, activity_id).
    opening_cash_usd
        Cash before the first fill.
    sessions
        Ascending; fills executed and bookings effective up to a session are in its books.
    bookings
        What else changed the account; each applies before the fills of its day, corrections after them. Quantities are
        rounded down to a billionth of a share.

    Raises
    ------
    DataQualityError
        If a fill has no positive quantity or price.
    """
    opening = {_ACCOUNT: Books(opening_cash_usd)}
    for session, books in _folded({_ACCOUNT: fills}, opening, sessions, bookings):
        yield session, books[_ACCOUNT]


def books_by_owner(
    fills: Mapping[str, Iterable[Fill]], *, bookings: Sequence[Booking] = (), through: date
) -> dict[str, Books]:
    """Return the books of several owners of one account's shares, their cash counted from zero.

    A booking's terms per share apply to each owner; its cash goes to those who held the symbol when it was earned, in
    proportion. What nobody held, and fees of the account, are of `UNATTRIBUTED`. Money put in or taken out is nobody's,
    and shares put in cost their owner what they cost.
    """
    opening = {owner: Books(ZERO) for owner in sorted(fills)}
    return next(_folded(fills, opening, [through], bookings))[1]


@dataclass(frozen=True)
class Change:
    """What a fill or booking changed in the books of one owner, after those listed before it.

    ``cash_usd`` is the cash that the owner got (negative: paid). ``held`` are its shares before a booking and ``kept`` those
    after it, of the symbols that it is about; both are empty for a fill, which says itself what it changes.
    """

    event: Fill | Booking
    day: date
    owner: str
    cash_usd: Decimal
    held: Mapping[str, Decimal]
    kept: Mapping[str, Decimal]


def changes_by_owner(
    fills: Mapping[str, Iterable[Fill]], *, bookings: Sequence[Booking] = (), through: date
) -> list[Change]:
    """List what each event changed, in the order in which the books of several owners apply them; see `books_by_owner`."""
    state = _Owners({owner: Books(ZERO) for owner in sorted(fills)}, bookings)
    found: list[Change] = []
    with localcontext(prec=DIGITS):
        for day, _, name, event in _in_order(fills, bookings):
            if day > through:
                break
            state.enter(day)
            if isinstance(event, Booking):
                before = state.books()
                state.book(event)
                found += _changes(event, day, before, state.books())
            else:
                state.fill(str(name), event)
                cash = -event.signed_quantity * event.price_usd
                found.append(Change(event, day, str(name), cash, {}, {}))
    return found


def _changes(
    booking: Booking, day: date, before: Mapping[str, Books], after: Mapping[str, Books]
) -> Iterator[Change]:
    symbols = [symbol for symbol in (booking.symbol, booking.into) if symbol is not None]
    for owner, books in after.items():
        was = before.get(owner, Books(ZERO))
        held, kept = (
            {symbol: own.holdings.get(symbol, Holding()).quantity for symbol in symbols}
            for own in (was, books)
        )
        cash = books.cash_usd - was.cash_usd
        if cash or held != kept:
            yield Change(booking, day, owner, cash, held, kept)


_Event = tuple[date, int, str | None, Fill | Booking]


def _folded(
    fills: Mapping[str, Iterable[Fill]],
    opening: Mapping[str, Books],
    sessions: Iterable[date],
    bookings: Sequence[Booking],
) -> Iterator[tuple[date, dict[str, Books]]]:
    due = _in_order(fills, bookings)
    state, done = _Owners(opening, bookings), 0
    for session in sessions:
        with localcontext(prec=DIGITS):
            while done < len(due) and due[done][0] <= session:
                day, _, owner, event = due[done]
                state.enter(day)
                if isinstance(event, Booking):
                    state.book(event)
                else:
                    state.fill(str(owner), event)
                done += 1
        yield session, state.books()


def _in_order(fills: Mapping[str, Iterable[Fill]], bookings: Sequence[Booking]) -> list[_Event]:
    executed = sorted(
        (
            (fill.executed_at, fill.activity_id or "", owner, fill)
            for owner, own in fills.items()
            for fill in own
        ),
        key=lambda item: item[:3],
    )
    due: list[_Event] = [(fill.executed_session, _FILLS, owner, fill) for _, _, owner, fill in executed]
    for booking in sorted(bookings, key=lambda booking: (booking.sequence, booking.booking_id)):
        phase = _CORRECTIONS if booking.kind is BookingKind.CORRECTION else _BOOKINGS
        due.append((booking.day, phase, None, booking))
    due.sort(key=lambda event: event[:2])  # stable: executions stay in their order
    return due


class _Owners:
    """The books of some owners while events are applied; one of the account itself."""

    def __init__(self, opening: Mapping[str, Books], bookings: Sequence[Booking]) -> None:
        self._cash = {owner: books.cash_usd for owner, books in opening.items()}
        self._holdings: dict[str, dict[str, Holding]] = {owner: {} for owner in opening}
        self._income = dict.fromkeys(opening, ZERO)
        self._transferred = ZERO
        self._day = date.min
        self._is_account = _ACCOUNT in opening
        # who is entitled to a dividend is known at its ex-date, long before it is paid
        self._awaited = sorted(
            {(item.entitled_on, item.symbol) for item in bookings if item.entitled_on and item.symbol}
        )
        self._entitled: dict[tuple[date, str], dict[str, Decimal]] = {}

    def books(self) -> dict[str, Books]:
        moved = self._transferred if self._is_account else ZERO
        return {
            owner: Books(cash, dict(self._holdings[owner]), self._income[owner], moved)
            for owner, cash in self._cash.items()
        }

    def enter(self, day: date) -> None:
        self._day = day
        while self._awaited and self._awaited[0][0] <= day:
            key = self._awaited.pop(0)
            self._entitled[key] = self._shares_of(key[1])

    def fill(self, owner: str, fill: Fill) -> None:
        if fill.quantity <= 0 or fill.price_usd <= 0:
            raise DataQualityError("A fill needs a positive quantity and price", activity_id=fill.activity_id)
        change = fill.signed_quantity
        self._cash[owner] -= change * fill.price_usd
        self._set(
            owner, fill.symbol, changed(self._held(owner, fill.symbol), change, change * fill.price_usd)
        )

    def book(self, booking: Booking) -> None:
        parts = self._cash_parts(booking)
        if booking.symbol is not None and booking.moves_position:
            for owner in list(self._cash):
                self._move(owner, booking, parts.pop(owner, ZERO))
        for owner, cash in parts.items():
            self._pay(owner, booking, cash)
        if booking.shares and booking.symbol is not None:
            self._put_in(booking.symbol, booking)

    def _pay(self, owner: str, booking: Booking, cash: Decimal) -> None:
        if booking.kind.is_transfer and not self._is_account:
            return
        self._open(owner)
        self._cash[owner] += cash
        if booking.kind.is_transfer:
            self._transferred += cash
        elif booking.symbol is None:
            self._income[owner] += cash
        else:
            held = self._held(owner, booking.symbol)
            after = replace(held, realised_pnl_usd=held.realised_pnl_usd + cash)
            if booking.kind.is_income:
                after = replace(held, income_usd=held.income_usd + cash)
            self._set(owner, booking.symbol, after)

    def _move(self, owner: str, booking: Booking, cash: Decimal) -> None:
        symbol = str(booking.symbol)
        held = self._held(owner, symbol)
        self._cash[owner] += cash
        kept = times(held.quantity, booking.kept_shares)
        received = times(held.quantity, booking.into_shares)
        along = _cost_along(held, booking, cash) if received else ZERO
        left = held.cost_usd - along - _part(held.cost_usd, booking.cost_sold_frac) if kept else ZERO
        profit = held.realised_pnl_usd + cash - (held.cost_usd - along - left)
        if held != Holding() or cash:
            self._set(owner, symbol, replace(held, quantity=kept, cost_usd=left, realised_pnl_usd=profit))
        if received and booking.into is not None:
            self._set(owner, booking.into, changed(self._held(owner, booking.into), received, along))

    def _put_in(self, symbol: str, booking: Booking) -> None:
        parts = {_ACCOUNT: booking.shares}
        if not self._is_account:
            holders = self._shares_of(symbol)
            is_reduction = sum(holders.values(), ZERO) * booking.shares < 0
            parts = _shared(booking.shares, holders if is_reduction else {}, QUANTITY_QUANTUM)
        for owner, shares in parts.items():
            self._open(owner)
            held = self._held(owner, symbol)
            after, cost = _put_in(held, shares, booking.price_usd)
            if self._is_account:
                self._transferred += cost
            else:
                self._cash[owner] -= cost
            self._set(owner, symbol, after)

    def _cash_parts(self, booking: Booking) -> dict[str, Decimal]:
        if not booking.cash_usd:
            return {}
        if self._is_account:
            return {_ACCOUNT: booking.cash_usd}
        holders: dict[str, Decimal] = {}
        if booking.symbol is not None:
            entitled = self._entitled.get((booking.entitled_on or booking.day, booking.symbol))
            holders = entitled if entitled is not None else self._shares_of(booking.symbol)
        return _shared(booking.cash_usd, holders, PRICE_QUANTUM)

    def _shares_of(self, symbol: str) -> dict[str, Decimal]:
        shares = {owner: own[symbol].quantity for owner, own in self._holdings.items() if symbol in own}
        return {owner: quantity for owner, quantity in shares.items() if quantity}

    def _held(self, owner: str, symbol: str) -> Holding:
        return self._holdings[owner].get(symbol, Holding())

    def _set(self, owner: str, symbol: str, held: Holding) -> None:
        self._holdings[owner][symbol] = opened(self._held(owner, symbol), held, self._day)

    def _open(self, owner: str) -> None:
        if owner not in self._cash:
            self._cash[owner], self._holdings[owner], self._income[owner] = ZERO, {}, ZERO


def _put_in(held: Holding, shares: Decimal, price: Decimal) -> tuple[Holding, Decimal]:
    """Return the holding after shares were put in or taken out, and what they cost: no profit is made by it."""
    closing = ZERO
    if held.quantity * shares < 0:
        closing = max(min(shares, abs(held.quantity)), -abs(held.quantity))
    left = held.quantity + closing
    gone = held.cost_usd if closing and not left else _part(held.cost_usd, _ratio(-closing, held.quantity))
    opened = ((shares - closing) * price).quantize(PRICE_QUANTUM)
    cost = held.cost_usd - gone + opened
    return replace(held, quantity=held.quantity + shares, cost_usd=cost), opened - gone


def _ratio(part: Decimal, whole: Decimal) -> Fraction:
    return Fraction(part) / Fraction(whole) if whole else Fraction(0)


def _cost_along(held: Holding, booking: Booking, cash: Decimal) -> Decimal:
    if booking.kind is not BookingKind.MERGER:
        return _part(held.cost_usd, booking.cost_along_frac)
    uncovered = held.cost_usd - cash
    return _part(uncovered, booking.cost_along_frac) if uncovered * held.quantity > 0 else ZERO


def _part(cost: Decimal, part: Fraction) -> Decimal:
    return cost if part == 1 else (cost * part.numerator / part.denominator).quantize(PRICE_QUANTUM)


def _shared(amount: Decimal, holders: Mapping[str, Decimal], quantum: Decimal) -> dict[str, Decimal]:
    # in proportion to signed shares: who is short pays; what rounding leaves is the largest holder's
    total = sum(holders.values(), ZERO)
    if not total:
        return {UNATTRIBUTED: amount}
    parts = {owner: (amount * shares / total).quantize(quantum) for owner, shares in holders.items()}
    largest = min(holders, key=lambda owner: (-abs(holders[owner]), owner))
    parts[largest] += amount - sum(parts.values(), ZERO)
    return parts
