"""The decision of a session: what every strategy wants, netted, limited, and shared out again; per symbol, and per strategy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

import polars as pl

from trading_assets.books.bookings import ZERO
from trading_assets.books.holdings import UNATTRIBUTED
from trading_assets.books.performance import in_micros
from trading_assets.decision.past import NO_PAST, Past
from trading_assets.decision.plan import TradingPlan
from trading_assets.portfolio.netting import allot, net
from trading_assets.portfolio.wishes import Shown, View, Wish, wishes
from trading_assets.risk.targets import (
    PRICE,
    QUANTITY,
    Book,
    Market,
    Target,
    target_positions,
    target_rows,
)

Shares = Mapping[str, Mapping[str, Decimal]]
"""Shares by symbol, by strategy."""
SIGNAL_COLUMNS = ("strategy", "symbol", "side", "strength", "reason")
ALLOCATION_SCHEMA = pl.Schema(
    {
        "symbol": pl.String(),
        "strategy": pl.String(),
        "held_quantity": QUANTITY,
        "kept_quantity": QUANTITY,
        "wanted_usd": PRICE,
        "allotted_quantity": QUANTITY,
        "reference_price_usd": PRICE,
        "strength": pl.Float64(),
        "rule": pl.String(),
        "reason": pl.String(),
    }
)


@dataclass(frozen=True)
class Decision:
    """Targets of the account (rows of ``TARGET_SCHEMA``), and whose each share of them is (``ALLOCATION_SCHEMA``)."""

    targets: pl.DataFrame
    allocations: pl.DataFrame


def decide(
    plan: TradingPlan,
    signals: pl.DataFrame,
    held: Shares,
    book: Book,
    market: Market,
    *,
    past: Past = NO_PAST,
) -> Decision:
    """Decide what the account should hold after a session, and how much of it is whose.

    Parameters
    ----------
    plan
        The strategies with their mandates, and the limits of the account.
    signals
        Columns ``SIGNAL_COLUMNS``: signals of the session; those of strategies that the plan does not name play no part.
    held
        Shares of each strategy before the decision; they add up to the book's.
    book, market
        The account before the decision, valued at the market's last closes, and what the session showed.
    past
        What the exits must know of each position.

    Returns
    -------
    Decision
        Rows sorted by symbol, and strategy. The same input gives the same rows, in whatever order it comes.
        Look-ahead: the session's close.

    Raises
    ------
    DataQualityError
        If a held symbol has no price, or the shares do not add up.
    """
    wanted, targets = decide_targets(plan, views_of(signals), held, book, market, past=past)
    return Decision(target_rows(targets, book), _allocations(wanted, targets, market))


def decide_targets(
    plan: TradingPlan,
    views: Mapping[str, Mapping[str, View]],
    held: Shares,
    book: Book,
    market: Market,
    *,
    past: Past = NO_PAST,
) -> tuple[list[Wish], list[Target]]:
    """Decide as ``decide`` does, without making tables of it; ``views`` are signals by strategy, by symbol."""
    shown = Shown(market.traded, market.last_close, market.volatility, market.begun_anew, market.atr)
    wanted: list[Wish] = []
    for planned in plan.strategies:
        wanted += wishes(
            planned.mandate,
            views.get(planned.name, {}),
            held.get(planned.name, {}),
            equity_usd=book.equity_usd,
            shown=shown,
            memory=past.of(planned.name),
        )
    wanted += _nobodys(held.get(UNATTRIBUTED, {}))
    return wanted, target_positions(net(wanted), book, market, plan.limits)


def _nobodys(shares: Mapping[str, Decimal]) -> list[Wish]:
    reason = "no strategy wanted these shares: the position is kept"
    return [
        Wish(UNATTRIBUTED, symbol, quantity, quantity, ZERO, 0.0, UNATTRIBUTED, reason)
        for symbol, quantity in shares.items()
    ]


def views_of(signals: pl.DataFrame) -> dict[str, dict[str, View]]:
    """Return signals by strategy, by symbol."""
    found: dict[str, dict[str, View]] = {}
    for strategy, symbol, side, strength, reason in signals.select(SIGNAL_COLUMNS).iter_rows():
        found.setdefault(strategy, {})[symbol] = View(side, strength, reason)
    return found


def _allocations(wanted: Iterable[Wish], targets: Iterable[Target], market: Market) -> pl.DataFrame:
    decided = {target.symbol: target for target in targets}
    rows = []
    ordered = sorted(wanted, key=lambda wish: (wish.symbol, wish.strategy))
    for symbol, group in groupby(ordered, key=lambda wish: wish.symbol):
        about = list(group)
        target = decided[symbol]
        parts = allot(about, target.quantity, is_frozen=symbol in market.frozen)
        rows += [
            (
                symbol,
                wish.strategy,
                wish.held,
                wish.kept,
                in_micros(wish.notional_usd),
                parts[wish.strategy],
                target.price,
                wish.strength,
                wish.rule,
                wish.reason,
            )
            for wish in about
        ]
    return pl.DataFrame(rows, schema=ALLOCATION_SCHEMA, orient="row")
