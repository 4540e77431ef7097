"""Orders at the simulated broker: one object an order, with everything needed to go on after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from trading_assets.simulator.broker.format import number, optional_number, optional_stamp, stamp


class Status(StrEnum):
    """The states of an order that this broker uses."""

    ACCEPTED = "accepted"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"


OPEN = frozenset({Status.ACCEPTED, Status.NEW, Status.PARTIALLY_FILLED})
AVERAGE_PRICE_STEP = Decimal("0.000001")


@dataclass
class Order:
    """One order.

    ``live_from`` is the first instant at which it may trade; ``hold_usd`` is the buying power that each
    unfilled share holds back (0 for an order that closes a position); ``target_shares`` is what it trades in
    the end: ``qty``, or for a notional order the shares that its money bought at the first execution.
    """

    number: int
    id: str
    client_order_id: str
    symbol: str
    asset_id: str
    side: str
    type: str
    time_in_force: str
    position_intent: str
    status: Status
    created_at: datetime
    submitted_at: datetime
    updated_at: datetime
    expires_at: datetime
    live_from: datetime
    hold_usd: Decimal
    target_shares: Decimal
    qty: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    trail_percent: Decimal | None = None
    high_water: Decimal | None = None
    extended_hours: bool = False
    filled_shares: Decimal = Decimal(0)
    filled_usd: Decimal = Decimal(0)
    triggered_at: datetime | None = None
    last_fill_at: datetime | None = None
    filled_at: datetime | None = None
    canceled_at: datetime | None = None
    expired_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.status in OPEN

    @property
    def is_closing(self) -> bool:
        """Whether it reduces a position, and so holds shares instead of buying power."""
        return self.position_intent.endswith("close")

    @property
    def remaining_shares(self) -> Decimal:
        """Shares still to trade."""
        return self.target_shares - self.filled_shares

    @property
    def average_price(self) -> Decimal | None:
        """Volume-weighted price of its executions, to six decimals."""
        if not self.filled_shares:
            return None
        return (self.filled_usd / self.filled_shares).quantize(AVERAGE_PRICE_STEP)

    def finish(self, status: Status, at: datetime) -> None:
        """Close the order unfilled or partly filled."""
        self.status = status
        self.updated_at = at
        if status is Status.CANCELED:
            self.canceled_at = at
        elif status is Status.EXPIRED:
            self.expired_at = at
        elif status is Status.REPLACED:
            self.replaced_at = at

    def body(self, *, status: str | None = None) -> dict[str, object]:
        """Return the order as Alpaca shows it; ``status`` overrides the state (the first answer is earlier)."""
        shown = self.status.value if status is None else status
        return {
            "id": self.id,
            "client_order_id": self.client_order_id,
            "created_at": stamp(self.created_at),
            "updated_at": stamp(self.updated_at),
            "submitted_at": stamp(self.submitted_at),
            "filled_at": optional_stamp(self.filled_at),
            "expired_at": optional_stamp(self.expired_at),
            "expires_at": stamp(self.expires_at),
            "canceled_at": optional_stamp(self.canceled_at),
            "failed_at": None,
            "replaced_at": optional_stamp(self.replaced_at),
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
            "asset_id": self.asset_id,
            "symbol": self.symbol,
            "asset_class": "us_equity",
            "notional": optional_number(self.notional),
            "qty": optional_number(self.qty),
            "filled_qty": number(self.filled_shares),
            "filled_avg_price": optional_number(self.average_price),
            "order_class": "",
            "order_type": self.type,
            "type": self.type,
            "side": self.side,
            "position_intent": self.position_intent,
            "time_in_force": self.time_in_force,
            "limit_price": optional_number(self.limit_price),
            "stop_price": optional_number(self.stop_price),
            "status": shown,
            "extended_hours": self.extended_hours,
            "legs": None,
            "trail_percent": optional_number(self.trail_percent),
            "trail_price": optional_number(self.trail_price),
            "hwm": optional_number(self.high_water),
            "subtag": None,
            "source": None,
        }

    def dump(self) -> bytes:
        """Serialise the whole state, exactly."""
        return orjson.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, dumped: bytes) -> Order:
        """Return the order that ``dump`` wrote."""
        values: dict[str, Any] = orjson.loads(dumped)
        for name, convert in _CONVERTERS.items():
            if values[name] is not None:
                values[name] = convert(values[name])
        return cls(**values)


def _converters() -> dict[str, Any]:
    table = {"Decimal": Decimal, "datetime": datetime.fromisoformat, "Status": Status}
    return {
        field.name: table[kind] for field in fields(Order) if (kind := str(field.type).split(" ")[0]) in table
    }


_CONVERTERS = _converters()


class OrderBook:
    """The open orders, by id and by symbol, in the order of their arrival."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_symbol: dict[str, dict[str, Order]] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: str) -> Order | None:
        """Return an open order."""
        return self._orders.get(order_id)

    def of(self, symbol: str) -> list[Order]:
        """List the open orders in a symbol."""
        return list(self._by_symbol.get(symbol, {}).values())

    def symbols(self) -> list[str]:
        """List the symbols with open orders."""
        return list(self._by_symbol)

    def put(self, order: Order) -> None:
        """Add an order, or drop it if it is open no longer."""
        if order.is_open:
            self._orders[order.id] = order
            self._by_symbol.setdefault(order.symbol, {})[order.id] = order
            return
        self._orders.pop(order.id, None)
        orders = self._by_symbol.get(order.symbol, {})
        orders.pop(order.id, None)
        if not orders:
            self._by_symbol.pop(order.symbol, None)

    def held_shares(self, symbol: str, *, but: str | None = None) -> Decimal:
        """Return the shares that open closing orders in a symbol hold, without those of the order ``but``."""
        return sum(
            (order.remaining_shares for order in self.of(symbol) if order.is_closing and order.id != but),
            Decimal(0),
        )

    def held_usd(self, *, but: str | None = None) -> Decimal:
        """Return the buying power that open opening orders hold back, without that of the order ``but``."""
        return sum(
            (order.remaining_shares * order.hold_usd for order in self._orders.values() if order.id != but),
            Decimal(0),
        )
