"""Tear sheet of a study: its best backtest, what was tried beside it, and whether its strategies look ahead."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets import __version__
from trading_assets.backtest.summary import Figure
from trading_assets.research.backtests import Backtest
from trading_assets.research.strategy_features import read_features
from trading_assets.research.studies import Study
from trading_assets.research.tear_sheet import TearSheet, tear_sheet
from trading_assets.research.trials import Trials, name_of
from trading_assets.statistics.bootstrap import equity_bands
from trading_assets.strategies.checks import check_strategy
from trading_assets.strategies.contract import strategy_version
from trading_assets.tables.listings import UNIVERSE

CHECKED_SESSIONS = 126
"""The newest so many sessions of the range are what the checks of a strategy look at."""
PATHS, SEED = 1000, 1


def study_sheet(study: Study, figures: Sequence[Figure], trials: Trials, lake: Lake, *, now: datetime) -> str:
    """Return the HTML of a study's best backtest; ``figures`` are its figures as they are told."""
    backtest = study.best.backtest
    deflated = trials.deflated_sharpe(backtest)
    luck = "probability that the true Sharpe ratio is above 0, given all that was tried"
    told = (
        [*figures, Figure("deflated_sharpe", "caveats", deflated, "frac", luck)]
        if not math.isnan(deflated)
        else figures
    )
    words = f": {study.best.words}" if study.best.words else ""
    return tear_sheet(
        TearSheet(
            title=f"{name_of(backtest)}{words}",
            curves=backtest.curves,
            figures=told,
            trips=backtest.trips,
            outcomes=backtest.result.outcomes,
            sectors=_sectors(lake, backtest),
            versions=_versions(backtest, now),
            look_ahead=list(_checked(lake, backtest)),
            caveats=[*study.caveats(), *_of_choice(study)],
            bands=equity_bands(backtest.curves.returns, seed=SEED, paths=PATHS),
        )
    )


def _sectors(lake: Lake, backtest: Backtest) -> dict[str, str]:
    sessions = backtest.market.sessions
    columns = ["symbol", "session", "sector"]
    listed = lake.scan(UNIVERSE, start=sessions[0], end=sessions[-1], columns=columns).drop_nulls()
    newest = listed.sort("session").unique("symbol", keep="last").select("symbol", "sector").collect()
    return dict(newest.iter_rows())


def _versions(backtest: Backtest, now: datetime) -> dict[str, str]:
    planned, sessions = backtest.plan.strategies, backtest.result.sessions
    parameters = {item.name: item.strategy.parameters.model_dump(mode="json") for item in planned}
    costs = {name: value for name, value in backtest.costs.model_dump().items() if value}
    return {
        "range": f"{sessions[0]} to {sessions[-1]}, {len(sessions)} sessions",
        "cash at the beginning": f"{backtest.cash_usd:,.2f} USD",
        "parameters": json.dumps(parameters),
        "limits": backtest.plan.limits.model_dump_json(exclude_defaults=True) or "{}",
        "costs": json.dumps(costs) if costs else "none",
        "strategies": ", ".join(f"{item.name} {strategy_version(item.strategy)}" for item in planned),
        "plan": backtest.plan.fingerprint,
        "data": f"features {backtest.market.data_hash}",
        "software": f"Trading Assets {__version__}",
        "made": f"{now:%Y-%m-%d %H:%M} UTC",
    }


def _checked(lake: Lake, backtest: Backtest) -> Iterator[tuple[str, bool | None, str]]:
    sessions = backtest.market.sessions
    first, last = sessions[-CHECKED_SESSIONS:][0], sessions[-1]
    for planned in backtest.plan.strategies:
        features: pl.DataFrame = read_features(lake, planned.strategy, first, last)
        for verdict in check_strategy(planned.strategy, features):
            name = verdict.check if len(backtest.plan.strategies) == 1 else f"{planned.name}: {verdict.check}"
            passed = None if verdict.is_open else verdict.passed
            yield name, passed, verdict.proves if verdict.passed else verdict.finding


def _of_choice(study: Study) -> Iterator[str]:
    if len(study.runs) > 1:
        yield f"The best Sharpe ratio of {len(study.runs)} backtests that were run together"
    if not math.isnan(study.choice.overfitting):
        yield (
            "Chosen on one half of the time, the best is below the median in the other half "
            f"{study.choice.overfitting:.0%} of the time"
        )
