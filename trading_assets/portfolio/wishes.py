"""Wishes: what one strategy wants of each symbol that it holds or has a signal on; one per (strategy, symbol)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from trading_assets.portfolio.exits import NOTHING, Exits, Memory, exit_of
from trading_assets.portfolio.sizing import ZERO, Capital, FixedFractional, PositionSizing, exact


class View(NamedTuple):
    """A strategy's signal on one symbol."""

    side: str
    strength: float
    reason: str


SIGNAL_GONE = "signal_gone"


@dataclass(frozen=True)
class Shown:
    """What a session showed of symbols: whose bar was ``traded``, last closes and ATRs in USD, and volatilities a year.

    ``begun_anew`` are those that went on after a long silence in the last year (``features.seams``).
    """

    traded: Collection[str]
    close: Mapping[str, float] = field(default_factory=dict)
    volatility: Mapping[str, float] = field(default_factory=dict)
    begun_anew: Collection[str] = ()
    atr: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Mandate:
    """What one strategy may do with the account: its part of the equity, how it sizes positions, and what ends them."""

    strategy: str
    capital_frac: Decimal = Decimal(1)
    sizing: PositionSizing = field(default_factory=FixedFractional)
    max_positions: int | None = None
    exits: Exits | None = None


class Wish(NamedTuple):
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
    shown: Shown,
    memory: Memory = NOTHING,
) -> list[Wish]:
    """Say what a strategy wants of every symbol that it holds or has a signal on.

    A holding is kept while its signal is enter or hold, and given up on an exit signal, when one of the mandate's exits
    says so, or when the strategy no longer names it although it traded. Without a bar, without any signal in the session, or where it has begun anew after a long
    silence and its features are not there yet, it is kept: missing data is no reason to trade. A strategy without capital gives everything up. New positions are
    as large as the mandate's sizing makes them of its part of the equity, strongest first up to ``max_positions``.

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
    shown
        What the session showed.
    memory
        What the strategy's past says, for its exits.

    Returns
    -------
    list of Wish
        Sorted by symbol. Look-ahead: the session's close.
    """
    scene = _Scene(mandate, views, equity_usd, shown, memory)
    own = {symbol: quantity for symbol, quantity in held.items() if quantity}
    kept = [_keep(scene, symbol, own[symbol]) for symbol in sorted(own)]
    entries = _enter(scene, {name: view for name, view in views.items() if name not in own}, kept)
    return sorted([*kept, *entries], key=attrgetter("symbol"))


@dataclass(frozen=True)
class _Scene:
    mandate: Mandate
    views: Mapping[str, View]
    equity_usd: Decimal
    shown: Shown
    memory: Memory


def _keep(scene: _Scene, symbol: str, quantity: Decimal) -> Wish:
    view = scene.views.get(symbol)
    side, strength, reason = view or ("", 0.0, "")
    wish = Wish(scene.mandate.strategy, symbol, quantity, quantity, ZERO, strength, None, reason)
    if side == "exit_long":
        return wish._replace(kept=ZERO)
    if symbol not in scene.shown.traded:
        return wish._replace(rule="no_bar", reason="no accepted bar in this session: the position is kept")
    given_up = _ended(scene, symbol, quantity) or _why_given_up(scene.mandate, quantity, view, scene.views)
    if given_up and given_up[0] == SIGNAL_GONE and symbol in scene.shown.begun_anew:
        reason = (
            "it went on after more than a month without a bar and has no features yet: the position is kept"
        )
        return wish._replace(rule="begun_anew", reason=reason)
    if given_up:
        rule, reason = given_up
        return wish._replace(kept=ZERO, rule=rule, reason=reason)
    if not scene.views:
        return wish._replace(rule="no_signals", reason="the strategy gave no signals: the position is kept")
    return wish


def _ended(scene: _Scene, symbol: str, quantity: Decimal) -> tuple[str, str] | None:
    exits, position = scene.mandate.exits, scene.memory.positions.get(symbol)
    if exits is None or position is None or quantity < 0 or symbol not in scene.shown.close:
        return None
    return exit_of(exits, position, exact(scene.shown.close[symbol]), scene.shown.atr.get(symbol))


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


def _enter(scene: _Scene, views: Mapping[str, View], kept: Iterable[Wish]) -> list[Wish]:
    keeps = [wish for wish in kept if wish.kept]
    positions = len(keeps)
    entries: dict[str, Wish] = {}
    entering: list[str] = []
    strategy, wanted = scene.mandate.strategy, []
    for symbol, (side, strength, reason) in views.items():
        if side == "enter_long":
            wanted.append((-strength, symbol))
        else:
            told = f"nothing held; {reason}"
            entries[symbol] = Wish(strategy, symbol, ZERO, ZERO, ZERO, strength, "not_held", told)
    for _, symbol in sorted(wanted):
        view = views[symbol]
        wish = Wish(strategy, symbol, ZERO, ZERO, ZERO, view.strength, None, view.reason)
        if refused := _why_refused(scene, symbol, positions):
            entries[symbol] = _refused(wish, *refused)
        else:
            entries[symbol] = wish
            entering.append(symbol)
            positions += 1
    return list((entries | _sized(scene, {name: entries[name] for name in entering}, keeps)).values())


def _refused(wish: Wish, rule: str, why: str) -> Wish:
    return wish._replace(rule=rule, reason=f"{why}; {wish.reason}", is_refused=True)


def _why_refused(scene: _Scene, symbol: str, positions: int) -> tuple[str, str] | None:
    mandate, since = scene.mandate, scene.memory.given_up.get(symbol)
    if mandate.exits is not None and since is not None and since <= mandate.exits.cooldown_sessions:
        most = mandate.exits.cooldown_sessions
        return "cooldown", f"an exit rule gave it up {since} sessions ago, no entry within {most}"
    if mandate.max_positions is not None and positions >= mandate.max_positions:
        taken = f"{positions} of {mandate.max_positions} positions of {mandate.strategy} are taken"
        return "strategy_positions", taken
    if not mandate.capital_frac:
        return "no_capital", "the strategy has no capital"
    if mandate.sizing.needs_volatility and not scene.shown.volatility.get(symbol, 0.0) > 0:
        return "volatility_unknown", "the volatility of 20 sessions is not known, or it is 0"
    return None


def _sized(scene: _Scene, entries: Mapping[str, Wish], keeps: Iterable[Wish]) -> dict[str, Wish]:
    mandate, shown = scene.mandate, scene.shown
    equity = scene.equity_usd * mandate.capital_frac
    capital = Capital(equity, equity)
    if mandate.sizing.needs_volatility:
        invested = (wish.kept * exact(shown.close.get(wish.symbol, 0.0)) for wish in keeps)
        capital = Capital(equity, equity - sum(invested, ZERO))
    sizes = mandate.sizing.notionals_usd(list(entries), capital, shown.volatility)
    left_out = f"no capital of {mandate.strategy} is left for a position of the least size"
    return {
        symbol: wish._replace(notional_usd=sizes[symbol], enters=True)
        if symbol in sizes
        else _refused(wish, "min_position", left_out)
        for symbol, wish in entries.items()
    }
