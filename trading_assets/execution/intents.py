"""Order intents: one row per (account, session, symbol, side, purpose) with an id that a re-run repeats."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from trading_assets.errors import DataQualityError
from trading_assets.orders import ClientOrderId, IntentId, IntentState, OrderType, Purpose, Side, TimeInForce
from trading_assets.sessions import next_session, session_close

CLIENT_ID_PREFIX = "ta-"
CLIENT_ID_LENGTH = 64
NAMESPACE = "momentum"
"""A fixed word in every id, not a strategy: the ids of when that one was alone here have it, and stay what they were."""
QUANTUM = Decimal("0.000000001")


@dataclass(frozen=True)
class Target:
    """The position wanted in one symbol, with the position that the decision started from.

    ``wanted_by`` has the change in shares that each strategy wants of it.
    """

    symbol: str
    quantity: Decimal
    current_quantity: Decimal
    reference_price_usd: Decimal
    wanted_by: Mapping[str, Decimal] = field(default_factory=dict)
    risk_verdict: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Intent:
    """What is to be done, before anything was done about it."""

    intent_id: IntentId
    client_order_id: ClientOrderId
    account: str
    mode: str
    session: date
    symbol: str
    side: Side
    purpose: Purpose
    revision: int
    quantity: Decimal
    reference_price_usd: Decimal
    valid_until: datetime
    wanted_by: Mapping[str, Decimal]
    risk_verdict: Mapping[str, object]
    lineage: Mapping[str, object]
    order_type: OrderType = OrderType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price_usd: Decimal | None = None

    @property
    def is_exit(self) -> bool:
        """Whether the intent only takes risk off."""
        return self.purpose.is_exit


@dataclass(frozen=True)
class StoredIntent:
    """What the journal knows of an intent of the same account and session."""

    intent_id: IntentId
    client_order_id: ClientOrderId
    symbol: str
    side: Side
    purpose: Purpose
    revision: int
    quantity: Decimal
    reference_price_usd: Decimal
    wanted_by: Mapping[str, Decimal]
    state: IntentState
    attempt: int

    @property
    def is_untouched(self) -> bool:
        """Whether it waits, and nothing was ever sent for it."""
        return self.state is IntentState.PLANNED and self.attempt == 0

    @property
    def is_superseded(self) -> bool:
        """Whether a re-run withdrew it before anything was sent."""
        return self.state is IntentState.ABANDONED and self.attempt == 0

    @property
    def is_touched(self) -> bool:
        """Whether anything was sent for it, or it ended otherwise than by a re-run."""
        return not (self.is_untouched or self.is_superseded)

    @property
    def may_have_traded(self) -> bool:
        """Whether something was sent for it that may exist at the broker."""
        return self.attempt > 0 and self.state not in {IntentState.REFUSED, IntentState.ABANDONED}


@dataclass(frozen=True)
class PlanChanges:
    """What storing a plan has to do to the journal.

    ``conflicts`` pairs the stored intent with why the new plan cannot change it.
    """

    insert: tuple[Intent, ...] = ()
    update: tuple[Intent, ...] = ()
    supersede: tuple[StoredIntent, ...] = ()
    conflicts: tuple[tuple[StoredIntent, str], ...] = ()
    unchanged: int = 0


def plan_intents(
    targets: Iterable[Target],
    *,
    account: str,
    mode: str,
    session: date,
    valid_until: datetime,
    lineage: Mapping[str, object],
) -> list[Intent]:
    """Turn targets into market orders for the day, sells before buys.

    A position that has to change sign is closed first; the opposite one is opened by a later session.

    Parameters
    ----------
    targets
        At most one per symbol.
    valid_until
        Instant after which an intent must not be sent any more.
    lineage
        What led to the decision: run, code version, configuration hash.

    Returns
    -------
    list of Intent
        None for symbols that already are where they should be. The same input gives the same ids.

    Raises
    ------
    DataQualityError
        If a symbol has two targets or a number makes no sense.
    """
    planned: dict[str, Intent] = {}
    seen: set[str] = set()
    for target in targets:
        if target.symbol in seen:
            raise DataQualityError("A symbol has two targets in one session", symbol=target.symbol)
        seen.add(target.symbol)
        if not (target.quantity.is_finite() and target.current_quantity.is_finite()):
            raise DataQualityError("A target is not a number", symbol=target.symbol)
        purpose, change = _step(target.current_quantity, target.quantity)
        quantity = abs(change).quantize(QUANTUM)
        if quantity == 0:
            continue
        intent = Intent(
            intent_id=IntentId(""),
            client_order_id=ClientOrderId(""),
            account=account,
            mode=mode,
            session=session,
            symbol=target.symbol,
            side=Side.BUY if change > 0 else Side.SELL,
            purpose=purpose,
            revision=0,
            quantity=quantity,
            reference_price_usd=target.reference_price_usd,
            valid_until=valid_until,
            wanted_by=target.wanted_by,
            risk_verdict=target.risk_verdict,
            lineage=lineage,
        )
        planned[target.symbol] = with_revision(intent, 0)
    return sorted(planned.values(), key=sending_order)


def sending_ends(session: date) -> datetime:
    """Return the instant from which on no intent of the session is sent: the close of the next one."""
    return session_close(next_session(session))


def with_revision(intent: Intent, revision: int) -> Intent:
    """Return the intent with that revision and the ids that follow from it."""
    key = "\x1f".join(
        (
            intent.mode,
            intent.account,
            NAMESPACE,
            intent.session.isoformat(),
            intent.symbol,
            intent.side,
            intent.purpose,
            str(revision),
        )
    )
    digest = hashlib.sha256(key.encode()).digest()[:16]
    return replace(
        intent,
        revision=revision,
        intent_id=IntentId(digest.hex()),
        client_order_id=_client_order_id(intent.session, intent.symbol, intent.side, digest),
    )


def sending_order(intent: Intent) -> tuple[bool, bool, str]:
    """Sort key: exits before entries, sells before buys, then by symbol."""
    return not intent.is_exit, intent.side == Side.BUY, intent.symbol


def compare_plan(planned: Iterable[Intent], stored: Iterable[StoredIntent]) -> PlanChanges:
    """Say what a plan changes in the journal of the same account and session.

    An intent that left ``planned``, or of which anything was ever sent, is never changed, and no second
    intent is added for its symbol.
    """
    by_symbol: dict[str, list[StoredIntent]] = {}
    for item in stored:
        by_symbol.setdefault(item.symbol, []).append(item)
    changes = PlanChanges()
    for intent in planned:
        changes = _change(changes, intent, by_symbol.pop(intent.symbol, []))
    leftover = [item for items in by_symbol.values() for item in items]
    return replace(
        changes,
        supersede=changes.supersede + tuple(item for item in leftover if item.is_untouched),
        conflicts=changes.conflicts
        + tuple((item, "a re-run wants no order") for item in leftover if item.may_have_traded),
    )


def is_own(client_order_id: ClientOrderId) -> bool:
    """Say whether an order carries this system's prefix."""
    return client_order_id.startswith(CLIENT_ID_PREFIX)


