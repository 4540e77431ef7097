"""The trading floor: what happens to the account, its orders and positions as time passes.

Everything is a pure function of the orders and the market, in time order: letting time pass in one leap or in
many small steps, or stopping in between, gives the same account. What one step changes is one transaction.
"""

from __future__ import annotations

import heapq
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.broker.account import Account, Balances, balances
from trading_assets.simulator.broker.corporate_events import CorporateEvents
from trading_assets.simulator.broker.format import activity_prefix, number, stamp
from trading_assets.simulator.broker.ledger import Activity, ClosingBalance, Ledger
from trading_assets.simulator.broker.matching import Execution, next_execution, shares_for, trigger
from trading_assets.simulator.broker.order_book import Order, OrderBook, Status
from trading_assets.simulator.broker.quotes import Opening, Quotes, Window, window_after, window_before
from trading_assets.simulator.market.price_path import TradingDay


class Floor:
    """The state of the account in memory, always equal to the ledger between two transactions.

    Parameters
    ----------
    ledger
        The ledger of an account that was opened.
    quotes
        The market to trade in.
    events
        Which corporate actions are booked.
    """

    account: Account
    book: OrderBook
    cursor: datetime
    next_order: int
    _marks: tuple[datetime, dict[str, Decimal]] | None
    # Nothing happens before this instant; None if that has to be worked out.
    _quiet_until: datetime | None
    # Next execution of each open order in one session; dropped for a symbol when anything in it changes.
    _agenda: dict[str, datetime | None]
    _agenda_session: date | None
    _unsaved: dict[str, Order]
    _unsaved_positions: set[str]

    def __init__(self, ledger: Ledger, quotes: Quotes, events: CorporateEvents) -> None:
        self.ledger = ledger
        self.quotes = quotes
        self._events = events
        self._load()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything that changes inside, or leave memory and ledger as they were."""
        cursor = self.cursor
        try:
            with self.ledger.transaction():
                yield
                self._flush()
        except BaseException:
            # Memory goes back to what is on disk.
            self._load()
            self.cursor = max(self.cursor, cursor)
            raise

    def advance(self, now: datetime) -> None:
        """Process everything that happens up to ``now``; a second call does nothing."""
        if now <= self.cursor:
            return
        if self._quiet_until is None or now >= self._quiet_until:
            with self.transaction():
                self._pass_sessions(now)
                self.ledger.remember("cursor", now.isoformat())
        self.cursor = now

    def enter(self, order: Order, at: datetime) -> None:
        """Take a new order and, in market hours, execute what it has at once."""
        self.save(order)
        if order.status is not Status.NEW:
            return
        hours = window_after(at)
        is_all_or_none = order.time_in_force == "fok"
        if is_all_or_none:
            found = self._next_execution(order, hours)
            if found is None or found.at > at or found.shares < order.remaining_shares:
                self.finish(order, Status.CANCELED, at)
                return
        self._match([order], hours, at)
        if order.time_in_force in {"ioc", "fok"} and order.is_open:
            self.finish(order, Status.CANCELED, at)

    def finish(self, order: Order, status: Status, at: datetime) -> None:
        """Close an order without (further) executions."""
        order.finish(status, at)
        self.save(order)

    def save(self, order: Order) -> None:
        """Note a changed order; it is written once at the end of the transaction."""
        self._quiet_until = None
        self._unsaved[order.id] = order
        self.book.put(order)
        self._agenda.pop(order.id, None)
        for other in self.book.of(order.symbol):
            self._agenda.pop(other.id, None)

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

    def balances(self, at: datetime, *, but: str | None = None) -> Balances:
        """Value the account at ``at``, without what the order ``but`` holds."""
        return balances(self.account, self.marks(at), self.book.held_usd(but=but))

    def _load(self) -> None:
        account = self.ledger.load_account()
        cursor = self.ledger.fact("cursor")
        if account is None or cursor is None:
            raise RuntimeError("the ledger lost its account")
        self.account = account
        self.book = OrderBook()
        for order in self.ledger.open_orders():
            self.book.put(order)
        self.cursor = datetime.fromisoformat(cursor)
        self.next_order = self.ledger.next_order_number()
        self._next_activity = self.ledger.next_activity_number()
        self._marks = self._quiet_until = self._agenda_session = None
        self._agenda, self._unsaved, self._unsaved_positions = {}, {}, set()

    def _pass_sessions(self, now: datetime) -> None:
        cursor = self.cursor
        while (hours := window_after(cursor)).open_at <= now:
            if cursor < hours.open_at:
                self._open_session(hours)
            until = min(now, hours.close_at)
            self._match(list(self.book), hours, until)
            self._expire(until)
            if until < hours.close_at:
                self._quiet_until = min([hours.close_at, *self._pending(hours)])
                return
            self._close_session(hours)
            cursor = until
        self._quiet_until = hours.open_at

    def _open_session(self, hours: Window) -> None:
        previous = window_before(hours.open_at)
        found = self.quotes.entitlements(hours.session, previous.session)
        if found and (self.account.positions or len(self.book)):
            opening = Opening(hours, previous, lambda symbol: self._opening(symbol, hours))
            events = self._events.apply(found, self.account, self.book, opening)
            for event in events:
                if event.activity is not None:
                    self._record(hours.open_at, event.activity)
                for order in event.orders:
                    self.save(order)
                self._unsaved_positions.add(event.symbol)
        for order in self.book:
            if order.status is Status.ACCEPTED:
                order.status, order.updated_at = Status.NEW, hours.open_at
                self.save(order)

    def _opening(self, symbol: str, hours: Window) -> Decimal | None:
        day = self.quotes.day(symbol, hours.session)
        return None if day is None else day.price_at(hours.open_at)

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
        self.save(order)

    def _match(self, orders: Sequence[Order], hours: Window, until: datetime) -> None:
        # Executes everything that these orders have up to ``until``, in time order.
        agenda = self._agenda_of(orders, hours)
        queue = [(at, order.number, order.id) for order in orders if (at := agenda[order.id]) is not None]
        heapq.heapify(queue)
        while queue and queue[0][0] <= until:
            at, _, order_id = heapq.heappop(queue)
            due = self.book.get(order_id)
            if due is None or agenda.get(order_id) != at:
                continue
            found = self._next_execution(due, hours)
            if found is None:
                continue
            self._execute(due, found)
            for other in self.book.of(due.symbol):
                following = agenda[other.id] = self._next_at(other, hours)
                if following is not None:
                    heapq.heappush(queue, (following, other.number, other.id))

    def _agenda_of(self, orders: Iterable[Order], hours: Window) -> dict[str, datetime | None]:
        if self._agenda_session != hours.session:
            self._agenda, self._agenda_session = {}, hours.session
        for order in orders:
            if order.id not in self._agenda:
                self._agenda[order.id] = self._next_at(order, hours)
        return self._agenda

    def _pending(self, hours: Window) -> list[datetime]:
        executions = self._agenda_of(self.book, hours).values()
        return [at for at in executions if at is not None] + [order.expires_at for order in self.book]

    def _next_at(self, order: Order, hours: Window) -> datetime | None:
        found = self._next_execution(order, hours)
        return None if found is None else found.at

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
        self.save(order)
        self._unsaved_positions.add(order.symbol)
        self._record(execution.at, _fill_body(order, execution), order_id=order.id)

    def _expire(self, until: datetime) -> None:
        for order in self.book:
            if order.expires_at <= until:
                self.finish(order, Status.EXPIRED, order.expires_at)

    def _flush(self) -> None:
        for order in self._unsaved.values():
            self.ledger.save_order(order)
        if self._unsaved_positions:
            self.ledger.save_positions(self.account, sorted(self._unsaved_positions))
        self._unsaved.clear()
        self._unsaved_positions.clear()

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
