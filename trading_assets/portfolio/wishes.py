"""Wishes: what one strategy wants of each symbol that it holds or has a signal on; one per (strategy, symbol)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_assets.portfolio.sizing import Capital, FixedFractional, PositionSizing, exact

ZERO = Decimal(0)


@dataclass(frozen=True)
class View:
    """A strategy's signal on one symbol."""

    side: str
    strength: float
    reason: str


SIGNAL_GONE = "signal_gone"


@dataclass(frozen=True)
class Shown:
    """What a session showed of symbols: those whose bar was ``traded``, last closes in USD, and volatilities a year.

    ``begun_anew`` are those that went on after a long silence in the last year (``features.seams``).
    """

    traded: Collection[str]
    close: Mapping[str, float] = field(default_factory=dict)
    volatility: Mapping[str, float] = field(default_factory=dict)
    begun_anew: Collection[str] = ()


@dataclass(frozen=True)
class Mandate:
    """What one strategy may do with the account: its part of the equity, and how it sizes positions."""

    strategy: str
    capital_frac: Decimal = Decimal(1)
    sizing: PositionSizing = field(default_factory=FixedFractional)
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
    shown: Shown,
) -> list[Wish]:
    """Say what a strategy wants of every symbol that it holds or has a signal on.

    A holding is kept while its signal is enter or hold, and given up on an exit signal or when the strategy no longer
    names it although it traded. Without a bar, without any signal in the session, or where it has begun anew after a long
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

    Returns
    -------
    list of Wish
        Sorted by symbol. Look-ahead: the session's close.
    """
    own = {symbol: quantity for symbol, quantity in held.items() if quantity}
    kept = [_keep(mandate, symbol, own[symbol], views, shown) for symbol in sorted(own)]
    entries = _enter(
        mandate, {name: view for name, view in views.items() if name not in own}, kept, equity_usd, shown
    )
    return sorted([*kept, *entries], key=lambda wish: wish.symbol)


def _keep(
    mandate: Mandate,
    symbol: str,
    quantity: Decimal,
    views: Mapping[str, View],
    shown: Shown,
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
    if symbol not in shown.traded:
        return replace(wish, rule="no_bar", reason="no accepted bar in this session: the position is kept")
    given_up = _why_given_up(mandate, quantity, view, views)
    if given_up and given_up[0] == SIGNAL_GONE and symbol in shown.begun_anew:
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
    mandate: Mandate, views: Mapping[str, View], kept: Iterable[Wish], equity_usd: Decimal, shown: Shown
) -> list[Wish]:
    keeps = [wish for wish in kept if wish.kept]
    positions = len(keeps)
    entries: dict[str, Wish] = {}
    for symbol in sorted(views, key=lambda name: (-views[name].strength, name)):
        view = views[symbol]
        wish = Wish(mandate.strategy, symbol, ZERO, ZERO, ZERO, view.strength, None, view.reason)
        if view.side != "enter_long":
            entries[symbol] = replace(wish, rule="not_held", reason=f"nothing held; {view.reason}")
        elif refused := _why_refused(mandate, symbol, positions, shown):
            entries[symbol] = _refused(wish, *refused)
        else:
            entries[symbol] = replace(wish, enters=True)
            positions += 1
    return _sized(mandate, entries, keeps, equity_usd * mandate.capital_frac, shown)


def _refused(wish: Wish, rule: str, why: str) -> Wish:
    return replace(wish, rule=rule, reason=f"{why}; {wish.reason}", enters=False, is_refused=True)


def _why_refused(mandate: Mandate, symbol: str, positions: int, shown: Shown) -> tuple[str, str] | None:
    if mandate.max_positions is not None and positions >= mandate.max_positions:
        return (
            "strategy_positions",
            f"{positions} of {mandate.max_positions} positions of {mandate.strategy} are taken",
        )
    if not mandate.capital_frac:
        return "no_capital", "the strategy has no capital"
    if mandate.sizing.needs_volatility and not shown.volatility.get(symbol, 0.0) > 0:
        return "volatility_unknown", "the volatility of 20 sessions is not known, or it is 0"
    return None


def _sized(
    mandate: Mandate, entries: Mapping[str, Wish], keeps: Iterable[Wish], equity_usd: Decimal, shown: Shown
) -> list[Wish]:
    capital = Capital(equity_usd, equity_usd)
    if mandate.sizing.needs_volatility:
        invested = (wish.kept * exact(shown.close.get(wish.symbol, 0.0)) for wish in keeps)
        capital = Capital(equity_usd, equity_usd - sum(invested, ZERO))
    names = [symbol for symbol, wish in entries.items() if wish.enters]
    sizes = mandate.sizing.notionals_usd(names, capital, shown.volatility)
    left_out = f"no capital of {mandate.strategy} is left for a position of the least size"
    return [
        wish
        if not wish.enters
        else replace(wish, notional_usd=sizes[symbol])
        if symbol in sizes
        else _refused(wish, "min_position", left_out)
        for symbol, wish in entries.items()
    ]
