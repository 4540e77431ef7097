"""Fill ingestion: open orders at the broker are polled, and news becomes an ingestion run."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from sensors.order_placement import requests_or_reason
from trading_assets.assets.platform_resource import PlatformResource
from trading_assets.errors import TransientError
from trading_assets.execution.waiting import broker_news
from trading_assets.settings import load_settings

JOB = "fill_ingestion_job"


@dg.sensor(
    name="fill_ingestion_sensor",
    job_name=JOB,
    minimum_interval_seconds=15,
    default_status=(
        dg.DefaultSensorStatus.STOPPED if load_settings().mode == "sim" else dg.DefaultSensorStatus.RUNNING
    ),
    description="While orders are open: asks the broker, and starts an ingestion run when something was executed.",
)
def fill_ingestion_sensor(
    context: dg.SensorEvaluationContext, platform: PlatformResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request one ingestion run for each decision session with news."""
    opened = platform.get()
    try:
        news = broker_news(opened.database, opened.broker)
    except TransientError as error:
        yield dg.SkipReason(str(error))
        return
    work = [(item.account, item.session, item.facts) for item in news]
    answer = requests_or_reason(context.instance, JOB, work)
    yield from [answer] if isinstance(answer, dg.SkipReason) else answer
