"""Studies: one strategy's plan under many sets of parameters, and what a choice among them is worth."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from resources.clock import monotonic_seconds
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.summary import Figure, figures
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
IDLE_SESSIONS = 5
"""A later first signal is told."""
_BLOCKS = 10


@dataclass(frozen=True)
class Run:
    """One backtest of a study: the parameters that were tried, what came of them, and the seconds that it took.

    ``figures`` are those of this backtest alone: how many trials there were is not one of them.
    """

    parameters: Mapping[str, str]
    backtest: Backtest
    figures: Sequence[Figure]
    seconds: float

    @property
    def words(self) -> str:
        """The parameters that were tried, for people; empty if none were."""
        return ", ".join(f"{name} {value}" for name, value in self.parameters.items())


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


@dataclass(frozen=True)
class Study:
    """Backtests on one range, and what the choice of the best is worth."""

    market: PastMarket
    runs: Sequence[Run]
    choice: Choice
    walked: WalkedForward | None

    @property
    def best(self) -> Run:
        """The run with the best Sharpe ratio."""
        return self.runs[self.choice.best]

    @property
    def sessions(self) -> Sequence[date]:
        """The sessions that were traded, those without features included."""
        return self.best.backtest.result.sessions

    def caveats(self) -> Iterator[str]:
        """Yield what a reader of the best one's figures must know."""
        best, days = self.best.backtest, self.sessions
        if best.first_signal is None:
            yield "The strategy gave no signal in these sessions: nothing was traded"
        elif (idle := days.index(best.first_signal)) > IDLE_SESSIONS:
            yield (
                f"The first signal is of {best.first_signal}, {idle} sessions after the start: the figures count the time before "
                f"it. The features before lack the look-back; begin there with --start {best.first_signal}, or fill more history "
                "with backfill"
            )
        if lacking := len(days) - len(self.market.sessions):
            yield f"{lacking} session{'' if lacking == 1 else 's'} had no features, and no signals: what was held was kept"
        if np.isnan(best.curves.benchmark_returns).all():
            yield "SPY has no returns in these sessions: nothing is compared with it"
        kinds = Counter(
            "delisted"
            if event.kind == "delisting" and not event.cash_usd and event.into is None
            else event.kind
            for event in best.result.events
        )
        if ends := kinds["end_without_word"]:
            yield (
                f"{ends} holding{'' if ends == 1 else 's'} had no bar for a month, in a halt or for ever: taken out at the last close, "
                "which flatters"
            )
        if ends := kinds["delisted"]:
            yield (
                f"{ends} holding{'' if ends == 1 else 's'} were delisted without terms: counted as worth nothing, which is the worst"
            )


def run_study(
    market: PastMarket,
    plan: TradingPlan,
    strategy: str,
    given: Mapping[str, str],
    tried: Mapping[str, Sequence[str]],
    *,
    cash_usd: Decimal,
    costs: Costs,
    folds: int = 0,
    track: Callable[[Sequence[Any]], Iterable[Any]] = lambda items: items,
) -> Study:
    """Backtest a strategy with the given parameters and every combination of those that are tried.

    Parameters
    ----------
    plan
        The plan in force; see ``plan_for``.
    folds
        Pieces to walk forward over; 0: none.
    track
        Wraps what is iterated over, to draw progress.

    Raises
    ------
    ConfigurationError
        If there is no such strategy or parameter, the grid is too large, or the range too short to walk forward.
    """
    cells = grid_of(tried)
    plans = [
        plan_for(plan, strategy, {**given, **cell}) for cell in cells
    ]  # all are checked before the first runs
    runs = []
    for cell, one in track(list(zip(cells, plans, strict=True))):
        began = monotonic_seconds()
        done = run_backtest(market, one, cash_usd=cash_usd, costs=costs)
        told = [item for item in figures(done.result, done.curves, done.trips) if item.name != "trials"]
        runs.append(Run(cell, done, told, monotonic_seconds() - began))
    returns = np.stack([run.backtest.curves.returns for run in runs], axis=1)
    shape = [len(values) for values in tried.values()] or [1]
    walked = walk_forwards(returns, folds) if folds else None
    return Study(market, runs, choose(returns, shape), walked)


def plan_for(plan: TradingPlan, strategy: str, parameters: Mapping[str, str] | None = None) -> TradingPlan:
    """Return the plan of one strategy alone, with all of the capital; ``plan`` is the one in force.

    Parameters
    ----------
    strategy
        A name in the plan, whose kind, parameters, sizing and exits it has; else a kind, with its defaults; ``plan``: all of the plan.
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
            exits=planned.mandate.exits,
        )
    return plan_of(PlanFile(strategies={strategy: entry}, limits=plan.limits, breakers=plan.breakers))


def grid_of(values: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
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
