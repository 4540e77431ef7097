"""Studies: one strategy's plan under many sets of parameters, and what a choice among them is worth."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from trading_assets.backtest.costs import Costs
from trading_assets.decision.plan import PlanFile, StrategyEntry, TradingPlan, plan_of
from trading_assets.errors import ConfigurationError
from trading_assets.indicators.kernel import FloatArray
from trading_assets.research.backtests import Backtest, PastMarket, run_backtest
from trading_assets.statistics.backtest_overfitting import backtest_overfitting
from trading_assets.statistics.performance import sharpe_ratio
from trading_assets.statistics.plateau import plateau_score
from trading_assets.statistics.splits import walk_forward

WHOLE_PLAN = "plan"
LARGEST_GRID = 1000
_BLOCKS = 10


@dataclass(frozen=True)
class Choice:
    """What choosing the best of several backtests is worth.

    Attributes
    ----------
    overfitting
        Probability that the best half of the time is below the median in the other half (CSCV of 10 blocks); NaN for one trial.
    plateau
        Share of the best one's neighbours in the grid that reach nine tenths of its Sharpe ratio; NaN without a grid.
    """

    best: int
    overfitting: float
    plateau: float


@dataclass(frozen=True)
class WalkedForward:
    """A choice made anew for each piece of the end of the range, from what came before it.

    ``chosen`` is the place of the backtest by piece, ``returns`` are those of the chosen one in its piece, ``first`` is the place of
    the first session that was tested.
    """

    chosen: Sequence[int]
    first: int
    returns: FloatArray


def plan_for(plan: TradingPlan, strategy: str, parameters: Mapping[str, Any] | None = None) -> TradingPlan:
    """Return the plan of one strategy alone, with all of the capital; ``plan`` is the one in force.

    Parameters
    ----------
    strategy
        A name in the plan, whose kind, parameters and sizing it has; else a kind, with its defaults; ``plan``: all of the plan.
    parameters
        Replace those of the strategy.

    Raises
    ------
    ConfigurationError
        If there is no such strategy or parameter.
    """
    if strategy == WHOLE_PLAN and strategy not in plan.names:
        if parameters:
            raise ConfigurationError("--param is for one strategy: name it instead of the whole plan")
        return plan
    planned = next((item for item in plan.strategies if item.name == strategy), None)
    if planned is None:
        entry = StrategyEntry(kind=strategy, parameters=dict(parameters or {}))
    else:
        own = planned.strategy.parameters.model_dump()
        entry = StrategyEntry(
            kind=planned.strategy.name,
            parameters={**own, **(parameters or {})},
            sizing=planned.mandate.sizing,
            max_positions=planned.mandate.max_positions,
        )
    return plan_of(PlanFile(strategies={strategy: entry}, limits=plan.limits))


def grid_of(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return every combination of values, the last name changing fastest.

    Raises
    ------
    ConfigurationError
        If there are more than ``LARGEST_GRID``.
    """
    size = math.prod(len(own) for own in values.values())
    if size > LARGEST_GRID:
        raise ConfigurationError(
            f"{size:,} combinations are too many for one sweep; {LARGEST_GRID:,} are allowed"
        )
    return [
        dict(zip(values, combination, strict=True)) for combination in itertools.product(*values.values())
    ]


def sweep(
    market: PastMarket,
    plans: Sequence[TradingPlan],
    *,
    cash_usd: Decimal,
    costs: Costs,
) -> Iterator[Backtest]:
    """Backtest several plans on the same range, which is read once."""
    for plan in plans:
        yield run_backtest(market, plan, cash_usd=cash_usd, costs=costs)


def choose(returns: FloatArray, shape: Sequence[int]) -> Choice:
    """Choose the best Sharpe ratio of several backtests.

    Parameters
    ----------
    returns
        (sessions, backtests).
    shape
        Of the grid that they are the cells of, in order.
    """
    ratios = np.atleast_1d(sharpe_ratio(returns))
    best = int(np.nanargmax(ratios)) if not np.isnan(ratios).all() else 0
    enough = returns.shape[1] > 1 and len(returns) >= 2 * _BLOCKS
    return Choice(
        best,
        backtest_overfitting(returns, _BLOCKS).probability if enough else math.nan,
        plateau_score(ratios.reshape(shape)) if returns.shape[1] > 1 else math.nan,
    )


def walk_forwards(returns: FloatArray, folds: int) -> WalkedForward:
    """Choose the best Sharpe ratio so far, for each of ``folds`` pieces of the second half of the range.

    Parameters
    ----------
    returns
        (sessions, backtests). Changing from one to another is taken to cost nothing; what each one held carries on.

    Raises
    ------
    ConfigurationError
        If the range is too short for so many pieces.
    """
    length = len(returns) // 2 // folds
    if length < 1:
        raise ConfigurationError(f"{len(returns)} sessions are too few to walk forward {folds} times")
    chosen, parts, first = [], [], len(returns)
    for split in walk_forward(len(returns), folds, length, embargo=1):
        ratios = np.atleast_1d(sharpe_ratio(returns[split.train]))
        best = int(np.nanargmax(ratios)) if not np.isnan(ratios).all() else 0
        chosen.append(best)
        parts.append(returns[split.test, best])
        first = min(first, int(split.test[0]))
    return WalkedForward(chosen, first, np.concatenate(parts))