def _change(changes: PlanChanges, intent: Intent, known: list[StoredIntent]) -> PlanChanges:
    touched = [item for item in known if item.is_touched]
    if touched:
        if any((item.side, item.quantity) == (intent.side, intent.quantity) for item in touched):
            return replace(changes, unchanged=changes.unchanged + 1)
        wanted = f"a re-run wants {intent.side} {intent.quantity} ({intent.purpose})"
        return replace(changes, conflicts=(*changes.conflicts, (touched[-1], wanted)))
    waiting = [item for item in known if item.is_untouched]
    same = [item for item in waiting if (item.side, item.purpose) == (intent.side, intent.purpose)]
    changes = replace(
        changes, supersede=changes.supersede + tuple(item for item in waiting if item not in same)
    )
    if not same:
        revision = 1 + max((item.revision for item in known), default=-1)
        return replace(changes, insert=(*changes.insert, with_revision(intent, revision)))
    if all(
        getattr(same[0], name) == getattr(intent, name)
        for name in ("quantity", "reference_price_usd", "wanted_by")
    ):
        return replace(changes, unchanged=changes.unchanged + 1)
    return replace(changes, update=(*changes.update, with_revision(intent, same[0].revision)))


def _step(current: Decimal, wanted: Decimal) -> tuple[Purpose, Decimal]:
    if current == 0:
        return Purpose.OPEN, wanted
    if wanted == 0 or (wanted > 0) != (current > 0):
        return Purpose.CLOSE, -current
    return (Purpose.INCREASE if abs(wanted) > abs(current) else Purpose.REDUCE), wanted - current


def _client_order_id(session: date, symbol: str, side: Side, digest: bytes) -> ClientOrderId:
    tail = base64.b32encode(digest).decode().rstrip("=").lower()
    head = f"{CLIENT_ID_PREFIX}{session:%Y%m%d}-"
    room = CLIENT_ID_LENGTH - len(head) - len(side) - len(tail) - 2
    readable = re.sub(r"[^A-Za-z0-9.]", "_", symbol)[:room]
    return ClientOrderId(f"{head}{readable}-{side}-{tail}")
