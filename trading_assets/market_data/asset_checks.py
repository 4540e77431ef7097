"""Checks between bars and features: one result per check and run, blocking when a session must not be used.

Annotations are not postponed in this module: Dagster reads the type of ``context`` when the checks are declared.
"""

import inspect
from collections.abc import Iterator
from datetime import date

import dagster as dg

from trading_assets.dagster_resources import PlatformResource
from trading_assets.market_data.consolidation import check_range
from trading_assets.observability import preview
from trading_assets.quality.checks import CHECKS
from trading_assets.session_asset import SESSIONS
from trading_assets.sessions import sessions_between

RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
SPECS = [
    dg.AssetCheckSpec(name=name, asset="daily_bars", blocking=True, description=inspect.getdoc(check))
    for name, check in CHECKS.items()
]


@dg.multi_asset_check(name="daily_bars_checks", specs=SPECS)
def daily_bars_checks(
    context: dg.AssetCheckExecutionContext, platform: PlatformResource
) -> Iterator[dg.AssetCheckResult]:
    """Judge the run's sessions as a whole; findings are stored with symbol, session, value and expectation."""
    for outcome in check_range(platform.get(), run_sessions(context.run), run_id=context.run.run_id):
        yield dg.AssetCheckResult(
            asset_key="daily_bars",
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR
            if outcome.severity == "error"
            else dg.AssetCheckSeverity.WARN,
            description=outcome.summary,
            metadata={"examples": preview(outcome.findings, rows=20), **outcome.numbers},
        )


def run_sessions(run: dg.DagsterRun) -> list[date]:
    """Return the sessions that a run is about, from its partition or range tags."""
    single = run.tags.get("dagster/partition")
    first, last = (single, single) if single else (run.tags.get(tag) for tag in RANGE_TAGS)
    if first is None or last is None:
        newest = SESSIONS.get_last_partition_key()
        raise dg.DagsterInvariantViolationError(f"Launch the checks with a partition, e.g. {newest}")
    return sessions_between(date.fromisoformat(first), date.fromisoformat(last))
