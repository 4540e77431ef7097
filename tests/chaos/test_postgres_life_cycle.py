"""A storm over the embedded server: users come, write, leave, are interrupted and killed; so is the server."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from resources.database.server import embedded_service, postgres_for
from resources.services.processes import process_identity, wait_until_ended
from trading_assets.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]

WRITER = """
import sys, time
from pathlib import Path
from resources.database.connections import connect
from resources.database.server import postgres_for
from trading_assets.errors import TransientError
from trading_assets.settings import load_settings
settings, name = load_settings(env_file=None, data=Path(sys.argv[1])), sys.argv[2]
import psycopg
with postgres_for(settings):
    for number in range(1_000_000):
        with postgres_for(settings) as endpoint:
            try:
                with connect(endpoint.url()) as connection:
                    connection.execute("insert into written values (%s, %s)", (name, number))
            except (TransientError, psycopg.OperationalError):
                continue  # the server was killed under us: the next round starts it again
        print(number, flush=True)
"""


class Writer:
    """A process that commits numbered rows for ever and says each number after its commit."""

    def __init__(self, data: Path, name: str) -> None:
        self.name = name
        self.out = data.parent / f"writer-{name}"
        with self.out.open("wb") as out, (data.parent / "errors").open("ab") as errors:
            command = [sys.executable, "-c", WRITER, str(data), name]
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=errors, start_new_session=True
            )

    def committed(self) -> set[int]:
        *whole, _ = self.out.read_text().split("\n")
        return {int(line) for line in whole}

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(60)


def postmasters(data: Path) -> list[int]:
    folder = str(data / "postgres")
    found = {}
    for process in psutil.process_iter(["name", "cmdline", "status", "ppid"]):
        info = process.info
        if (
            info["name"] == "postgres"
            and folder in (info["cmdline"] or ())
            and info["status"] != psutil.STATUS_ZOMBIE
        ):
            found[process.pid] = info["ppid"]
    # a child that was forked a moment ago still has the command line of its server
    return [pid for pid, parent in found.items() if parent not in found]


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = load_settings(env_file=None, data=tmp_path / "data")
    with postgres_for(settings) as endpoint, psycopg.connect(endpoint.url(driver=None)) as connection:
        connection.execute("create table written (writer text, number int)")
    return settings


@pytest.fixture
def start_writer(settings) -> Iterator[Callable[[str], Writer]]:
    everybody: list[Writer] = []

    def start(name: str) -> Writer:
        everybody.append(Writer(settings.data, name))
        return everybody[-1]

    yield start
    for writer in everybody:
        if writer.process.poll() is None:
            writer.end(signal.SIGTERM)
    with postgres_for(settings):
        pass  # adopts and stops what a failed test left behind


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_storm_of_kills_no_committed_row_is_lost_and_there_is_never_a_second_server(
    settings, start_writer, seed
):
    luck = random.Random(seed)
    writers = [start_writer(str(number)) for number in range(3)]
    everybody = list(writers)
    for blow in range(12):
        time.sleep(luck.uniform(0.05, 0.5))
        assert len(postmasters(settings.data)) <= 1
        record = embedded_service(settings).record()
        if luck.random() < 0.4 and record:
            os.kill(record.pid, signal.SIGKILL)
        else:
            writer = writers.pop(luck.randrange(len(writers)))
            writer.end(luck.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            writers.append(start_writer(f"{blow}-again"))
            everybody.append(writers[-1])
    deadline = time.monotonic() + 60
    while len(writers[-1].committed()) <= 5:
        assert time.monotonic() < deadline, (settings.data.parent / "errors").read_text()
        time.sleep(0.05)
    for writer in writers[:-1]:
        writer.end(signal.SIGKILL)
    writers[-1].end(signal.SIGTERM)
    assert sum(len(writer.committed()) for writer in everybody) > 5
    assert not postmasters(settings.data), "the last user ended in order, and the server with it"

    with postgres_for(settings) as endpoint, psycopg.connect(endpoint.url(driver=None)) as connection:
        stored: dict[str, set[int]] = {}
        for name, number in connection.execute("select writer, number from written").fetchall():
            stored.setdefault(name, set()).add(number)
        assert embedded_service(settings).users() == [os.getpid()]
    for writer in everybody:
        assert writer.committed() <= stored.get(writer.name, set())
    assert not postmasters(settings.data)


@pytest.mark.parametrize("delay_ms", [100, 350, 550, 800, 1100])
def test_a_first_start_killed_at_any_moment_leaves_something_that_starts(tmp_path, delay_ms):
    settings = load_settings(env_file=None, data=tmp_path / "data")
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(settings.data), "x"], cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
    time.sleep(delay_ms / 1000)
    process.kill()
    process.wait(30)
    with postgres_for(settings) as endpoint, psycopg.connect(endpoint.url("dagster", None)) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
        assert len(postmasters(settings.data)) == 1
    assert not postmasters(settings.data)
    assert [path.name for path in settings.data.glob("postgres*")] == ["postgres"]


def test_a_server_that_hangs_while_a_user_is_killed_is_stopped_when_it_wakes(settings, start_writer):
    with postgres_for(settings):
        record = embedded_service(settings).record()
        os.kill(record.pid, signal.SIGSTOP)
        writer = start_writer("impatient")
        time.sleep(1)
        writer.end(signal.SIGKILL)
        os.kill(record.pid, signal.SIGCONT)
    assert wait_until_ended(record.pid, record.identity, 10)
    with postgres_for(settings):
        assert process_identity(embedded_service(settings).record().pid)
