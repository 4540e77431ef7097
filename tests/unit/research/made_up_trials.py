"""Backtests that were never run: a plan with made-up returns, to be recorded, counted and told."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import polars as pl

from tests.unit.research.made_up_backtest import curves
from trading_assets.backtest.costs import Costs
from trading_assets.backtest.round_trips import ROUND_TRIP_SCHEMA
from trading_assets.backtest.summary import Figure
from trading_assets.decision.plan import PlanFile, plan_of
from trading_assets.research.backtests import Backtest
from trading_assets.research.studies import Run

TOLD = (
    Figure("sharpe", "risk", 1.0, "ratio", "mean / deviation"),
    Figure("probabilistic_sharpe", "caveats", 0.9, "frac", "probability"),
)


def backtest(
    name="momentum", *, costs=None, first_signal=None, returns=None, length=60, seed=5, **entry
) -> Backtest:
    """One strategy's backtest; ``entry`` is as in a plan file, ``limits`` those of the account."""
    limits = entry.pop("limits", {})
    plan = plan_of(PlanFile.model_validate({"strategies": {name: entry}, "limits": limits}))
    own = curves(length, seed=seed)
    if returns is not None:
        own = replace(own, returns=np.asarray(returns))
    market = SimpleNamespace(sessions=own.sessions, data_hash="made up")
    result = SimpleNamespace(
        sessions=own.sessions, events=[], outcomes=Counter(), portfolio=SimpleNamespace(fills=[])
    )
    trips = pl.DataFrame(schema=ROUND_TRIP_SCHEMA)
    first: date | None = first_signal
    return Backtest(plan, costs or Costs(), Decimal(100_000), market, result, own, trips, first)


def run(*arguments, **keywords) -> Run:
    return Run({}, backtest(*arguments, **keywords), TOLD, 0.1)
