"""The shared pace: processes of one data folder together keep within a vendor's quota."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from resources.vendors.http.gates import gate_for, open_gates
from resources.vendors.http.pacing import LONGEST_PAUSE_SECONDS, Pace, Pacer, pace_file
from trading_assets.settings import load_settings

CHILD = """
import sys, time
from pathlib import Path
from resources.vendors.http.pacing import Pace, Pacer
pacer = Pacer(Pace(8, 0.5), file=Path(sys.argv[1]))
for _ in range(20):
    pacer.wait()
    print(time.monotonic())
"""


class StepTime:
    def __init__(self, now=1000.0):
        self.now = now

    def sleep(self, seconds):
        self.now += seconds


def pacer(file, clock):
    return Pacer(Pace(3, 10), file=file, sleep=clock.sleep, monotonic=lambda: clock.now)


def test_processes_that_share_a_folder_share_the_pace(tmp_path):
    file = tmp_path / "pace" / "polygon.bin"
    command = [sys.executable, "-c", CHILD, str(file)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [child.communicate(timeout=60)[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0]
    granted = sorted(float(line) for lines in outputs for line in lines)
    assert len(granted) == 60
    # the instant is printed a moment after the grant, hence the tolerance
    assert all(beyond - first > 0.45 for first, beyond in zip(granted, granted[8:], strict=False))


@given(turns=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 6)), min_size=1, max_size=30))
@hypothesis_settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whoever_asks_no_window_holds_more_than_the_pace_allows(turns, tmp_path_factory):
    clock = StepTime()
    file = tmp_path_factory.mktemp("pace") / "vendor.bin"
    askers = [pacer(file, clock) for _ in range(3)]
    granted = []
    for who, idle in turns:
        clock.now += idle
        askers[who].wait()
        granted.append(clock.now)
    for first, beyond in zip(granted, granted[3:], strict=False):
        assert beyond - first >= 10 * (1 - 1e-12)


def test_a_pause_that_one_was_told_holds_the_other(tmp_path):
    clock = StepTime()
    one, other = pacer(tmp_path / "v.bin", clock), pacer(tmp_path / "v.bin", clock)
    one.pause(7)
    assert other.delay() == pytest.approx(7)
    assert other.wait() == pytest.approx(7)
    assert one.delay() == 0


def test_asking_for_the_delay_takes_no_place(tmp_path):
    clock = StepTime()
    one = pacer(tmp_path / "v.bin", clock)
    for _ in range(9):
        assert one.delay() == 0
    assert [one.wait() for _ in range(3)] == [0, 0, 0]
    assert one.delay() == pytest.approx(10)


def test_instants_from_before_a_restart_of_the_machine_are_forgotten(tmp_path):
    before = StepTime(now=900_000.0)
    old = pacer(tmp_path / "v.bin", before)
    for _ in range(3):
        old.wait()
    old.pause(LONGEST_PAUSE_SECONDS)
    assert pacer(tmp_path / "v.bin", StepTime(now=5.0)).wait() == 0


@pytest.mark.parametrize("content", [b"", b"half", b"\xff" * 40, b"\x00" * 32, b"\xff" * 32])
def test_a_damaged_file_counts_as_empty(tmp_path, content):
    (tmp_path / "v.bin").write_bytes(content)
    assert pacer(tmp_path / "v.bin", StepTime()).wait() == 0


def test_the_simulator_is_asked_without_pace_and_without_a_file(tmp_path):
    sim = load_settings(env_file=None, data=tmp_path)
    gate = gate_for("polygon", sim, ("k",))
    assert gate.per_minute is None
    assert gate.delay() == 0
    assert not pace_file(tmp_path, "polygon").parent.exists()
    assert open_gates(sim) == [gate]


def test_gates_of_one_key_are_one_and_share_a_file_with_other_processes(tmp_path):
    keys = {"alpaca_api_key": "K", "alpaca_secret_key": "S", "polygon_api_key": "P"}
    paper = load_settings(env_file=None, data=tmp_path, mode="paper", **keys)
    gate = gate_for("polygon", paper, ("P",))
    assert gate is gate_for("polygon", paper, ("P",))
    assert gate.per_minute == 5
    other = Pacer(Pace(5, 60), file=pace_file(tmp_path, "polygon"))
    for _ in range(5):
        other.wait()
    assert 50 < gate.delay() <= 60
    began = time.monotonic()
    assert gate_for("yahoo", paper).delay() == 0
    assert time.monotonic() - began < 5
