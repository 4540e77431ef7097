"""Target positions: one row per symbol with a signal or a holding, with the outcome and the rule that decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import polars as pl
from pydantic import BaseModel, ConfigDict

from trading_assets.errors import DataQualityError
from trading_assets.risk.limits import Entry, RiskLimits, caps, percent, refusal
from trading_assets.risk.sizing import FixedFractional, whole_shares

QUANTITY = pl.Decimal(20, 9)
PRICE = pl.Decimal(20, 6)

TARGET_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "strategy": pl.String(),
        "quantity": QUANTITY,
        "current_quantity": QUANTITY,
        "reference_price_usd": PRICE,
        "weight_frac": pl.Float64(),
        "outcome": pl.String(),
        "rule": pl.String(),
        "reason": pl.String(),
    }
)


class RiskPolicy(BaseModel):
    """How large a new position is, and the limits of the book."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sizing: FixedFractional = FixedFractional()
    limits: RiskLimits = RiskLimits()


@dataclass(frozen=True)
class Book:
    """The account before the decision.

    ``quantities`` are shares held, from fills of earlier decisions; ``equity_usd`` values them at ``Market.last_close``.
    """

    quantities: Mapping[str, Decimal]
    equity_usd: Decimal
    cash_usd: Decimal


@dataclass(frozen=True)
class Market:
    """What the session showed of each symbol.

    ``last_close`` is the last accepted close of every symbol that is held or signalled, of this or an earlier session;
    ``traded`` the symbols whose bar of this session was accepted; ``dollar_volume`` the mean of 20 sessions in USD.
    ``restricted`` maps symbols that may not be bought to the reason. ``new_risk_blocked`` is the reason why nothing
    may be bought at all (a failed data-quality check, a trading halt), or None. ``frozen`` maps symbols in which nothing
    may be planned, neither entry nor exit, to the rule and the reason (an earlier order that is not settled, a split
    before the order would be executed).
    """

    last_close: Mapping[str, float]
    traded: frozenset[str]
    dollar_volume: Mapping[str, float]
    restricted: Mapping[str, str] = field(default_factory=dict)
    new_risk_blocked: str | None = None
    frozen: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Signal:
    side: str
    strength: float
    reason: str


@dataclass(frozen=True)
class _Target:
    symbol: str
    quantity: Decimal
    current: Decimal
    price: Decimal
    rule: str | None
    reason: str
    outcome: str | None = None
    strength: float = 0.0
    can_trade: bool = True

    @property
    def value_usd(self) -> Decimal:
        return self.quantity * self.price


def target_positions(
    signals: pl.DataFrame,
    book: Book,
    market: Market,
    *,
    strategy: str,
    policy: RiskPolicy | None = None,
) -> pl.DataFrame:
    """Decide the position of every symbol that has a signal or is held.

    A holding is kept while its signal is enter or hold, cut when it outgrew a limit, and closed on an exit signal or
    when the strategy no longer names it although it traded. Without a bar, or without any signal in the session, it is
    kept, and so is a frozen one: missing data is no reason to trade. New positions are opened strongest first (ties by symbol) with cash
    that is there now; proceeds of the session's exits are not spent before they are received.

    Parameters
    ----------
    signals
        Signals of one session (``symbol, side, strength, reason``).
    book, market
        The account before the decision and what the session showed.
    strategy
        Name of the strategy that the signals are from.
    policy
        Size of a new position and the limits; the defaults if omitted.

    Returns
    -------
    pl.DataFrame
        Rows of ``TARGET_SCHEMA`` sorted by symbol. ``outcome``: ``trade`` if the position is to change, ``hold`` if it
        stays, ``blocked`` if a rule refused what the signal wanted; ``rule`` is null for a plain entry, exit or hold.
        Look-ahead: the session's close.

    Raises
    ------
    DataQualityError
        If a held symbol has no price to value it.
    """
    policy = policy or RiskPolicy()
    views = {
        symbol: _Signal(side, strength, reason)
        for symbol, side, strength, reason in signals.select(
            "symbol", "side", "strength", "reason"
        ).iter_rows()
    }
    held = {symbol: quantity for symbol, quantity in book.quantities.items() if quantity != 0}
    kept = [_freeze(_keep(symbol, held[symbol], views, market), market) for symbol in sorted(held)]
    kept = [_cut_to_weight(target, book, policy.limits) for target in kept]
    kept = _cut_to_gross(kept, book, policy.limits)
    opened = _open(views, kept, book, market, policy)
    return _frame([*kept, *opened], strategy, book)


def _price(symbol: str, market: Market) -> Decimal:
    if symbol not in market.last_close:
        raise DataQualityError("A held symbol has no accepted close to value it", symbol=symbol)
    return _usd(market.last_close[symbol])


def _usd(value: float) -> Decimal:
    return Decimal(repr(float(value))).quantize(Decimal("0.000001"))


def _keep(symbol: str, quantity: Decimal, views: Mapping[str, _Signal], market: Market) -> _Target:
    """Keep or close a holding."""
    view = views.get(symbol)
    traded = symbol in market.traded
    target = _Target(
        symbol,
        quantity,
        quantity,
        _price(symbol, market),
        None,
        view.reason if view else "",
        strength=view.strength if view else 0.0,
        can_trade=traded,
    )
    if view is not None and view.side == "exit_long":
        return replace(target, quantity=Decimal(0))
    if not traded:
        return replace(target, rule="no_bar", reason="no accepted bar in this session: the position is kept")
    if quantity < 0:
        return replace(target, quantity=Decimal(0), rule="long_only", reason="a short position is closed")
    if view is not None:
        return target
    if not views:
        return replace(target, rule="no_signals", reason="the strategy gave no signals: the position is kept")
    return replace(
        target, quantity=Decimal(0), rule="signal_gone", reason="the strategy no longer names the symbol"
    )


