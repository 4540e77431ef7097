"""Order placement: planned intents become a submission run, at most one going on at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import dagster as dg

from resources.database.connections import connect
from resources.database.database import Database
from resources.platform import Platform
from sensors.schedule_runs import default_sensor_status
from trading_assets.execution.journal import NOTIFY_CHANNEL
from trading_assets.execution.waiting import waiting_batches
from trading_assets.settings import Settings

JOB = "order_placement_job"
BATCH_TAG = "trading/batch"
MAX_FAILURES = 3
LISTEN_SECONDS = 4.0  # a stop waits for it; the daemon looks every five seconds anyway
UNDER_WAY = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
)
FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def batch_hash(ids: Iterable[str]) -> str:
    """Return what names a set of intents, whatever their order."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:32]


def requests_or_reason(
    instance: dg.DagsterInstance, job: str, work: Iterable[tuple[str, date, Sequence[str]]]
) -> list[dg.RunRequest] | dg.SkipReason:
    """Turn work (account, session, names of its parts) into runs of a job, unless one is under way.

    The number of failed runs is part of the run key, so that a run that died before it did anything is
    followed by another one; after the third failure a person has to look.
    """
    if instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=list(UNDER_WAY))):
        return dg.SkipReason(f"A run of {job} is under way")
    requests, given_up = [], []
    for account, session, parts in work:
        name = batch_hash(parts)
        failures = instance.get_runs_count(dg.RunsFilter(tags={BATCH_TAG: name}, statuses=list(FAILED)))
        if failures >= MAX_FAILURES:
            given_up.append(f"{job} failed {failures} times on session {session}")
            continue
        tags = {BATCH_TAG: name, "trading/account": account}
        key = f"{name}-{failures}"
        requests.append(dg.RunRequest(run_key=key, partition_key=session.isoformat(), tags=tags))
    if requests:
        return requests
    if given_up:
        return dg.SkipReason(
            f"{'; '.join(given_up)}: see the failed runs, and launch the job once the cause is gone"
        )
    return dg.SkipReason("Nothing to do")


def wait_for_intents(database: Database, seconds: float) -> None:
    """Sleep until somebody plans intents, at most so long."""
    with connect(database.conninfo, autocommit=True) as connection:
        connection.execute(f"listen {NOTIFY_CHANNEL}")
        for _ in connection.notifies(timeout=seconds, stop_after=1):
            return


def order_placement_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor that requests one placement run: it sends what every session left over.

    In ``sim`` mode it is off until it is switched on.
    """

    @dg.sensor(
        name="order_placement_sensor",
        job_name=JOB,
        minimum_interval_seconds=1,
        default_status=default_sensor_status(settings),
        description="Starts a submission run as soon as intents are planned, or an earlier one left its outcome open.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        batches = waiting_batches(platform.database, platform.clock.now())
        if not batches:
            wait_for_intents(platform.database, LISTEN_SECONDS)
            batches = waiting_batches(platform.database, platform.clock.now())
        work = [(batch.account, batch.session, batch.intent_ids) for batch in batches]
        answer = requests_or_reason(context.instance, JOB, work)
        yield answer if isinstance(answer, dg.SkipReason) else answer[0]

    return sensor
