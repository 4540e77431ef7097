"""`up` as a user runs it: both UIs answer, a second one is refused, Ctrl-C leaves nothing, and a kill is mended."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import psutil
import pytest
import requests

from resources.services.simulator_admin import SimulatorAdmin
from trading_assets.execution.booked import opening
from trading_assets.execution.trading_account import account_of
from trading_assets.sessions import (
    NEW_YORK,
    first_opening_after,
    next_session,
    session_close,
    sessions_between,
)
from trading_assets.tables.daily import DAILY_BARS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="sends Unix signals")]


@dataclass
class Served:
    """A running `up` and what it printed so far."""

    process: object
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            threading.Thread(
                target=lambda s=stream, to=lines: to.extend(iter(s.readline, "")), daemon=True
            ).start()

    def url(self, name: str) -> str:
        deadline = time.monotonic() + 300  # other tests may have the processors
        while True:
            found = re.search(rf"{name}\s+(http://127\.0\.0\.1:\d+)", "".join(self.out))
            if found and "Ctrl-C stops everything" in "".join(self.out):
                return found[1]
            assert self.process.poll() is None, "".join(self.out + self.err)
            assert time.monotonic() < deadline, "".join(self.out + self.err)
            time.sleep(0.05)


def belongs(process: psutil.Process, folder: str) -> bool:
    """Say whether a process works for a data folder."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = process.cmdline()
        return any(folder in word for word in words) or process.environ().get("TRADING_DATA") == folder
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def family(installation) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if belongs(process, str(installation.data))]


def answer(url: str, path: str) -> requests.Response:
    return requests.get(f"{url}{path}", timeout=30)


def test_up_serves_both_uis_refuses_a_second_one_survives_a_kill_and_leaves_nothing(install, open_to_others):
    installation = install()
    half_written = installation.data / f".trading.duckdb.{'0' * 32}"
    half_written.write_text("a process was killed while it wrote the catalogue")
    os.utime(half_written, (0, 0))
    for path in installation.data.rglob("*"):  # made by this process, which has the mask of its user
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    first = Served(installation.start("up"))
    app, dagster = first.url("App"), first.url("Dagster")
    assert not half_written.exists()
    assert answer(app, "/_stcore/health").text == "ok"
    assert "<html" in answer(app, "/").text
    assert answer(dagster, "/server_info").json()["dagster_version"]
    printed = "".join(first.out)
    assert "equal to the broker's" in printed
    assert re.search(r"Orders: \d+ filled; fills: \d+", printed)
    query = {"query": "{ assetNodes { id assetKey { path } } workspaceOrError { ... on Workspace { locationEntries {"
                      " name loadStatus locationOrLoadError { __typename } } } } }"}  # fmt: skip
    found = requests.post(f"{dagster}/graphql", json=query, timeout=60).json()["data"]
    assert DAILY_BARS.name in {node["assetKey"]["path"][0] for node in found["assetNodes"]}
    (location,) = found["workspaceOrError"]["locationEntries"]
    assert location["locationOrLoadError"]["__typename"] == "RepositoryLocation"

    for part in ("dagster", "postgres", "simulator", "lake", "logs", "raw", "trading.duckdb"):
        assert (installation.data / part).exists(), part
    assert open_to_others(installation.data) == []

    # a web page in the same browser can neither command nor read
    launch = 'mutation{launchRun(executionParams:{selector:{jobName:"session_job"}}){__typename}}'
    evil = {"Origin": "http://evil.example"}
    assert (
        requests.get(f"{dagster}/graphql", params={"query": launch}, headers=evil, timeout=30).status_code
        == 403
    )
    assert requests.get(f"{dagster}/graphql", params={"query": launch}, timeout=30).status_code == 403
    assert requests.post(f"{dagster}/graphql", json=query, headers=evil, timeout=30).status_code == 403
    assert requests.get(f"{dagster}/", headers={"Host": "evil.example"}, timeout=30).status_code == 403

    refused = installation.command("up", exit_code=2)
    assert f"already serves {installation.data}" in refused.stderr
    assert "TRADING_DATA" in refused.stderr

    # Everything that could clean up is killed; the web servers stay behind as orphans.
    members = family(installation)
    names = " ".join(" ".join(process.cmdline()) for process in members)
    for part in (
        "trading_assets.simulator",
        "postgres",
        "trading_assets.dagster_ui",
        "trading_assets.dagster_daemon",
        "streamlit",
    ):
        assert part in names
    orphans = [
        process for process in members if {"trading_assets.dagster_ui", "streamlit"} & set(process.cmdline())
    ]
    assert len(orphans) >= 2
    for process in members:
        if process not in orphans:
            process.kill()
    first.process.wait(30)

    second = Served(installation.start("up"))
    app, dagster = second.url("App"), second.url("Dagster")
    assert "Ending" in "".join(second.err)
    assert not [process for process in orphans if belongs(process, str(installation.data))]
    assert answer(app, "/_stcore/health").text == "ok"
    assert answer(dagster, "/server_info").ok
    assert "equal to the broker's" in "".join(second.out)

    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(60) is not None
    assert family(installation) == []
    assert list((installation.data / "run").glob("*/leases/*")) == []
    assert list((installation.data / "run").glob("*/state.json")) == []
    assert "Traceback" not in "".join(second.err)
    for path in installation.data.rglob("*"):
        if path.is_file():
            assert not re.search(rb"planted-(key-id|secret)-471\d", path.read_bytes()), path
    assert "planted" not in "".join(first.out + first.err + second.out + second.err)


