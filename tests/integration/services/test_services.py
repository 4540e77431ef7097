"""Shared local services: one process, started by its first user and stopped by its last, whatever dies in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from resources.services.processes import (
    detached,
    end_process,
    find_process,
    is_running,
    process_identity,
    wait_until_ended,
)
from resources.services.shared import SharedService
from trading_assets.errors import ServiceError

STAND_IN = """
import sys, time, pathlib
if sys.argv[2] == "fail":
    sys.exit("no market today")
time.sleep(0.05)
pathlib.Path(sys.argv[1]).write_text("ready")
time.sleep(600)
"""

USER = """
import signal, sys
from pathlib import Path
from tests.integration.services.test_services import service
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # else inherited as ignored where the suite runs under nohup
with service(Path(sys.argv[1])).use() as record:
    print(record.pid, flush=True)
    sys.stdin.read()
"""


class StandIn:
    """A service that serves when it has written its file."""

    name = "stand-in"
    start_seconds = 20.0

    def __init__(self, folder: Path, fingerprint: str = "", behaviour: str = "serve") -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.behaviour = behaviour
        self.file = folder / "serving"

    def launch(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.unlink(missing_ok=True)
        with (self.folder / "launches").open("a") as launches, (self.folder / "log").open("wb") as log:
            launches.write("x")
            command = [sys.executable, "-I", "-S", "-c", STAND_IN, str(self.file), self.behaviour]
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **detached())

    def ready(self, pid: int) -> dict[str, str] | None:
        return {"file": str(self.file)} if self.file.exists() else None

    def healthy(self, facts: dict[str, str]) -> bool:
        return Path(facts["file"]).exists()

    def stop(self, pid: int, identity: str) -> None:
        end_process(pid, identity)

    def stray(self) -> int | None:
        return find_process(str(self.file))

    def failure(self) -> str:
        return (self.folder / "log").read_text()


def service(folder: Path, **options: str) -> SharedService:
    return SharedService(StandIn(folder / "state", **options), folder / "run")


def launches(folder: Path) -> int:
    return len((folder / "state" / "launches").read_text())


def ended(pid: int) -> bool:
    return process_identity(pid) is None


def kill(pid: int) -> None:
    identity = process_identity(pid)
    os.kill(pid, signal.SIGKILL)
    assert wait_until_ended(pid, identity, 10)


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path):
    yield
    left = find_process(str(tmp_path / "state" / "serving"))
    if left:
        psutil.Process(left).kill()
    assert left is None


def test_the_second_user_joins_and_the_last_one_stops_it(tmp_path, start_user):
    first, second = start_user(USER, tmp_path), None
    pid = int(first.says())
    second = start_user(USER, tmp_path)
    assert int(second.says()) == pid
    assert sorted(service(tmp_path).users()) == sorted([first.pid, second.pid])
    assert first.leave() == 0
    assert not ended(pid)
    assert second.leave() == 0
    assert ended(pid)
    assert launches(tmp_path) == 1
    assert not list((tmp_path / "run" / "leases").iterdir())
    assert service(tmp_path).record() is None


def test_many_starters_at_once_get_one_service(tmp_path, start_user):
    users = [start_user(USER, tmp_path) for _ in range(5)]
    assert len({user.says() for user in users}) == 1
    assert launches(tmp_path) == 1
    assert [user.leave() for user in users] == [0] * 5


def test_nested_use_and_threads_count_as_one_user(tmp_path):
    shared = service(tmp_path)
    pids = []

    def hold() -> None:
        with service(tmp_path).use() as record:
            pids.append(record.pid)
            time.sleep(0.05)

    with shared.use() as outer:
        threads = [threading.Thread(target=hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with service(tmp_path).use():
            assert shared.users() == [os.getpid()]
        assert not ended(outer.pid)
    assert set(pids) == {outer.pid}
    assert ended(outer.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_user_ended_by_a_signal_leaves_nothing_running(tmp_path, start_user, number):
    user = start_user(USER, tmp_path)
    pid = int(user.says())
    user.send(number)
    assert ended(pid)
    assert service(tmp_path).users() == []


def test_ctrl_c_in_the_terminal_reaches_the_users_and_not_the_service(tmp_path, start_user):
    user, other = start_user(USER, tmp_path), start_user(USER, tmp_path)
    pid = int(user.says())
    other.says()
    user.interrupt_its_terminal()
    assert not ended(pid)
    other.interrupt_its_terminal()
    assert ended(pid)


def test_a_user_that_never_releases_does_so_when_its_process_ends(tmp_path, start_user):
    user = start_user(
        USER.replace(
            "with service(Path(sys.argv[1])).use() as record:",
            "record = service(Path(sys.argv[1])).acquire()\nif True:",
        ),
        tmp_path,
    )
    pid = int(user.says())
    assert user.leave() == 0
    assert ended(pid)


def test_a_service_whose_owner_was_killed_is_adopted(tmp_path, start_user):
    owner = start_user(USER, tmp_path)
    pid = int(owner.says())
    owner.kill()
    assert not ended(pid)
    with service(tmp_path).use() as record:
        assert record.pid == pid
        assert service(tmp_path).users() == [os.getpid()]
    assert ended(pid)


def test_a_killed_service_is_started_again_while_its_users_go_on(tmp_path, start_user):
    user = start_user(USER, tmp_path)
    pid = int(user.says())
    kill(pid)
    with service(tmp_path).use() as record:
        assert record.pid != pid
    assert not ended(record.pid), "the first user still holds it"
    assert user.leave() == 0
    assert ended(record.pid)


def test_after_killing_everything_the_next_start_is_clean(tmp_path, start_user):
    users = [start_user(USER, tmp_path) for _ in range(2)]
    pid = int(users[0].says())
    users[1].says()
    for user in users:
        user.kill()
    kill(pid)
    with service(tmp_path).use() as record:
        assert record.pid != pid
        assert service(tmp_path).users() == [os.getpid()]
    assert launches(tmp_path) == 2


def test_a_lease_whose_number_belongs_to_another_process_now_does_not_count(tmp_path):
    leases = tmp_path / "run" / "leases"
    leases.mkdir(parents=True)
    (leases / f"{os.getppid()}.json").write_text(json.dumps({"identity": "another-boot/1"}))
    (leases / "1.json").write_text("{torn")
    with service(tmp_path).use() as record:
        assert service(tmp_path).users() == [os.getpid()]
    assert ended(record.pid)


def test_a_service_started_by_a_process_killed_before_it_could_record_it_is_adopted(tmp_path):
    process = StandIn(tmp_path / "state").launch()
    with service(tmp_path).use() as record:
        assert record.pid == process.pid
    assert process.wait(10) is not None


def test_a_service_that_lives_but_does_not_serve_is_replaced(tmp_path, start_user, monkeypatch):
    monkeypatch.setattr(StandIn, "start_seconds", 0.5)
    owner = start_user(USER, tmp_path)
    pid = int(owner.says())
    owner.kill()
    (tmp_path / "state" / "serving").unlink()
    with service(tmp_path).use() as record:
        assert record.pid != pid
        assert ended(pid)


def test_other_settings_are_refused_while_it_is_used_and_replace_it_when_it_is_not(tmp_path, start_user):
    coded = USER.replace("service(Path(sys.argv[1]))", "service(Path(sys.argv[1]), fingerprint='seed 7')")
    owner = start_user(coded, tmp_path)
    pid = int(owner.says())
    with pytest.raises(ServiceError, match="other settings"):
        service(tmp_path, fingerprint="seed 8").acquire()
    assert not ended(pid)
    owner.kill()
    with service(tmp_path, fingerprint="seed 8").use() as record:
        assert record.pid != pid
        assert ended(pid)


def test_a_service_that_fails_to_start_says_why_and_leaves_no_lease(tmp_path):
    with pytest.raises(ServiceError, match="no market today"):
        service(tmp_path, behaviour="fail").acquire()
    assert service(tmp_path).users() == []
    with service(tmp_path).use() as record:
        assert is_running(record.pid, record.identity)


def test_a_deleted_data_folder_does_not_keep_the_service_from_being_stopped(tmp_path):
    shared = service(tmp_path)
    record = shared.acquire()
    for path in sorted((tmp_path / "run").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    shared.release()
    assert ended(record.pid)


def test_a_folder_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(ServiceError, match="choose another TRADING_DATA"):
        service(tmp_path).acquire()


def test_stop_signals_are_the_programs_own_again_after_the_last_release(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    with service(tmp_path).use():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is before


STOPPED_AT_EVERY_LINE = """
import atexit, os, signal, sys, time
from pathlib import Path
from tests.integration.services.test_services import service

