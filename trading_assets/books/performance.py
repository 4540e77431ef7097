"""Performance and positions: rows of portfolio_performance and positions per session, from fills, bookings and closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import polars as pl

from trading_assets.books.bookings import ZERO, Booking, BookingKind
from trading_assets.books.holdings import PRICE_QUANTUM, Books, Fill
from trading_assets.books.keeping import books_by_session
from trading_assets.errors import DataQualityError

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
    """Value books at ``marks`` (USD per share, one for each symbol held).

    Raises
    ------
    DataQualityError
        If a symbol that is held has no mark.
    """
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

    Raises
    ------
    DataQualityError
        If a symbol that is held has no mark.
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
    changes = sorted(bookings, key=lambda booking: (booking.day, booking.booking_id))
    last: dict[str, tuple[date, Decimal]] = {}
    at = started = 0
    for session in sessions:
        while started < len(changes) and changes[started].day <= session:
            started += 1
        while at < len(rows) and rows[at][0] <= session:
            day, symbol, close = rows[at]
            last[symbol] = (day, Decimal(repr(float(close))))
            at += 1
        for change in changes[:started]:
            _carry_over(change, last)
        yield session, {symbol: price.quantize(PRICE_QUANTUM) for symbol, (_, price) in last.items()}


def _carry_over(change: Booking, last: dict[str, tuple[date, Decimal]]) -> None:
    if change.symbol not in last or last[change.symbol][0] >= change.day:
        return
    price = Fraction(last[change.symbol][1])
    if change.into is not None and change.into not in last and change.into_shares:
        worth = price if change.kind is BookingKind.SYMBOL_CHANGE else price * change.cost_along_frac
        last[change.into] = (change.day, _as_price(worth / change.into_shares))
    if change.price_ratio:
        last[change.symbol] = (change.day, _as_price(price / change.price_ratio))


def _as_price(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


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

    Raises
    ------
    DataQualityError
        If a symbol is held before it has any close.
    """
    rows = []
    previous, transferred, growth, highest = opening_cash_usd, ZERO, _ONE, _ONE
    traded = _traded(fills)
    for (session, books), (_, marks) in zip(
        books_by_session(fills, opening_cash_usd, sessions, bookings=bookings),
        marks_by_session(closes, sessions, bookings),
        strict=True,
    ):
        value = value_books(books, marks)
        equity, put_in = value.equity_usd, books.transferred_usd - transferred
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
        previous, transferred = equity, books.transferred_usd
    return pl.DataFrame(rows, schema=PERFORMANCE_SCHEMA)


def _traded(fills: Iterable[Fill]) -> dict[date, Decimal]:
    notional: dict[date, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        notional[fill.executed_session] += fill.quantity * fill.price_usd
    return notional


def _mark(symbol: str, marks: Mapping[str, Decimal]) -> Decimal:
    if symbol not in marks:
        raise DataQualityError("A held symbol has no close to value it", symbol=symbol)
    return marks[symbol]


def _ratio(part: Decimal, whole: Decimal) -> float | None:
    return float(part / whole) if whole > 0 else None


def in_micros(value: Decimal) -> Decimal:
    """Round an amount to a millionth of a dollar, as the tables store it."""
    return value.quantize(PRICE_QUANTUM)
