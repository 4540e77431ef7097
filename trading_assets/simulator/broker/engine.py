"""The simulated broker: the requests that one account may make, each one transaction on the trading floor."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson

from trading_assets.simulator.broker.account import Account, Balances
from trading_assets.simulator.broker.admission import Admission, Desk, admit
from trading_assets.simulator.broker.corporate_events import CorporateEvents
from trading_assets.simulator.broker.floor import Floor
from trading_assets.simulator.broker.format import number, stamp
from trading_assets.simulator.broker.ledger import Ledger
from trading_assets.simulator.broker.order_book import Order, OrderBook, Status
from trading_assets.simulator.broker.order_entry import OrderRequest, parse_order
from trading_assets.simulator.broker.quotes import Quotes, window_after
from trading_assets.simulator.broker.refusals import bad_parameter, not_found, unprocessable
from trading_assets.simulator.broker.replacement import replacement_request
from trading_assets.simulator.market.protocol import Market

DEFAULT_CONFIGURATION: dict[str, object] = {
    "fractional_trading": True,
    "max_margin_multiplier": "2",
    "max_options_trading_level": 0,
    "no_shorting": False,
    "ptp_no_exception_entry": False,
    "suspend_trade": False,
    "trade_confirm_email": "none",
}


class Engine:
    """The broker: account, order book and matching, kept in ``store``.

    Parameters
    ----------
    market
        The market to trade in.
    store
        Folder of the ledger; an account that is there already goes on.
    now
        The simulator's clock.
    cash_usd
        Cash of a new account.
    pay_dividends
        Whether cash dividends are paid at the ex-date's open. Alpaca's paper accounts pay none.
    apply_splits
        Whether splits change positions and older orders at the ex-date's open.
    """

    def __init__(
        self,
        market: Market,
        store: Path,
        now: Callable[[], datetime],
        cash_usd: Decimal | float,
        *,
        pay_dividends: bool = False,
        apply_splits: bool = True,
    ) -> None:
        self.quotes = Quotes(market)
        self.ledger = Ledger(store)
        self._clock = now
        self._lock = threading.RLock()
        if self.ledger.load_account() is None:
            self._open_account(cash_usd, now())
        events = CorporateEvents(pays_dividends=pay_dividends, applies_splits=apply_splits)
        self._floor = Floor(self.ledger, self.quotes, events)
        self.configuration = dict(DEFAULT_CONFIGURATION)
        self.configuration.update(orjson.loads(self.ledger.fact("configuration") or "{}"))

    @property
    def account(self) -> Account:
        """Cash and positions."""
        return self._floor.account

    @property
    def book(self) -> OrderBook:
        """The open orders."""
        return self._floor.book

    def close(self) -> None:
        """Release the ledger."""
        with self._lock:
            self.ledger.close()

    def now(self) -> datetime:
        """Return the clock's time, never before what has been processed already."""
        return max(self._clock().astimezone(UTC), self._floor.cursor)

    @contextmanager
    def settled(self) -> Iterator[datetime]:
        """Hold the engine with everything processed up to now; yields that instant."""
        with self._lock:
            at = self.now()
            self.advance(at)
            yield at

    def advance(self, now: datetime) -> None:
        """Process everything that happens up to ``now``, in time order; a second call does nothing."""
        with self._lock:
            self._floor.advance(now)

    def submit(self, body: object) -> dict[str, object]:
        """Accept an order, durably, and match it if the market is open; raises Refused."""
        with self.settled() as at:
            return self._place(parse_order(body), at)

    def replace(self, order_id: str, body: object) -> dict[str, object]:
        """Replace an open order by a new one with a new id; raises Refused."""
        with self.settled() as at:
            old = self._find_open(order_id)
            request = replacement_request(old, body)
            self._check_client_order_id(request)
            admission = admit(request, self._desk(at), replacing=old)
            with self._floor.transaction():
                new = self._new_order(request, admission, at)
                old.finish(Status.REPLACED, at)
                old.replaced_by, new.replaces = new.id, old.id
                self._floor.save(old)
                first = _first_answer(new)
                self._floor.enter(new, at)
            return first

    def cancel(self, order_id: str) -> None:
        """Cancel an open order; raises Refused."""
        with self.settled() as at:
            order = self._find_open(order_id)
            with self._floor.transaction():
                self._floor.finish(order, Status.CANCELED, at)

    def cancel_all(self) -> list[dict[str, object]]:
        """Cancel every open order; one result each."""
        with self.settled() as at, self._floor.transaction():
            orders = list(self.book)
            for order in orders:
                self._floor.finish(order, Status.CANCELED, at)
            return [{"id": order.id, "status": 200, "body": order.body()} for order in orders]

    def close_position(self, symbol: str, shares: Decimal) -> dict[str, object]:
        """Place the market order that closes ``shares`` of a position; raises Refused."""
        with self.settled() as at:
            side = "sell" if self.account.shares(symbol) > 0 else "buy"
            request = parse_order(
                {
                    "symbol": symbol,
                    "side": side,
                    "type": "market",
                    "time_in_force": "day",
                    "qty": number(shares),
                }
            )
            return self._place(request, at)

    def configure(self, changes: Mapping[str, object]) -> dict[str, object]:
        """Change the account's configuration; unknown keys are refused."""
        with self.settled():
            unknown = set(changes) - set(DEFAULT_CONFIGURATION)
            if unknown:
                raise bad_parameter(f"unknown configuration: {', '.join(sorted(unknown))}")
            changed = {**self.configuration, **changes}
            with self._floor.transaction():
                self.ledger.remember("configuration", orjson.dumps(changed).decode())
            self.configuration = changed
            return dict(changed)

    def marks(self, at: datetime) -> dict[str, Decimal]:
        """Return the price of each held symbol; the average entry price where the market has none."""
        return self._floor.marks(at)

    def balances(self, at: datetime) -> Balances:
        """Value the account now."""
        return self._floor.balances(at)

    def summary(self) -> dict[str, object]:
        """Return the state in a few numbers, for health pages and tests."""
        with self.settled() as at:
            return {
                "account_id": self.account.id,
                "account_number": self.account.number,
                "at": stamp(at),
                "cash_usd": number(self.account.cash_usd),
                "equity_usd": number(self.balances(at).equity),
                "open_orders": len(self.book),
                "positions": len(self.account.positions),
                **self.ledger.counts(),
            }

    def _open_account(self, cash_usd: Decimal | float, at: datetime) -> None:
        identity = uuid.uuid4()
        account = Account(
            id=str(identity),
            number=f"SIM{identity.int % 10**9:09d}",
            created_at=at,
            cash_usd=Decimal(str(cash_usd)),
        )
        with self.ledger.transaction():
            self.ledger.save_account(account)
            self.ledger.remember("opening_cash_usd", str(account.cash_usd))
            self.ledger.remember("cursor", at.isoformat())

    def _desk(self, at: datetime) -> Desk:
        return Desk(
            account=self.account,
            book=self.book,
            quotes=self.quotes,
            marks=self._floor.marks(at),
            may_short=not self.configuration["no_shorting"],
            is_suspended=bool(self.configuration["suspend_trade"]),
            at=at,
        )

    def _place(self, request: OrderRequest, at: datetime) -> dict[str, object]:
        self._check_client_order_id(request)
        admission = admit(request, self._desk(at))
        with self._floor.transaction():
            order = self._new_order(request, admission, at)
            first = _first_answer(order)
            self._floor.enter(order, at)
        return first

    def _new_order(self, request: OrderRequest, admission: Admission, at: datetime) -> Order:
        order_number = self._floor.next_order
        self._floor.next_order += 1
        namespace = uuid.UUID(self.account.id)
        is_open = window_after(at).open_at <= at
        return Order(
            number=order_number,
            id=str(uuid.uuid5(namespace, f"order {order_number}")),
            client_order_id=request.client_order_id or str(uuid.uuid5(namespace, f"client {order_number}")),
            symbol=admission.instrument.symbol,
            asset_id=admission.instrument.asset_id,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            position_intent=admission.position_intent,
            status=Status.NEW if is_open else Status.ACCEPTED,
            created_at=at,
            submitted_at=at,
            updated_at=at,
            expires_at=admission.expires_at,
            live_from=at,
            hold_usd=admission.hold_usd,
            target_shares=admission.target_shares,
            qty=request.qty,
            notional=request.notional,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            trail_price=request.trail_price,
            trail_percent=request.trail_percent,
            extended_hours=request.extended_hours,
        )

    def _check_client_order_id(self, request: OrderRequest) -> None:
        given = request.client_order_id
        if given is not None and self.ledger.order_body(client_order_id=given) is not None:
            raise bad_parameter("client_order_id must be unique")

    def _find_open(self, order_id: str) -> Order:
        order = self.book.get(order_id)
        if order is not None:
            return order
        closed = self.ledger.order(order_id=order_id)
        if closed is None:
            raise not_found(f"order not found for {order_id}")
        raise unprocessable(f'order is already in "{closed.status.value}" state')


def _first_answer(order: Order) -> dict[str, object]:
    # Alpaca answers before it matches: an order in market hours is seen as pending_new first.
    return order.body(status="pending_new" if order.status is Status.NEW else None)
