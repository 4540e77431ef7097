"""Corporate actions of held symbols, booked at the ex-date's open before anything trades.

A split multiplies the position and divides its average price. Orders that were already working in an earlier
session are adjusted with a forward split and canceled by a reverse one; orders entered since the last close
were meant for the ex-date and stay as they are, unless the shares that they would sell are no longer there.
Who held whole shares keeps whole shares: the fraction that a split leaves is paid in cash at the open. What changes
companies is in ``reorganisations``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from trading_assets.simulator.broker.account import Account
from trading_assets.simulator.broker.format import number
from trading_assets.simulator.broker.matching import SHARE_STEP
from trading_assets.simulator.broker.order_book import Order, OrderBook, Status
from trading_assets.simulator.broker.quotes import Entitlement, Opening, Window
from trading_assets.simulator.broker.reorganisations import cash_in_lieu, reorganise
from trading_assets.simulator.market.price_path import tick_usd


@dataclass(frozen=True)
class CorporateEvent:
    """What one split or dividend changed."""

    symbol: str
    activity: dict[str, object] | None
    orders: list[Order] = field(default_factory=list)


@dataclass(frozen=True)
class CorporateEvents:
    """Which corporate actions the broker books."""

    pays_dividends: bool
    applies_splits: bool

    def apply(
        self, entitlements: Sequence[Entitlement], account: Account, book: OrderBook, opening: Opening
    ) -> Iterator[CorporateEvent]:
        """Book the entitlements of one ex-date; yields what each of them changed."""
        for entitlement in entitlements:
            if entitlement.kind == "split":
                if self.applies_splits:
                    yield from _split(entitlement, account, book, opening)
            elif entitlement.kind == "cash_dividend":
                if self.pays_dividends and entitlement.cash_usd is not None:
                    yield from _dividend(entitlement.symbol, entitlement.cash_usd, account, opening.hours)
            else:
                for change in reorganise(entitlement, account, book, opening):
                    yield CorporateEvent(*change)


def _split(
    entitlement: Entitlement, account: Account, book: OrderBook, opening: Opening
) -> Iterator[CorporateEvent]:
    hours, previous = opening.hours, opening.previous
    symbol, ratio = entitlement.symbol, entitlement.split_ratio or Decimal(1)
    activity: dict[str, object] | None = None
    fraction = Decimal(0)
    if symbol in account.positions:
        added, fraction = account.split(symbol, ratio)
        activity = {
            "activity_type": "SPLIT",
            "date": hours.session.isoformat(),
            "net_amount": "0",
            "symbol": symbol,
            "qty": number(added),
            "price": None,
            "per_share_amount": None,
            "description": f"split of {number(ratio)} new shares for each old one",
            "status": "executed",
        }
    changed = [order for order in book.of(symbol) if order.live_from < previous.close_at]
    for order in changed:
        if ratio > 1:
            _adjust(order, ratio)
        else:
            order.finish(Status.CANCELED, hours.open_at)
    book_shares = sum(
        (order.remaining_shares for order in book.of(symbol) if order.is_closing and order.is_open),
        Decimal(0),
    )
    if book_shares > abs(account.shares(symbol)):
        for order in book.of(symbol):
            if order.is_closing and order.is_open:
                order.finish(Status.CANCELED, hours.open_at)
                changed.append(order)
    if activity is not None or changed:
        yield CorporateEvent(symbol, activity, changed)
    if fraction:
        paid = cash_in_lieu(symbol, fraction, opening.price(symbol), account, hours)
        yield CorporateEvent(symbol, paid)


def _adjust(order: Order, ratio: Decimal) -> None:
    left = (order.remaining_shares * ratio).quantize(SHARE_STEP).normalize()
    order.target_shares = order.filled_shares + left
    if order.qty is not None:
        order.qty = order.target_shares
    order.hold_usd /= ratio
    for name in ("limit_price", "stop_price", "trail_price", "high_water"):
        price: Decimal | None = getattr(order, name)
        if price is not None:
            adjusted = price / ratio
            setattr(order, name, adjusted.quantize(tick_usd(adjusted)))


def _dividend(symbol: str, cash_usd: Decimal, account: Account, hours: Window) -> Iterator[CorporateEvent]:
    shares = account.shares(symbol)
    if not shares:
        return
    amount = (shares * cash_usd).quantize(Decimal("0.01"))
    account.cash_usd += amount
    yield CorporateEvent(
        symbol,
        {
            "activity_type": "DIV",
            "date": hours.session.isoformat(),
            "net_amount": number(amount),
            "symbol": symbol,
            "qty": number(shares),
            "per_share_amount": number(cash_usd),
            "description": "cash dividend, booked at the open of the ex-date",
            "status": "executed",
        },
    )
