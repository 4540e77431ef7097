"""Spin-offs, ticker changes and ends of listings of held symbols, booked at the ex-date's open.

A spin-off brings shares of the new company and takes its part of the cost basis along. A new ticker takes over the
position as it is. A merger pays cash, shares of the acquirer, or both; a worthless removal pays nothing. Who held whole
shares receives whole shares, and cash for the fraction. Orders in a symbol that ends are canceled; orders that were working
before a spin-off get their prices reduced.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from trading_assets.simulator.broker.account import Account, whole_stays_whole
from trading_assets.simulator.broker.format import number
from trading_assets.simulator.broker.order_book import Order, OrderBook, Status
from trading_assets.simulator.broker.quotes import Entitlement, Opening, Window
from trading_assets.simulator.market.price_path import tick_usd

_CENT = Decimal("0.01")


class Change(NamedTuple):
    """What an event changed in one symbol: the activity to record, and the orders that are different now."""

    symbol: str
    activity: dict[str, object] | None
    orders: list[Order]


def reorganise(
    entitlement: Entitlement, account: Account, book: OrderBook, opening: Opening
) -> Iterator[Change]:
    """Book one event; yields a change for each symbol that it touches."""
    if entitlement.kind == "spin_off":
        yield from _spin_off(entitlement, account, book, opening)
    elif entitlement.kind in {"symbol_change", "delisting"}:
        canceled = book.of(entitlement.symbol)
        for order in canceled:
            order.finish(Status.CANCELED, opening.hours.open_at)
        yield Change(entitlement.symbol, None, canceled)
        if entitlement.symbol in account.positions:
            if entitlement.kind == "symbol_change":
                yield from _new_ticker(entitlement, account, opening.hours)
            else:
                yield from _end_of_listing(entitlement, account, opening)


def cash_in_lieu(
    symbol: str, fraction: Decimal, price: Decimal | None, account: Account, hours: Window
) -> dict[str, object]:
    """Pay a fraction of a share in cash and return the activity; nothing is paid for what has no price."""
    paid = (fraction * (price or Decimal(0))).quantize(_CENT)
    account.cash_usd += paid
    text = f"cash in lieu of {number(fraction)} shares of {symbol}"
    return _activity("CIL", symbol, fraction, hours, text, paid=paid)


def _spin_off(
    entitlement: Entitlement, account: Account, book: OrderBook, opening: Opening
) -> Iterator[Change]:
    hours, previous = opening.hours, opening.previous
    symbol, child = entitlement.symbol, str(entitlement.new_symbol)
    kept = entitlement.price_factor or Decimal(1)
    changed = [order for order in book.of(symbol) if order.live_from < previous.close_at]
    for order in changed:
        _reduce(order, kept)
    yield Change(symbol, None, changed)
    position = account.positions.get(symbol)
    if position is None or entitlement.share_ratio is None:
        return
    cost = position.average_price * (1 - kept) / entitlement.share_ratio
    position.average_price *= kept
    shares, fraction = whole_stays_whole(position.shares, position.shares * entitlement.share_ratio)
    received = account.put_in(child, shares, cost)
    text = f"{number(entitlement.share_ratio)} shares of {child} for each share of {symbol}"
    if received:
        yield Change(child, _activity("SPIN", child, received, hours, text), [])
    if fraction:
        yield Change(child, cash_in_lieu(child, fraction, opening.price(child), account, hours), [])


def _new_ticker(entitlement: Entitlement, account: Account, hours: Window) -> Iterator[Change]:
    old, new = entitlement.symbol, str(entitlement.new_symbol)
    position = account.take_out(old)
    account.put_in(new, position.shares, position.average_price)
    text = f"{old} trades as {new}"
    yield Change(old, _activity("NC", old, -position.shares, hours, text), [])
    yield Change(new, _activity("NC", new, position.shares, hours, text), [])


def _end_of_listing(entitlement: Entitlement, account: Account, opening: Opening) -> Iterator[Change]:
    hours = opening.hours
    symbol, acquirer = entitlement.symbol, entitlement.new_symbol
    cash = entitlement.cash_usd or Decimal(0)
    is_merger = bool(cash or acquirer)
    position = account.take_out(symbol)
    paid = (position.shares * cash).quantize(_CENT)
    account.cash_usd += paid
    text = f"{symbol} was acquired" if is_merger else f"{symbol} was removed as worthless"
    kind = "MA" if is_merger else "REORG"
    yield Change(symbol, _activity(kind, symbol, -position.shares, hours, text, paid=paid), [])
    if acquirer and entitlement.share_ratio is not None:
        left = max(position.average_price - cash, Decimal(0)) / entitlement.share_ratio
        shares, fraction = whole_stays_whole(position.shares, position.shares * entitlement.share_ratio)
        received = account.put_in(acquirer, shares, left)
        if received:
            yield Change(acquirer, _activity(kind, acquirer, received, hours, text), [])
        if fraction:
            yield Change(
                acquirer, cash_in_lieu(acquirer, fraction, opening.price(acquirer), account, hours), []
            )


def _reduce(order: Order, kept: Decimal) -> None:
    for name in ("limit_price", "stop_price", "trail_price", "high_water"):
        price: Decimal | None = getattr(order, name)
        if price is not None:
            reduced = price * kept
            setattr(order, name, reduced.quantize(tick_usd(reduced)))


def _activity(
    kind: str, symbol: str, shares: Decimal, hours: Window, text: str, *, paid: Decimal = Decimal(0)
) -> dict[str, object]:
    return {
        "activity_type": kind,
        "date": hours.session.isoformat(),
        "net_amount": number(paid),
        "symbol": symbol,
        "qty": number(shares),
        "price": None,
        "per_share_amount": None,
        "description": text,
        "status": "executed",
    }
