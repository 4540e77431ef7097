"""Dagster's home: ``data/dagster`` with a generated dagster.yaml, and its instance in Postgres."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from filelock import FileLock

from resources.atomic_files import replace_text, replace_text_if_changed
from resources.database.server import PostgresEndpoint
from trading_assets.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

_URL_KEY = "DAGSTER_POSTGRES_URL"
WATCH_SECONDS = 15
_HEADER = "# Written by trading-assets on each start: edit resources/dagster_home.py instead.\n"

_ONE_EVENT_A_RANGE = "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS"
# Without these two, a run over many partitions writes two events a partition, each over new connections: 26 times slower.
_FAST_EVENTS = {"DAGSTER_EVENT_BATCH_SIZE": "1000", _ONE_EVENT_A_RANGE: "1"}


def write_dagster_home(settings: Settings, postgres: PostgresEndpoint) -> Path:
    """Write ``dagster.yaml`` if it differs and return the folder that ``DAGSTER_HOME`` must name."""
    home = settings.data / "dagster"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = _HEADER + yaml.safe_dump(_instance_config(postgres), sort_keys=False, width=120)
    replace_text_if_changed(home / "dagster.yaml", text)
    return home


def _instance_config(postgres: PostgresEndpoint) -> dict[str, Any]:
    # A URL with a password stays out of the file and reaches Dagster through its environment.
    url: str | dict[str, str] = {"env": _URL_KEY} if postgres.has_password else _database_url(postgres)
    return {
        "storage": {"postgres": {"postgres_url": url}},
        "run_coordinator": {
            "module": "dagster._core.run_coordinator",
            "class": "QueuedRunCoordinator",
            "config": {"dequeue_interval_seconds": 5},
        },
        "concurrency": {
            "runs": {
                "max_concurrent_runs": 4,
                "tag_concurrency_limits": [{"key": "trading/orders", "limit": 1}],
            }
        },
        "run_monitoring": {"enabled": True, "start_timeout_seconds": 120},
        "sensors": {"use_threads": True, "num_workers": 4},
        "schedules": {"use_threads": True, "num_workers": 4},
        "backfills": {"use_threads": True, "num_workers": 2, "num_submit_workers": 4},
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 1, "success": 30, "failure": 30, "started": 7}},
            "auto_materialize": {"purge_after_days": {"skipped": 1, "success": 14}},
        },
        # no asset here has a condition of its own to be made by: without it a daemon would look for one every five seconds
        "auto_materialize": {"enabled": False, "use_sensors": False},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }


def _database_url(postgres: PostgresEndpoint) -> str:
    """Return the URL of Dagster's database; of the embedded one, with commits that do not wait for the disk.

    A session's run commits 700 times. If the machine stops, the log may lack its last half second: what it then does not say
    was done is done again, with the same content. The books are in another database, and their commits wait.
    """
    url = postgres.url("dagster", "psycopg2")
    if not postgres.embedded:
        return url
    return f"{url}{'&' if '?' in url else '?'}options=-csynchronous_commit%3Doff"


def watch_code_server_calmly() -> None:
    """Let this process of Dagster's look four times a minute, not sixty, whether the code server is another one.

    `up` serves one code server for as long as it runs. The watching was most of what an idle installation did.
    """
    from dagster._grpc import server_watcher

    server_watcher.WATCH_INTERVAL = WATCH_SECONDS


def dagster_variables(settings: Settings, postgres: PostgresEndpoint) -> dict[str, str]:
    """Return the environment variables that Dagster needs, writing its home first."""
    variables = {"DAGSTER_HOME": str(write_dagster_home(settings, postgres)), **_FAST_EVENTS}
    if postgres.has_password:
        variables[_URL_KEY] = _database_url(postgres)
    return variables


def child_environment(settings: Settings, postgres: PostgresEndpoint) -> dict[str, str]:
    """Return the whole environment for Dagster's and the app's processes: this process's, and Dagster's variables.

    Byte code may be written: without it each run of the daemon compiles Dagster anew, 1.7 s of every start.
    """
    inherited = dict(os.environ)  # noqa: TID251 (a child needs PATH and the like; settings are not read here)
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return inherited | dagster_variables(settings, postgres)


def _set_environment(variables: Mapping[str, str]) -> None:
    # Dagster reads these from the environment of the process that executes, wherever it needs them.
    os.environ.update(variables)  # noqa: TID251 (the one place that writes it, for Dagster run in this process)


@contextmanager
def dagster_instance(
    settings: Settings, postgres: PostgresEndpoint, *, one_partition: bool = False
) -> Iterator[dg.DagsterInstance]:
    """Yield Dagster's instance for runs in this process; its tables are made or brought up to date first.

    An event that names partitions as a range has all holidays since the first one in it, 27 kB: runs of ``one_partition`` name
    it alone.

    Sets ``DAGSTER_HOME`` and the variables that make range runs fast in this process. Standard output of
    the steps stays on the terminal instead of going to Dagster's log files.
    """
    from dagster import DagsterInstance
    from dagster._core.instance.ref import InstanceRef

    home = prepare_dagster_home(settings, postgres)
    _set_environment({_ONE_EVENT_A_RANGE: "0" if one_partition else "1"})
    terminal = {
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    }
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=terminal)) as instance:
        # Keeps a connection open instead of opening one for each query: halves the time of a small run.
        instance.optimize_for_webserver(statement_timeout=600_000, pool_recycle=3600, max_overflow=20)
        _plan_checks_once(instance)
        _know_the_schema(instance)
        yield instance


def _know_the_schema(instance: dg.DagsterInstance) -> None:
    """Ask once, not with each event, which tables and columns Dagster's own database has: it is up to date by now.

    A session asked 150 times, half of them over a connection made for it.
    """
    log = instance.event_log_storage
    for question in ("has_table", "has_asset_key_col"):
        setattr(log, question, cache(getattr(log, question)))


def _plan_checks_once(instance: dg.DagsterInstance) -> None:
    """Plan each check once a run. Dagster writes a row of 27 kB for every partition, which no result ever closes.

    Checks here have one result a run and no partitions; in a run over partitions Dagster takes them for partitioned. It was a
    third of the time of two years' history.
    """
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
    from dagster_shared.record import replace

    report = instance.report_dagster_event

    def report_once(dagster_event: dg.DagsterEvent, *args: Any, **options: Any) -> None:
        planned = dagster_event.event_specific_data
        if isinstance(planned, AssetCheckEvaluationPlanned):
            whole_run = replace(planned, partitions_subset=None)
            dagster_event = dagster_event._replace(event_specific_data=whole_run)
        report(dagster_event, *args, **options)

    instance.report_dagster_event = report_once  # type: ignore[method-assign] # there is no setting for it


def prepare_dagster_home(settings: Settings, postgres: PostgresEndpoint) -> Path:
    """Write Dagster's home, set the variables for this process, and make or migrate Dagster's tables; return the home.

    The tables are looked at once per Dagster version and database.
    """
    from dagster import DagsterInstance, __version__

    variables = dagster_variables(settings, postgres)
    _set_environment(variables)
    home = Path(variables["DAGSTER_HOME"])
    database = hashlib.sha256(postgres.url("dagster", None).encode()).hexdigest()[:16]
    stamp, current = home / "schema", f"{__version__} {database}\n"
    with FileLock(home / "schema.lock"):
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == current:
            return home
        with DagsterInstance.from_config(str(home)) as instance:
            version = instance.run_storage.alembic_version()
            if version is not None and version[0] != version[1]:  # (of the database, of the software)
                instance.upgrade()
        replace_text(stamp, current)
    return home
