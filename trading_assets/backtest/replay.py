"""Replay: a trading plan over sessions of the past, decided by the code that decides live, filled at the next open.

Session by session: corporate actions change what is held, the orders of the last close are filled at the open, the close
values the account, and the plan decides on what the close showed. A decision knows nothing that was not known at its close.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl

from trading_assets.backtest.costs import Costs
from trading_assets.backtest.history import MarketHistory
from trading_assets.backtest.portfolio import (
    CENT,
    BacktestFill,
    Event,
    Portfolio,
    changes_between,
    worth_of_received,
)
from trading_assets.books.attribution import crossed
from trading_assets.books.bookings import ZERO, Action
from trading_assets.decision.decide import SIGNAL_COLUMNS, decide_targets
from trading_assets.decision.market import LOOK_BACK_SESSIONS
from trading_assets.decision.past import NO_PAST, Past, position_of
from trading_assets.decision.plan import TradingPlan
from trading_assets.errors import ConfigurationError
from trading_assets.indicators.kernel import FloatArray
from trading_assets.portfolio.exits import EXIT_RULES, Exits, Memory
from trading_assets.portfolio.netting import allot, in_proportion
from trading_assets.portfolio.wishes import View, Wish
from trading_assets.risk.breakers import Breakers, Tripped, judge
from trading_assets.risk.targets import Book, Target, in_usd

NO_BREAKERS = Breakers()
SILENT_SESSIONS = 21
"""A holding without a bar for longer than this has ended, as far as the backtest knows: about the silence of a seam."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FillRules:
    """What the market lets through.

    ``max_volume_frac`` is the largest part of a bar's volume that an order may be (0: any); the rest of it expires, as a day
    order does.
    """

    max_volume_frac: float = 0.1


@dataclass(frozen=True)
class Order:
    """What a decision ordered of a symbol, and by how much it changes whose shares: what comes to them before the fill stays theirs."""

    decided: int
    symbol: str
    quantity: Decimal
    changes: Mapping[str, Decimal]
    reason: str


@dataclass(frozen=True)
class Decided:
    """What was decided on a session, for those who look at it."""

    session: date
    targets: tuple[Target, ...]
    wanted: tuple[Wish, ...]

    def rows(self) -> list[tuple[date, str, Decimal, Decimal, Decimal, str, str | None, str]]:
        """Return session, symbol, quantity, quantity before, price, outcome, rule and reason of each target, as ``target_positions`` has them."""
        return [
            (
                self.session,
                target.symbol,
                target.quantity,
                target.current,
                target.price,
                target.verdict,
                target.rule,
                target.reason,
            )
            for target in self.targets
        ]


@dataclass
class Replay:
    """What came of it; arrays have one value per session that was decided on.

    ``outcomes`` counts what was decided by (outcome, rule); ``unfilled`` orders had no bar to be filled in, ``cut`` ones too thin
    a one.
    """

    sessions: list[date]
    opening_cash_usd: Decimal
    equity_usd: FloatArray
    cash_usd: FloatArray
    gross_usd: FloatArray
    positions: FloatArray
    portfolio: Portfolio
    last_close: dict[str, float]
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unfilled: int = 0
    cut: int = 0
    decisions: list[Decided] = field(default_factory=list)

    def fills(self) -> pl.DataFrame:
        """Return the fills, oldest first."""
        schema = {
            "decided": pl.Date, "session": pl.Date, "symbol": pl.String, "quantity": pl.Float64, "price_usd": pl.Float64,
            "fees_usd": pl.Float64, "slippage_usd": pl.Float64, "reason": pl.String,
        }  # fmt: skip
        rows = [
            (
                item.decided, item.session, item.symbol, float(item.quantity), float(item.price_usd),
                float(item.fees_usd), float(item.slippage_usd), item.reason,
            )
            for item in self.portfolio.fills
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=schema, orient="row")

    @property
    def events(self) -> list[Event]:
        """Corporate actions that changed the account."""
        return self.portfolio.events


