"""Alpaca's refusals: one HTTP status, one code and one message each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from trading_assets.simulator.broker.format import number

UNAUTHORIZED = 40110000
FORBIDDEN = 40310000
NOT_FOUND = 40410000
MALFORMED = 40010000
BAD_PARAMETER = 40010001
UNPROCESSABLE = 42210000


class Refused(Exception):  # noqa: N818 (a refusal is an answer of the protocol, not a failure of the simulator)
    """The broker understood the request and refused it; nothing was changed."""

    def __init__(self, status: int, code: int, message: str, facts: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, object] = {"code": code, "message": message, **(facts or {})}


def bad_parameter(message: str) -> Refused:
    """Refuse a parameter that is missing, unknown or out of range."""
    return Refused(422, BAD_PARAMETER, message)


def unprocessable(message: str) -> Refused:
    """Refuse an order that is well formed and not allowed: sub-penny, not tradable, not cancelable."""
    return Refused(422, UNPROCESSABLE, message)


def forbidden(message: str, facts: Mapping[str, str] | None = None) -> Refused:
    """Refuse for want of shares, money or permission."""
    return Refused(403, FORBIDDEN, message, facts)


def not_found(message: str) -> Refused:
    """Refuse because the thing asked for does not exist."""
    return Refused(404, NOT_FOUND, message)


def insufficient_qty(*, symbol: str, requested: Decimal, existing: Decimal, held: Decimal) -> Refused:
    """Refuse to close more shares than are held and not promised to another order."""
    available = max(existing - held, Decimal(0))
    return forbidden(
        "insufficient qty available for order "
        f"(requested: {number(requested)}, available: {number(available)})",
        {
            "available": number(available),
            "existing_qty": number(existing),
            "held_for_orders": number(held),
            "symbol": symbol,
        },
    )


def insufficient_buying_power(*, buying_power_usd: Decimal, cost_usd: Decimal) -> Refused:
    """Refuse to open a position that the account cannot carry."""
    return forbidden(
        "insufficient buying power",
        {"buying_power": number(buying_power_usd), "cost_basis": number(cost_usd)},
    )
