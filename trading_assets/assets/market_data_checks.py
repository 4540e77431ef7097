"""Checks of the data assets: one result per check and run, blocking when a session must not be used.

Annotations are not postponed in this module: Dagster reads the type of ``context`` when the checks are declared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import dagster as dg

from resources.platform import Platform
from trading_assets.assets.check_results import result_of, specs_of
from trading_assets.assets.partitions import RANGE_END_TAG, RANGE_START_TAG
from trading_assets.market_data import checking
from trading_assets.market_data.grains import DAILY, HOURLY
from trading_assets.quality.checks import ACTION_CHECKS, FEATURE_CHECKS, INSTRUMENT_CHECKS, UNIVERSE_CHECKS
from trading_assets.quality.outcome import CheckOutcome
from trading_assets.sessions import sessions_between

Checking = Callable[..., Sequence[CheckOutcome]]


def checks_of(
    asset: str, checks: Mapping[str, Callable[..., object]], run: Checking
) -> dg.AssetChecksDefinition:
    """Declare the checks of one asset; they judge the run's sessions as a whole and store what they find."""
    specs = specs_of(asset, checks, blocking=True)

    @dg.multi_asset_check(name=f"{asset}_checks", specs=specs)
    def judge(
        context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.AssetCheckResult]:
        for outcome in run(platform, run_sessions(context.run), run_id=context.run.run_id):
            yield result_of(asset, outcome)

    return judge


def run_sessions(run: dg.DagsterRun) -> list[date]:
    """Return the sessions that a run is about, from its partition or range tags."""
    single = run.tags.get("dagster/partition")
    first, last = (
        (single, single) if single else (run.tags.get(tag) for tag in (RANGE_START_TAG, RANGE_END_TAG))
    )
    if first is None or last is None:
        raise dg.DagsterInvariantViolationError(
            "Launch the checks with a partition: a session, e.g. 2026-11-20"
        )
    return sessions_between(date.fromisoformat(first), date.fromisoformat(last))


universe_checks = checks_of("universe", UNIVERSE_CHECKS, checking.check_universe)
corporate_actions_checks = checks_of("corporate_actions", ACTION_CHECKS, checking.check_actions)
daily_bars_checks, hourly_bars_checks = (
    checks_of(kept.bars.accepted.name, kept.checks, partial(checking.check_bars, kept=kept))
    for kept in (DAILY, HOURLY)
)
"""Those of the hours stop the hourly features, and nothing that trades."""
daily_features_checks = checks_of("daily_features", FEATURE_CHECKS, checking.check_features)
instruments_checks = checks_of("instruments", INSTRUMENT_CHECKS, checking.check_instruments)
DATA_CHECKS = [
    universe_checks,
    corporate_actions_checks,
    daily_bars_checks,
    instruments_checks,
    daily_features_checks,
]
