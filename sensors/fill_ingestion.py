"""Fill ingestion: open orders at the broker are polled, and news becomes an ingestion run."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from resources.platform import Platform
from sensors.order_placement import requests_or_reason
from sensors.schedule_runs import default_sensor_status
from trading_assets.errors import TransientError
from trading_assets.execution.waiting import broker_news
from trading_assets.settings import Settings

JOB = "fill_ingestion_job"


def fill_ingestion_sensor(settings: Settings) -> dg.SensorDefinition:
    """Return the sensor that requests one ingestion run for each decision session with news.

    In ``sim`` mode it is off until it is switched on.
    """

    @dg.sensor(
        name="fill_ingestion_sensor",
        job_name=JOB,
        minimum_interval_seconds=15,
        default_status=default_sensor_status(settings),
        description="While orders are open: asks the broker, and starts an ingestion run when something was executed.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, platform: dg.ResourceParam[Platform]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            news = broker_news(platform.database, platform.broker)
        except TransientError as error:
            yield dg.SkipReason(str(error))
            return
        work = [(item.account, item.session, item.facts) for item in news]
        answer = requests_or_reason(context.instance, JOB, work)
        yield from [answer] if isinstance(answer, dg.SkipReason) else answer

    return sensor
