"""Round trips of an account: what was opened matched with what closed it, first in, first out, by strategy and symbol.

They say what each trade earned, the books what the account is worth: both add up to the same profit. A strategy's shares
are its own, so what changes hands between strategies closes a round trip of one and opens one of the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal, localcontext
from fractions import Fraction

import polars as pl

from trading_assets.books.attribution import Crossing, Execution, fills_by_strategy
from trading_assets.books.bookings import ZERO, Booking, BookingKind
from trading_assets.books.holdings import DIGITS, QUANTITY_QUANTUM, Fill
from trading_assets.books.keeping import Change, changes_by_owner
from trading_assets.books.lots import Lot, take_oldest
from trading_assets.books.performance import SHARES, USD, in_micros
from trading_assets.orders import Side
from trading_assets.sessions import sessions_between

TRADE, CROSSING = "trade", "another strategy"
LIVE_ROUND_TRIP_SCHEMA = pl.Schema(
    {
        "strategy": pl.String(),
        "symbol": pl.String(),
        "side": pl.String(),
        "quantity": SHARES,
        "opened_session": pl.Date(),
        "opened_at": pl.Datetime("us", "UTC"),
        "closed_session": pl.Date(),
        "closed_at": pl.Datetime("us", "UTC"),
        "holding_sessions": pl.Int32(),
        "entry_price_usd": USD,
        "exit_price_usd": USD,
        "gross_profit_usd": USD,
        "income_usd": USD,
        "fees_usd": USD,
        "net_profit_usd": USD,
        "closed_by": pl.String(),
    }
)


@dataclass(frozen=True)
class RoundTrips:
    """Rows of ``LIVE_ROUND_TRIP_SCHEMA``, and by strategy what was earned or paid without a position: interest, say, in USD."""

    trips: pl.DataFrame
    other_income_usd: Mapping[str, Decimal]


@dataclass(frozen=True)
class _Exit:
    """How shares left: ``session`` None if they are still there."""

    session: date | None
    price: Decimal
    why: str | None
    at: datetime | None = None


@dataclass
class _Ledger:
    lots: defaultdict[tuple[str, str], list[Lot]] = field(default_factory=lambda: defaultdict(list))
    closed: list[tuple[Lot, _Exit]] = field(default_factory=list)
    other: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))

    def enter(self, lot: Lot, how: _Exit) -> None:
        """Add shares: those that go against what is held close the oldest lots, the others are a new lot."""
        own = self.lots[lot.strategy, lot.symbol]
        against = own if own and own[0].quantity * lot.quantity < 0 else []
        closing = min(abs(lot.quantity), sum((abs(old.quantity) for old in against), ZERO))
        for old in take_oldest(against, closing):
            end = lot.part(-old.quantity)
            both = replace(
                old, costs_usd=old.costs_usd + end.costs_usd, income_usd=old.income_usd + end.income_usd
            )
            self.closed.append((both, how))
        left = abs(lot.quantity) - closing
        if left:
            own.append(lot.part(left.copy_sign(lot.quantity)))

    def leave(self, owner: str, symbol: str, how: _Exit) -> None:
        """Close everything that is held of a symbol."""
        self.closed += [(lot, how) for lot in self.lots.pop((owner, symbol), [])]

    def earn(self, owner: str, symbol: str | None, cash: Decimal, *, is_fee: bool) -> None:
        """Book cash with what is held of a symbol, share by share; with nothing, if nothing is held."""
        lots = self.lots[owner, symbol] if symbol is not None else []
        held = sum((lot.quantity for lot in lots), ZERO)
        if not held:
            self.other[owner] += cash
        for lot in lots:
            part = cash * lot.quantity / held
            if is_fee:
                lot.costs_usd -= part
            else:
                lot.income_usd += part


def round_trips(
    executions: Sequence[Execution],
    crossings: Iterable[Crossing],
    *,
    bookings: Sequence[Booking] = (),
    marks: Mapping[str, Decimal],
    through: date,
) -> RoundTrips:
    """Match what opened positions with what closed them.

    Parameters
    ----------
    executions, crossings
        Of the account, in any order; a fill may close several lots, and open one with what is left of it.
    bookings
        What else changed the account. Splits and new symbols change lots as they change holdings; a dividend is income of
        the lots that were held at its ex-date. Fees that the broker booked for the account as a whole are paid by the
        sales of their day, by value (by the purchases, where nothing was sold); without fills, by none.
    marks
        Closes of ``through`` by symbol, USD per share; what has none is worth nothing.
    through
        Session up to which executions and bookings count.

    Returns
    -------
    RoundTrips
        Sorted by exit, open ones last: their ``closed_session`` is null and their ``exit_price_usd`` the mark. Quantities
        are positive, prices in the scale of the exit's shares; ``gross_profit_usd`` is of prices alone, ``net_profit_usd``
        that plus income (dividends, cash in lieu) minus fees. Instants are null where a booking opened or closed it.
        Net profits and other income add up to the account's equity less its opening cash and what was put in, but for
        rounding. Look-ahead: the close of ``through``.
    """
    executions = [item for item in executions if item.fill.executed_session <= through]
    known = [booking for booking in bookings if booking.day <= through]
    done, crossed = fills_by_strategy(executions, ()), fills_by_strategy((), crossings)
    both = {owner: [*done.get(owner, ()), *crossed.get(owner, ())] for owner in {*done, *crossed}}
    from_others = {fill for own in crossed.values() for fill in own}
    ledger = _Ledger()
    with localcontext(prec=DIGITS):
        fees, are_paid = _fees(done, known)
        changes = changes_by_owner(both, bookings=known, through=through)
        for change in sorted(changes, key=_effective):
            event = change.event
            if isinstance(event, Booking):
                if event.booking_id not in are_paid:
                    _happen(ledger, change, event)
            else:
                why = CROSSING if event in from_others else TRADE
                _trade(ledger, change.owner, event, fees.get((change.owner, event), ZERO), why)
        closed = len(ledger.closed)
        for owner, symbol in sorted(ledger.lots):
            ledger.leave(owner, symbol, _Exit(None, marks.get(symbol, ZERO), None))
        rows = sorted(ledger.closed[:closed], key=_by_exit) + ledger.closed[closed:]
        trips = pl.DataFrame(
            [_row(lot, how, through) for lot, how in rows], schema=LIVE_ROUND_TRIP_SCHEMA, orient="row"
        )
    return RoundTrips(trips, dict(ledger.other))


def _effective(change: Change) -> tuple[date, bool]:
    # a dividend belongs to those who held the shares at its ex-date, though it is paid long after; the rest keeps its order
    event = change.event
    if isinstance(event, Booking) and event.entitled_on is not None and event.symbol is not None:
        return event.entitled_on, False
    return change.day, True


def _by_exit(closed: tuple[Lot, _Exit]) -> tuple[object, ...]:
    lot, how = closed
    return (how.session, how.at is not None, how.at, lot.symbol, lot.strategy, lot.session)


def _fees(
    fills: Mapping[str, Sequence[Fill]], bookings: Iterable[Booking]
) -> tuple[dict[tuple[str, Fill], Decimal], set[str]]:
    """Return what each fill paid of the fees of its day, and the bookings of these fees."""
    traded: defaultdict[date, list[tuple[str, Fill]]] = defaultdict(list)
    for owner, own in fills.items():
        for fill in own:
            traded[fill.executed_session].append((owner, fill))
    paid: defaultdict[tuple[str, Fill], Decimal] = defaultdict(lambda: ZERO)
    are_paid: set[str] = set()
    for booking in bookings:
        if booking.kind is not BookingKind.FEE or booking.symbol is not None or booking.day not in traded:
            continue
        those = traded[booking.day]
        those = [item for item in those if item[1].side is not Side.BUY] or those
        value = sum((fill.quantity * fill.price_usd for _, fill in those), ZERO)
        for owner, fill in set(those):
            paid[owner, fill] -= booking.cash_usd * fill.quantity * fill.price_usd / value
        are_paid.add(booking.booking_id)
    return paid, are_paid


def _trade(ledger: _Ledger, owner: str, fill: Fill, fee: Decimal, why: str) -> None:
    lot = Lot(
        owner,
        fill.symbol,
        fill.executed_session,
        fill.signed_quantity,
        fill.price_usd,
        costs_usd=fee,
        opened_at=fill.executed_at,
    )
    ledger.enter(lot, _Exit(fill.executed_session, fill.price_usd, why, fill.executed_at))


def _happen(ledger: _Ledger, change: Change, booking: Booking) -> None:
    symbol = booking.symbol
    if symbol is None or change.held == change.kept:
        ledger.earn(change.owner, symbol, change.cash_usd, is_fee=booking.kind is BookingKind.FEE)
    elif booking.moves_position:
        _carry_over(ledger, change, booking, symbol)
    else:
        _put_in(ledger, change, booking, symbol)


def _carry_over(ledger: _Ledger, change: Change, booking: Booking, symbol: str) -> None:
    kept, into = change.kept[symbol], booking.into
    received = change.kept[into] - change.held[into] if into is not None else ZERO
    lots = ledger.lots.pop((change.owner, symbol), [])
    held = sum((lot.quantity for lot in lots), ZERO)
    if not (kept or received):  # the listing ended, with or without money
        how = _Exit(change.day, change.cash_usd / held, booking.kind.value)
        ledger.closed += [(lot, how) for lot in lots]
        return
    along_frac = Fraction(1) if not kept else booking.cost_along_frac if received else Fraction(0)
    left, coming = kept, received
    for place, lot in enumerate(lots, start=1):
        is_last = place == len(lots)
        stays = left if is_last else kept * lot.quantity / held
        comes = coming if is_last else received * lot.quantity / held
        left, coming = left - stays, coming - comes
        lot.income_usd += change.cash_usd * lot.quantity / held
        along = lot.cost_usd * along_frac.numerator / along_frac.denominator
        if comes and into is not None:
            new = replace(lot, symbol=into, quantity=comes, price_usd=along / comes)
            if kept:
                new = replace(new, costs_usd=ZERO, income_usd=ZERO)
            ledger.enter(new, _Exit(change.day, new.price_usd, booking.kind.value))
        if kept:
            price = (lot.cost_usd - along) / stays
            ledger.lots[change.owner, symbol].append(replace(lot, quantity=stays, price_usd=price))


def _put_in(ledger: _Ledger, change: Change, booking: Booking, symbol: str) -> None:
    held, shares = change.held[symbol], change.kept[symbol] - change.held[symbol]
    closing = min(abs(shares), abs(held)) if held * shares < 0 else ZERO
    opening = (abs(shares) - closing).copy_sign(shares)
    left = change.cash_usd + opening * booking.price_usd
    if closing:
        # what is taken out leaves at what the books say that it had cost on average: no profit is made by it
        price = left / closing.copy_sign(held)
        lot = Lot(change.owner, symbol, change.day, closing.copy_sign(shares), price)
        ledger.enter(lot, _Exit(change.day, price, booking.kind.value))
    if opening:
        lot = Lot(change.owner, symbol, change.day, opening, booking.price_usd)
        ledger.enter(lot, _Exit(change.day, booking.price_usd, booking.kind.value))
    if not closing and left:
        ledger.earn(change.owner, symbol, left, is_fee=False)


def _row(lot: Lot, how: _Exit, through: date) -> tuple[object, ...]:
    gained = in_micros((how.price - lot.price_usd) * lot.quantity)
    income, fees = in_micros(lot.income_usd), in_micros(lot.costs_usd)
    last = how.session or through
    held = max(len(sessions_between(lot.session, last)) - 1, 0)
    return (
        lot.strategy, lot.symbol, "long" if lot.quantity > 0 else "short", abs(lot.quantity).quantize(QUANTITY_QUANTUM),
        lot.session, lot.opened_at, how.session, how.at, held, in_micros(lot.price_usd), in_micros(how.price), gained,
        income, fees, gained + income - fees, how.why,
    )  # fmt: skip
