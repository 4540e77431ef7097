"""Portfolio: what an account holds in a backtest, by strategy; fills, corporate actions and costs change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from trading_assets.backtest.costs import Costs
from trading_assets.books.bookings import ZERO, Action, in_decimal
from trading_assets.books.holdings import PRICE_QUANTUM, Holding, changed, opened
from trading_assets.portfolio.netting import in_proportion

CENT = Decimal("0.01")
QUANTUM = Decimal("0.000000001")
DAYS_A_YEAR = 360


@dataclass(frozen=True)
class BacktestFill:
    """One execution.

    ``price_usd`` is the market's; ``slippage_usd`` and ``fees_usd`` were paid on top. ``shares`` says whose the (signed) shares
    are.
    """

    decided: date
    session: date
    symbol: str
    quantity: Decimal
    price_usd: Decimal
    fees_usd: Decimal
    slippage_usd: Decimal
    shares: Mapping[str, Decimal]
    wanted: Decimal
    reason: str


@dataclass(frozen=True)
class Event:
    """Something that changed the account and is no trade.

    ``quantity`` shares were held before it; ``kept`` are left of the symbol, and ``received`` came of ``into``, at ``worth_usd`` each
    (0: what the shares had cost goes along).
    """

    session: date
    symbol: str
    kind: str
    quantity: Decimal
    cash_usd: Decimal
    kept: Decimal
    into: str | None = None
    received: Decimal = ZERO
    worth_usd: Decimal = ZERO


@dataclass(frozen=True)
class Crossing:
    """Shares that one strategy took over from another at the close's price; the account as a whole did nothing."""

    session: date
    symbol: str
    price_usd: Decimal
    shares: Mapping[str, Decimal]


