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
from trading_assets import sessions as calendar
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
TOO_SMALL = "position_size"
"""The rule that refuses an entry of less than one share."""
_BLOCKS = 10
_SAME_DIGITS = 12
"""Returns that are equal to so many digits are the same: what the same orders earn differs by rounding alone."""


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
class Grid:
    """Values to try by parameter, numbers from the smallest to the largest; without any there is one cell."""

    values: Mapping[str, Sequence[str]]

    @property
    def cells(self) -> list[dict[str, str]]:
        """Every combination, the last name changing fastest."""
        return [
            dict(zip(self.values, combination, strict=True))
            for combination in itertools.product(*self.values.values())
        ]

    def neighbourhood(self, ratios: FloatArray, best: int) -> FloatArray:
        """Return the ratios of the cells that have the best one's texts, a dimension for each parameter with numbers."""
        shape = [len(own) for own in self.values.values()]
        place = np.unravel_index(best, shape)
        around = (
            slice(None) if is_of_numbers(own) else at
            for own, at in zip(self.values.values(), place, strict=True)
        )
        return np.asarray(ratios.reshape(shape)[tuple(around)])


@dataclass(frozen=True)
class Choice:
    """What choosing the best of several backtests is worth.

    Attributes
    ----------
    different
        How many of them earned anything else than the others.
    overfitting
        Probability that the best half of the time is below the median in the other half (CSCV of 10 blocks, each of the
        different ones once); NaN if all are the same, or there are fewer than 20 sessions.
    plateau
        Share of the best one's neighbours in the grid that reach nine tenths of its Sharpe ratio; NaN without neighbours, or if all
        are the same.
    """

    best: int
    different: int
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
        if said := _nothing_bought(best):
            yield said
        if len(self.runs) > 1 and self.choice.different == 1:
            yield f"All {len(self.runs)} backtests earned the same: there was nothing to choose"
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


def _nothing_bought(backtest: Backtest) -> str:
    # of a strategy that wanted to
    outcomes = backtest.result.outcomes
    refused = {rule: count for (outcome, rule), count in outcomes.items() if outcome == "blocked"}
    ordered = sum(count for (outcome, _), count in outcomes.items() if outcome == "trade")
    wanted = sum(refused.values()) + ordered
    if backtest.result.portfolio.fills or not wanted:
        return ""
    said = f"Nothing could be bought in {wanted:,} tries"
    if not refused:
        return f"{said}: no order was filled"
    rule = max(refused, key=lambda name: refused[name])
    why = (
        "one share costs more than a position may: give more --cash"
        if rule == TOO_SMALL
        else "see the outcomes"
    )
    return f"{said}: {refused[rule]:,} were refused by {rule} ({why})"


def run_study(
    market: PastMarket,
    grid: Grid,
    plans: Sequence[TradingPlan],
    *,
    cash_usd: Decimal,
    costs: Costs,
    folds: int = 0,
    keep: Callable[[Run], None] = lambda _: None,
    track: Callable[[Sequence[Any]], Iterable[Any]] = lambda items: items,
) -> Study:
    """Backtest the plan of each cell of a grid.

    Parameters
    ----------
    plans
        Of ``plans_of``.
    folds
        Pieces to walk forward over; 0: none.
    keep
        Is given each backtest as soon as it is finished.
    track
        Wraps what is iterated over, to draw progress.

    Raises
    ------
    ConfigurationError
        If the range is too short to walk forward; before anything runs.
    """
    if folds:
        piece_length(len(calendar.sessions_between(market.sessions[0], market.sessions[-1])), folds)
    runs = []
    for cell, one in track(list(zip(grid.cells, plans, strict=True))):
        began = monotonic_seconds()
        done = run_backtest(market, one, cash_usd=cash_usd, costs=costs)
        told = figures(done.result, done.curves, done.trips)
        runs.append(Run(cell, done, told, monotonic_seconds() - began))
        keep(runs[-1])
    returns = np.stack([run.backtest.curves.returns for run in runs], axis=1)
    walked = walk_forwards(returns, folds) if folds else None
    return Study(market, runs, choose(returns, grid), walked)


