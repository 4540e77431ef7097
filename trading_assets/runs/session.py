"""One session, or one company snapshot, end to end through Dagster in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from resources.clock import monotonic_seconds
from resources.dagster_home import dagster_instance
from resources.database.snapshots import snapshot_tables
from resources.lake.catalog import snapshot_folder
from resources.platform import Platform
from resources.vendors.registry import require_keys
from trading_assets.assets.analytics import refresh_catalog
from trading_assets.progress import Recorder
from trading_assets.runs.failures import failure_of
from trading_assets.runs.in_process import execute_job, quiet_dagster, run_job
from trading_assets.runs.refusals import require_decidable
from trading_assets.runs.summary import SessionSummary, peak_memory_mib, record_session, summarise
from trading_assets.runs.taking_turns import one_at_a_time


def run_session(
    platform: Platform, session: date, *, say: Callable[[str], None] = lambda _text: None
) -> SessionSummary:
    """Run one session end to end and say what it did.

    Two runs of one session take turns; the second one, which has nothing left to do, says what it waits for (``say``).

    Raises
    ------
    ConfigurationError
        If the day is no session, lies before the first partition, is not over yet or was before the account was opened.
    DataQualityError
        If a blocking check stopped the run: no order was planned.
    """
    require_keys(platform.settings)
    require_decidable(platform, session)
    with one_at_a_time(platform, session, say):
        return _run(platform, session)


def _run(platform: Platform, session: date) -> SessionSummary:
    began, started_at = monotonic_seconds(), platform.clock.now()
    recorder = _recorder(platform)
    with (
        quiet_dagster(platform.settings),
        dagster_instance(platform.settings, platform.postgres, one_partition=True) as instance,
    ):
        result = run_job("session_job", platform, instance, partition_key=session.isoformat())

    def ended(outcome: str, told: dict[str, Any]) -> None:
        run = {
            "run_id": result.run_id,
            "session": session,
            "mode": platform.settings.mode,
            "started_at": started_at,
        }
        record_session(platform.database, run, outcome, told, finished_at=platform.clock.now())

    if not result.success:
        failure = failure_of(result)
        ended("failed", {"error": str(failure)})
        refresh_catalog(platform)  # so that `sql` shows the findings
        raise failure
    summary = summarise(platform, session, recorder, result)
    summary.seconds = round(monotonic_seconds() - began, 3)
    summary.peak_memory_mib = round(peak_memory_mib(), 1)
    ended("succeeded", asdict(summary))
    # the run took its own snapshot; only its record has come since
    snapshot_tables(platform.database, snapshot_folder(platform.settings), only={"session_runs"})
    return summary


def run_companies(platform: Platform) -> date:
    """Take a snapshot of the company data; return the session that it is dated, the newest closed one.

    Raises
    ------
    ConfigurationError
        If no source has company data, or the universe has no symbols yet.
    """
    session = platform.latest_session()
    _ = platform.company_source
    with (
        quiet_dagster(platform.settings),
        dagster_instance(platform.settings, platform.postgres, one_partition=True) as instance,
    ):
        execute_job("companies_job", platform, instance, partition_key=session.isoformat())
    refresh_catalog(platform)
    return session


def _recorder(platform: Platform) -> Recorder:
    if not isinstance(platform.progress, Recorder):
        platform.progress = Recorder()
    platform.progress.done.clear()
    return platform.progress
