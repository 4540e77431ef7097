"""Rebalancing: one account that is brought to target weights at given closes, filled at the next open; cash is shared by all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl

from trading_assets.backtest.costs import Costs
from trading_assets.errors import DataQualityError
from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, read_only


class WhenShort(StrEnum):
    """What happens when the cash does not reach for all that is bought.

    ``smallest_first``: in the order of the amounts, smallest first, each as far as the cash goes (so does vectorbt);
    ``pro_rata``: every purchase is cut by the same factor.
    """

    SMALLEST_FIRST = "smallest_first"
    PRO_RATA = "pro_rata"


@dataclass(frozen=True)
class Rebalanced:
    """What came of it.

    Attributes
    ----------
    equity_usd
        At the close of each session.
    cash_usd
        The same of the cash.
    quantities
        Shares at the end, by symbol.
    orders
        One row per fill: ``session`` (row), ``symbol`` (column), ``quantity`` (negative: sold), ``price_usd`` (the market's),
        ``fees_usd``, ``slippage_usd``.
    dividends_usd, rebalances, unfilled
        Cash received for shares; sessions on which something was decided; orders without an open to fill them.
    """

    equity_usd: FloatArray
    cash_usd: FloatArray
    quantities: FloatArray
    orders: pl.DataFrame
    dividends_usd: float
    rebalances: int
    unfilled: int


@compiled
def run_weights(  # noqa: C901, PLR0912, PLR0915, PLR0917 - one loop over an account's day: its order is the rule
    open_: FloatArray,
    close: FloatArray,
    split: FloatArray,
    dividend: FloatArray,
    weights: FloatArray,
    decided: IndexArray,
    costs: FloatArray,
    cash_usd: float,
    whole: bool,
    pro_rata: bool,
    equity: FloatArray,
    cashes: FloatArray,
    quantities: FloatArray,
    orders: FloatArray,
    counts: FloatArray,
) -> None:
    """Run the account; ``decided`` are the rows that ``weights`` (decisions, symbols) belong to, in order."""
    sessions, symbols = open_.shape
    fee_frac, fee_share, sell_frac, sell_share, sell_most, slip = (
        costs[0], costs[1], costs[2], costs[3], costs[4], costs[5],
    )  # fmt: skip
    cash, found, decision = cash_usd, 0, 0
    last = np.full(symbols, np.nan)
    has_actions = len(split) > 0
    for row in range(sessions):
        if has_actions:
            for symbol in range(symbols):
                held = quantities[symbol]
                if held != 0.0 and (split[row, symbol] != 1.0 or dividend[row, symbol] != 0.0):
                    income = held * dividend[row, symbol]
                    held *= split[row, symbol]
                    last[symbol] /= split[row, symbol]
                    if whole:
                        full = np.floor(held + 1e-9)
                        price = last[symbol] if np.isnan(open_[row, symbol]) else open_[row, symbol]
                        income += (held - full) * price
                        held = full
                    quantities[symbol] = held
                    cash += income
                    counts[0] += income
        if row > 0 and decision < len(decided) and decided[decision] == row - 1:
            worth = cash
            # shares to sell and to buy; what all that is bought costs is known before anything is
            wanted, asked = np.zeros(symbols), np.zeros(symbols)
            for symbol in range(symbols):
                price = last[symbol] if np.isnan(open_[row, symbol]) else open_[row, symbol]
                if quantities[symbol] != 0.0:
                    worth += quantities[symbol] * price
            needed = 0.0
            for symbol in range(symbols):
                price = open_[row, symbol]
                target = worth * weights[decision, symbol]
                if not np.isnan(price):
                    wanted[symbol] = target - quantities[symbol] * price
                    asked[symbol] = abs(wanted[symbol]) / price
                    if wanted[symbol] > 0.0:
                        if whole:
                            asked[symbol] = np.floor(asked[symbol] + 1e-9)
                        needed += asked[symbol] * (price * (1.0 + slip) * (1.0 + fee_frac) + fee_share)
                elif target > 0.0 or quantities[symbol] != 0.0:
                    counts[2] += 1
            decision += 1
            counts[1] += 1
            factor, buys = 1.0, False
            for symbol in np.argsort(wanted, kind="mergesort"):
                if wanted[symbol] == 0.0:
                    continue
                price = open_[row, symbol]
                side = 1.0 if wanted[symbol] > 0.0 else -1.0
                if side > 0.0 and not buys:
                    buys = True  # all is sold: this is the cash that the purchases share
                    if pro_rata and needed > cash:
                        factor = max(cash, 0.0) / needed
                quantity = asked[symbol]
                if side < 0.0:
                    # what is to go goes whole: dust would be sold later, and come before others of the same amount
                    gone = weights[decision - 1, symbol] == 0.0 or quantity > quantities[symbol]
                    quantity = quantities[symbol] if gone else quantity
                else:
                    unit = price * (1.0 + slip) * (1.0 + fee_frac) + fee_share
                    quantity = min(quantity * factor, max(cash, 0.0) / unit)
                if whole:
                    quantity = np.floor(quantity + 1e-9)
                if quantity <= 0.0:
                    continue
                notional, lost = quantity * price, quantity * price * slip
                charged = (notional + side * lost) * fee_frac + quantity * fee_share
                if side < 0.0:
                    taf = quantity * sell_share
                    charged += notional * sell_frac + (min(taf, sell_most) if sell_most > 0.0 else taf)
                cash -= side * notional + lost + charged
                quantities[symbol] += side * quantity
                last[symbol] = price
                orders[found, 0], orders[found, 1], orders[found, 2] = row, symbol, side * quantity
                orders[found, 3], orders[found, 4], orders[found, 5] = price, charged, lost
                found += 1
        value = cash
        for symbol in range(symbols):
            if not np.isnan(close[row, symbol]):
                last[symbol] = close[row, symbol]
            if quantities[symbol] != 0.0:
                value += quantities[symbol] * last[symbol]
        equity[row], cashes[row] = value, cash
    counts[3] = found


def run_target_weights(
    open_: FloatArray,
    close: FloatArray,
    weights: FloatArray,
    decided: IndexArray,
    *,
    cash_usd: float = 1_000_000.0,
    costs: Costs | None = None,
    whole_shares: bool = False,
    when_short: WhenShort = WhenShort.PRO_RATA,
    split: FloatArray | None = None,
    dividend: FloatArray | None = None,
) -> Rebalanced:
    """Bring one account to target weights.

    Parameters
    ----------
    open_, close
        Raw prices, (sessions, symbols); NaN where a symbol has no bar: it is not traded there, and valued at its last close, or
        at the price of its last fill if that was later.
    weights
        Fractions of the equity at the fill, (decisions, symbols), none below 0 and no row above 1.
    decided
        Session (row) of each decision, strictly rising; filled at the next one's open. One on the last session is never filled.
    split, dividend
        Shares for one, and USD per share before that split, at the open; (sessions, symbols).

    Raises
    ------
    ConfigurationError
        If ``costs`` has ``impact_frac`` or ``volatility_mult``: this account does not know volumes. It borrows neither shares nor
        money, so that what borrowing costs is not charged.
    DataQualityError
        If weights are below 0, not finite, or add up to more than 1: this account borrows nothing; if ``decided`` is not strictly
        rising or not within the sessions; if shapes differ, prices are not above 0, or actions not finite.
    """
    costs = costs or Costs()
    # borrowing costs nothing where nothing is borrowed; what moves prices by volume cannot be charged
    costs.refuse("impact_frac", "volatility_mult", why="a rebalanced account knows no volumes")
    sessions, symbols = open_.shape
    _require_weights(weights, np.asarray(decided), sessions, symbols)
    _require_prices(open_, close, split, dividend)
    equity, cashes, quantities = np.zeros(sessions), np.zeros(sessions), np.zeros(symbols)
    orders, counts = np.zeros((max(len(decided), 1) * symbols, 6)), np.zeros(4)
    none = np.empty((0, 0))
    given: list[Any] = [  # arrays, by position
        read_only(np.ascontiguousarray(array, dtype=np.float64))
        for array in (
            open_, close, none if split is None else split,
            (none if split is None else np.zeros_like(open_)) if dividend is None else dividend, weights,
        )
    ]  # fmt: skip
    if split is None and dividend is not None:
        given[2] = read_only(np.ones_like(open_))
    given += [
        read_only(np.asarray(decided, dtype=np.int64)), read_only(costs.packed()), float(cash_usd),
        whole_shares, when_short == WhenShort.PRO_RATA, equity, cashes, quantities, orders, counts,
    ]  # fmt: skip
    run_weights(*given)
    kept = orders[: int(counts[3])]
    frame = pl.DataFrame(
        {
            "session": kept[:, 0].astype(np.int64), "symbol": kept[:, 1].astype(np.int64), "quantity": kept[:, 2],
            "price_usd": kept[:, 3], "fees_usd": kept[:, 4], "slippage_usd": kept[:, 5],
        }
    )  # fmt: skip
    return Rebalanced(equity, cashes, quantities, frame, float(counts[0]), int(counts[1]), int(counts[2]))


def _require_weights(weights: FloatArray, decided: IndexArray, sessions: int, symbols: int) -> None:
    if weights.shape != (len(decided), symbols):
        raise DataQualityError(
            "Target weights need a row per decision and a column per symbol", shape=weights.shape
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or (weights.sum(axis=1) > 1 + 1e-9).any():
        raise DataQualityError("Target weights must be 0 or more and add up to 1 at most")
    within = len(decided) == 0 or (decided.min() >= 0 and decided.max() < sessions)
    if not (within and (np.diff(decided) > 0).all()):
        raise DataQualityError(
            "Decisions must be rows of the sessions, strictly rising: sort them and leave out repeated ones",
            sessions=sessions,
        )


def _require_prices(
    open_: FloatArray, close: FloatArray, split: FloatArray | None, dividend: FloatArray | None
) -> None:
    for name, array, least in (
        ("open", open_, 0.0),
        ("close", close, 0.0),
        ("split", split, 0.0),
        ("dividend", dividend, -np.inf),
    ):
        if array is None:
            continue
        if array.shape != open_.shape:
            raise DataQualityError(
                "Arrays of a rebalanced account have one shape", array=name, shape=array.shape
            )
        if (array <= least).any() or np.isinf(array).any():
            raise DataQualityError("A rebalanced account needs finite values above 0", array=name)
        if name in {"split", "dividend"} and np.isnan(array).any():
            raise DataQualityError(
                "Actions must be given for every session and symbol: 1 or 0 for none", array=name
            )
