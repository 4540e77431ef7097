"""Target positions: one row per symbol that a strategy has a wish about, with the outcome and the rule that decided it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

import polars as pl

from trading_assets.errors import DataQualityError
from trading_assets.portfolio.netting import NetWish
from trading_assets.portfolio.sizing import ZERO, whole_shares
from trading_assets.risk.limits import UNKNOWN_SECTOR, Entry, RiskLimits, caps, percent, refusal

QUANTITY = pl.Decimal(20, 9)
PRICE = pl.Decimal(20, 6)
_MICRO = Decimal("0.000001")

TARGET_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "quantity": QUANTITY,
        "current_quantity": QUANTITY,
        "reference_price_usd": PRICE,
        "weight_frac": pl.Float64(),
        "outcome": pl.String(),
        "rule": pl.String(),
        "reason": pl.String(),
    }
)


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
    before the order would be executed). ``begun_anew`` are the symbols that went on after a long silence in the last year:
    their features are not there yet. ``volatility`` is ``volatility_20`` of ``daily_features``, a year, and
    ``atr`` its ``atr_14``, USD; ``sector`` is that of the listing, of symbols where it is known.
    ``breaker`` is the rule and the reason of a circuit breaker that forbids new risk.
    """

    last_close: Mapping[str, float]
    traded: frozenset[str]
    dollar_volume: Mapping[str, float]
    restricted: Mapping[str, str] = field(default_factory=dict)
    new_risk_blocked: str | None = None
    frozen: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    begun_anew: frozenset[str] = frozenset()
    volatility: Mapping[str, float] = field(default_factory=dict)
    atr: Mapping[str, float] = field(default_factory=dict)
    sector: Mapping[str, str] = field(default_factory=dict)
    breaker: tuple[str, str] | None = None


class Target(NamedTuple):
    """What is decided of one symbol; see ``TARGET_SCHEMA``. ``outcome`` None: what the quantities say."""

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
    def verdict(self) -> str:
        """The outcome: ``trade`` or ``hold`` by the quantities, unless a rule refused what was wanted."""
        return self.outcome or ("hold" if self.quantity == self.current else "trade")

    @property
    def value_usd(self) -> Decimal:
        return self.quantity * self.price

    @property
    def ordered_usd(self) -> Decimal:
        return (self.quantity - self.current) * self.price

    @property
    def given_up_usd(self) -> Decimal:
        return max(-self.ordered_usd, ZERO)


def target_positions(
    netted: Sequence[NetWish], book: Book, market: Market, limits: RiskLimits | None = None
) -> list[Target]:
    """Decide the position of every symbol that a strategy has a wish about.

    A holding is what the strategies want to keep of it, cut when it outgrew a limit; a frozen one stays as it is. New
    shares are bought strongest first (ties by symbol) with cash that is there now: proceeds of the session's exits are
    not spent before they are received, but what one strategy gives up of a symbol another one may take over.

    Parameters
    ----------
    netted
        What the strategies want of each symbol, added up.
    book, market
        The account before the decision and what the session showed.
    limits
        Limits of the account; the defaults if omitted.

    Returns
    -------
    list of Target
        Sorted by symbol. Look-ahead: the session's close.

    Raises
    ------
    DataQualityError
        If a held symbol has no price to value it, or the wishes are about other shares than the book has.
    """
    limits = limits or RiskLimits()
    _require_the_same_shares(netted, book)
    kept = [_freeze(_kept(item, market), market) for item in netted if item.held != 0]
    largest = max(book.equity_usd, ZERO) * limits.max_position_frac
    most = largest + max(book.equity_usd, ZERO) * limits.no_trade_frac
    kept = [
        _cut_to_weight(item, largest, limits) if item.can_trade and item.value_usd > most else item
        for item in kept
    ]
    kept = _cut_to_gross(kept, book, limits)
    return sorted(_buy(netted, kept, book, market, limits), key=attrgetter("symbol"))


