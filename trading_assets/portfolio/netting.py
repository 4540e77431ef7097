"""Netting: the wishes of all strategies become one wish of the account a symbol, and its target is shared out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from trading_assets.portfolio.sizing import ZERO
from trading_assets.portfolio.wishes import Wish

SHARE_QUANTUM = Decimal("0.000000001")
_DIGITS = 60


class NetWish(NamedTuple):
    """What the account as a whole wants of a symbol, before any limit.

    ``held``, ``kept`` and ``notional_usd`` are the sums over the strategies, ``strength`` is that of the strongest one.
    """

    symbol: str
    held: Decimal
    kept: Decimal
    notional_usd: Decimal
    strength: float
    rule: str | None
    reason: str
    enters: bool
    is_refused: bool


def net(wishes: Iterable[Wish]) -> list[NetWish]:
    """Add up the wishes symbol by symbol.

    Returns
    -------
    list of NetWish
        Sorted by symbol. Of one strategy alone, rule and reason are its own; of several, each reason names its strategy,
        and the rule is the one that all of them share.
    """
    ordered = sorted(wishes, key=attrgetter("symbol", "strategy"))
    return [_net(symbol, list(group)) for symbol, group in groupby(ordered, key=attrgetter("symbol"))]


def _net(symbol: str, wishes: Sequence[Wish]) -> NetWish:
    if len(wishes) == 1:
        (wish,) = wishes
        return NetWish(
            symbol, wish.held, wish.kept, wish.notional_usd, wish.strength, wish.rule, wish.reason, wish.enters,
            wish.is_refused,
        )  # fmt: skip
    rules = {wish.rule for wish in wishes}
    told = [wish.reason if len(wishes) == 1 else f"{wish.strategy}: {wish.reason}" for wish in wishes]
    return NetWish(
        symbol=symbol,
        held=sum((wish.held for wish in wishes), ZERO),
        kept=sum((wish.kept for wish in wishes), ZERO),
        notional_usd=sum((wish.notional_usd for wish in wishes), ZERO),
        strength=max(wish.strength for wish in wishes),
        rule=rules.pop() if len(rules) == 1 else None,
        reason="; ".join(text for text in told if text),
        enters=any(wish.enters for wish in wishes),
        is_refused=all(wish.is_refused for wish in wishes),
    )


def allot(wishes: Sequence[Wish], quantity: Decimal, *, is_frozen: bool = False) -> dict[str, Decimal]:
    """Share the target of one symbol out to the strategies that have a wish about it.

    What is bought goes to those that enter, in proportion to what they want to buy for; a target below what they want to
    keep cuts them in proportion; one above it that nobody bought is left with those that wanted to give up.

    Parameters
    ----------
    wishes
        All wishes about the symbol.
    quantity
        Shares that the account is to hold.
    is_frozen
        Nothing may change, not even between two strategies.

    Returns
    -------
    dict
        Shares by strategy, to a billionth; they add up to ``quantity`` exactly.
    """
    if is_frozen:
        return {wish.strategy: wish.held for wish in wishes}
    if len(wishes) == 1:
        return {wishes[0].strategy: quantity}
    kept = {wish.strategy: wish.kept for wish in wishes}
    total = sum(kept.values(), ZERO)
    if quantity < total:
        return in_proportion(quantity, kept)
    buyers = {wish.strategy: wish.notional_usd for wish in wishes if wish.enters and wish.notional_usd > 0}
    leavers = {wish.strategy: wish.held - wish.kept for wish in wishes if wish.held > wish.kept}
    added = in_proportion(quantity - total, buyers or leavers or kept)
    return {name: own + added.get(name, ZERO) for name, own in kept.items()}


def in_proportion(amount: Decimal, weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Split an amount of shares in proportion to weights, to a billionth; what rounding leaves goes to the largest.

    The parts add up to ``amount`` exactly, which must have at most nine decimals. Without any weight all of it goes to the first name.

    Examples
    --------
    >>> in_proportion(Decimal(10), {"a": Decimal(1), "b": Decimal(2)})
    {'a': Decimal('3.333333333'), 'b': Decimal('6.666666667')}
    """
    if not weights:
        return {}
    total = sum(weights.values(), ZERO)
    with localcontext(prec=_DIGITS):
        parts = {
            name: (amount * weight / total).quantize(SHARE_QUANTUM, rounding=ROUND_DOWN) if total else ZERO
            for name, weight in weights.items()
        }
    largest = min(weights, key=lambda name: (-weights[name], name))
    parts[largest] += amount - sum(parts.values(), ZERO)
    return parts
