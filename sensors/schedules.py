"""Schedules: the daily graph after each close, on sessions only, with whatever was missed."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from resources.platform import Platform
from sensors.schedule_runs import default_status, failed_runs
from trading_assets.settings import Settings


def daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that runs the latest closed session every evening, New York time.

    It ticks on weekdays; a day without a session gives nothing. Sessions that were missed while nothing ran are
    caught up by the same run (see `session_asset`): one fetch of each vendor, and no orders for days that are over.
    In ``sim`` mode it is off until it is switched on.
    """

    @dg.schedule(
        name="session_schedule",
        job_name="session_job",
        cron_schedule="45 16 * * 1-5",
        execution_timezone="America/New_York",
        default_status=default_status(settings),
        description="Every session at 16:45 New York time: the whole daily graph; missed sessions are caught up.",
    )
    def session_schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        latest = platform.latest_session()
        done = context.instance.get_materialized_partitions(dg.AssetKey("reconciliation"))
        if latest.isoformat() in done:
            yield dg.SkipReason(f"Session {latest} is complete")
            return
        # the number of failures is part of the key: a failed session is tried again at the next tick, not dropped
        failures = failed_runs(context, "session_job", {"dagster/partition": latest.isoformat()})
        yield dg.RunRequest(partition_key=latest.isoformat(), run_key=f"session-{latest}-{failures}")

    return session_schedule
