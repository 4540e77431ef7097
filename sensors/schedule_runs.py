"""What the schedules share: whether they are on by default, and how often a run of theirs has failed."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from trading_assets.settings import Settings

_FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def default_status(settings: Settings) -> dg.DefaultScheduleStatus:
    """Return on, or off in ``sim`` mode, where the clock is the simulator's."""
    return dg.DefaultScheduleStatus.STOPPED if settings.mode == "sim" else dg.DefaultScheduleStatus.RUNNING


def default_sensor_status(settings: Settings) -> dg.DefaultSensorStatus:
    """Return the same of a sensor."""
    return dg.DefaultSensorStatus.STOPPED if settings.mode == "sim" else dg.DefaultSensorStatus.RUNNING


def failed_runs(context: dg.ScheduleEvaluationContext, job: str, tags: Mapping[str, str]) -> int:
    """Count the failed and canceled runs of a job with these tags.

    As part of a run key it lets the next tick try a failed run again, which a key alone would forbid.
    """
    return context.instance.get_runs_count(dg.RunsFilter(job_name=job, tags=dict(tags), statuses=_FAILED))
