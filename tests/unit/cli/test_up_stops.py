"""`up` stops on SIGTERM however it was started."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
