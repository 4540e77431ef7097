"""Trials: every backtest is recorded, so that the best of many is judged as the best of many."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from resources.database.database import Database
from resources.database.snapshots import snapshot_tables
from resources.database.writes import insert_many
from resources.lake.catalog import snapshot_folder
from trading_assets import __version__
from trading_assets.research.backtests import Backtest
from trading_assets.research.studies import Run, Study
from trading_assets.settings import Settings
from trading_assets.statistics.sharpe_significance import deflated_sharpe, session_sharpe
from trading_assets.strategies.contract import parameter_hash, strategy_version
from trading_assets.tables.research import BACKTESTS

_EARLIER = "select parameter_hash, session_sharpe from backtests where strategy = %s and session_sharpe is not null order by run_at"


@dataclass(frozen=True)
class Trials:
    """How many different sets of parameters of a strategy were tried so far, and the variance of their session Sharpe ratios."""

    count: int
    variance: float

    def deflated_sharpe(self, backtest: Backtest) -> float:
        """Return the probability that a backtest, the best of all these trials, has a true Sharpe ratio above 0.

        NaN while there is one trial only: nothing was chosen.
        """
        if self.count < 2 or math.isnan(self.variance):
            return math.nan
        return float(deflated_sharpe(backtest.curves.returns, self.count, self.variance))


def name_of(backtest: Backtest) -> str:
    """Return what a backtest is recorded under: its strategies' names."""
    return "+".join(backtest.plan.names)


def record_trials(
    database: Database,
    runs: Sequence[Run],
    *,
    study: str,
    now: datetime,
) -> str:
    """Record the backtests of a study; return its id."""
    study_id = uuid.uuid4().hex[:12]
    rows = [
        {
            "backtest_id": uuid.uuid4().hex[:12],
            "study_id": study_id,
            "study": study,
            "strategy": name_of(run.backtest),
            **_of_plan(run.backtest),
            "start_session": run.backtest.market.sessions[0],
            "end_session": run.backtest.market.sessions[-1],
            "cash_usd": run.backtest.cash_usd,
            "costs": json.dumps(run.backtest.costs.model_dump()),
            "code_version": __version__,
            "data_hash": run.backtest.market.data_hash,
            "session_sharpe": _finite(float(session_sharpe(run.backtest.curves.returns))),
            "figures": json.dumps({figure.name: _finite(figure.value) for figure in run.figures}),
            "seconds": run.seconds,
            "run_at": now,
        }
        for run in runs
    ]
    with database.connection() as connection:
        insert_many(connection, BACKTESTS, rows)
    return study_id


def kept_trials(database: Database, study: Study, kind: str, settings: Settings, *, now: datetime) -> Trials:
    """Record a study, show it to `sql`, and return what was tried of its strategy so far."""
    record_trials(database, study.runs, study=kind, now=now)
    snapshot_tables(database, snapshot_folder(settings), only={BACKTESTS.name})
    return trials_so_far(database, name_of(study.best.backtest))


def trials_so_far(database: Database, strategy: str) -> Trials:
    """Count what was tried of a strategy; the same parameters tried again, on whatever range, are one trial."""
    newest = dict(database.fetch(_EARLIER, (strategy,)))
    ratios = list(newest.values())
    return Trials(len(ratios), float(np.var(ratios, ddof=1)) if len(ratios) > 1 else math.nan)


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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