def plans_of(plan: TradingPlan, strategy: str, given: Mapping[str, str], grid: Grid) -> list[TradingPlan]:
    """Return the plan of each cell of a grid: a strategy with the given parameters and those of the cell; see ``plan_for``.

    Raises
    ------
    ConfigurationError
        If there is no such strategy or parameter, or one is both given and tried.
    """
    if both := [name for name in grid.values if name in given]:
        raise ConfigurationError(f"{', '.join(both)} is in --param and in --sweep: give it in one of them")
    return [plan_for(plan, strategy, {**given, **cell}) for cell in grid.cells]


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
            raise ConfigurationError(
                "--param and --sweep are for one strategy: name it instead of the whole plan"
            )
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


def grid_of(values: Mapping[str, Sequence[str]]) -> Grid:
    """Return the grid of values as they were given, in whatever order.

    Raises
    ------
    ConfigurationError
        If a value is there twice, or there are more than ``LARGEST_GRID`` combinations.
    """
    for name, own in values.items():
        seen: set[float | str] = set()
        for text in own:
            number = _number(text)
            value = text if number is None else number
            if value in seen:
                raise ConfigurationError(f"--sweep {name} has {text} twice: give each value once")
            seen.add(value)
    size = math.prod(len(own) for own in values.values())
    if size > LARGEST_GRID:
        raise ConfigurationError(
            f"{size:,} combinations are too many for one sweep; {LARGEST_GRID:,} are allowed"
        )
    return Grid({name: sorted(own, key=float) if is_of_numbers(own) else own for name, own in values.items()})


def is_of_numbers(values: Sequence[str]) -> bool:
    """Return whether all values are numbers, and so have neighbours.

    Examples
    --------
    >>> is_of_numbers(["5", "1.5"]), is_of_numbers(["sma_20", "5"]), is_of_numbers(["nan"])
    (True, False, False)
    """
    return all(_number(text) is not None for text in values)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def choose(returns: FloatArray, grid: Grid) -> Choice:
    """Choose the best Sharpe ratio of several backtests.

    Parameters
    ----------
    returns
        (sessions, backtests).
    grid
        That they are the cells of, in order.
    """
    ratios = np.atleast_1d(sharpe_ratio(returns))
    best = _best(ratios)
    _, places = np.unique(returns.round(_SAME_DIGITS), axis=1, return_index=True)
    if len(places) < 2:
        return Choice(best, len(places), math.nan, math.nan)
    enough = len(returns) >= 2 * _BLOCKS
    around = grid.neighbourhood(ratios, best)
    return Choice(
        best,
        len(places),
        backtest_overfitting(returns[:, np.sort(places)], _BLOCKS).probability if enough else math.nan,
        plateau_score(around) if around.ndim else math.nan,
    )


def _best(ratios: FloatArray) -> int:
    return int(np.nanargmax(ratios)) if not np.isnan(ratios).all() else 0


def piece_length(sessions: int, folds: int) -> int:
    """Return how many sessions a piece of the second half of a range has.

    Raises
    ------
    ConfigurationError
        If the range is too short for so many pieces.
    """
    if length := sessions // 2 // folds:
        return length
    raise ConfigurationError(f"{sessions} sessions are too few to walk forward {folds} times")


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
    length = piece_length(len(returns), folds)
    chosen, parts, first = [], [], len(returns)
    for split in walk_forward(len(returns), folds, length, embargo=1):
        best = _best(np.atleast_1d(sharpe_ratio(returns[split.train])))
        chosen.append(best)
        parts.append(returns[split.test, best])
        first = min(first, int(split.test[0]))
    return WalkedForward(chosen, first, np.concatenate(parts))
