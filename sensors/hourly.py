"""Hourly schedule: the hours of the session as they become final, on sessions only, and whatever was missed."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from resources.platform import Platform
from sensors.schedule_runs import default_status, failed_runs
from trading_assets import sessions as calendar
from trading_assets.market_data.progress import reached, unfinished_sessions
from trading_assets.settings import Settings
from trading_assets.tables.features import HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY

JOB = "hourly_job"
HOURS_TAG = "trading/hours"
MINUTES_AFTER = 2
"""The tick comes so long after an hour is final."""
FIRST_END, LAST_TICK = 10, 17
"""Hours of New York: the first bar ends at ten; an hour after the close, a failed last one is tried again."""
TRIES = 5
"""Runs of one session with the same number of hours; then a person has to look."""
GOING_ON = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def tick_times(delay_minutes: int) -> str:
    """Return the cron line of the ticks: shortly after each full hour's bar is final."""
    later, minute = divmod(delay_minutes + MINUTES_AFTER, 60)
    first, last = min(FIRST_END + later, 23), min(LAST_TICK + later, 23)
    return f"{minute} {first}-{last} * * 1-5"


def hourly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that follows the session hour by hour, New York time.

    It ticks on weekdays; a day without a session, and the hours after an early close, give nothing. Hours missed while
    nothing ran are requested by the next tick, older sessions first. In ``sim`` mode it is off until it is switched on.
    """

    @dg.schedule(
        name="hourly_schedule",
        job_name=JOB,
        cron_schedule=tick_times(settings.data_delay_minutes),
        execution_timezone="America/New_York",
        default_status=default_status(settings),
        description="After each hour of a session, New York time: its bars and features; missed hours are caught up.",
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        now, delay = platform.clock.now(), platform.settings.data_delay
        newest = calendar.current_session(now, delay=delay)
        if context.instance.get_runs_count(dg.RunsFilter(job_name=JOB, statuses=GOING_ON)):
            yield dg.SkipReason("Hours are being fetched: the next tick looks again")
            return
        first = calendar.shift(newest, 1 - platform.settings.hourly_history_sessions)
        window = calendar.sessions_between(max(platform.settings.start, first), newest)
        begun = reached(platform.database, HOURLY_FEATURES.name, window)
        since = min(begun, default=newest)
        missing = unfinished_sessions(
            platform.database,
            HOURLY_FEATURES.name,
            [day for day in window if day >= since],
            now,
            delay,
            grain=HOURLY,
        )
        requests = []
        for day in missing:
            hours = len(calendar.finished_hours(day, now, delay))
            tags = {HOURS_TAG: str(hours)}
            failures = failed_runs(context, JOB, {"dagster/partition": day.isoformat(), **tags})
            if failures < TRIES:
                # so many hours are asked for once, and once more for each failure
                requests.append(
                    dg.RunRequest(
                        partition_key=day.isoformat(),
                        run_key=f"hours-{day}-{hours}-{failures}",
                        tags=tags,
                    )
                )
        yield from requests
        if not requests:
            given_up = f"; {TRIES} runs failed for {missing[0]}" if missing else ""
            yield dg.SkipReason(f"Session {newest}: every finished hour is there{given_up}")

    return schedule
