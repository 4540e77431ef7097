"""Whatever kills the submitter, and whenever: run again, and the broker has exactly one order for each intent."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from resources.database.connections import lock_key
from resources.vendors.alpaca.broker import AlpacaBroker
from trading_assets.errors import TransientError
from trading_assets.execution.journal import submitter_lock

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


@pytest.fixture(scope="module")
def market(start_simulator):
    return start_simulator(symbols=30, years=0.5, at="2024-05-01T16:30:00-04:00")


@pytest.fixture
def desk(open_desk, market):
    return open_desk(market)


@pytest.fixture
def start_submitter(desk):
    """Start a submitter process that waits for ``go``."""
    started = []

    def start(step: str = "never") -> subprocess.Popen[str]:
        arguments = [desk.database.conninfo, desk.simulated.base_url, desk.account, step]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.mortal_submitter", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        process.stdin.close()
        process.stdout.close()


def go(process: subprocess.Popen[str]) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def plan(desk, count: int) -> list[str]:
    symbols = desk.symbols[:count]
    desk.aim({symbol: number for number, symbol in enumerate(symbols, start=1)})
    desk.plan()
    return symbols


def assert_exactly_one_order_each(desk, symbols: list[str]) -> None:
    placed = desk.placed()
    assert Counter(order["symbol"] for order in placed) == Counter(symbols)
    assert Counter(order["client_order_id"] for order in placed).most_common(1)[0][1] == 1
    assert set(desk.states().values()) == {"acknowledged"}
    known = desk.database.fetch("select broker_order_id from orders order by 1")
    assert known == sorted((order["id"],) for order in placed)
    assert desk.halts() == []


@pytest.mark.parametrize(
    ("step", "fault", "landed", "left_as"),
    [
        ("before_request", None, 0, "submitting"),
        ("answer_unread", None, 1, "submitting"),
        ("outcome_unstored", None, 1, "submitting"),
        ("while_looking", "reset_after_accept", 1, "unknown"),
        ("while_looking", "500", 0, "unknown"),
        ("while_looking", "html_504", 0, "unknown"),
        ("outcome_unstored", "429", 0, "submitting"),
    ],
)
def test_killed_at_a_step(desk, start_submitter, step, fault, landed, left_as) -> None:
    symbols = plan(desk, 2)
    if fault:
        desk.simulated.fault("^/v2/orders$", fault, method="POST")
    process = start_submitter(step)
    go(process)
    assert process.wait(30) == -9
    assert len(desk.placed()) == landed
    assert sorted(desk.states().values()) == sorted(["planned", left_as])
    desk.submit()
    assert_exactly_one_order_each(desk, symbols)
    desk.submit()
    assert_exactly_one_order_each(desk, symbols)


def test_killed_at_any_instant_again_and_again(desk, start_submitter) -> None:
    symbols = plan(desk, 16)
    chance = random.Random(20240501)
    killed = 0
    for _ in range(4):
        desk.simulated.fault(
            "^/v2/orders$", chance.choice(["500", "reset_after_accept", "429"]), method="POST"
        )
        process = start_submitter()
        go(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.05, 0.35))
        process.kill()
        killed += process.wait(30) == -9
    assert killed
    desk.simulated.clear_faults()
    desk.submit()
    assert_exactly_one_order_each(desk, symbols)


def test_two_submitters_at_once(desk, start_submitter) -> None:
    symbols = plan(desk, 12)
    processes = [start_submitter() for _ in range(2)]
    for process in processes:
        go(process)
    said = [process.stdout.readline().strip() for process in processes]
    assert [process.wait(30) for process in processes] == [0, 0]
    assert sum(int(words) for words in said if words != "busy") == len(symbols)
    assert_exactly_one_order_each(desk, symbols)


def test_a_submitter_that_slept_while_another_took_over_sends_nothing_twice(desk) -> None:
    symbols = plan(desk, 2)
    asleep, wake = threading.Event(), threading.Event()
    seen: list[BaseException] = []

    class SleepyBroker(AlpacaBroker):
        def submit(self, order):
            asleep.set()
            assert wake.wait(30)
            return super().submit(order)

    def sleepy_run() -> None:
        try:
            desk.submit(broker=SleepyBroker(desk.simulated.base_url, api_key="k", secret_key="s"))
        except TransientError as error:
            seen.append(error)

    sleeper = threading.Thread(target=sleepy_run)
    sleeper.start()
    assert asleep.wait(30)
    assert desk.submit().is_busy
    key = lock_key(submitter_lock(desk.account)) & 0xFFFFFFFFFFFFFFFF
    ended = desk.database.fetch(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = %s and objid = %s"
        " and database = (select oid from pg_database where datname = current_database())",
        (key >> 32, key & 0xFFFFFFFF),
    )
    assert ended == [(True,)]
    while (report := desk.submit()).is_busy:
        time.sleep(0.01)
    assert len(report.sent) == 2
    wake.set()
    sleeper.join(30)
    assert len(seen) == 1
    assert_exactly_one_order_each(desk, symbols)
    assert "late_answer" in desk.events(symbols[0])
