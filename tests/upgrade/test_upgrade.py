"""A data folder that an earlier version left in the middle of sending orders is taken over, and goes on."""

from __future__ import annotations

import subprocess
import tarfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from resources.database.server import postgres_for
from resources.database.server_files import program
from trading_assets.runs.session import run_session
from trading_assets.settings import Settings

FOLDER = Path(__file__).parent
MARKET = {
    "sim_symbols": 20,
    "sim_years": 2,
    "sim_at": "2024-05-02T18:00:00-04:00",
    "history_sessions": 256,
    "hourly_symbols": 0,
}
STOPPED, FOLLOWING = date(2024, 7, 15), date(2024, 7, 16)
TOLD = {
    "order_intents": "select session, symbol, side, purpose, quantity, client_order_id, state from order_intents order by session, symbol",
    "fills": "select session, symbol, side, quantity, price_usd from fills order by session, symbol",
    "positions": "select symbol, quantity, average_cost_usd from positions where session = '2024-07-15' order by symbol",
    "reconciliation": "select item, ours, brokers, is_match from reconciliation where session = '2024-07-15' order by item",
    "target_positions": "select session, symbol, outcome, rule, quantity from target_positions order by session, symbol",
}


@pytest.fixture
def left_folder(tmp_path, make_installation):
    """The folder, unpacked, with its databases; see ``make_schema_0003.py``."""
    installation = make_installation(tmp_path / "data", market=MARKET)
    with tarfile.open(FOLDER / "schema_0003.tar.xz") as archive:
        archive.extractall(installation.data, filter="data")
    with postgres_for(Settings(_env_file=None, data=installation.data)) as endpoint:
        for name in ("trading", "dagster"):
            dump = installation.data / f"{name}.sql"
            command = [
                program("psql"),
                "--quiet",
                "--set=ON_ERROR_STOP=1",
                "--output=/dev/null",
                f"--file={dump}",
            ]
            subprocess.run([*command, endpoint.url(name, None)], check=True)
            dump.unlink()
    return installation


def test_a_folder_of_schema_0003_with_open_and_unknown_orders_goes_on_where_it_stopped(left_folder) -> None:
    def told(name: str) -> pl.DataFrame:
        return platform.database.fetch_polars(TOLD[name])

    with left_folder.opened() as platform:
        # planned before the upgrade: the orders are sent under the ids that they were planned under
        before = told("order_intents")
        assert set(before["state"]) == {"acknowledged", "planned", "unknown"}
        for _ in range(2):
            summary = run_session(platform, STOPPED)
            assert (summary.orders, summary.fills, summary.reconciled) == ({"filled": 6}, 6, True)
            for name in TOLD:
                assert told(name).write_csv() == (FOLDER / f"schema_0003_{name}.csv").read_text()
            assert told("order_intents")["client_order_id"].equals(before["client_order_id"])
        assert run_session(platform, FOLLOWING).reconciled is True
        assert platform.database.fetch("select count(*) from trading_halts") == [(0,)]
