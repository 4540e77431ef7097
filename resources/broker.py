"""What a broker offers: one protocol, and what its answers say about whether an order exists."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from trading_assets.orders import (
    BrokerAccount,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerOrderId,
    BrokerPosition,
    ClientOrderId,
    OrderRequest,
)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it came: the status (None if there was none) and the body's text."""

    status: int | None
    text: str = field(default="", repr=False)

    @property
    def body_hash(self) -> str | None:
        """SHA-256 of the body, or None if there was no answer."""
        return None if self.status is None else hashlib.sha256(self.text.encode()).hexdigest()


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

    def order_by_client_id(self, client_order_id: ClientOrderId) -> BrokerOrder | None:
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

    def cancel(self, broker_order_id: BrokerOrderId) -> bool:
        """Ask to cancel; False if the order can no longer be cancelled.

        Raises
        ------
        UnknownOutcomeError
            If the answer leaves open whether the request arrived: read the order again.
        """
        ...