def test_the_first_up_trades_the_last_sessions_one_by_one_and_goes_on_after_a_kill(install):
    installation = install(None)
    days = sessions_between(date(2024, 4, 30), installation.session)
    killed = installation.start("up", "--no-serve", TRADING_FIRST_SESSIONS="3")
    said = []
    for line in killed.stderr:
        said.append(line)
        if f"✓ {days[0]}" in line:
            break
    killed.kill()
    killed.wait(30)
    assert "3 are traded" not in "".join(said), "the newest session is the one that `up` always runs"
    assert f"The account's first sessions, {days[0]} to {days[1]}: 2 are traded one by one" in "".join(said)

    told = installation.command("up", "--no-serve", TRADING_FIRST_SESSIONS="3")
    assert f"first sessions, {days[1]} to {days[1]}" in told.stderr
    assert f"✓ {days[0]}" not in told.stderr
    assert "equal to the broker's" in told.stdout
    again = installation.command("up", "--no-serve", TRADING_FIRST_SESSIONS="3")
    assert "first sessions" not in again.stderr
    with installation.opened() as platform:
        account = account_of(platform)
        completed = (
            "select session, count(*) from session_runs where outcome = 'succeeded' group by 1 order by 1"
        )
        assert platform.database.fetch(completed) == [(days[0], 1), (days[1], 1), (days[2], 2)]
        valued = "select session from portfolio_performance where account = %s order by 1"
        assert [day for (day,) in platform.database.fetch(valued, (account.number,))] == days
        assert opening(platform.database, account.number)[1] == days[0]
        ours = platform.database.fetch("select session, client_order_id from orders order by 1")
        theirs = requests.get(
            f"{platform.simulator_url}/v2/orders", params={"status": "all", "limit": 500},
            headers={"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}, timeout=30,
        ).json()  # fmt: skip
        assert ours
        assert sorted(name for _, name in ours) == sorted(order["client_order_id"] for order in theirs)
        # each session was decided, ordered and filled at its own time
        for day, executed_at in platform.database.fetch("select session, executed_at from fills"):
            assert first_opening_after(session_close(day)) == executed_at.astimezone(NEW_YORK).date()
        bars = platform.lake.scan(DAILY_BARS, start=days[0], end=days[-1]).collect()
        for day, known_at in bars.group_by("session").agg(pl.col("known_at").min()).iter_rows():
            assert session_close(day) < known_at < session_close(next_session(day))
        health = SimulatorAdmin(platform.simulator_url).health()
        assert health.clock == "fixed", "the clock has joined the present, which stands in this market"


@pytest.mark.parametrize(
    ("number", "command", "code"), [(signal.SIGTERM, "up", 0), (signal.SIGINT, "backfill", 1)]
)
def test_work_is_stopped_by_a_signal_in_one_sentence(install, number, command, code):
    installation = install(None)
    first, last = (day.isoformat() for day in installation.history)
    span = ("--start", first, "--end", last) if command == "backfill" else ()
    process = installation.start(command, *span)
    deadline = time.monotonic() + 90
    while not (installation.data / "lake").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert ("Stopping" if command == "up" else "Interrupted: nothing is half-written") in err
    assert "failed" not in err
    assert "Traceback" not in err
    assert family(installation) == []
