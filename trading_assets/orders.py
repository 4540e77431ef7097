"""Orders and what a broker reports of them: the words and values that everybody uses who trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

JsonObject = Mapping[str, object]

IntentId = NewType("IntentId", str)
"""Our id of an intent: a hash of what makes it, so that a re-run repeats it."""
ClientOrderId = NewType("ClientOrderId", str)
"""Our name of an order at the broker, made from the intent's id."""
BrokerOrderId = NewType("BrokerOrderId", str)
"""The broker's name of the same order."""
ActivityId = NewType("ActivityId", str)
"""The broker's name of one execution, dividend, fee or transfer."""


class Side(StrEnum):
    """What an order does. Fills also say when a sale opened a short position."""

    BUY = "buy"
    SELL = "sell"
    SELL_SHORT = "sell_short"

    @property
    def sign(self) -> int:
        """1 when shares are added to the position, -1 when they are taken off."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How the price of an order is limited."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    """How long an order works: ``opg`` and ``cls`` are the opening and the closing auction."""

    DAY = "day"
    GTC = "gtc"
    OPG = "opg"
    CLS = "cls"
    IOC = "ioc"
    FOK = "fok"


class Purpose(StrEnum):
    """What an intent does to the position in its symbol."""

    OPEN = "open"
    INCREASE = "increase"
    REDUCE = "reduce"
    CLOSE = "close"

    @property
    def is_exit(self) -> bool:
        """Whether it only takes risk off."""
        return self in {Purpose.REDUCE, Purpose.CLOSE}


class IntentState(StrEnum):
    """State of an intent in our journal."""

    PLANNED = "planned"
    SUBMITTING = "submitting"
    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    EXPIRED = "expired"


class IntentEvent(StrEnum):
    """A step of an intent; the kind of its row in ``order_events``, which has those of `JournalEvent` too."""

    CLAIMED = "claimed"
    ACCEPTED = "accepted"
    ADOPTED = "adopted"
    REFUSED = "refused"
    NOT_ACCEPTED = "not_accepted"
    AMBIGUOUS = "ambiguous"
    NOT_FOUND = "not_found"
    GIVEN_UP = "given_up"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    LATE_ARRIVAL = "late_arrival"


class JournalEvent(StrEnum):
    """What else is journaled of an order; none of these is a step of an intent."""

    PLANNED = "planned"
    REPLANNED = "replanned"
    PLAN_CONFLICT = "plan_conflict"
    HELD = "held"
    CANCEL_REQUESTED = "cancel_requested"
    ORDER_UPDATE = "order_update"
    DUPLICATE = "duplicate"
    LATE_ANSWER = "late_answer"
    CONTRADICTION = "contradiction"
    FOREIGN_ORDER = "foreign_order"
    FOREIGN_FILL = "foreign_fill"


class OrderStatus(StrEnum):
    """The broker's states of an order; one that this list does not have is kept as the broker wrote it."""

    PENDING_REVIEW = "pending_review"
    PENDING_NEW = "pending_new"
    HELD = "held"
    ACCEPTED = "accepted"
    ACCEPTED_FOR_BIDDING = "accepted_for_bidding"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    CALCULATED = "calculated"
    DONE_FOR_DAY = "done_for_day"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELED = "canceled"
    REPLACED = "replaced"
    FILLED = "filled"


class HaltLevel(StrEnum):
    """What a kill switch forbids: opening and adding, every order, or everything but closing."""

    ENTRIES = "entries"
    ORDERS = "orders"
    FLATTEN = "flatten"


@dataclass(frozen=True)
class OrderRequest:
    """One order as it is sent; the client order id makes sending it twice harmless."""

    client_order_id: ClientOrderId
    symbol: str
    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
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
    """One order as the broker reports it; ``quantity`` is None for orders by amount of money.

    Side, type, time in force and status are the broker's words: somebody else's order may have others than ours.
    """

    broker_order_id: BrokerOrderId
    client_order_id: ClientOrderId
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

    activity_id: ActivityId
    broker_order_id: BrokerOrderId
    symbol: str
    side: Side
    quantity: Decimal
    price_usd: Decimal
    executed_at: datetime
    body: JsonObject = field(repr=False)


@dataclass(frozen=True)
class BrokerActivity:
    """Something other than a trade that the broker booked: a dividend, a fee, a split, a transfer.

    ``day`` is the New York date under which it was booked, ``cash_usd`` and ``shares`` what it added (negative: took away).
    """

    activity_id: ActivityId
    kind: str
    symbol: str | None
    day: date
    cash_usd: Decimal
    shares: Decimal
    body: JsonObject = field(repr=False)
