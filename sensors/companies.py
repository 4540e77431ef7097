"""Weekly company data: a snapshot every Saturday morning, New York time; Sunday repeats what failed."""

from __future__ import annotations

import dagster as dg

from resources.platform import Platform
from sensors.schedule_runs import default_status, failed_runs
from trading_assets.settings import Settings
from trading_assets.tables.companies import COMPANY_INFO


def companies_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule that takes a snapshot of the company data, dated the newest closed session.

    In ``sim`` mode it is off until it is switched on.
    """

    @dg.schedule(
        name="companies_schedule",
        job_name="companies_job",
        cron_schedule="0 9 * * 6,0",
        execution_timezone="America/New_York",
        default_status=default_status(settings),
        description=(
            "Saturdays at 09:00 New York time: a snapshot of the company data, dated the newest closed session; "
            "Sundays only if there is none of it yet."
        ),
    )
    def companies_schedule(
        context: dg.ScheduleEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> dg.RunRequest | dg.SkipReason:
        latest = platform.latest_session().isoformat()
        if latest in context.instance.get_materialized_partitions(dg.AssetKey(COMPANY_INFO.name)):
            return dg.SkipReason(f"There is a snapshot of {latest}")
        failures = failed_runs(context, "companies_job", {"dagster/partition": latest})
        # the number of failures is part of the key: a failed snapshot is tried again at the next tick
        run_key = f"companies-{latest}-{failures}"
        return dg.RunRequest(partition_key=latest, run_key=run_key)

    return companies_schedule
