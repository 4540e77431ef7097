"""Dagster's home: generated, accepted by Dagster, fast, and without secrets."""

from __future__ import annotations

import inspect
import os
import stat

import dagster as dg
import psycopg
import pytest
import yaml

from resources.dagster_home import (
    child_environment,
    dagster_instance,
    watch_code_server_calmly,
    write_dagster_home,
)
from resources.database.server import PostgresEndpoint, postgres_for
from trading_assets import dagster_daemon, dagster_ui
from trading_assets.settings import Settings, load_settings

pytestmark = pytest.mark.filterwarnings(
    "ignore:Parameter `backfill_policy`"
)  # beta in Dagster, and what the design needs
VARIABLES = ("DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE", "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS")


@pytest.fixture(autouse=True)
def environment_restored(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # monkeypatch puts back what was there before


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> tuple[Settings, PostgresEndpoint]:
    settings = load_settings(env_file=None, data=tmp_path_factory.mktemp("data"))
    with postgres_for(settings) as endpoint:
        yield settings, endpoint


def test_the_instance_lives_in_its_own_database_and_runs_assets_over_a_range_with_few_events(
    installation, capfd
):
    settings, endpoint = installation

    @dg.asset(
        partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-12-31"),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def bars(context) -> dg.MaterializeResult:
        os.write(1, b"a line for the terminal\n")
        return dg.MaterializeResult(metadata={"partitions": len(context.partition_keys)})

    @dg.asset_check(asset=bars)
    def whole() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    with dagster_instance(settings, endpoint) as instance:
        first, last = "2024-01-01", "2024-12-30"
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        result = dg.materialize([bars, whole], instance=instance, tags=tags)
        assert result.success
        assert len(instance.get_materialized_partitions(bars.key)) == 365
        assert instance.run_coordinator.__class__.__name__ == "QueuedRunCoordinator"
    assert "a line for the terminal" in capfd.readouterr().out
    with psycopg.connect(endpoint.url("dagster", None)) as connection:
        assert connection.execute("select count(*) from runs").fetchone() == (1,)
        planned = "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION_PLANNED'"
        assert connection.execute(planned).fetchone() == (1,), "one planned event a run, not one a partition"
        checks = "select execution_status, partition from asset_check_executions"
        assert connection.execute(checks).fetchall() == [("SUCCEEDED", None)], "and one row a check"
    with psycopg.connect(endpoint.url("trading", None)) as connection:
        assert connection.execute("select to_regclass('runs')").fetchone() == (None,)


def test_every_block_of_the_configuration_takes_effect(installation):
    settings, endpoint = installation
    with dagster_instance(settings, endpoint) as instance:
        limits = instance.get_concurrency_config().run_queue_config
        assert limits.max_concurrent_runs == 4
        assert limits.tag_concurrency_limits == [{"key": "trading/orders", "limit": 1}]
        assert instance.run_coordinator.dequeue_interval_seconds == 5
        daemons = instance.get_required_daemon_types()
        assert {"SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING"} <= set(daemons)
        assert "ASSET" not in daemons, "nothing here is made by a condition of its own"
        assert instance.run_monitoring_enabled
        assert not instance.telemetry_enabled
        assert instance.get_settings("sensors")["use_threads"]
        assert instance.get_settings("backfills")["use_threads"]


def test_what_watches_the_code_server_looks_at_most_every_ten_seconds(monkeypatch):
    from dagster._grpc import server_watcher

    monkeypatch.setattr(server_watcher, "WATCH_INTERVAL", server_watcher.WATCH_INTERVAL)
    watch_code_server_calmly()
    assert server_watcher.WATCH_INTERVAL >= 10
    for process in (dagster_daemon, dagster_ui):
        assert "watch_code_server_calmly()" in inspect.getsource(process.main)


def test_an_older_schema_is_migrated_and_a_current_one_left_alone(installation):
    settings, endpoint = installation
    with dagster_instance(settings, endpoint) as instance:
        newest = instance.run_storage.alembic_version()[1]
    stamp = settings.data / "dagster" / "schema"
    assert stamp.is_file()
    with psycopg.connect(endpoint.url("dagster", None)) as connection:
        connection.execute("update alembic_version set version_num = '7e2f3204cf8e'")
    stamp.write_text("an older version")
    with dagster_instance(settings, endpoint) as instance:
        assert instance.run_storage.alembic_version() == (newest, newest)


def test_the_file_is_only_written_when_it_changes_and_closed_to_others(installation):
    settings, endpoint = installation
    path = write_dagster_home(settings, endpoint) / "dagster.yaml"
    os.utime(path, (1, 1))
    write_dagster_home(settings, endpoint)
    assert path.stat().st_mtime == 1
    path.write_text("telemetry: {enabled: true}\n")
    write_dagster_home(settings, endpoint)
    assert yaml.safe_load(path.read_text())["telemetry"] == {"enabled": False}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or os.name == "nt"


def test_a_password_reaches_dagster_through_its_environment_and_no_file(tmp_path):
    settings = load_settings(env_file=None, data=tmp_path)
    endpoint = PostgresEndpoint(
        "postgresql://me:planted-secret@db.example/desk", embedded=False, dagster_database="desk_dagster"
    )
    environment = child_environment(settings, endpoint)
    url = "postgresql+psycopg2://me:planted-secret@db.example/desk_dagster"
    assert environment["DAGSTER_POSTGRES_URL"] == url
    text = (tmp_path / "dagster" / "dagster.yaml").read_text()
    assert "planted" not in text
    assert yaml.safe_load(text)["storage"]["postgres"]["postgres_url"] == {"env": "DAGSTER_POSTGRES_URL"}


def test_children_get_this_environment_with_byte_code_on(installation, monkeypatch):
    settings, endpoint = installation
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SOMETHING_ELSE", "kept")
    environment = child_environment(settings, endpoint)
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["SOMETHING_ELSE"] == "kept"
    assert environment["DAGSTER_HOME"] == str(settings.data / "dagster")
    assert environment["DAGSTER_EVENT_BATCH_SIZE"] == "1000"