def _freeze(target: _Target, market: Market) -> _Target:
    if target.symbol not in market.frozen:
        return target
    rule, why = market.frozen[target.symbol]
    reason = f"{why}: the position is kept"
    return replace(target, quantity=target.current, rule=rule, reason=reason, can_trade=False)


def _cut_to_weight(target: _Target, book: Book, limits: RiskLimits) -> _Target:
    largest = max(book.equity_usd, Decimal(0)) * limits.max_position_frac
    if not target.can_trade or target.value_usd <= largest:
        return target
    return replace(
        target,
        quantity=whole_shares(largest, target.price),
        rule="max_position",
        reason=f"cut to {percent(limits.max_position_frac)} of equity; {target.reason}",
    )


def _cut_to_gross(kept: list[_Target], book: Book, limits: RiskLimits) -> list[_Target]:
    """Cut the weakest holdings first until the book is within its gross limit."""
    largest = max(book.equity_usd, Decimal(0)) * limits.max_gross_frac
    excess = _gross(kept) - largest
    result = {target.symbol: target for target in kept}
    for target in sorted(kept, key=lambda item: (item.strength, item.symbol)):
        if excess <= 0:
            break
        if target.can_trade and target.quantity > 0:
            quantity = whole_shares(max(target.value_usd - excess, Decimal(0)), target.price)
            excess -= target.value_usd - quantity * target.price
            result[target.symbol] = replace(
                target,
                quantity=quantity,
                rule="max_gross",
                reason=f"cut to bring the book within {percent(limits.max_gross_frac)} of equity; {target.reason}",
            )
    return list(result.values())


def _gross(targets: Iterable[_Target]) -> Decimal:
    return sum((abs(target.value_usd) for target in targets), Decimal(0))


def _open(
    views: Mapping[str, _Signal], kept: list[_Target], book: Book, market: Market, policy: RiskPolicy
) -> list[_Target]:
    """Open positions, strongest first, as long as the limits allow."""
    gross = _gross(kept)
    positions = sum(target.quantity != 0 for target in kept)
    available = book.cash_usd - max(book.equity_usd, Decimal(0)) * policy.limits.cash_buffer_frac
    wanted = views.keys() - {target.symbol for target in kept}
    opened: list[_Target] = []
    for symbol in sorted(wanted, key=lambda name: (-views[name].strength, name)):
        view = views[symbol]
        close = market.last_close.get(symbol)
        price = _usd(close) if close is not None else Decimal(0)
        target = _Target(symbol, Decimal(0), Decimal(0), price, None, view.reason, strength=view.strength)
        if view.side != "enter_long":
            opened.append(replace(target, rule="not_held", reason=f"nothing held; {view.reason}"))
            continue
        volume = market.dollar_volume.get(symbol)
        entry = Entry(
            price_usd=price if symbol in market.traded and price > 0 else None,
            dollar_volume_usd=_usd(volume) if volume is not None else None,
            equity_usd=book.equity_usd,
            gross_usd=gross,
            positions=positions,
            available_usd=available,
        )
        target = _sized(target, entry, market, policy)
        gross += target.value_usd
        available -= target.value_usd
        positions += target.quantity != 0
        opened.append(target)
    return opened


def _sized(target: _Target, entry: Entry, market: Market, policy: RiskPolicy) -> _Target:
    refused = _forbidden(target.symbol, market) or refusal(entry, policy.limits)
    if refused:
        rule, why = refused
        return replace(target, rule=rule, reason=f"{why}; {target.reason}", outcome="blocked")
    wanted = policy.sizing.notional_usd(entry.equity_usd)
    tightest = min(caps(entry, policy.limits), key=lambda cap: cap.notional_usd)
    quantity = whole_shares(min(wanted, tightest.notional_usd), target.price)
    if quantity > 0 and tightest.notional_usd >= wanted:
        return replace(target, quantity=quantity)
    if quantity > 0:
        reason = f"cut to {tightest.words}; {target.reason}"
        return replace(target, quantity=quantity, rule=tightest.rule, reason=reason)
    if tightest.notional_usd < wanted and whole_shares(wanted, target.price) > 0:
        reason = f"not one share within {tightest.words}; {target.reason}"
        return replace(target, rule=tightest.rule, reason=reason, outcome="blocked")
    reason = f"one share costs more than the position size of {wanted:.2f} USD; {target.reason}"
    return replace(target, rule="position_size", reason=reason, outcome="blocked")


def _forbidden(symbol: str, market: Market) -> tuple[str, str] | None:
    if symbol in market.frozen:
        return market.frozen[symbol]
    if market.new_risk_blocked:
        return "new_risk_blocked", market.new_risk_blocked
    if symbol in market.restricted:
        return "restricted", market.restricted[symbol]
    return None


def _frame(targets: list[_Target], strategy: str, book: Book) -> pl.DataFrame:
    rows = [
        {
            "symbol": target.symbol,
            "strategy": strategy,
            "quantity": target.quantity,
            "current_quantity": target.current,
            "reference_price_usd": target.price,
            "weight_frac": float(target.value_usd / book.equity_usd) if book.equity_usd > 0 else 0.0,
            "outcome": target.outcome or ("hold" if target.quantity == target.current else "trade"),
            "rule": target.rule,
            "reason": target.reason,
        }
        for target in sorted(targets, key=lambda item: item.symbol)
    ]
    return pl.DataFrame(rows, schema=TARGET_SCHEMA)