shared = service(Path(sys.argv[1]))

def watched(stop_at):
    seen = set()
    def trace(frame, event, argument):
        name = frame.f_code.co_filename
        if not any(part in name for part in ("/filelock/", "/services/shared", "/services/stop", "contextlib")):
            return None
        if event in ("line", "return"):
            seen.add((name, frame.f_lineno, event))
        if len(seen) == stop_at:
            sys.settrace(None)
            os.kill(os.getpid(), (signal.SIGTERM, signal.SIGINT)[stop_at % 2])
        return trace
    sys.settrace(trace)
    try:
        with shared.use():
            pass
    finally:
        sys.settrace(None)
    return len(seen)

lines = watched(-1)
for stop_at in range(1, lines):
    child = os.fork()
    if child == 0:
        try:
            not_stopped = watched(stop_at) < stop_at
        except BaseException:
            atexit._run_exitfuncs()
            os._exit(1)
        os._exit(not_stopped)
    deadline = time.monotonic() + 10
    ended, status = 0, 0
    while not ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            sys.exit(f"stopped at line {stop_at} it does not end")
        time.sleep(0.001)
    if status == 0:
        sys.exit(f"stopped at line {stop_at} it went on")
    if (Path(sys.argv[1]) / "run" / "leases" / f"{child}.json").exists():
        sys.exit(f"stopped at line {stop_at} it left its lease")
print(lines, flush=True)
"""


def test_at_whatever_line_a_user_is_stopped_it_ends_and_holds_nothing(tmp_path, start_user):
    with service(tmp_path).use() as record:
        user = start_user(STOPPED_AT_EVERY_LINE, tmp_path)
        assert int(user.says()) > 100
        assert user.leave() == 0
        assert service(tmp_path).users() == [os.getpid()]
        assert not ended(record.pid)
