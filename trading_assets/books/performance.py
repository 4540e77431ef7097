"""Performance and positions: rows of portfolio_performance and positions per session, from fills, splits and closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from trading_assets.books.holdings import PRICE_QUANTUM, ZERO, Books, Fill, Split, books_by_session
from trading_assets.errors import DataQualityError

USD = pl.Decimal(20, 6)
SHARES = pl.Decimal(20, 9)

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
    closes: pl.DataFrame, sessions: Sequence[date], splits: Sequence[Split] = ()
) -> Iterator[tuple[date, dict[str, Decimal]]]:
    """Yield the last close of each symbol up to each session, in USD per share.

    Parameters
    ----------
    closes
        Columns ``symbol, session, close``: raw accepted closes, from before the first session too.
    sessions
        Ascending.
    splits
        A close from before a split is brought to the price scale after it.
    """
    rows = closes.select("session", "symbol", "close").sort("session").rows()
    changes = sorted(splits, key=lambda split: split.ex_date)
    last: dict[str, tuple[date, Decimal]] = {}
    at = 0
    for session in sessions:
        while at < len(rows) and rows[at][0] <= session:
            day, symbol, close = rows[at]
            last[symbol] = (day, Decimal(repr(float(close))))
            at += 1
        for split in changes:
            if split.symbol in last and last[split.symbol][0] < split.ex_date <= session:
                price = last[split.symbol][1] / Decimal(repr(split.ratio))
                last[split.symbol] = (split.ex_date, price)
        yield session, {symbol: price.quantize(PRICE_QUANTUM) for symbol, (_, price) in last.items()}


def portfolio_performance(
    fills: Sequence[Fill],
    closes: pl.DataFrame,
    opening_cash_usd: Decimal,
    sessions: Sequence[date],
    *,
    splits: Sequence[Split] = (),
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
    splits
        Known splits.

    Returns
    -------
    pl.DataFrame
        Rows of ``PERFORMANCE_SCHEMA``. ``return_frac`` is against the session before, for the first against the opening
        cash; ``drawdown_frac`` is equity over its highest value so far (opening cash included) minus 1;
        ``turnover_frac`` is half of the traded notional over the equity of the session before. Look-ahead: the
        session's close.

    Raises
    ------
    DataQualityError
        If a symbol is held before it has any close.
    """
    rows = []
    previous = highest = opening_cash_usd
    traded = _traded(fills)
    for (session, books), (_, marks) in zip(
        books_by_session(fills, opening_cash_usd, sessions, splits=splits),
        marks_by_session(closes, sessions, splits),
        strict=True,
    ):
        value = value_books(books, marks)
        equity = value.equity_usd
        highest = max(highest, equity)
        rows.append(
            {
                "session": session,
                "equity_usd": in_micros(equity),
                "cash_usd": in_micros(books.cash_usd),
                "market_value_usd": in_micros(value.market_value_usd),
                "return_frac": _ratio(equity - previous, previous),
                "cumulative_return_frac": _ratio(equity - opening_cash_usd, opening_cash_usd) or 0.0,
                "drawdown_frac": _ratio(equity - highest, highest) or 0.0,
                "realised_pnl_usd": in_micros(books.realised_pnl_usd),
                "unrealised_pnl_usd": in_micros(value.unrealised_pnl_usd),
                "turnover_frac": _ratio(traded.get(session, ZERO) / 2, previous) or 0.0,
            }
        )
        previous = equity
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
