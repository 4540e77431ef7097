"""Matching: the next execution of one order against one symbol's session. Pure: it looks, it changes nothing.

Executions depend only on the order and the bar, never on when somebody looked. An execution takes at most a
tenth of the session's volume; what remains may trade again an hour later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from trading_assets.simulator.broker.order_book import Order
from trading_assets.simulator.market.price_path import Direction, Touch, TradingDay, tick_usd

BETWEEN_PIECES = timedelta(hours=1)
SHARE_STEP = Decimal("0.000000001")
COLLAR_BELOW_50_FRAC = Decimal("0.04")
COLLAR_FRAC = Decimal("0.025")


@dataclass(frozen=True)
class Execution:
    """So many shares at one price and instant; ``triggered_at`` is set when a stop was hit before or now."""

    at: datetime
    price: Decimal
    shares: Decimal
    triggered_at: datetime | None = None


def next_execution(order: Order, day: TradingDay, *, closable_shares: Decimal) -> Execution | None:
    """Return the next execution of an order in a session, or None if it has none left.

    Parameters
    ----------
    order
        An open order.
    day
        The session of its symbol.
    closable_shares
        Upper bound for an order that closes a position: the shares of the position that no other order holds.
    """
    if not _may_trade(order, day):
        return None
    start = day.resumed(max(day.open_at, order.live_from))
    is_resting = order.last_fill_at is not None and order.last_fill_at >= day.open_at
    if is_resting and order.last_fill_at is not None:
        start = day.resumed(max(start, order.last_fill_at + BETWEEN_PIECES))
    if start >= day.close_at:
        return None
    if order.time_in_force == "cls":
        return _sized(order, day, _at_auction(order, Touch(day.close_at, day.close)), None, closable_shares)
    if order.time_in_force == "opg":
        return _sized(order, day, _at_auction(order, Touch(day.open_at, day.open)), None, closable_shares)
    touch, triggered_at = _first_touch(order, day, start, is_resting=is_resting)
    return _sized(order, day, touch, triggered_at, closable_shares)


def trigger(order: Order, day: TradingDay) -> Touch | None:
    """Return when a stop, stop-limit or trailing stop that was not hit yet is hit in the session."""
    start = max(day.open_at, order.live_from)
    if start >= day.close_at:
        return None
    direction: Direction = "down" if order.side == "sell" else "up"
    if order.type == "trailing_stop":
        trail = order.trail_price if order.trail_price is not None else order.trail_percent
        is_frac = order.trail_price is None
        amount = (trail or Decimal(0)) / 100 if is_frac else trail or Decimal(0)
        return day.trail_touch(
            amount, is_frac=is_frac, direction=direction, start=start, high_water=order.high_water
        )
    if order.stop_price is None:
        return None
    return day.first_touch(order.stop_price, direction, start)


def shares_for(notional_usd: Decimal, price: Decimal) -> Decimal:
    """Return the shares that an amount of money buys, rounded down to a billionth of a share."""
    return (notional_usd / price).quantize(SHARE_STEP, ROUND_DOWN)


def _may_trade(order: Order, day: TradingDay) -> bool:
    if not order.is_open or order.live_from >= day.close_at:
        return False
    if order.time_in_force not in {"opg", "cls"}:
        return True
    # An auction happens once: what it did not fill does not trade.
    is_early_enough = order.time_in_force == "cls" or order.live_from <= day.open_at
    return is_early_enough and not order.filled_shares


def _first_touch(
    order: Order, day: TradingDay, start: datetime, *, is_resting: bool
) -> tuple[Touch | None, datetime | None]:
    if order.type == "market":
        return Touch(start, day.price_at(start)), None
    if order.type == "limit":
        return _limit_touch(order, day, start, order.limit_price, is_resting=is_resting), None
    if order.triggered_at is None:
        return _stop_touch(order, day)
    # A triggered stop works on as a market order, a stop-limit (and a collared buy stop) as a limit order.
    limit = _limit_after_trigger(order)
    if limit is None:
        return Touch(start, day.price_at(start)), order.triggered_at
    return _limit_touch(order, day, start, limit, is_resting=is_resting), order.triggered_at


def _stop_touch(order: Order, day: TradingDay) -> tuple[Touch | None, datetime | None]:
    hit = trigger(order, day)
    if hit is None:
        return None, None
    limit = _limit_after_trigger(order)
    if limit is None or _is_within_limit(order, hit.price, limit):
        return hit, hit.at
    return _limit_touch(order, day, hit.at, limit, is_resting=True), hit.at


def _limit_touch(
    order: Order, day: TradingDay, start: datetime, limit: Decimal | None, *, is_resting: bool
) -> Touch | None:
    if limit is None:
        return None
    touch = day.first_touch(limit, "down" if order.side == "buy" else "up", start)
    if touch is not None and is_resting:
        # A resting order is filled at its limit: the market came to it.
        return Touch(touch.at, limit if day.low <= limit <= day.high else touch.price)
    return touch


def _limit_after_trigger(order: Order) -> Decimal | None:
    if order.type == "stop_limit":
        return order.limit_price
    if order.type == "stop" and order.side == "buy" and order.stop_price is not None:
        # Alpaca turns buy stops into stop-limits a little above the stop.
        frac = COLLAR_BELOW_50_FRAC if order.stop_price < 50 else COLLAR_FRAC
        limit = order.stop_price * (1 + frac)
        return limit.quantize(tick_usd(limit))
    return None


def _at_auction(order: Order, touch: Touch) -> Touch | None:
    if order.limit_price is not None and not _is_within_limit(order, touch.price, order.limit_price):
        return None
    return touch


def _is_within_limit(order: Order, price: Decimal, limit: Decimal) -> bool:
    return price <= limit if order.side == "buy" else price >= limit


def _sized(
    order: Order,
    day: TradingDay,
    touch: Touch | None,
    triggered_at: datetime | None,
    closable_shares: Decimal,
) -> Execution | None:
    if touch is None:
        return None
    target = order.target_shares
    if order.notional is not None and not order.filled_shares:
        target = shares_for(order.notional, touch.price)
    shares = min(target - order.filled_shares, day.piece_shares)
    if order.is_closing:
        shares = min(shares, closable_shares)
    if shares <= 0:
        return None
    return Execution(touch.at, touch.price, shares, triggered_at)
