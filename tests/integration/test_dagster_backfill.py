"""A backfill that is launched in Dagster's UI: the daemon does it in one run, with the content of the command line's."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from resources.dagster_home import child_environment, dagster_instance
from resources.lake.lake import Lake
from trading_assets.sessions import sessions_between, shift
from trading_assets.tables.registry import TABLES

pytestmark = pytest.mark.slow

ASSETS = ("universe", "polygon_daily_bars", "yahoo_daily_bars", "alpaca_daily_bars", "corporate_actions", "daily_bars",
          "daily_features")  # fmt: skip
BY_PRODUCTS = (
    "polygon_corporate_actions",
    "yahoo_corporate_actions",
    "alpaca_corporate_actions",
    "quarantined_bars",
)
PATIENCE_SECONDS = 200


def launch(instance: dg.DagsterInstance, days: list[str]) -> str:
    """Ask for a backfill as the UI does."""
    from trading_assets.definitions import build_definitions
    from trading_assets.settings import Settings

    backfill_id = uuid.uuid4().hex[:8]
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            asset_graph=build_definitions(Settings(_env_file=None)).resolve_asset_graph(),
            backfill_id=backfill_id,
            tags={},
            backfill_timestamp=time.time(),
            asset_selection=[dg.AssetKey(name) for name in ASSETS],
            partition_names=days,
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
    )
    return backfill_id


def test_from_vendor_bars_to_features_it_is_one_run_and_the_same_content(history, install, tmp_path):
    first = history.history[0]
    days = sessions_between(first, shift(first, 29))
    expected = contents(history, days)
    installation = install(None)
    with (
        installation.opened() as platform,
        dagster_instance(platform.settings, platform.postgres) as instance,
    ):
        workspace = tmp_path / "workspace.yaml"
        workspace.write_text(
            "load_from:\n  - python_module: {module_name: trading_assets.definitions, location_name: trading_assets}\n"
        )
        backfill_id = launch(instance, [day.isoformat() for day in days])
        environment = {
            **installation.environment(),
            **child_environment(platform.settings, platform.postgres),
            **{key: value for key, value in installation.environment().items() if key.startswith("TRADING_")},
        }
        daemon = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "-w", str(workspace)],
            cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while instance.get_backfill(backfill_id).status == BulkActionStatus.REQUESTED:
                runs = instance.get_runs()
                if runs and runs[0].is_finished:
                    break
                assert daemon.poll() is None, daemon.stderr.read()
                assert time.monotonic() < deadline, "the daemon did not finish the backfill"
                time.sleep(0.5)
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/backfill"] == backfill_id
        for name in ASSETS:
            assert len(instance.get_materialized_partitions(dg.AssetKey(name))) == len(days), name
    assert contents(installation, days) == expected


def contents(installation, days) -> dict:
    lake = Lake(installation.data / "lake", locks=None)  # only read here
    return {
        (name, day): lake.content_hash(TABLES[name], day) for name in (*ASSETS, *BY_PRODUCTS) for day in days
    }
