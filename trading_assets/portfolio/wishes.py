"""Wishes: what one strategy wants of each symbol that it holds or has a signal on; one per (strategy, symbol)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_assets.portfolio.sizing import FixedFractional

ZERO = Decimal(0)


@dataclass(frozen=True)
class View:
    """A strategy's signal on one symbol."""

    side: str
    strength: float
    reason: str


SIGNAL_GONE = "signal_gone"


@dataclass(frozen=True)
class Mandate:
    """What one strategy may do with the account: its part of the equity, and how it sizes positions."""

    strategy: str
    capital_frac: Decimal = Decimal(1)
    sizing: FixedFractional = field(default_factory=FixedFractional)
    max_positions: int | None = None


@dataclass(frozen=True)
class Wish:
    """What a strategy wants of a symbol.

    ``held`` are the shares that are its own, ``kept`` those that it wants to keep. If it ``enters``, it wants to buy for
    ``notional_usd``. ``rule`` is null for a plain entry, exit or hold; a wish ``is_refused`` that the strategy's own
    mandate does not allow.
    """

    strategy: str
    symbol: str
    held: Decimal
    kept: Decimal
    notional_usd: Decimal
    strength: float
    rule: str | None
    reason: str
    enters: bool = False
    is_refused: bool = False


def wishes(
    mandate: Mandate,
    views: Mapping[str, View],
    held: Mapping[str, Decimal],
    *,
    equity_usd: Decimal,
    traded: Collection[str],
    begun_anew: Collection[str] = (),
) -> list[Wish]:
    """Say what a strategy wants of every symbol that it holds or has a signal on.

    A holding is kept while its signal is enter or hold, and given up on an exit signal or when the strategy no longer
    names it although it traded. Without a bar, without any signal in the session, or where it has begun anew after a long
    silence and its features are not there yet, it is kept: missing data is no reason to trade. A strategy without capital gives everything up. New positions are as large as the mandate's sizing
    makes them of its part of the equity, strongest first up to ``max_positions``.

    Parameters
    ----------
    mandate
        Its part of the equity and its sizing.
    views
        Its signals of one session, by symbol.
    held
        Its own shares, by symbol.
    equity_usd
        Of the whole account.
    traded
        Symbols whose bar of the session was accepted.
    begun_anew
        Symbols that went on after a long silence in the last year (``features.seams``).

    Returns
    -------
    list of Wish
        Sorted by symbol. Look-ahead: the session's close.
    """
    own = {symbol: quantity for symbol, quantity in held.items() if quantity}
    kept = [
        _keep(mandate, symbol, own[symbol], views, traded, begun_anew=begun_anew) for symbol in sorted(own)
    ]
    entries = _enter(
        mandate, {name: view for name, view in views.items() if name not in own}, kept, equity_usd
    )
    return sorted([*kept, *entries], key=lambda wish: wish.symbol)


def _keep(
    mandate: Mandate,
    symbol: str,
    quantity: Decimal,
    views: Mapping[str, View],
    traded: Collection[str],
    *,
    begun_anew: Collection[str],
) -> Wish:
    view = views.get(symbol)
    wish = Wish(
        strategy=mandate.strategy,
        symbol=symbol,
        held=quantity,
        kept=quantity,
        notional_usd=ZERO,
        strength=view.strength if view else 0.0,
        rule=None,
        reason=view.reason if view else "",
    )
    if view is not None and view.side == "exit_long":
        return replace(wish, kept=ZERO)
    if symbol not in traded:
        return replace(wish, rule="no_bar", reason="no accepted bar in this session: the position is kept")
    given_up = _why_given_up(mandate, quantity, view, views)
    if given_up and given_up[0] == SIGNAL_GONE and symbol in begun_anew:
        reason = (
            "it went on after more than a month without a bar and has no features yet: the position is kept"
        )
        return replace(wish, rule="begun_anew", reason=reason)
    if given_up:
        rule, reason = given_up
        return replace(wish, kept=ZERO, rule=rule, reason=reason)
    if not views:
        return replace(wish, rule="no_signals", reason="the strategy gave no signals: the position is kept")
    return wish


def _why_given_up(
    mandate: Mandate, quantity: Decimal, view: View | None, views: Mapping[str, View]
) -> tuple[str, str] | None:
    if quantity < 0:
        return "long_only", "a short position is closed"
    if not mandate.capital_frac:
        return "no_capital", "the strategy has no capital any more"
    if view is None and views:
        return SIGNAL_GONE, "the strategy no longer names the symbol"
    return None


def _enter(
    mandate: Mandate, views: Mapping[str, View], kept: Iterable[Wish], equity_usd: Decimal
) -> list[Wish]:
    positions = sum(wish.kept != 0 for wish in kept)
    notional = mandate.sizing.notional_usd(equity_usd * mandate.capital_frac)
    entries = []
    for symbol in sorted(views, key=lambda name: (-views[name].strength, name)):
        view = views[symbol]
        wish = Wish(mandate.strategy, symbol, ZERO, ZERO, ZERO, view.strength, None, view.reason)
        if view.side != "enter_long":
            entries.append(replace(wish, rule="not_held", reason=f"nothing held; {view.reason}"))
        elif mandate.max_positions is not None and positions >= mandate.max_positions:
            reason = f"{positions} of {mandate.max_positions} positions of {mandate.strategy} are taken; {view.reason}"
            entries.append(replace(wish, rule="strategy_positions", reason=reason, is_refused=True))
        elif not mandate.capital_frac:
            reason = f"the strategy has no capital; {view.reason}"
            entries.append(replace(wish, rule="no_capital", reason=reason, is_refused=True))
        else:
            entries.append(replace(wish, notional_usd=notional, enters=True))
            positions += 1
    return entries