def _require_the_same_shares(netted: Sequence[NetWish], book: Book) -> None:
    wished = {item.symbol: item.held for item in netted if item.held != 0}
    held = {symbol: quantity for symbol, quantity in book.quantities.items() if quantity != 0}
    if wished != held:
        apart = sorted(
            symbol for symbol in {*wished, *held} if wished.get(symbol, ZERO) != held.get(symbol, ZERO)
        )
        raise DataQualityError(
            "The strategies' shares do not add up to the account's: nothing is decided on them", symbols=apart
        )


def _price(symbol: str, market: Market) -> Decimal:
    if symbol not in market.last_close:
        raise DataQualityError("A held symbol has no accepted close to value it", symbol=symbol)
    return in_usd(market.last_close[symbol])


@lru_cache(maxsize=4096)
def in_usd(value: float) -> Decimal:
    """Return a price in exact decimals, to a millionth of a dollar."""
    return Decimal(repr(float(value))).quantize(_MICRO)


def _kept(item: NetWish, market: Market) -> Target:
    return Target(
        item.symbol,
        item.kept,
        item.held,
        _price(item.symbol, market),
        item.rule,
        item.reason,
        strength=item.strength,
        can_trade=item.symbol in market.traded,
    )


def _freeze(target: Target, market: Market) -> Target:
    if target.symbol not in market.frozen:
        return target
    rule, why = market.frozen[target.symbol]
    reason = f"{why}: the position is kept"
    return target._replace(quantity=target.current, rule=rule, reason=reason, can_trade=False)


def _cut_to_weight(target: Target, largest: Decimal, limits: RiskLimits) -> Target:
    return target._replace(
        quantity=whole_shares(largest, target.price),
        rule="max_position",
        reason=f"cut to {percent(limits.max_position_frac)} of equity; {target.reason}",
    )


def _cut_to_gross(kept: list[Target], book: Book, limits: RiskLimits) -> list[Target]:
    """Cut the weakest holdings first until the book is within its gross limit."""
    largest = max(book.equity_usd, ZERO) * limits.max_gross_frac
    excess = _gross(kept) - largest
    result = {target.symbol: target for target in kept}
    for target in sorted(kept, key=lambda item: (item.strength, item.symbol)):
        if excess <= 0:
            break
        if target.can_trade and target.quantity > 0:
            quantity = whole_shares(max(target.value_usd - excess, ZERO), target.price)
            excess -= target.value_usd - quantity * target.price
            result[target.symbol] = target._replace(
                quantity=quantity,
                rule="max_gross",
                reason=f"cut to bring the book within {percent(limits.max_gross_frac)} of equity; {target.reason}",
            )
    return list(result.values())


def _gross(targets: Iterable[Target]) -> Decimal:
    return sum((abs(target.value_usd) for target in targets), ZERO)


def _buy(
    netted: Sequence[NetWish], kept: list[Target], book: Book, market: Market, limits: RiskLimits
) -> list[Target]:
    """Open and increase positions, strongest first, as long as the limits allow."""
    gross = _gross(kept)
    sectors = _sectors(kept, market) if limits.max_sector_frac is not None else {}
    traded, opened = sum((abs(target.ordered_usd) for target in kept), ZERO), 0
    positions = sum(target.quantity != 0 for target in kept)
    available = book.cash_usd - max(book.equity_usd, ZERO) * limits.cash_buffer_frac
    held = {target.symbol: target for target in kept}
    targets = {item.symbol: held.get(item.symbol) or _absent(item, market) for item in netted}
    entering = [item for item in netted if item.enters]
    for item in sorted(entering, key=lambda item: (-item.strength, item.symbol)):
        before = targets[item.symbol]
        volume = market.dollar_volume.get(item.symbol)
        sector = market.sector.get(item.symbol, UNKNOWN_SECTOR)
        entry = Entry(
            price_usd=before.price if item.symbol in market.traded and before.price > 0 else None,
            dollar_volume_usd=in_usd(volume) if volume is not None else None,
            equity_usd=book.equity_usd,
            gross_usd=gross,
            positions=positions,
            available_usd=available + before.given_up_usd,
            held_usd=before.value_usd,
            sector=sector,
            sector_usd=sectors.get(sector, ZERO),
            opened=opened,
            traded_usd=traded,
        )
        target = _sized(before, item.notional_usd, entry, market, limits)
        gross += target.value_usd - before.value_usd
        available -= max(target.ordered_usd - max(before.ordered_usd, ZERO), ZERO)
        positions += (target.quantity != 0) - (before.quantity != 0)
        opened += target.quantity != 0 and target.current == 0
        sectors[sector] = sectors.get(sector, ZERO) + target.value_usd - before.value_usd
        traded += abs(target.ordered_usd) - abs(before.ordered_usd)
        targets[item.symbol] = target
    return list(targets.values())


