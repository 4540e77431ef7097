"""Partitions: one per exchange session; weekends and closures are not partitions."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg

from trading_assets import sessions

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
"""Tags of a run over a range of partitions, first and last."""


def session_partitions(start: date, *, ahead: int = 1) -> dg.TimeWindowPartitionsDefinition:
    """Return the partition definition whose keys are the exchange sessions since ``start``.

    ``ahead`` sessions after the machine's present are keys too: one for the session that goes on, more for a
    simulated market whose clock runs ahead.

    Weekends and closures are exclusions rather than a weekday schedule, so that Friday's window ends on
    Saturday, not on Monday.
    """
    last = sessions.last_session()
    closures = sessions.closures_between(start, last)
    midnights = [datetime(day.year, day.month, day.day, tzinfo=sessions.NEW_YORK) for day in closures]
    return dg.TimeWindowPartitionsDefinition(
        start=start.isoformat(),
        fmt="%Y-%m-%d",
        timezone="America/New_York",
        cron_schedule="0 0 * * *",
        end_offset=ahead,
        exclusions=["0 0 * * 0,6", *midnights],
    )
