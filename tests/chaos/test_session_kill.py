"""Whatever kills a command, the same command goes on from there: one order an intent, the same lake."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
import requests

from resources.dagster_home import dagster_instance
from resources.database.connections import connect
from resources.lake.lake import Lake
from trading_assets.assets.partitions import RANGE_END_TAG, RANGE_START_TAG
from trading_assets.market_data.ingest import SESSIONS_PER_PART
from trading_assets.runs.session import run_session
from trading_assets.sessions import sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.registry import TABLES

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")]


def wait_for(process, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.005)


def kill_when(process, condition: Callable[[], bool]) -> None:
    """Kill a command as soon as something is the case, which must be before it ends."""
    wait_for(process, condition)
    process.kill()
    assert process.wait(30) == -9


class Broker:
    """The simulated broker, seen from outside the product."""

    def __init__(self, url: str) -> None:
        self.url = url

    def orders(self) -> list[dict]:
        answer = requests.get(
            f"{self.url}/v2/orders", params={"status": "all", "limit": 500}, timeout=30,
            headers={"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"},
        )  # fmt: skip
        answer.raise_for_status()
        return answer.json()

    def fault(self, match: str, kind: str, **details: object) -> None:
        body = {"match": match, "kind": kind, **details}
        requests.post(f"{self.url}/sim/faults", json=body, timeout=30).raise_for_status()

    def faulted(self) -> int:
        """Count the requests that a fault has hit."""
        return sum(
            rule["used"] for rule in requests.get(f"{self.url}/sim/faults", timeout=30).json()["faults"]
        )

    def clear(self) -> None:
        requests.delete(f"{self.url}/sim/faults", timeout=30).raise_for_status()


@contextmanager
def held_back(conninfo: str, table: str, when: str, event: str = "update"):
    """Let every write of such rows wait; gives a function that says whether one does."""
    with connect(conninfo, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(4711)")
        connection.execute(
            "create or replace function hold() returns trigger language plpgsql as"
            " $$ begin perform pg_advisory_xact_lock(4711); return new; end $$"
        )
        connection.execute(
            f"create trigger hold before {event} on {table} for each row when ({when}) execute function hold()"
        )
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted"
        yield lambda: connection.execute(waiting).fetchone() == (1,)
        connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where objid = 4711 and not granted"
        )
        connection.execute(f"drop trigger hold on {table}")


def test_a_run_killed_before_a_request_then_after_it_then_before_its_outcome_was_stored_places_each_order_once(
    install,
):
    installation = install()
    with installation.opened() as platform:
        broker, database = Broker(platform.simulator_url), platform.database

        def states() -> Counter[str]:
            return Counter(state for (state,) in database.fetch("select state from order_intents"))

        # 1. The intents are planned, and the first one is about to be claimed: nothing was sent.
        with held_back(database.conninfo, "order_intents", "new.state = 'submitting'") as is_waiting:
            kill_when(installation.start("run"), is_waiting)
        planned = states()["planned"]
        assert planned > 5
        assert broker.orders() == []

        # 2. The broker accepts the first order, its answer is lost, and asking for it takes time.
        broker.fault("^/v2/orders$", "reset_after_accept", method="POST")
        broker.fault("by_client_order_id", "slow", method="GET", seconds=9)
        kill_when(installation.start("run"), lambda: broker.faulted() == 2)
        broker.clear()
        assert len(broker.orders()) == 1
        assert states() == {"planned": planned - 1, "unknown": 1}

        # 3. The broker answered, and the outcome is about to be stored. (The order of 2 is stored first.)
        known = broker.orders()[0]["client_order_id"]
        is_new = f"new.client_order_id <> '{known}'"
        with held_back(database.conninfo, "orders", is_new, "insert") as is_waiting:
            kill_when(installation.start("run"), is_waiting)
        assert len(broker.orders()) == 2
        assert states() == {"acknowledged": 1, "planned": planned - 2, "submitting": 1}

        for run_again in (
            lambda: installation.command("run"),
            lambda: run_session(platform, installation.session),
        ):
            run_again()
            assert states() == {"acknowledged": planned}
            placed = broker.orders()
            assert len(placed) == planned
            ours = database.fetch(
                "select client_order_id, broker_order_id, symbol, quantity from order_intents"
            )
            assert {(i, b, s, float(q)) for i, b, s, q in ours} == {
                (order["client_order_id"], order["id"], order["symbol"], float(order["qty"]))
                for order in placed
            }
            assert {order["status"] for order in placed} == {"filled"}
            assert database.fetch("select bool_and(is_match) from reconciliation") == [(True,)]
            assert database.fetch("select count(*) from trading_halts") == [(0,)]


def test_a_backfill_killed_twice_in_the_middle_goes_on_and_gives_what_an_undisturbed_one_gives(
    history, install
):
    first, last = history.history
    span = ("backfill", "--start", first.isoformat(), "--end", last.isoformat())
    undisturbed = hashes(history)
    installation = install(None)
    polygon = VENDOR_DAILY_BARS["polygon"]
    fetched, stored = installation.data / "lake" / polygon.name, installation.data / "lake" / DAILY_BARS.name
    asked = "from ingest_batches where source = 'polygon' and kind = 'daily_bars'"
    with installation.opened() as platform:
        # within a vendor's long range: what it answered is not asked for again
        before_bars = ("--assets", "universe,polygon_daily_bars")
        kill_when(
            installation.start(*span, *before_bars), lambda: any(fetched.glob("year=*/part=*/data.parquet"))
        )
        done = platform.lake.sessions(polygon)
        assert done == sessions_between(first, last)[: len(done)]
        assert SESSIONS_PER_PART <= len(done) < len(sessions_between(first, last))
        before = [batch for (batch,) in platform.database.fetch(f"select batch_id {asked}")]
        # while bars are consolidated
        kill_when(installation.start(*span), lambda: any(stored.glob("year=*/part=*/data.parquet")))
        again = platform.database.fetch(
            f"select min(first_session) {asked} and batch_id <> all(%s)", (before,)
        )
        assert again == [(done[-1] + timedelta(days=1),)]
        assert hashes(installation) != undisturbed
        assert "sessions from" in installation.command(*span).stdout
        assert hashes(installation) == undisturbed
        assert "Nothing was missing" in installation.command(*span).stdout
        run_range_in_dagster(platform, shift(last, -20), last)
        assert hashes(installation) == undisturbed


def run_range_in_dagster(platform, first: date, last: date) -> None:
    """Run the history job over a range as a backfill in Dagster's UI does."""
    from trading_assets.definitions import build_definitions

    tags = {RANGE_START_TAG: first.isoformat(), RANGE_END_TAG: last.isoformat()}
    with dagster_instance(platform.settings, platform.postgres) as instance:
        job = build_definitions(platform.settings).resolve_job_def("history_job")
        assert job.execute_in_process(instance=instance, tags=tags).success


def hashes(installation) -> dict[str, dict[date, str]]:
    lake = Lake(installation.data / "lake", locks=None)  # only read here
    return {name: lake.content_hashes(table) for name, table in TABLES.items()}
