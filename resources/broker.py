"""What a broker offers: accounts, positions, orders and fills, with the raw body beside each value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

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
class Answer:
    """An HTTP answer as it came: the status (None if there was none) and the body's text."""

    status: int | None
    text: str = field(default="", repr=False)

    @property
    def body_hash(self) -> str | None:
        """SHA-256 of the body, or None if there was no answer."""
        return None if self.status is None else hashlib.sha256(self.text.encode()).hexdigest()


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


class Outcome(StrEnum):
    """What the answer to a submission says about whether the order exists."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DUPLICATE = "duplicate"
    RATE_LIMITED = "rate_limited"
    UNAUTHORISED = "unauthorised"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True)
class SubmitResult:
    """The outcome of sending an order once.

    ``order`` is set if and only if the outcome is ``ACCEPTED``. ``REFUSED``, ``RATE_LIMITED`` and
    ``UNAUTHORISED`` mean that no order exists; ``DUPLICATE`` that the broker knows the client order id
    already; ``AMBIGUOUS`` that only a look-up can tell.
    """

    outcome: Outcome
    answer: Answer
    reason: str = ""
    order: BrokerOrder | None = None
    retry_after_seconds: float = 0.0


class Broker(Protocol):
    """A broker's account. Reading methods raise ``TransientError`` or ``VendorRefusedError``."""

    def account(self) -> BrokerAccount:
        """Return the account; raises ``ConfigurationError`` if it is not the one that was configured."""
        ...

    def positions(self) -> Sequence[BrokerPosition]: ...

    def submit(self, order: OrderRequest) -> SubmitResult:
        """Send the order exactly once; never raises for what the network or the broker do."""
        ...

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """Look an order up; None only if the broker said plainly that it knows no such order."""
        ...

    def orders(self, since: datetime) -> Sequence[BrokerOrder]:
        """List orders of every status submitted after ``since``, oldest first."""
        ...

    def fills(self, since: datetime) -> Sequence[BrokerFill]:
        """List executions after ``since``, oldest first, over all pages."""
        ...

    def activities(self, since: datetime) -> Sequence[BrokerActivity]:
        """List what else was booked after ``since``, oldest first, over all pages."""
        ...

    def cancel(self, broker_order_id: str) -> bool:
        """Ask to cancel; False if the order can no longer be cancelled.

        Raises
        ------
        UnknownOutcomeError
            If the answer leaves open whether the request arrived: read the order again.
        """
        ...