def replay(
    plan: TradingPlan,
    signals: pl.DataFrame,
    history: MarketHistory,
    *,
    cash_usd: Decimal = Decimal(100_000),
    costs: Costs | None = None,
    fills: FillRules | None = None,
    keeps_decisions: bool = False,
    progress: Progress = lambda _done, _all: None,
) -> Replay:
    """Trade a plan over the sessions of a history.

    Parameters
    ----------
    plan
        Strategies with their mandates, and the limits of the account: what decides live.
    signals
        Columns ``session`` and ``SIGNAL_COLUMNS``, of the plan's strategies.
    history
        The market; decisions begin at its ``first`` session, and the orders of the last one are never filled.
    keeps_decisions
        Whether every target is kept, with its reason: for comparisons, not for twenty years.

    Returns
    -------
    Replay
        The same for the same input. On a session that a check of the data blocked nothing is decided, as live. Look-ahead: a decision of session S knows closes up to S, corporate actions with ex-dates up
        to the next session (they are announced before), and is filled at the open of the next session.
    """
    costs, rules = costs or Costs(), fills or FillRules()
    if costs.volatility_mult:
        raise ConfigurationError(
            "A replay of a plan does not know volatility_mult: use slippage_bps and impact_frac"
        )
    said = _by_session(signals)
    count = len(history.sessions) - history.first
    nothing = (np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count))
    result = Replay(list(history.sessions[history.first :]), cash_usd, *nothing, Portfolio(cash_usd), {})
    desk = _Desk(plan, history, costs, rules, result, keeps_decisions=keeps_decisions)
    for place in range(len(history.sessions)):
        desk.look(place)
        if place < history.first:
            continue
        desk.fill(place)
        desk.value(place)
        if place not in history.blocked:
            desk.decide(place, said.get(history.sessions[place], {}))
        progress(place - history.first + 1, count)
    result.last_close = {
        symbol: float(desk.last_close[history.places[symbol]])
        for symbol in result.portfolio.quantities()
        if symbol in history.places
    }
    return result