def _sectors(targets: Iterable[Target], market: Market) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for target in targets:
        name = market.sector.get(target.symbol, UNKNOWN_SECTOR)
        found[name] = found.get(name, ZERO) + abs(target.value_usd)
    return found


def _absent(item: NetWish, market: Market) -> Target:
    close = market.last_close.get(item.symbol)
    price = in_usd(close) if close is not None else ZERO
    outcome = "blocked" if item.is_refused else None
    return Target(item.symbol, ZERO, ZERO, price, item.rule, item.reason, outcome, item.strength)


def _sized(before: Target, wanted: Decimal, entry: Entry, market: Market, limits: RiskLimits) -> Target:
    def refused(rule: str, why: str) -> Target:
        reason = f"{why}; {before.reason}"
        outcome = "blocked" if before.quantity == before.current else None
        return before._replace(rule=rule, reason=reason, outcome=outcome)

    forbidden = _forbidden(before.symbol, market) or refusal(entry, limits)
    if forbidden:
        return refused(*forbidden)
    tightest = min(caps(entry, limits), key=lambda cap: cap.notional_usd)
    added = whole_shares(min(wanted, tightest.notional_usd), before.price)
    if 0 < added * before.price < limits.min_order_usd:
        why = f"{added * before.price:.2f} USD would be bought"
        why += f", cut to {tightest.words}" if tightest.notional_usd < wanted else ""
        return refused("min_order", f"{why}: orders of less than {limits.min_order_usd} USD are not made")
    if added > 0 and tightest.notional_usd >= wanted:
        return before._replace(quantity=before.quantity + added)
    if added > 0:
        reason = f"cut to {tightest.words}; {before.reason}"
        return before._replace(quantity=before.quantity + added, rule=tightest.rule, reason=reason)
    if tightest.notional_usd < wanted and whole_shares(wanted, before.price) > 0:
        return refused(tightest.rule, f"not one share within {tightest.words}")
    return refused("position_size", f"one share costs more than the position size of {wanted:.2f} USD")


def _forbidden(symbol: str, market: Market) -> tuple[str, str] | None:
    if symbol in market.frozen:
        return market.frozen[symbol]
    if market.breaker:
        return market.breaker
    if market.new_risk_blocked:
        return "new_risk_blocked", market.new_risk_blocked
    if symbol in market.restricted:
        return "restricted", market.restricted[symbol]
    return None


def target_rows(targets: Iterable[Target], book: Book) -> pl.DataFrame:
    """Return rows of ``TARGET_SCHEMA``.

    ``outcome``: ``trade`` if the position is to change, ``hold`` if it stays, ``blocked`` if a rule refused what was
    wanted; ``rule`` is null for a plain entry, exit or hold.
    """
    rows = [
        (
            target.symbol,
            target.quantity,
            target.current,
            target.price,
            float(target.value_usd / book.equity_usd) if book.equity_usd > 0 else 0.0,
            target.verdict,
            target.rule,
            target.reason,
        )
        for target in targets
    ]
    return pl.DataFrame(rows, schema=TARGET_SCHEMA, orient="row")
