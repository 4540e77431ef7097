"""Replacement: an open order and the changes asked for become the request of the order that takes its place."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading_assets.simulator.broker.order_book import Order
from trading_assets.simulator.broker.order_entry import (
    TIMES_IN_FORCE,
    OrderRequest,
    amount,
    check_request,
    client_order_id,
)
from trading_assets.simulator.broker.refusals import MALFORMED, Refused, bad_parameter, unprocessable

_CHANGES = ("qty", "time_in_force", "limit_price", "stop_price", "trail", "client_order_id")


def replacement_request(order: Order, body: object) -> OrderRequest:
    """Return the new order; without a new ``qty`` it is for what the old one has left. Raises Refused."""
    if not isinstance(body, Mapping):
        raise Refused(400, MALFORMED, "request body format is invalid")
    if not any(body.get(name) for name in _CHANGES):
        raise bad_parameter(
            "at least one of qty, time_in_force, limit_price, stop_price or trail is required"
        )
    if order.notional is not None:
        raise unprocessable("notional orders cannot be replaced")
    time_in_force = body.get("time_in_force") or order.time_in_force
    if time_in_force not in TIMES_IN_FORCE:
        raise bad_parameter(f"invalid time_in_force: {time_in_force}")
    trail = amount(body, "trail")
    request = OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        time_in_force=str(time_in_force),
        qty=amount(body, "qty") or order.remaining_shares,
        notional=None,
        limit_price=amount(body, "limit_price") or order.limit_price,
        stop_price=amount(body, "stop_price") or order.stop_price,
        trail_price=_trail(order.trail_price, trail),
        trail_percent=_trail(order.trail_percent, trail),
        extended_hours=order.extended_hours,
        client_order_id=client_order_id(body),
    )
    check_request(request)
    return request


def _trail(old: Decimal | None, new: Decimal | None) -> Decimal | None:
    return None if old is None else new or old