class _Desk:
    """The account's day, in its parts."""

    def __init__(
        self,
        plan: TradingPlan,
        history: MarketHistory,
        costs: Costs,
        rules: FillRules,
        result: Replay,
        *,
        keeps_decisions: bool,
    ) -> None:
        self.plan, self.history, self.costs, self.rules = plan, history, costs, rules
        self.result, self.portfolio = result, result.portfolio
        self.keeps_decisions = keeps_decisions
        self.last_close = np.full(len(history.symbols), np.nan)
        self.seen_at = np.full(len(history.symbols), -1)
        self.orders: list[Order] = []
        self.resumed_after: date | None = None
        self.quantities: dict[str, Decimal] = {}
        self.equity_usd = ZERO
        self.given_up: dict[str, dict[str, int]] = {planned.name: {} for planned in plan.strategies}

    def look(self, place: int) -> None:
        """Take the session's actions and closes in: scale of prices, and shares of what is held."""
        history = self.history
        for action in history.actions.get(place, ()):
            self._act(action, place)
        close = history.close_usd[place]
        there = ~np.isnan(close)
        self.last_close[there], self.seen_at[there] = close[there], place

    def _act(self, action: Action, place: int) -> None:
        history = self.history
        at, into = history.places[action.symbol], history.places.get(action.new_symbol or "")
        last, other = self._last(at), self._last(into)
        if place >= history.first:
            session = history.sessions[place]
            self.portfolio.apply(action, session, price_usd=last or ZERO, into_usd=other)
        if ratio := action.price_ratio:
            self.last_close[at] /= float(ratio)
        if into is None:
            return
        if action.kind == "symbol_change":  # whatever another company's last close under that symbol was
            self.last_close[into], self.seen_at[into] = self.last_close[at], self.seen_at[at]
        elif other is None and last is not None:
            # what was received and has no bar yet is worth what it was received for
            worth = worth_of_received(action, last, None)
            if worth:
                self.last_close[into], self.seen_at[into] = float(worth), place

    def _last(self, at: int | None) -> Decimal | None:
        known = at is not None and not np.isnan(self.last_close[at])
        return in_usd(float(self.last_close[at])) if known else None

    def fill(self, place: int) -> None:
        """Fill the orders of the last decision at the session's open; without a bar they expire."""
        history, session = self.history, self.history.sessions[place]
        if place > history.first:
            self.portfolio.pay_interest(self.costs, (session - history.sessions[place - 1]).days)
        for order in self.orders:
            at = history.places[order.symbol]
            price, volume = history.open_usd[place, at], self._volume(place, at)
            if np.isnan(price):
                self.result.unfilled += 1
                continue
            most = abs(order.quantity)
            if self.rules.max_volume_frac:
                most = min(most, Decimal(int(self.rules.max_volume_frac * volume)))
            if most < abs(order.quantity):
                self.result.cut += 1
            if most:
                self._execute(order, place, most.copy_sign(order.quantity))
        self.orders = []

    def _volume(self, place: int, at: int) -> float:
        volume = float(self.history.volume[place, at])
        return 0.0 if np.isnan(volume) else volume

    def _execute(self, order: Order, place: int, quantity: Decimal) -> None:
        history, at = self.history, self.history.places[order.symbol]
        price = in_usd(float(history.open_usd[place, at]))
        volume = self._volume(place, at)
        share = float(abs(quantity)) / volume if volume else 0.0
        moved = self.costs.slippage_bps / 1e4 + self.costs.impact_frac * share * share
        changes = order.changes if quantity == order.quantity else _shared(order.changes, quantity)
        self.portfolio.execute(
            BacktestFill(
                decided=history.sessions[order.decided],
                session=history.sessions[place],
                symbol=order.symbol,
                quantity=quantity,
                price_usd=price,
                fees_usd=fees_of(self.costs, quantity, price),
                slippage_usd=(abs(quantity) * price * Decimal(repr(moved))).quantize(CENT),
                shares=changes,
                wanted=order.quantity,
                reason=order.reason,
            )
        )

    def value(self, place: int) -> None:
        """Value the account at the session's closes."""
        row, result = place - self.history.first, self.result
        self._end_silent(place)
        closes = self.last_close[[self.history.places[symbol] for symbol in self.quantities]].tolist()
        worth = {
            symbol: quantity * in_usd(close)
            for (symbol, quantity), close in zip(self.quantities.items(), closes, strict=True)
        }
        self.equity_usd = self.portfolio.cash_usd + sum(worth.values(), ZERO)
        cash = self.portfolio.cash_usd
        result.equity_usd[row] = float(self.equity_usd)
        result.cash_usd[row] = float(cash)
        result.gross_usd[row] = float(sum(map(abs, worth.values()), ZERO))
        result.positions[row] = len(worth)

    def _end_silent(self, place: int) -> None:
        # what has had no bar for as long as a seam takes, in a halt or for ever: nobody could sell it, and nobody says which
        self.quantities, places = self.portfolio.quantities(), self.history.places
        seen = self.seen_at[[places[symbol] for symbol in self.quantities]]  # -1: never
        silent = [
            symbol
            for symbol, last in zip(self.quantities, seen, strict=True)
            if last < 0 or place - last > SILENT_SESSIONS
        ]
        for symbol in silent:
            price = self._last(places[symbol]) or ZERO
            self.portfolio.end_without_word(symbol, self.history.sessions[place], price)
            del self.quantities[symbol]

    def decide(self, place: int, views: Mapping[str, Mapping[str, View]]) -> None:
        """Decide on what the close showed, and order what is to change."""
        names = set(self.quantities).union(*views.values())
        market = self.history.shown(place, names, self._within_look_back(place))
        if tripped := self._breaker(place):
            market = replace(market, breaker=(tripped.rule, tripped.reason))
        book = Book(self.quantities, self.equity_usd, self.portfolio.cash_usd)
        wanted, targets = decide_targets(
            self.plan, views, self.portfolio.shares, book, market, past=self._past(place)
        )
        for wish in wanted:
            if wish.rule in EXIT_RULES:
                self.given_up[wish.strategy][wish.symbol] = place
        self.result.outcomes.update((target.verdict, target.rule or "") for target in targets)
        about = _about(wanted)
        for target in targets:
            if target.quantity == target.current and len(about[target.symbol]) == 1:
                continue  # nothing changes hands
            parts = allot(about[target.symbol], target.quantity, is_frozen=target.symbol in market.frozen)
            changes = changes_between(self.portfolio.held(target.symbol), parts)
            if len(changes) > 1:  # what they want in opposite directions never reaches the market
                changes = self._cross(place, target, changes)
            if target.quantity != target.current:
                self.orders.append(
                    Order(place, target.symbol, target.quantity - target.current, changes, target.reason)
                )
        if self.keeps_decisions:
            self.result.decisions.append(Decided(self.history.sessions[place], tuple(targets), tuple(wanted)))

    def _cross(self, place: int, target: Target, changes: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Let strategies take over from each other what they can, and return what is left to change."""
        sessions = self.history.sessions
        taken = crossed(changes)
        following = sessions[min(place + 1, len(sessions) - 1)]
        self.portfolio.cross(sessions[place], target.symbol, target.price, taken, from_day=following)
        left = {name: change - taken.get(name, ZERO) for name, change in changes.items()}
        return {name: change for name, change in left.items() if change}

    def _breaker(self, place: int) -> Tripped | None:
        if self.plan.breakers == NO_BREAKERS:
            return None
        row, most = place - self.history.first, self.plan.breakers.resumes_after_sessions
        sessions = self.result.sessions[: row + 1]
        growth = np.r_[1.0, self.result.equity_usd[: row + 1] / float(self.result.opening_cash_usd)]
        tripped = judge(self.plan.breakers, sessions, growth, self.resumed_after)
        if tripped is None or not tripped.is_latched or most is None:
            return tripped
        if place - self.history.place_of(tripped.session) < most:
            return tripped
        self.resumed_after = sessions[-1]
        return judge(self.plan.breakers, sessions, growth, self.resumed_after)

    def _past(self, place: int) -> Past:
        memories = {
            planned.name: self._memory(place, planned.name, planned.mandate.exits)
            for planned in self.plan.strategies
            if planned.mandate.exits is not None
        }
        return Past(memories) if memories else NO_PAST

    def _memory(self, place: int, strategy: str, exits: Exits) -> Memory:
        history, positions = self.history, {}
        for symbol, held in self.portfolio.holdings.get(strategy, {}).items():
            if held.since is not None:
                first = history.place_of(held.since)
                highest = history.highest_close(symbol, max(first, place - LOOK_BACK_SESSIONS), place)
                positions[symbol] = position_of(held, place - first + 1, highest)
        given_up = {
            symbol: place - at
            for symbol, at in self.given_up[strategy].items()
            if place - at <= exits.cooldown_sessions
        }
        return Memory(positions, given_up)

    def _within_look_back(self, place: int) -> FloatArray:
        return np.where(place - self.seen_at <= LOOK_BACK_SESSIONS, self.last_close, np.nan)


def fees_of(costs: Costs, quantity: Decimal, price_usd: Decimal) -> Decimal:
    """Return what a fill of so many (signed) shares is charged, to the cent."""
    notional, shares = abs(quantity) * price_usd, abs(quantity)
    fees = notional * Decimal(repr(costs.fee_bps / 1e4)) + shares * Decimal(repr(costs.fee_per_share_usd))
    if quantity < 0:
        activity = shares * Decimal(repr(costs.sell_fee_per_share_usd))
        most = Decimal(repr(costs.sell_fee_max_usd))
        fees += notional * Decimal(repr(costs.sell_fee_frac)) + (min(activity, most) if most else activity)
    return fees.quantize(CENT)


def _shared(changes: Mapping[str, Decimal], quantity: Decimal) -> dict[str, Decimal]:
    """Share out a fill that is smaller than what was ordered, in proportion to what each one's part of the order was."""
    movers = {name: abs(change) for name, change in changes.items() if change * quantity > 0}
    parts = in_proportion(abs(quantity), movers)
    return {name: part.copy_sign(quantity) for name, part in parts.items() if part}


def _about(wanted: Sequence[Wish]) -> dict[str, list[Wish]]:
    found: dict[str, list[Wish]] = {}
    for wish in wanted:
        found.setdefault(wish.symbol, []).append(wish)
    return found


def _by_session(signals: pl.DataFrame) -> dict[date, dict[str, dict[str, View]]]:
    found: dict[date, dict[str, dict[str, View]]] = {}
    groups = signals.select("session", *SIGNAL_COLUMNS).group_by("session", "strategy", maintain_order=True)
    whole = groups.agg(pl.all())
    for session, strategy, symbols, sides, strengths, reasons in whole.iter_rows():
        found.setdefault(session, {})[strategy] = dict(
            zip(symbols, map(View, sides, strengths, reasons), strict=True)
        )
    return found
