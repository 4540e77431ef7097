"""`up` stops on SIGTERM however it was started."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trading_assets.cli.up import _end

SCRIPT = """
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
from trading_assets.cli.up import _stop_on_signals
from dagster._utils.interrupts import setup_interrupt_handlers
with _stop_on_signals():
    setup_interrupt_handlers()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
    raise SystemExit(7)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_sigterm_stops_an_up_that_a_script_started_in_the_background():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Stopping" in done.stderr


CHILD = """
import time
from trading_assets.cli import catching_up
def work(settings):
    print("at work", flush=True)
    time.sleep(60)
catching_up.bring_up_to_date = work
catching_up.main()
"""


def test_what_fills_the_history_stops_when_its_up_is_gone_however_that_ended(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert child.stdout.readline() == "at work\n"
    child.stdin.close()  # as the system does with what a killed process had open
    assert child.wait(30) == 1
    assert child.stderr.read() == "", "`up` says what there is to say"
    child.stdout.close()
    child.stderr.close()


def test_up_ends_what_fills_the_history_before_it_ends_itself():
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    _end(child)
    assert child.poll() is not None


def test_what_serves_imports_nothing_that_fills_a_history():
    heavy = (
        "dagster",
        "polars",
        "numpy",
        "duckdb",
        "pandas",
        "sqlalchemy",
        "trading_assets.runs",
        "trading_assets.definitions",
    )
    code = f"import sys, trading_assets.cli.up; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.strip() == "[]"
