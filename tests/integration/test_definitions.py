"""The code location as Dagster's UI shows it: assets, checks, jobs, sensors and the schedule."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from resources.clock import ManualClock
from resources.platform import Platform
from sensors.schedules import daily_schedule
from trading_assets.definitions import build_definitions
from trading_assets.sessions import is_session, sessions_between
from trading_assets.settings import Settings
from trading_assets.tables.registry import DATABASE_TABLES, TABLES

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = build_definitions(Settings(_env_file=None))
GRAPH = DEFINITIONS.resolve_asset_graph()
ASSETS = sorted(GRAPH.get_all_asset_keys(), key=str)
ORDER_JOBS = ("session_job", "order_placement_job", "fill_ingestion_job")


def named(key: dg.AssetKey) -> str:
    return key.to_user_string()


def load(tmp_path: Path, statement: str, **variables: str) -> str:
    """Load the definitions in a process of their own and print something of them."""
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), **variables}
    code = f"from trading_assets.definitions import defs; defs = defs(); {statement}"
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout


@pytest.mark.parametrize("key", ASSETS, ids=named)
def test_every_asset_says_what_it_is(key):
    node, spec = GRAPH.get(key), GRAPH.get(key).to_asset_spec()
    assert spec.owners
    assert spec.kinds
    assert spec.group_name != "default"
    grain, prose = spec.description.split("\n\n", 1)
    assert grain.startswith(("One row per", "One DuckDB file"))
    assert len(prose) > 40
    assert spec.freshness_policy is not None
    assert node.partitions_def is GRAPH.get(dg.AssetKey("universe")).partitions_def
    assert node.backfill_policy == dg.BackfillPolicy.single_run()
    table = {**TABLES, **DATABASE_TABLES}.get(named(key))
    if table is not None:
        columns = spec.metadata["dagster/column_schema"].columns
        assert [column.name for column in columns] == list(table.columns)
        assert all(column.description and column.type for column in columns)


def test_every_table_of_the_lake_is_an_asset_or_a_by_product_of_one():
    assert set(TABLES) - {named(key) for key in ASSETS} == {
        "quarantined_bars",
        "quarantined_hourly_bars",
        "polygon_corporate_actions",
        "yahoo_corporate_actions",
        "alpaca_corporate_actions",
        "feature_state",
    }


@pytest.mark.parametrize(
    ("day", "is_partition"),
    [
        ("2016-06-30", True),
        ("2016-07-01", True),
        ("2016-07-02", False),  # a Saturday
        ("2016-07-04", False),  # Independence Day
        ("2015-11-27", True),  # half a day
        ("2012-10-29", False),  # the storm
        ("2018-12-05", False),  # a day of mourning
        ("2000-01-03", True),
        ("1999-12-31", False),  # before TRADING_START
    ],
)
def test_the_partitions_are_the_exchange_sessions(day, is_partition):
    assert GRAPH.get(dg.AssetKey("daily_bars")).partitions_def.has_partition_key(day) is is_partition


def test_a_year_of_partitions_is_the_calendar_of_that_year():
    keys = GRAPH.get(dg.AssetKey("daily_bars")).partitions_def.get_partition_keys()
    assert [key for key in keys if key[:4] == "2016"] == [
        day.isoformat() for day in sessions_between(date(2016, 1, 1), date(2016, 12, 31))
    ]
    assert all(is_session(date.fromisoformat(key)) for key in keys)


ROW_CHECKS = {"duplicates", "high_at_least_low", "positive_prices", "unexplained_jump", "phantom_session"}


@pytest.mark.parametrize(
    ("bars", "features", "own"),
    [
        ("daily_bars", "daily_features", {"completeness"}),
        ("hourly_bars", "hourly_features", {"hours_missing", "unfinished_hour"}),
    ],
)
def test_blocking_checks_stand_between_bars_and_features(bars, features, own):
    checks = [GRAPH.get_check_spec(key) for key in GRAPH.asset_check_keys]
    assert all(spec.description for spec in checks)
    blocking = {spec.name for spec in checks if spec.asset_key == dg.AssetKey(bars) and spec.blocking}
    assert blocking >= ROW_CHECKS | own
    assert dg.AssetKey(bars) in GRAPH.get(dg.AssetKey(features)).parent_keys


def test_nothing_that_trades_depends_on_hours():
    hours = {key for key in ASSETS if "hourly" in named(key)}
    assert len(hours) == 5
    for key in hours:
        assert GRAPH.get(key).child_keys <= hours
    assert not hours & set(DEFINITIONS.resolve_job_def("session_job").asset_layer.selected_asset_keys)
    assert hours == set(DEFINITIONS.resolve_job_def("hourly_job").asset_layer.selected_asset_keys)


def test_jobs_that_can_send_orders_are_never_repeated_by_dagster_and_run_one_at_a_time():
    for name in ORDER_JOBS:
        job = DEFINITIONS.resolve_job_def(name)
        assert job.tags["dagster/max_retries"] == "0"
        assert job.tags["trading/orders"] == "session"
        assert job.op_retry_policy is None
        assert all(node.retry_policy is None and node.definition.retry_policy is None for node in job.nodes)


def test_the_history_job_cannot_reach_the_broker():
    selected = {
        named(key) for key in DEFINITIONS.resolve_job_def("history_job").asset_layer.selected_asset_keys
    }
    assert {"universe", "daily_bars", "daily_features", "screener_results", "signals"} <= selected
    assert not selected & {
        "target_positions",
        "order_intents",
        "orders",
        "fills",
        "positions",
        "reconciliation",
    }


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "status"), [("sim", "STOPPED"), ("paper", "RUNNING")])
def test_what_trades_by_itself_is_off_in_the_simulation_and_on_with_a_broker(tmp_path, mode, status):
    statement = "print({item.name: item.default_status.value for item in [*defs.schedules, *defs.sensors]})"
    printed = load(tmp_path, statement, TRADING_MODE=mode)
    assert ast.literal_eval(printed) == {
        "session_schedule": status,
        "companies_schedule": status,
        "hourly_schedule": status,
        "maintenance_schedule": "STOPPED",  # raw bodies are kept for ever unless a setting says otherwise
        "order_placement_sensor": status,
        "fill_ingestion_sensor": status,
    }
    assert list(tmp_path.iterdir()) == [], "loading the code location writes nothing"


@pytest.mark.slow
def test_without_yahoo_there_are_no_company_data(tmp_path):
    statement = "print([str(k) for k in defs.resolve_all_asset_keys() if 'key_statistics' in str(k)], len(defs.schedules))"
    printed = load(tmp_path, statement, TRADING_SOURCES="polygon,alpaca")
    assert printed == "[] 3\n"


@pytest.mark.slow
def test_a_source_that_is_not_configured_is_not_an_asset(tmp_path):
    statement = (
        "print(sorted(k.to_user_string() for k in defs.resolve_all_asset_keys() if 'daily_bars' in str(k)))"
    )
    assert load(tmp_path, statement, TRADING_SOURCES="alpaca") == "['alpaca_daily_bars', 'daily_bars']\n"


def test_one_process_builds_the_graphs_of_two_installations():
    small = build_definitions(
        Settings(_env_file=None, sources="alpaca", hourly_symbols=0, start="2020-01-02")
    )
    names = {named(key) for key in small.resolve_all_asset_keys()}
    assert {"alpaca_daily_bars", "daily_bars"} < names
    assert not {"polygon_daily_bars", "key_statistics", "hourly_bars"} & names
    assert {named(key) for key in ASSETS} > names
    bars = small.resolve_asset_graph().get(dg.AssetKey("daily_bars"))
    assert {named(key) for key in bars.parent_keys} == {"alpaca_daily_bars", "corporate_actions", "universe"}
    assert not bars.partitions_def.has_partition_key("2019-12-31")
    assert GRAPH.get(dg.AssetKey("daily_bars")).partitions_def.has_partition_key("2019-12-31")


@pytest.mark.parametrize(
    "module", ["trading_assets.definitions", "trading_assets.cli", "sensors.order_placement"]
)
def test_no_module_reads_settings_when_it_is_imported(tmp_path, module):
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TRADING_MODE": "nonsense"}
    process = subprocess.run(
        [sys.executable, "-c", f"import {module}"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "")


def test_a_wrong_setting_is_one_clear_line(tmp_path):
    environment = {
        "PATH": "",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "TRADING_LOOK_BACK_SESSIONS": "many",
    }
    process = subprocess.run(
        [sys.executable, "-m", "trading_assets", "run"], cwd=tmp_path, env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stdout == ""
    (line,) = process.stderr.strip().splitlines()
    assert "TRADING_LOOK_BACK_SESSIONS" in line


class Evening:
    """The schedule on an instance of its own, with a clock that can be set."""

    def __init__(self, instance: dg.DagsterInstance, platform: SimpleNamespace) -> None:
        self.instance = instance
        self.platform = platform
        self.schedule = daily_schedule(platform.settings)

    def done(self, *days: str) -> None:
        for day in days:
            self.instance.report_runless_asset_event(dg.AssetMaterialization("reconciliation", partition=day))

    def failed(self, day: str) -> None:
        run = dg.DagsterRun(
            "session_job",
            status=dg.DagsterRunStatus.FAILURE,
            tags={"dagster/partition": day, ".dagster/x": "1"},
        )
        self.instance.add_run(run)

    def tick(self, at: str) -> list[dg.RunRequest] | str:
        self.platform.clock.instant = datetime.fromisoformat(at).astimezone(UTC)
        with dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=self.platform.clock.instant,
            resources={"platform": self.platform},
        ) as context:
            answers = list(self.schedule(context))
        if len(answers) == 1 and isinstance(answers[0], dg.SkipReason):
            return answers[0].skip_message
        return answers

    def days(self, at: str) -> list[str]:
        return [request.partition_key for request in self.tick(at)]


@pytest.fixture
def evening(tmp_path):
    platform = SimpleNamespace(
        settings=Settings(_env_file=None), clock=ManualClock(datetime(2024, 1, 1, tzinfo=UTC))
    )
    platform.latest_session = lambda: Platform.latest_session(platform)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield Evening(instance, platform)


def test_the_schedule_runs_a_session_after_its_close_in_new_york(evening):
    assert evening.schedule.execution_timezone == "America/New_York"
    evening.done("2024-05-01")
    assert evening.days("2024-05-02T16:45:00-04:00") == ["2024-05-02"]
    assert evening.days("2024-11-29T16:45:00-05:00")[-1] == "2024-11-29", "half a day"


@pytest.mark.parametrize(
    ("at", "latest"),
    [
        ("2024-05-03T15:00:00-04:00", "2024-05-02"),  # before the close
        ("2024-05-03T16:10:00-04:00", "2024-05-02"),  # before the vendors have final bars
        ("2024-05-04T16:45:00-04:00", "2024-05-03"),  # a Saturday
        ("2024-07-04T16:45:00-04:00", "2024-07-03"),  # Independence Day
    ],
)
def test_a_day_without_a_new_session_gives_nothing(evening, at, latest):
    evening.done(latest)
    assert evening.tick(at) == f"Session {latest} is complete"


def test_after_downtime_one_run_is_asked_for_that_catches_up_what_was_missed(evening):
    evening.done("2024-06-28")
    assert evening.days("2024-07-05T16:45:00-04:00") == ["2024-07-05"]


def test_a_session_is_asked_for_under_one_key_until_it_fails_and_then_under_another(evening):
    at = "2024-05-02T16:45:00-04:00"
    (first,), (again,) = evening.tick(at), evening.tick(at)
    assert first.run_key == again.run_key
    evening.failed("2024-05-02")
    (retry,) = evening.tick(at)
    assert retry.run_key != first.run_key
    assert retry.partition_key == first.partition_key


def test_what_lies_before_the_first_run_is_no_missed_session(evening):
    assert evening.days("2024-05-02T16:45:00-04:00") == ["2024-05-02"]
    evening.done("2024-05-02")
    assert evening.days("2024-05-03T16:45:00-04:00") == ["2024-05-03"]
