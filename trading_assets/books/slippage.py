"""Slippage against arrival: what orders paid beyond the price that their decision was sized with, one row per (order, strategy).

The arrival price is the close of the decision's session, the last price known when the intent was made, so the move over
the night is part of it: an order pays the market's move between decision and execution, and whatever its execution adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

import polars as pl

from trading_assets.books.attribution import Execution, fills_by_strategy
from trading_assets.books.bookings import ZERO, Booking, in_decimal
from trading_assets.books.holdings import DIGITS, Fill
from trading_assets.books.performance import SHARES, USD, in_micros

BPS = 10_000
SLIPPAGE_SCHEMA = pl.Schema(
    {
        "broker_order_id": pl.String(),
        "strategy": pl.String(),
        "session": pl.Date(),
        "executed_session": pl.Date(),
        "symbol": pl.String(),
        "side": pl.String(),
        "quantity": SHARES,
        "fill_price_usd": USD,
        "arrival_price_usd": USD,
        "arrival_value_usd": USD,
        "slippage_usd": USD,
        "slippage_bps": pl.Float64(),
    }
)


@dataclass(frozen=True)
class OrderFill:
    """An execution with the order that it belongs to; ``arrival_price_usd`` is that of the decision's session, None if unknown."""

    execution: Execution
    broker_order_id: str
    arrival_price_usd: Decimal | None


@dataclass
class _Sum:
    last: Fill
    quantity: Decimal = ZERO
    value: Decimal = ZERO
    arrival_value: Decimal = ZERO
    cost: Decimal = ZERO
    is_known: bool = True


def order_slippage(fills: Iterable[OrderFill], bookings: Sequence[Booking] = ()) -> pl.DataFrame:
    """Compare what each order paid with its arrival price.

    Parameters
    ----------
    fills
        Of the account, in any order.
    bookings
        An arrival price from before a split or spin-off is brought to the price scale of the execution.

    Returns
    -------
    pl.DataFrame
        Rows of ``SLIPPAGE_SCHEMA`` sorted by session, symbol, order and strategy: the part of an order's fills that each
        strategy wanted. ``slippage_usd`` is a cost: positive where a purchase paid more, or a sale brought in less, than
        the arrival price; ``slippage_bps`` is that over the arrival value, in hundredths of a percent. What refers to
        the arrival is null where its price is not known. Look-ahead: the executions.
    """
    sums: dict[tuple[str, str], _Sum] = {}
    with localcontext(prec=DIGITS):
        for item in sorted(fills, key=lambda one: one.execution.fill.executed_at):
            arrival = _in_scale(item, bookings)
            for strategy, parts in fills_by_strategy([item.execution], ()).items():
                for part in parts:
                    own = sums.setdefault((item.broker_order_id, strategy), _Sum(part))
                    _add(own, part, arrival)
        rows = [_row(*key, own) for key, own in sums.items()]
    return pl.DataFrame(rows, schema=SLIPPAGE_SCHEMA, orient="row").sort(
        "session", "symbol", "broker_order_id", "strategy"
    )


def slippage_totals(orders: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Add up the slippage of orders.

    Parameters
    ----------
    orders
        Rows of ``SLIPPAGE_SCHEMA``.
    by
        Columns to group by: ``session``, ``strategy``, ``symbol`` or ``side``.

    Returns
    -------
    pl.DataFrame
        Sorted by ``by``: ``orders``, ``measured_orders`` (of which the arrival price is known), ``arrival_value_usd``,
        ``slippage_usd`` and ``slippage_bps`` (over the arrival value, so that large orders count more) of these; null
        where none is known.
    """
    known = pl.col("arrival_value_usd").is_not_null()
    return (
        orders.group_by(by)
        .agg(
            orders=pl.col("broker_order_id").n_unique(),
            measured_orders=pl.col("broker_order_id").filter(known).n_unique(),
            arrival_value_usd=pl.when(known.any()).then(pl.col("arrival_value_usd").sum()),
            slippage_usd=pl.when(known.any()).then(pl.col("slippage_usd").sum()),
        )
        .with_columns(
            slippage_bps=pl.col("slippage_usd").cast(pl.Float64)
            / pl.col("arrival_value_usd").cast(pl.Float64)
            * BPS
        )
        .sort(by)
    )


def _in_scale(item: OrderFill, bookings: Iterable[Booking]) -> Decimal | None:
    fill, price = item.execution.fill, item.arrival_price_usd
    if price is None or price <= 0:
        return None
    for booking in bookings:
        is_between = fill.session < booking.day <= fill.executed_session
        if booking.symbol == fill.symbol and booking.price_ratio and is_between:
            price /= in_decimal(booking.price_ratio)
    return price


def _add(own: _Sum, part: Fill, arrival: Decimal | None) -> None:
    own.last = part
    own.quantity += part.quantity
    own.value += part.quantity * part.price_usd
    if arrival is None:
        own.is_known = False
        return
    own.arrival_value += part.quantity * arrival
    own.cost += part.signed_quantity * (part.price_usd - arrival)


def _row(order: str, strategy: str, own: _Sum) -> tuple[object, ...]:
    measured: tuple[object, ...] = (None, None, None, None)
    if own.is_known:
        measured = (
            in_micros(own.arrival_value / own.quantity),
            in_micros(own.arrival_value),
            in_micros(own.cost),
            float(own.cost / own.arrival_value * BPS),
        )
    last = own.last
    return (
        order, strategy, last.session, last.executed_session, last.symbol, last.side.value, own.quantity,
        in_micros(own.value / own.quantity), *measured,
    )  # fmt: skip
