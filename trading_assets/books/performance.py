"""Performance and positions: rows of portfolio_performance and positions per session, from fills, bookings and closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import polars as pl

from trading_assets.books.bookings import ZERO, Booking, BookingKind, in_decimal
from trading_assets.books.holdings import PRICE_QUANTUM, Books, Fill
from trading_assets.books.keeping import books_by_session
from trading_assets.features.seams import SILENCE

USD = pl.Decimal(20, 6)
SHARES = pl.Decimal(20, 9)
_ONE = Decimal(1)

PERFORMANCE_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "equity_usd": USD,
        "cash_usd": USD,
        "market_value_usd": USD,
        "return_frac": pl.Float64(),
        "cumulative_return_frac": pl.Float64(),
        "drawdown_frac": pl.Float64(),
        "realised_pnl_usd": USD,
        "unrealised_pnl_usd": USD,
        "turnover_frac": pl.Float64(),
        "income_usd": USD,
        "transferred_usd": USD,
    }
)
POSITION_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "quantity": SHARES,
        "average_cost_usd": USD,
        "mark_price_usd": USD,
        "market_value_usd": USD,
        "unrealised_pnl_usd": USD,
        "realised_pnl_usd": USD,
    }
)


@dataclass(frozen=True)
class Valuation:
    """Books valued at prices."""

    cash_usd: Decimal
    market_value_usd: Decimal
    unrealised_pnl_usd: Decimal

    @property
    def equity_usd(self) -> Decimal:
        """Cash plus market value."""
        return self.cash_usd + self.market_value_usd


def value_books(books: Books, marks: Mapping[str, Decimal]) -> Valuation:
    """Value books at ``marks`` (USD per share); what has none is worth nothing."""
    market = unrealised = ZERO
    for symbol, held in books.holdings.items():
        if held.quantity:
            value = held.quantity * _mark(symbol, marks)
            market += value
            unrealised += value - held.cost_usd
    return Valuation(books.cash_usd, market, unrealised)


def positions(books: Books, marks: Mapping[str, Decimal]) -> pl.DataFrame:
    """List what is held.

    Returns
    -------
    pl.DataFrame
        Rows of ``POSITION_SCHEMA`` sorted by symbol, without symbols that are flat.
    """
    rows = []
    for symbol, held in sorted(books.holdings.items()):
        if held.quantity:
            mark = _mark(symbol, marks)
            value = held.quantity * mark
            rows.append(
                {
                    "symbol": symbol,
                    "quantity": held.quantity,
                    "average_cost_usd": held.average_cost_usd,
                    "mark_price_usd": mark,
                    "market_value_usd": in_micros(value),
                    "unrealised_pnl_usd": in_micros(value - held.cost_usd),
                    "realised_pnl_usd": in_micros(held.realised_pnl_usd),
                }
            )
    return pl.DataFrame(rows, schema=POSITION_SCHEMA)


def marks_by_session(
    closes: pl.DataFrame, sessions: Sequence[date], bookings: Sequence[Booking] = ()
) -> Iterator[tuple[date, dict[str, Decimal]]]:
    """Yield the last close of each symbol up to each session, in USD per share.

    Parameters
    ----------
    closes
        Columns ``symbol, session, close``: raw accepted closes, from before the first session too.
    sessions
        Ascending.
    bookings
        A close from before a split or spin-off is brought to the price scale after it. A symbol that was received for
        another one is worth what that implies, until it has a close of its own.
    """
    rows = closes.select("session", "symbol", "close").sort("session").rows()
    changes = sorted(
        (booking for booking in bookings if booking.price_ratio or booking.into is not None),
        key=lambda booking: (booking.day, booking.sequence, booking.booking_id),
    )
    last: dict[str, tuple[date, Decimal]] = {}
    at = started = 0
    for session in sessions:
        first = started
        while started < len(changes) and changes[started].day <= session:
            started += 1
        while at < len(rows) and rows[at][0] <= session:
            day, symbol, close = rows[at]
            last[symbol] = (day, Decimal(repr(float(close))))
            at += 1
        for change in changes[first:started]:
            _carry_over(change, last)
        yield session, {symbol: price.quantize(PRICE_QUANTUM) for symbol, (_, price) in last.items()}


def _carry_over(change: Booking, last: dict[str, tuple[date, Decimal]]) -> None:
    if change.symbol not in last or last[change.symbol][0] >= change.day:
        return
    price = Fraction(last[change.symbol][1])
    known = last.get(change.into or "")
    is_unknown = known is None or change.day - known[0] > SILENCE  # then it is an earlier company's
    if change.into is not None and is_unknown and change.into_shares:
        worth = price if change.kind is BookingKind.SYMBOL_CHANGE else price * change.cost_along_frac
        last[change.into] = (change.day, in_decimal(worth / change.into_shares))
    if change.price_ratio:
        last[change.symbol] = (change.day, in_decimal(price / change.price_ratio))


def portfolio_performance(
    fills: Sequence[Fill],
    closes: pl.DataFrame,
    opening_cash_usd: Decimal,
    sessions: Sequence[date],
    *,
    bookings: Sequence[Booking] = (),
) -> pl.DataFrame:
    """Value the books at the close of each session.

    Parameters
    ----------
    fills
        All fills of the account since it was opened; a session's row counts those executed up to it.
    closes
        Columns ``symbol, session, close``: raw accepted closes of every symbol that was ever held. A symbol without bar
        in a session keeps its last close, brought to the new price scale when it split since.
    opening_cash_usd
        Cash before the first fill.
    sessions
        Sessions to report, ascending and without gaps from the account's first.
    bookings
        What changed the account besides its fills.

    Returns
    -------
    pl.DataFrame
        Rows of ``PERFORMANCE_SCHEMA``. ``return_frac`` is against the session before, for the first against the opening
        cash, and time-weighted: what was put in or taken out since is no return. ``cumulative_return_frac`` chains the
        returns; ``drawdown_frac`` is that growth over its highest value so far (1 at the opening) minus 1;
        ``turnover_frac`` is half of the traded notional over the equity of the session before. Look-ahead: the
        session's close.
    """
    rows = []
    previous, growth, highest = opening_cash_usd, _ONE, _ONE
    before: date | None = None
    traded = _traded(fills)
    flows = [booking for booking in bookings if booking.kind.is_transfer]
    for (session, books), (_, marks) in zip(
        books_by_session(fills, opening_cash_usd, sessions, bookings=bookings),
        marks_by_session(closes, sessions, bookings),
        strict=True,
    ):
        value = value_books(books, marks)
        equity = value.equity_usd
        put_in = _put_in(flows, marks, before, session)
        growth = growth * (equity - put_in) / previous if previous > 0 else growth
        highest = max(highest, growth)
        rows.append(
            {
                "session": session,
                "equity_usd": in_micros(equity),
                "cash_usd": in_micros(books.cash_usd),
                "market_value_usd": in_micros(value.market_value_usd),
                "return_frac": _ratio(equity - put_in - previous, previous),
                "cumulative_return_frac": float(growth - 1),
                "drawdown_frac": _ratio(growth - highest, highest) or 0.0,
                "realised_pnl_usd": in_micros(books.realised_pnl_usd),
                "unrealised_pnl_usd": in_micros(value.unrealised_pnl_usd),
                "turnover_frac": _ratio(traded.get(session, ZERO) / 2, previous) or 0.0,
                "income_usd": in_micros(books.income_usd),
                "transferred_usd": in_micros(books.transferred_usd),
            }
        )
        previous, before = equity, session
    return pl.DataFrame(rows, schema=PERFORMANCE_SCHEMA)


def _put_in(
    flows: Iterable[Booking], marks: Mapping[str, Decimal], after: date | None, session: date
) -> Decimal:
    """Return what was put in since the session ``after``, shares at what they are worth at the close."""
    return sum(
        (
            booking.cash_usd + booking.shares * _mark(str(booking.symbol), marks)
            for booking in flows
            if booking.day <= session and (after is None or booking.day > after)
        ),
        ZERO,
    )


def _traded(fills: Iterable[Fill]) -> dict[date, Decimal]:
    notional: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        notional[fill.executed_session] += fill.quantity * fill.price_usd
    return notional


def _mark(symbol: str, marks: Mapping[str, Decimal]) -> Decimal:
    # what never had a price, such as a right that a merger brought, is worth nothing until it has one: a finding says so
    return marks.get(symbol, ZERO)


def _ratio(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole > 0 else None


def in_micros(value: Decimal) -> Decimal:
    """Round an amount to a millionth of a dollar, as the tables store it."""
    return value.quantize(PRICE_QUANTUM)
