"""`raw`: from a row in the lake to the vendor's own bytes on the screen, on the disk, and in the bin."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta

import pytest

from trading_assets.market_data.corporate_actions import ingest_corporate_actions
from trading_assets.market_data.ingest import ingest_bars
from trading_assets.market_data.universe import ingest_universe
from trading_assets.sessions import shift
from trading_assets.tables.daily import VENDOR_DAILY_BARS
from trading_assets.tables.listings import UNIVERSE, VENDOR_ACTIONS

SOURCES = ("polygon", "yahoo", "alpaca")
SESSION = date(2024, 5, 1)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(install):
    """An installation with two sessions of every vendor's bars, actions and listings, and nothing else."""
    installation = install(None)
    with installation.opened() as platform:
        for session in (shift(SESSION, -1), SESSION):
            ingest_universe(platform, [session])
            for source in SOURCES:
                ingest_bars(platform, source, [session])
            ingest_corporate_actions(platform, [session])
        yield installation, platform


def answer(installation, *arguments, **options):
    return json.loads(installation.command(*arguments, "--json", **options).stdout)


def test_a_row_leads_to_the_vendors_bytes(running, tmp_path):
    installation, platform = running
    bars = platform.lake.scan(VENDOR_DAILY_BARS["yahoo"], start=SESSION, columns=["batch_id"])
    batch_id = bars.first().collect().item()
    shown = installation.command("raw", "show", batch_id).stdout
    assert batch_id in shown
    assert "/v8/finance/chart/" in shown
    one = installation.command("raw", "show", batch_id, "--response", "1").stdout
    assert json.loads(one) == json.loads(platform.raw_batches.read(batch_id)[0].body)
    folder = tmp_path / "bodies"
    facts = answer(installation, "raw", "show", batch_id, "--extract", str(folder))
    assert facts["source"] == "yahoo"
    assert len(facts["bodies"]) == facts["responses"] > 1
    index = json.loads((folder / "index.json").read_bytes())
    assert [(folder / item["file"]).stat().st_size for item in index] == [item["bytes"] for item in index]
    again = installation.command("raw", "show", batch_id, "--extract", str(folder), exit_code=2)
    assert "new or empty folder" in again.stderr


def test_every_row_of_every_vendor_leads_to_a_recorded_batch_that_verifies(running):
    installation, platform = running
    found = answer(installation, "raw", "verify")
    assert found["wrong"] == []
    recorded = {batch_id for (batch_id,) in platform.database.fetch("select batch_id from ingest_batches")}
    assert found["checked"] == len(recorded)
    for table in (*VENDOR_DAILY_BARS.values(), *VENDOR_ACTIONS.values(), UNIVERSE):
        rows = platform.lake.scan(table, columns=["batch_id"]).unique().collect()
        assert {*rows.get_column("batch_id")} <= recorded, table.name


def test_what_was_asked_of_the_vendors_is_counted(running):
    _, platform = running
    rows = dict(platform.database.fetch("select vendor, sum(requests) from vendor_usage group by vendor"))
    assert set(rows) == {"polygon", "yahoo", "alpaca"}
    assert all(count > 0 for count in rows.values())


def test_a_lost_file_is_a_finding_with_a_mend(running):
    installation, platform = running
    query = "select batch_id, raw_path from ingest_batches where raw_removed_at is null limit 1"
    ((batch_id, raw_path),) = platform.database.fetch(query)
    path = platform.settings.data / raw_path
    shutil.move(path, path.with_suffix(".away"))
    try:
        found = json.loads(installation.command("raw", "verify", "--json", exit_code=1).stdout)
    finally:
        shutil.move(path.with_suffix(".away"), path)
    assert [item["batch_id"] for item in found["wrong"]] == [batch_id]
    assert "fetch these sessions again" in found["wrong"][0]["fault"]


def test_old_bodies_go_when_asked_and_never_otherwise(running):
    installation, platform = running
    kept = installation.command("raw", "prune", exit_code=2)
    assert "TRADING_RAW_KEEP_DAYS" in kept.stderr
    platform.clock.advance_to(platform.clock.now() + timedelta(days=2))
    planned = answer(installation, "raw", "prune", "--dry-run", TRADING_RAW_KEEP_DAYS="1")
    assert planned["batches"] > 0
    assert answer(installation, "raw", "verify")["wrong"] == []
    assert answer(installation, "raw", "prune", TRADING_RAW_KEEP_DAYS="1")["batches"] == planned["batches"]
    query = "select batch_id from ingest_batches where raw_removed_at is not null order by fetched_at limit 1"
    ((gone,),) = platform.database.fetch(query)
    said = installation.command("raw", "show", gone, exit_code=1).stderr
    assert "were removed" in said
    assert "retention of 1 days" in said
    assert answer(installation, "raw", "verify")["wrong"] == []
