"""The simulated broker: one account whose orders are matched against the market as the clock passes.

Everything that happens is a pure function of the submitted requests and the market, in time order:
advancing the clock in one leap or in many small steps, or stopping in between, gives the same account.
"""

from __future__ import annotations

import heapq
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.account import Account, Balances
from trading_assets.simulator.admission import Admission, Desk, admit, desk_balances
from trading_assets.simulator.alpaca_format import activity_prefix, number, stamp
from trading_assets.simulator.corporate_events import CorporateEvents
from trading_assets.simulator.ledger import Activity, ClosingBalance, Ledger
from trading_assets.simulator.market import Market
from trading_assets.simulator.matching import Execution, next_execution, shares_for, trigger
from trading_assets.simulator.order_book import Order, OrderBook, Status
from trading_assets.simulator.order_entry import OrderRequest, parse_order
from trading_assets.simulator.price_path import TradingDay
from trading_assets.simulator.quotes import Quotes, Window, window_after, window_before
from trading_assets.simulator.refusals import bad_parameter, not_found, unprocessable
from trading_assets.simulator.replacement import replacement_request

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
        self._entitlements = CorporateEvents(pays_dividends=pay_dividends, applies_splits=apply_splits)
        self._marks: tuple[datetime, dict[str, Decimal]] | None = None
        # Nothing happens before this instant; None if that has to be worked out.
        self._quiet_until: datetime | None = None
        self._cursor: datetime
        if self.ledger.load_account() is None:
            self._open_account(cash_usd, now())
        self._load()

    def close(self) -> None:
        """Release the ledger."""
        with self._lock:
            self.ledger.close()

    def now(self) -> datetime:
        """Return the clock's time, never before what has been processed already."""
        return max(self._clock().astimezone(UTC), self._cursor)

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
            if now <= self._cursor:
                return
            if self._quiet_until is None or now >= self._quiet_until:
                with self._transaction():
                    self._pass_sessions(now)
                    self.ledger.remember("cursor", now.isoformat())
            self._cursor = now

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
            with self._transaction():
                new = self._new_order(request, admission, at)
                old.finish(Status.REPLACED, at)
                old.replaced_by, new.replaces = new.id, old.id
                self._save(old)
                first = _first_answer(new)
                self._enter(new, at)
            return first

    def cancel(self, order_id: str) -> None:
        """Cancel an open order; raises Refused."""
        with self.settled() as at:
            order = self._find_open(order_id)
            with self._transaction():
                self._finish(order, Status.CANCELED, at)

    def cancel_all(self) -> list[dict[str, object]]:
        """Cancel every open order; one result each."""
        with self.settled() as at, self._transaction():
            orders = list(self.book)
            for order in orders:
                self._finish(order, Status.CANCELED, at)
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
            with self._transaction():
                self.configuration.update(changes)
                self.ledger.remember("configuration", orjson.dumps(self.configuration).decode())
            return dict(self.configuration)

    def marks(self, at: datetime) -> dict[str, Decimal]:
        """Return the price of each held symbol; the average entry price where the market has none."""
        if (
            self._marks is None
            or self._marks[0] != at
            or self._marks[1].keys() != self.account.positions.keys()
        ):
            prices = {
                symbol: self.quotes.price(symbol, at) or position.average_price
                for symbol, position in self.account.positions.items()
            }
            self._marks = (at, prices)
        return self._marks[1]

    def balances(self, at: datetime) -> Balances:
        """Value the account now."""
        return desk_balances(self._desk(at))

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

    def _load(self) -> None:
        account = self.ledger.load_account()
        cursor = self.ledger.fact("cursor")
        if account is None or cursor is None:
            raise RuntimeError("the ledger lost its account")
        self.account = account
        self.book = OrderBook()
        for order in self.ledger.open_orders():
            self.book.put(order)
        self._cursor = datetime.fromisoformat(cursor)
        self._next_order = self.ledger.next_order_number()
        self._next_activity = self.ledger.next_activity_number()
        self._marks = None
        self._quiet_until = None
        self.configuration = dict(DEFAULT_CONFIGURATION)
        self.configuration.update(orjson.loads(self.ledger.fact("configuration") or "{}"))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        cursor = self._cursor
        try:
            with self.ledger.transaction():
                yield
        except BaseException:
            # Memory goes back to what is on disk.
            self._load()
            self._cursor = max(self._cursor, cursor)
            raise

    def _pass_sessions(self, now: datetime) -> None:
        cursor = self._cursor
        while (hours := window_after(cursor)).open_at <= now:
            if cursor < hours.open_at:
                self._open_session(hours)
            until = min(now, hours.close_at)
            pending = self._match(self.book, hours, until)
            self._expire(until)
            if until < hours.close_at:
                self._quiet_until = min([hours.close_at, *pending])
                return
            self._close_session(hours)
            cursor = until
        self._quiet_until = hours.open_at

    def _open_session(self, hours: Window) -> None:
        previous = window_before(hours.open_at)
        found = self.quotes.entitlements(hours.session, previous.session)
        if found and (self.account.positions or len(self.book)):
            for event in self._entitlements.apply(found, self.account, self.book, hours, previous):
                if event.activity is not None:
                    self._record(hours.open_at, event.activity)
                for order in event.orders:
                    self._save(order)
                self.ledger.save_positions(self.account, [event.symbol])
        for order in self.book:
            if order.status is Status.ACCEPTED:
                order.status, order.updated_at = Status.NEW, hours.open_at
                self._save(order)

    def _close_session(self, hours: Window) -> None:
        for order in self.book:
            day = self.quotes.day(order.symbol, hours.session)
            if (
                day is not None
                and order.triggered_at is None
                and order.type in {"stop", "stop_limit", "trailing_stop"}
            ):
                self._remember_trigger(order, day)
        values = self.balances(hours.close_at)
        self.ledger.save_closing_balance(
            ClosingBalance(hours.session, values.equity, values.cash, values.maintenance_margin)
        )

    def _remember_trigger(self, order: Order, day: TradingDay) -> None:
        hit = trigger(order, day)
        start = max(day.open_at, order.live_from)
        if hit is not None:
            order.triggered_at = hit.at
        elif order.type == "trailing_stop" and start < day.close_at:
            order.high_water = day.high_water(
                order.high_water, "down" if order.side == "sell" else "up", start
            )
        self._save(order)

    def _match(self, orders: Iterable[Order], hours: Window, until: datetime) -> list[datetime]:
        # Executes everything up to ``until`` in time order; returns the instants of what comes later.
        queue: list[tuple[datetime, int, Order]] = []
        for order in orders:
            found = self._next_execution(order, hours)
            if found is not None:
                queue.append((found.at, order.number, order))
        heapq.heapify(queue)
        while queue and queue[0][0] <= until:
            at, order_number, order = heapq.heappop(queue)
            found = self._next_execution(order, hours)
            if found is not None and found.at == at:
                self._execute(order, found)
                found = self._next_execution(order, hours)
            if found is not None:
                heapq.heappush(queue, (found.at, order_number, order))
        return [at for at, _, _ in queue]

    def _next_execution(self, order: Order, hours: Window) -> Execution | None:
        day = self.quotes.day(order.symbol, hours.session)
        if day is None:
            return None
        return next_execution(order, day, closable_shares=self._closable_shares(order))

    def _closable_shares(self, order: Order) -> Decimal:
        if not order.is_closing:
            return Decimal(0)
        held = self.account.shares(order.symbol)
        existing = held if order.side == "sell" else -held
        return max(existing - self.book.held_shares(order.symbol, but=order.id), Decimal(0))

    def _execute(self, order: Order, execution: Execution) -> None:
        if order.notional is not None and not order.filled_shares:
            order.target_shares = shares_for(order.notional, execution.price)
            if order.is_closing:
                order.target_shares = min(order.target_shares, self._closable_shares(order))
        order.filled_shares += execution.shares
        order.filled_usd += execution.shares * execution.price
        order.triggered_at = order.triggered_at or execution.triggered_at
        order.last_fill_at = order.filled_at = order.updated_at = execution.at
        order.status = Status.PARTIALLY_FILLED if order.remaining_shares else Status.FILLED
        signed = execution.shares if order.side == "buy" else -execution.shares
        self.account.trade(order.symbol, signed, execution.price)
        self._marks = None
        self._save(order)
        self.ledger.save_positions(self.account, [order.symbol])
        self._record(execution.at, _fill_body(order, execution), order_id=order.id)

    def _expire(self, until: datetime) -> None:
        for order in self.book:
            if order.expires_at <= until:
                self._finish(order, Status.EXPIRED, order.expires_at)

    def _desk(self, at: datetime) -> Desk:
        return Desk(
            account=self.account,
            book=self.book,
            quotes=self.quotes,
            marks=self.marks(at),
            may_short=not self.configuration["no_shorting"],
            is_suspended=bool(self.configuration["suspend_trade"]),
            at=at,
        )

    def _place(self, request: OrderRequest, at: datetime) -> dict[str, object]:
        self._check_client_order_id(request)
        admission = admit(request, self._desk(at))
        with self._transaction():
            order = self._new_order(request, admission, at)
            first = _first_answer(order)
            self._enter(order, at)
        return first

    def _enter(self, order: Order, at: datetime) -> None:
        self._save(order)
        if order.status is not Status.NEW:
            return
        hours = window_after(at)
        is_all_or_none = order.time_in_force == "fok"
        if is_all_or_none:
            found = self._next_execution(order, hours)
            if found is None or found.at > at or found.shares < order.remaining_shares:
                self._finish(order, Status.CANCELED, at)
                return
        self._match([order], hours, at)
        if order.time_in_force in {"ioc", "fok"} and order.is_open:
            self._finish(order, Status.CANCELED, at)

    def _new_order(self, request: OrderRequest, admission: Admission, at: datetime) -> Order:
        order_number = self._next_order
        self._next_order += 1
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

    def _finish(self, order: Order, status: Status, at: datetime) -> None:
        order.finish(status, at)
        self._save(order)

    def _save(self, order: Order) -> None:
        self._quiet_until = None
        self.ledger.save_order(order)
        self.book.put(order)

    def _record(self, at: datetime, body: dict[str, object], *, order_id: str | None = None) -> None:
        activity_number = self._next_activity
        self._next_activity += 1
        unique = uuid.uuid5(uuid.UUID(self.account.id), f"activity {activity_number}")
        activity_id = f"{activity_prefix(at)}::{unique}"
        self.ledger.record(
            activity_number,
            Activity(
                id=activity_id,
                kind=str(body["activity_type"]),
                at=at,
                new_york_date=at.astimezone(NEW_YORK).date(),
                order_id=order_id,
                body={"id": activity_id, **body},
            ),
        )


def _first_answer(order: Order) -> dict[str, object]:
    # Alpaca answers before it matches: an order in market hours is seen as pending_new first.
    return order.body(status="pending_new" if order.status is Status.NEW else None)


def _fill_body(order: Order, execution: Execution) -> dict[str, object]:
    return {
        "activity_type": "FILL",
        "transaction_time": stamp(execution.at),
        "type": "fill" if order.status is Status.FILLED else "partial_fill",
        "price": number(execution.price),
        "qty": number(execution.shares),
        "side": order.side,
        "symbol": order.symbol,
        "leaves_qty": number(order.remaining_shares),
        "order_id": order.id,
        "cum_qty": number(order.filled_shares),
        "order_status": order.status.value,
    }