@dataclass
class Portfolio:
    """Cash and shares by strategy. Cash + value of the shares = equity, always; every change is a fill, an event or interest.

    ``holdings`` are the same shares with what they cost and since when they are held, as live books count it; costs
    include slippage.
    """

    cash_usd: Decimal
    shares: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    holdings: dict[str, dict[str, Holding]] = field(default_factory=dict)
    fills: list[BacktestFill] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    crossings: list[Crossing] = field(default_factory=list)
    fees_usd: Decimal = ZERO
    slippage_usd: Decimal = ZERO
    interest_usd: Decimal = ZERO
    income_usd: Decimal = ZERO

    def quantities(self) -> dict[str, Decimal]:
        """Return the account's shares by symbol."""
        total: dict[str, Decimal] = {}
        for own in self.shares.values():
            for symbol, quantity in own.items():
                total[symbol] = total.get(symbol, ZERO) + quantity
        return {symbol: quantity for symbol, quantity in total.items() if quantity}

    def held(self, symbol: str) -> dict[str, Decimal]:
        """Return whose the shares of a symbol are."""
        return {name: own[symbol] for name, own in self.shares.items() if own.get(symbol)}

    def set(self, symbol: str, parts: Mapping[str, Decimal]) -> None:
        """Say whose the shares of a symbol are from now on."""
        for name in {*self.shares, *parts}:
            own = self.shares.setdefault(name, {})
            if quantity := parts.get(name, ZERO):
                own[symbol] = quantity
            else:
                own.pop(symbol, None)
                self.holdings.get(name, {}).pop(symbol, None)

    def cross(
        self,
        session: date,
        symbol: str,
        price_usd: Decimal,
        changes: Mapping[str, Decimal],
        *,
        from_day: date,
    ) -> None:
        """Let strategies take shares over from each other; they are held ``from_day`` on."""
        if changes:
            self.crossings.append(Crossing(session, symbol, price_usd, changes))
            self._change(
                symbol, {name: (change, change * price_usd) for name, change in changes.items()}, from_day
            )

    def _change(self, symbol: str, changes: Mapping[str, tuple[Decimal, Decimal]], day: date) -> None:
        """Add shares with what they cost (both negative: take them out for what they brought)."""
        after = self.held(symbol)
        for name, (change, cost) in changes.items():
            own = self.holdings.setdefault(name, {})
            held = own.get(symbol)
            if held is None:
                own[symbol] = Holding(change, cost, since=day)
            elif held.quantity + change:  # else it is taken out below
                own[symbol] = opened(held, changed(held, change, cost), day)
            after[name] = after.get(name, ZERO) + change
        self.set(symbol, after)

    def execute(self, fill: BacktestFill) -> None:
        """Book a fill."""
        self.fills.append(fill)
        slipped = fill.slippage_usd / abs(fill.quantity)
        price = fill.price_usd + slipped.copy_sign(fill.quantity)
        self._change(
            fill.symbol,
            {name: (change, change * price) for name, change in fill.shares.items()},
            fill.session,
        )
        self.cash_usd -= fill.quantity * fill.price_usd + fill.fees_usd + fill.slippage_usd
        self.fees_usd += fill.fees_usd
        self.slippage_usd += fill.slippage_usd

    def pay_interest(self, costs: Costs, nights: int) -> None:
        """Pay for negative cash."""
        if self.cash_usd < 0 and costs.margin_frac:
            paid = (-self.cash_usd * Decimal(repr(costs.margin_frac)) * nights / DAYS_A_YEAR).quantize(CENT)
            self.cash_usd -= paid
            self.interest_usd += paid

    def apply(
        self, action: Action, session: date, *, price_usd: Decimal, into_usd: Decimal | None = None
    ) -> None:
        """Carry out a corporate action on what is held before the session's fills; what was whole stays whole.

        Fractions of shares are paid in cash.

        Parameters
        ----------
        price_usd
            The symbol's last close before it, in the old scale.
        into_usd
            The last close of the symbol that is received; see ``worth_of_received`` for one that never had any.
        """
        parts = self.held(action.symbol)
        quantity = sum(parts.values(), ZERO)
        if not quantity:
            return
        match action.kind:
            case "split" if action.split_ratio:
                self._reshape(action, session, parts, price_usd)
            case "cash_dividend" if action.cash_usd:
                self._pay(action, session, quantity, quantity * Decimal(repr(action.cash_usd)), quantity)
            case "spin_off" if action.new_symbol and action.share_ratio:
                self._receive(action, session, parts, price_usd)
            case "symbol_change" if action.new_symbol:
                costs = self._costs(action.symbol)
                self.set(action.symbol, {})
                self._add(action.new_symbol, quantity, parts, costs, session)
                self.events.append(
                    Event(
                        session, action.symbol, action.kind, quantity, ZERO, ZERO, action.new_symbol, quantity
                    )
                )
            case "delisting":
                self._end(action, session, parts, worth_of_received(action, price_usd, into_usd))
            case _:
                return

    def end_without_word(self, symbol: str, session: date, price_usd: Decimal) -> None:
        """Take a holding out whose listing ended, and nobody says with what: at its last close, which is an assumption."""
        quantity = sum(self.held(symbol).values(), ZERO)
        self.set(symbol, {})
        self.cash_usd += quantity * price_usd
        self.events.append(Event(session, symbol, "end_without_word", quantity, quantity * price_usd, ZERO))

    def _pay(self, action: Action, session: date, quantity: Decimal, amount: Decimal, kept: Decimal) -> None:
        paid = amount.quantize(CENT)
        self.cash_usd += paid
        self.income_usd += paid
        self.events.append(Event(session, action.symbol, action.kind, quantity, paid, kept))

    def _reshape(
        self, action: Action, session: date, parts: Mapping[str, Decimal], price_usd: Decimal
    ) -> None:
        quantity, ratio = sum(parts.values(), ZERO), in_decimal(action.shares_per_share)
        kept, fraction = _whole(quantity, ratio)
        after = in_proportion(kept, parts) if kept else {}
        self.set(action.symbol, after)
        for name, shares in after.items():
            own = self.holdings[name]
            cost = own[action.symbol].cost_usd  # that of a fraction leaves with it
            if fraction:
                cost = (cost * kept / (kept + fraction)).quantize(PRICE_QUANTUM)
            own[action.symbol] = replace(own[action.symbol], quantity=shares, cost_usd=cost)
        self._pay(action, session, quantity, fraction * price_usd / ratio, kept)

    def _receive(
        self, action: Action, session: date, parts: Mapping[str, Decimal], price_usd: Decimal
    ) -> None:
        quantity, ratio = sum(parts.values(), ZERO), Decimal(repr(action.share_ratio))
        kept, fraction = _whole(quantity, ratio)
        along = Decimal(1) - Decimal(repr(action.price_factor or 1.0))
        costs = {
            name: (cost * along).quantize(PRICE_QUANTUM) for name, cost in self._costs(action.symbol).items()
        }
        for name, cost in costs.items():
            own = self.holdings[name]
            own[action.symbol] = replace(own[action.symbol], cost_usd=own[action.symbol].cost_usd - cost)
        self._add(str(action.new_symbol), kept, parts, costs, session)
        worth = worth_of_received(action, price_usd, None)
        paid = (fraction * worth).quantize(CENT)
        self.cash_usd += paid
        self.income_usd += paid
        self.events.append(
            Event(
                session, action.symbol, action.kind, quantity, paid, quantity, action.new_symbol, kept, worth
            )
        )

    def _end(self, action: Action, session: date, parts: Mapping[str, Decimal], worth: Decimal) -> None:
        quantity = sum(parts.values(), ZERO)
        cash = Decimal(repr(action.cash_usd or 0.0))
        costs = {
            name: max(cost - parts[name] * cash, ZERO) for name, cost in self._costs(action.symbol).items()
        }
        self.set(action.symbol, {})
        received = fraction = ZERO
        if action.new_symbol and action.share_ratio:
            received, fraction = _whole(quantity, Decimal(repr(action.share_ratio)))
            self._add(action.new_symbol, received, parts, costs, session)
        paid = (quantity * cash + fraction * worth).quantize(CENT)
        self.cash_usd += paid
        into = action.new_symbol if received else None
        self.events.append(Event(session, action.symbol, action.kind, quantity, paid, ZERO, into, received))

    def _costs(self, symbol: str) -> dict[str, Decimal]:
        return {name: own[symbol].cost_usd for name, own in self.holdings.items() if symbol in own}

    def _add(
        self,
        symbol: str,
        shares: Decimal,
        like: Mapping[str, Decimal],
        costs: Mapping[str, Decimal],
        session: date,
    ) -> None:
        added = in_proportion(shares, like) if shares else {}
        self._change(
            symbol, {name: (part, costs.get(name, ZERO)) for name, part in added.items() if part}, session
        )


