"""Maintenance: what keeps the data folder in order, every night.

Annotations are not postponed in this module: Dagster reads the type of ``context`` when the op is declared.
"""

import dagster as dg

from resources.platform import Platform
from trading_assets.settings import Settings


@dg.op(description="Remove raw vendor bodies older than TRADING_RAW_KEEP_DAYS; rows and records stay.")
def remove_old_raw_bodies(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> None:
    """Apply retention to the raw store."""
    pruned = platform.raw_batches.prune(platform.clock.now(), platform.settings.raw_keep_days)
    context.add_output_metadata(
        {
            "batches": pruned.batches,
            "removed_mib": round(pruned.stored_bytes / 2**20, 1),
            "last_fetched_before": pruned.before.isoformat(timespec="minutes"),
        }
    )


@dg.job(
    name="maintenance_job",
    description="Nightly: retention of raw vendor bodies. Safe to run at any time, and to interrupt.",
)
def maintenance_job() -> None:
    """Run every part of the nightly maintenance."""
    remove_old_raw_bodies()


def maintenance_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Return the schedule of the nightly maintenance: at 02:30 New York time, when no session is near."""

    @dg.schedule(
        name="maintenance_schedule",
        job=maintenance_job,
        cron_schedule="30 2 * * *",
        execution_timezone="America/New_York",
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if settings.raw_keep_days and settings.mode != "sim"
            else dg.DefaultScheduleStatus.STOPPED
        ),
        description="Every night at 02:30 New York time: retention of raw vendor bodies, if TRADING_RAW_KEEP_DAYS is set.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not settings.raw_keep_days:
            return dg.SkipReason("Raw bodies are kept for ever: TRADING_RAW_KEEP_DAYS is not set")
        return dg.RunRequest(run_key=f"maintenance-{context.scheduled_execution_time:%Y-%m-%d}")

    return schedule
