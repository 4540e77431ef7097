"""Orders and what a broker reports of them: the words and values that everybody uses who trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

Side = Literal["buy", "sell"]


OrderType = Literal["market", "limit"]


TimeInForce = Literal["day", "gtc", "opg", "cls", "ioc", "fok"]


JsonObject = Mapping[str, object]


@dataclass(frozen=True)
class OrderRequest:
    """One order as it is sent; the client order id makes sending it twice harmless."""

    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType = "market"
    time_in_force: TimeInForce = "day"
    limit_price_usd: Decimal | None = None


@dataclass(frozen=True)
class BrokerAccount:
    """Money and standing of the account, in USD."""

    account: str
    cash_usd: Decimal
    equity_usd: Decimal
    buying_power_usd: Decimal
    is_blocked: bool
    body: JsonObject = field(repr=False)


@dataclass(frozen=True)
class BrokerPosition:
    """Shares held of one symbol; negative when short."""

    symbol: str
    quantity: Decimal
    average_cost_usd: Decimal
    body: JsonObject = field(repr=False)


@dataclass(frozen=True)
class BrokerOrder:
    """One order as the broker reports it; ``quantity`` is None for orders by amount of money."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal | None
    order_type: str
    time_in_force: str
    limit_price_usd: Decimal | None
    status: str
    filled_quantity: Decimal
    average_fill_price_usd: Decimal | None
    submitted_at: datetime | None
    updated_at: datetime
    body: JsonObject = field(repr=False)


@dataclass(frozen=True)
class BrokerFill:
    """One execution, identified by the broker's activity id."""

    activity_id: str
    broker_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    price_usd: Decimal
    executed_at: datetime
    body: JsonObject = field(repr=False)


@dataclass(frozen=True)
class BrokerActivity:
    """Something other than a trade that the broker booked: a dividend, a fee, a split, a transfer.

    ``cash_usd`` and ``shares`` are what it added (negative: took away).
    """

    activity_id: str
    kind: str
    symbol: str | None
    cash_usd: Decimal
    shares: Decimal
    body: JsonObject = field(repr=False)
