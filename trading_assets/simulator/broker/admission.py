"""Admission: whether the account may place an order now, and what the order holds back while it is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.broker.account import (
    SHORT_HOLD_FACTOR,
    SHORT_MINIMUM_EQUITY_USD,
    Account,
    Balances,
    balances,
)
from trading_assets.simulator.broker.matching import shares_for
from trading_assets.simulator.broker.order_book import Order, OrderBook
from trading_assets.simulator.broker.order_entry import OrderRequest
from trading_assets.simulator.broker.quotes import Quotes, window_after, window_before
from trading_assets.simulator.broker.refusals import (
    Refused,
    forbidden,
    insufficient_buying_power,
    insufficient_qty,
    unprocessable,
)
from trading_assets.simulator.market.protocol import Instrument

MINIMUM_ORDER_USD = Decimal(1)
AUCTION_ORDERS_REOPEN = time(19, 0)
OPENING_AUCTION_CUTOFF = timedelta(minutes=2)
CLOSING_AUCTION_CUTOFF = timedelta(minutes=10)
GOOD_TILL_CANCELED = timedelta(days=90)


@dataclass(frozen=True)
class Desk:
    """Everything the broker looks at before it accepts an order."""

    account: Account
    book: OrderBook
    quotes: Quotes
    marks: Mapping[str, Decimal]
    may_short: bool
    is_suspended: bool
    at: datetime


@dataclass(frozen=True)
class Admission:
    """The terms of an accepted order."""

    instrument: Instrument
    position_intent: str
    target_shares: Decimal
    hold_usd: Decimal
    expires_at: datetime


def admit(request: OrderRequest, desk: Desk, *, replacing: Order | None = None) -> Admission:
    """Accept an order or raise Refused.

    Parameters
    ----------
    request
        A well-formed order.
    desk
        State of the account at the instant of the order.
    replacing
        The open order whose place it takes; what that one holds is free.
    """
    if desk.is_suspended:
        raise forbidden("trading is suspended by user")
    instrument = _instrument(request, desk)
    _check_hours(request, desk.at)
    price = desk.quotes.price(instrument.symbol, desk.at) or request.limit_price or request.stop_price
    if price is None:
        raise unprocessable(f'asset "{instrument.symbol}" has no trade price yet')
    shares = request.qty if request.qty is not None else shares_for(request.notional or Decimal(0), price)
    held = desk.account.shares(instrument.symbol)
    is_closing = held > 0 if request.side == "sell" else held < 0
    _check_fraction(request, instrument, price * shares, shares == abs(held) and is_closing)
    _check_wash_trade(request, desk, instrument.symbol, replacing)
    hold_usd = Decimal(0)
    if is_closing:
        promised = desk.book.held_shares(instrument.symbol, but=replacing.id if replacing else None)
        if shares > abs(held) - promised:
            raise insufficient_qty(
                symbol=instrument.symbol, requested=shares, existing=abs(held), held=promised
            )
    else:
        hold_usd = _hold_usd(request, price)
        _check_opening(request, desk, instrument, cost_usd=shares * hold_usd, replacing=replacing)
    return Admission(
        instrument=instrument,
        position_intent=f"{request.side}_to_{'close' if is_closing else 'open'}",
        target_shares=shares,
        hold_usd=hold_usd,
        expires_at=_expires_at(request.time_in_force, desk.at),
    )


def desk_balances(desk: Desk, *, but: str | None = None) -> Balances:
    """Value the account at the desk's marks, without what the order ``but`` holds."""
    return balances(desk.account, desk.marks, desk.book.held_usd(but=but))


def _instrument(request: OrderRequest, desk: Desk) -> Instrument:
    instrument = desk.quotes.instrument(request.symbol)
    today = desk.at.astimezone(NEW_YORK).date()
    if instrument is None or instrument.listed > today:
        raise unprocessable(f'asset "{request.symbol}" not found')
    if instrument.delisted is not None and instrument.delisted < today:
        raise unprocessable(f'asset "{instrument.symbol}" is not active')
    return instrument


def _check_hours(request: OrderRequest, at: datetime) -> None:
    hours = window_after(at)
    if request.time_in_force in {"ioc", "fok"} and at < hours.open_at:
        raise unprocessable(f"{request.time_in_force} orders are only accepted during market hours")
    if request.time_in_force not in {"opg", "cls"}:
        return
    last = window_before(at)
    is_evening = _local_date(last.close_at) == _local_date(at) and _local_time(at) < AUCTION_ORDERS_REOPEN
    if request.time_in_force == "opg":
        is_late = hours.open_at - OPENING_AUCTION_CUTOFF <= at
    else:
        is_late = hours.close_at - CLOSING_AUCTION_CUTOFF <= at
    if is_evening or is_late:
        raise unprocessable(f"{request.time_in_force} orders are not accepted at this time")


def _check_fraction(
    request: OrderRequest, instrument: Instrument, cost_usd: Decimal, closes_all: bool
) -> None:
    if not request.is_fractional:
        return
    if not instrument.is_fractionable and not closes_all:
        raise forbidden(f'asset "{instrument.symbol}" is not fractionable')
    least = request.notional if request.notional is not None else cost_usd
    if request.side == "buy" and least < MINIMUM_ORDER_USD:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def _check_wash_trade(request: OrderRequest, desk: Desk, symbol: str, replacing: Order | None) -> None:
    for other in desk.book.of(symbol):
        if other.side == request.side or other is replacing:
            continue
        reason = "opposite side market/stop order exists"
        if request.limit_price is not None and other.limit_price is not None:
            bid, ask = request.limit_price, other.limit_price
            if request.side == "sell":
                bid, ask = ask, bid
            if bid < ask:
                continue
            reason = "opposite side limit order exists"
        raise forbidden(
            "potential wash trade detected. use complex orders",
            {"existing_order_id": other.id, "reject_reason": reason},
        )


def _hold_usd(request: OrderRequest, price: Decimal) -> Decimal:
    if request.side == "sell":
        return max(request.limit_price or Decimal(0), price * SHORT_HOLD_FACTOR)
    return request.limit_price or request.stop_price or price


def _check_opening(
    request: OrderRequest,
    desk: Desk,
    instrument: Instrument,
    *,
    cost_usd: Decimal,
    replacing: Order | None,
) -> None:
    values = desk_balances(desk, but=replacing.id if replacing else None)
    if request.side == "sell":
        _check_short(request, desk, instrument, values)
    if cost_usd > values.buying_power:
        raise insufficient_buying_power(buying_power_usd=values.buying_power, cost_usd=cost_usd)


def _check_short(request: OrderRequest, desk: Desk, instrument: Instrument, values: Balances) -> None:
    refusal: Refused | None = None
    if request.is_fractional:
        refusal = forbidden("fractional orders cannot be sold short")
    elif not (instrument.is_shortable and instrument.is_easy_to_borrow):
        refusal = forbidden(f'asset "{instrument.symbol}" cannot be sold short')
    elif not desk.may_short or values.equity < SHORT_MINIMUM_EQUITY_USD:
        refusal = forbidden("account is not allowed to short")
    if refusal is not None:
        raise refusal


def _expires_at(time_in_force: str, at: datetime) -> datetime:
    if time_in_force == "gtc":
        return window_before(at + GOOD_TILL_CANCELED).close_at
    hours = window_after(at)
    return hours.open_at if time_in_force == "opg" else hours.close_at


def _local_time(at: datetime) -> time:
    return at.astimezone(NEW_YORK).time()


def _local_date(at: datetime) -> object:
    return at.astimezone(NEW_YORK).date()
