"""Trials: every backtest is recorded, so that the best of many is judged as the best of many."""

from __future__ import annotations

import hashlib
import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from resources.clock import Clock
from resources.database.database import Database
from resources.database.snapshots import snapshot_tables
from resources.database.writes import insert
from resources.lake.catalog import snapshot_folder
from trading_assets import __version__
from trading_assets.backtest.summary import Figure
from trading_assets.portfolio.wishes import Mandate
from trading_assets.research.backtests import Backtest
from trading_assets.research.studies import Run
from trading_assets.settings import Settings
from trading_assets.statistics.sharpe_significance import deflated_sharpe, session_sharpe
from trading_assets.strategies.contract import parameter_hash, strategy_version
from trading_assets.tables.research import BACKTESTS

DEFINITION = "different sets of parameters, limits and costs recorded of this strategy so far"
_COUNT = "select count(distinct trial_hash) from backtests where kind = %s"
_COMPARABLE = """
select distinct on (trial_hash) session_sharpe from backtests
where kind = %s and start_session = %s and end_session = %s and costs = %s::jsonb and session_sharpe is not null
order by trial_hash, run_at desc
"""


@dataclass(frozen=True)
class Trials:
    """What was tried of a kind of strategy so far.

    Attributes
    ----------
    count
        Different sets of parameters, mandates, limits and costs, whatever their range, those without a Sharpe ratio included.
    ratios
        Session Sharpe ratios of those that compare with a backtest: over the same range and at the same costs, one each.
    """

    count: int
    ratios: Sequence[float]

    @property
    def figure(self) -> Figure:
        """The count, as it is told."""
        return Figure("trials", "caveats", float(self.count), "count", DEFINITION)

    def deflated_sharpe(self, backtest: Backtest) -> float:
        """Return the probability that a backtest, the best of all these trials, has a true Sharpe ratio above 0.

        NaN while fewer than two ratios compare: how much they differ by chance is not known.
        """
        if len(self.ratios) < 2:
            return math.nan
        variance = float(np.var(self.ratios, ddof=1))
        return float(deflated_sharpe(backtest.curves.returns, self.count, variance))


def name_of(backtest: Backtest) -> str:
    """Return what a backtest is recorded under: its strategies' names."""
    return "+".join(backtest.plan.names)


def kind_of(backtest: Backtest) -> str:
    """Return what a backtest is counted under: the kinds of its strategies, whatever the plan calls them."""
    return "+".join(sorted(item.strategy.name for item in backtest.plan.strategies))


class Records:
    """The rows of one study: each backtest is recorded as soon as it is finished, so that what is broken off is kept.

    Parameters
    ----------
    study
        backtest, sweep or walk_forward.
    """

    def __init__(self, database: Database, study: str, clock: Clock) -> None:
        self.database, self.study, self.clock = database, study, clock
        self.study_id = uuid.uuid4().hex[:12]
        self.count = 0

    def keep(self, run: Run) -> None:
        """Record a backtest that is finished."""
        done, sessions = run.backtest, run.backtest.market.sessions
        row = {
            "backtest_id": uuid.uuid4().hex[:12],
            "study_id": self.study_id,
            "study": self.study,
            "strategy": name_of(done),
            "kind": kind_of(done),
            "trial_hash": trial_hash(done),
            **_of_plan(done),
            "start_session": sessions[0],
            "end_session": sessions[-1],
            "cash_usd": done.cash_usd,
            "costs": _costs(done),
            "code_version": __version__,
            "data_hash": done.market.data_hash,
            "session_sharpe": _finite(float(session_sharpe(done.curves.returns))),
            "figures": json.dumps({figure.name: _finite(figure.value) for figure in run.figures}),
            "seconds": run.seconds,
            "run_at": self.clock.now(),
        }
        with self.database.connection() as connection:
            insert(connection, BACKTESTS, row)
        self.count += 1

    def show(self, settings: Settings) -> None:
        """Let `sql` see what was recorded."""
        if self.count:
            snapshot_tables(self.database, snapshot_folder(settings), only={BACKTESTS.name})

    def told_when_broken_off(self, of: int) -> str:
        """Say what is kept of a study of so many backtests that was broken off."""
        if not self.count:
            return "Interrupted before a backtest was finished: nothing is recorded"
        return (
            f"Interrupted: {self.count} of {of} backtests were finished and are recorded (table backtests); the same command "
            "runs all of them again"
        )


def trials_so_far(database: Database, backtest: Backtest) -> Trials:
    """Return what was tried of a backtest's kind of strategy; the newest ratio counts of what was tried twice on its range."""
    kind, market = kind_of(backtest), backtest.market
    ((count,),) = database.fetch(_COUNT, (kind,))
    compared = (kind, market.sessions[0], market.sessions[-1], _costs(backtest))
    return Trials(count, [ratio for (ratio,) in database.fetch(_COMPARABLE, compared)])


def trial_hash(backtest: Backtest) -> str:
    """Hash what makes a trial: kinds, parameters, mandates, limits, breakers and costs; the names in the plan do not count."""
    plan = backtest.plan
    each = [
        [
            item.strategy.name,
            parameter_hash(item.strategy.parameters),
            {**TypeAdapter(Mandate).dump_python(item.mandate, mode="json"), "strategy": ""},
        ]
        for item in plan.strategies
    ]
    told = [
        sorted(json.dumps(own, sort_keys=True) for own in each),
        plan.limits.model_dump(mode="json"),
        plan.breakers.model_dump(mode="json"),
        _costs(backtest),
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def _of_plan(backtest: Backtest) -> dict[str, object]:
    planned = backtest.plan.strategies
    return {
        "strategy_version": "+".join(strategy_version(item.strategy) for item in planned),
        "parameter_hash": "+".join(parameter_hash(item.strategy.parameters) for item in planned),
        "parameters": json.dumps(
            {item.name: item.strategy.parameters.model_dump(mode="json") for item in planned}
        ),
        "plan_fingerprint": backtest.plan.fingerprint,
    }


def _costs(backtest: Backtest) -> str:
    return json.dumps(backtest.costs.model_dump(), sort_keys=True)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