def worth_of_received(action: Action, price_usd: Decimal, into_usd: Decimal | None) -> Decimal:
    """Return what a share that an action gives is worth, in USD.

    Of a spin-off, what the parent's price loses by it; of a merger, ``into_usd``, the last close of the acquirer, and where it
    never had one what the target's last close leaves for it. 0 if nothing is known.
    """
    if not action.share_ratio or not action.new_symbol:
        return ZERO
    ratio = Decimal(repr(action.share_ratio))
    if action.kind == "spin_off":
        return price_usd * (1 - Decimal(repr(action.price_factor or 1.0))) / ratio
    if into_usd is not None:
        return into_usd
    return max(price_usd - Decimal(repr(action.cash_usd or 0.0)), ZERO) / ratio


def changes_between(before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return by how much each one's shares change, where they do."""
    names = sorted({*before, *after})
    changes = {name: after.get(name, ZERO) - before.get(name, ZERO) for name in names}
    return {name: change for name, change in changes.items() if change}


def _whole(quantity: Decimal, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Return the shares that a ratio makes of some, whole if they were, and the fraction that is left."""
    exact = (quantity * ratio).quantize(QUANTUM)
    if quantity != quantity.to_integral_value():
        return exact, ZERO
    kept = exact.to_integral_value(rounding=ROUND_FLOOR)
    return kept, exact - kept
