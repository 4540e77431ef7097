"""Jobs run by Dagster in this process, without its log on the terminal; a failed one as the error that an asset had."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import dagster as dg

from resources.platform import Platform
from trading_assets.runs.failures import failure_of
from trading_assets.settings import Settings


def execute_job(
    job: str, platform: Platform, instance: dg.DagsterInstance, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run a job in this process; a failure is raised as the error that its first failed asset had."""
    result = run_job(job, platform, instance, **options)
    if not result.success:
        raise failure_of(result)
    return result


def run_job(
    job: str, platform: Platform, instance: dg.DagsterInstance, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run a job in this process and return what came of it, failed or not."""
    from trading_assets.definitions import build_definitions

    return build_definitions(platform.settings).resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}, **options
    )  # fmt: skip


@contextmanager
def quiet_dagster(settings: Settings) -> Iterator[None]:
    """Keep Dagster's own log off the terminal; what it complains of beside its log goes to ``logs/runs.log``."""
    log = settings.data / "logs" / "runs.log"
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    root, dagster = logging.getLogger(), logging.getLogger("dagster")
    level, handlers = dagster.level, list(root.handlers)
    dagster.setLevel(logging.CRITICAL)
    with log.open("a", encoding="utf-8") as file, redirect_stderr(file):
        try:
            yield
        finally:
            dagster.setLevel(level)
            for handler in [added for added in root.handlers if added not in handlers]:
                root.removeHandler(handler)  # made for this file by whoever logged first
