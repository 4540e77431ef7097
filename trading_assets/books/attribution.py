"""Attribution: the account's fills shared out to the strategies that wanted them; books of each one that add up to its own.

An order is the sum of what several strategies wanted of a symbol. What they wanted in opposite directions never reaches
the broker: it changes hands between them at the close that decided. What is executed belongs to those that wanted its
direction, in proportion to what they wanted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from trading_assets.books.bookings import ZERO, Booking
from trading_assets.books.holdings import UNATTRIBUTED, Books, Fill
from trading_assets.books.keeping import books_by_owner
from trading_assets.books.performance import USD, in_micros, value_books
from trading_assets.errors import DataQualityError
from trading_assets.orders import ActivityId, Side
from trading_assets.portfolio.netting import in_proportion

CRUMBS = Decimal("0.000001")
ATTRIBUTION_SCHEMA = pl.Schema(
    {
        "strategy": pl.String(),
        "positions": pl.Int32(),
        "cash_usd": USD,
        "market_value_usd": USD,
        "realised_pnl_usd": USD,
        "unrealised_pnl_usd": USD,
        "pnl_usd": USD,
    }
)


@dataclass(frozen=True)
class Execution:
    """One fill of the account, and the change in shares that each strategy wanted when its order was planned."""

    fill: Fill
    wanted_by: Mapping[str, Decimal]


@dataclass(frozen=True)
class Crossing:
    """What the strategies were to change in one symbol at a decision, and the close that decided.

    The part in which they go against each other changes hands between them; the rest is the account's order.
    """

    session: date
    executed_session: date
    decided_at: datetime
    symbol: str
    price_usd: Decimal
    changes: Mapping[str, Decimal]


def fills_by_strategy(
    executions: Iterable[Execution], crossings: Iterable[Crossing]
) -> dict[str, list[Fill]]:
    """Share executions and crossings out; of each symbol, the strategies' shares and cash add up to the account's."""
    found: defaultdict[str, list[Fill]] = defaultdict(list)
    for execution in executions:
        for strategy, quantity in _shared(execution).items():
            if quantity:
                name = ActivityId(f"{execution.fill.activity_id}/{strategy}")
                found[strategy].append(replace(execution.fill, quantity=quantity, activity_id=name))
    for crossing in crossings:
        for strategy, change in crossed(crossing.changes).items():
            if change and crossing.price_usd > 0:
                found[strategy].append(_as_fill(crossing, strategy, change))
    return dict(found)


def strategy_books(
    executions: Iterable[Execution],
    crossings: Iterable[Crossing],
    *,
    bookings: Sequence[Booking] = (),
    through: date,
) -> dict[str, Books]:
    """Return the books of each strategy: its shares, and its cash counted from zero.

    Parameters
    ----------
    executions, crossings
        Of the account, in any order.
    bookings
        What else changed the account; see `books_by_owner`.
    through
        Session up to which executions and bookings count.
    """
    books = books_by_owner(fills_by_strategy(executions, crossings), bookings=bookings, through=through)
    return dict(sorted(books.items()))


def shares_by_strategy(
    books: Mapping[str, Books], account: Mapping[str, Decimal]
) -> dict[str, dict[str, Decimal]]:
    """Return each strategy's shares by symbol; what rounding at splits left over is the largest holder's.

    Parameters
    ----------
    books
        Of the strategies.
    account
        Shares of the account by symbol.

    Raises
    ------
    DataQualityError
        If more than crumbs are missing: then the strategies' shares are not the account's.
    """
    shares = {strategy: dict(own.quantities) for strategy, own in books.items()}
    for symbol in sorted({*account, *(symbol for own in shares.values() for symbol in own)}):
        holders = {strategy: own[symbol] for strategy, own in shares.items() if symbol in own}
        missing = account.get(symbol, ZERO) - sum(holders.values(), ZERO)
        if not missing:
            continue
        if abs(missing) > CRUMBS or not holders:
            raise DataQualityError(
                "The strategies' shares do not add up to the account's: compare order_intents.wanted_by with the fills",
                symbol=symbol,
                missing=missing,
            )
        largest = min(holders, key=lambda name: (-abs(holders[name]), name))
        shares[largest][symbol] += missing
        if not shares[largest][symbol]:
            del shares[largest][symbol]
    return shares


def attribution(books: Mapping[str, Books], marks: Mapping[str, Decimal]) -> pl.DataFrame:
    """Value the books of the strategies.

    Returns
    -------
    pl.DataFrame
        Rows of ``ATTRIBUTION_SCHEMA`` sorted by strategy, in USD. ``cash_usd`` is what its executions brought in less
        what they cost, ``pnl_usd`` that plus its market value; over all strategies it adds up to the account's equity
        minus its opening cash and what was put in since. Look-ahead: the session's close.

    Raises
    ------
    DataQualityError
        If a symbol that is held has no mark.
    """
    rows = []
    for strategy, own in sorted(books.items()):
        value = value_books(own, marks)
        rows.append(
            {
                "strategy": strategy,
                "positions": len(own.quantities),
                "cash_usd": in_micros(own.cash_usd),
                "market_value_usd": in_micros(value.market_value_usd),
                "realised_pnl_usd": in_micros(own.realised_pnl_usd),
                "unrealised_pnl_usd": in_micros(value.unrealised_pnl_usd),
                "pnl_usd": in_micros(value.equity_usd),
            }
        )
    return pl.DataFrame(rows, schema=ATTRIBUTION_SCHEMA)


def _shared(execution: Execution) -> dict[str, Decimal]:
    fill = execution.fill
    wanted = {
        strategy: abs(change)
        for strategy, change in execution.wanted_by.items()
        if change and (change > 0) == (fill.signed_quantity > 0)
    }
    return in_proportion(fill.quantity, wanted) or {UNATTRIBUTED: fill.quantity}


def crossed(changes: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return what changes hands between strategies whose shares of a symbol are to change in opposite directions."""
    bought = {name: change for name, change in changes.items() if change > 0}
    sold = {name: -change for name, change in changes.items() if change < 0}
    amount = min(sum(bought.values(), ZERO), sum(sold.values(), ZERO))
    if not amount:
        return {}
    return in_proportion(amount, bought) | {
        name: -quantity for name, quantity in in_proportion(amount, sold).items()
    }


def _as_fill(crossing: Crossing, strategy: str, change: Decimal) -> Fill:
    return Fill(
        symbol=crossing.symbol,
        side=Side.BUY if change > 0 else Side.SELL,
        quantity=abs(change),
        price_usd=crossing.price_usd,
        session=crossing.session,
        executed_session=crossing.executed_session,
        executed_at=crossing.decided_at,
        activity_id=ActivityId(f"crossing/{crossing.session}/{crossing.symbol}/{strategy}"),
    )
