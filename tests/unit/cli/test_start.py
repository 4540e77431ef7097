"""What the command line does not do before it must: import what is slow, start what is not needed."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading_assets.cli import app

SLOW = ("numpy", "polars", "duckdb", "pydantic", "psycopg", "requests", "dagster", "pandas", "streamlit")
WRONG = {
    "run --session 2026-13-40": "--session must be a date",
    "run --session 2026-11-28": "is no exchange session",
    "run --session 2040-01-03": "lies too far ahead",
    "backfill --start x --end 2026-11-05": "--start must be a date",
    "backfill --start 2040-01-01 --end 2041-01-01": "no exchange session between",
    "backfill --start 2026-11-02 --end 2026-11-05 --assets bars": "No asset named bars",
    "orders --session May": "--session must be a date",
    "positions --session 5": "--session must be a date",
    "fills --session 5": "--session must be a date",
    "sql --as-of then 'select 1'": "--as-of must be an instant",
    "bars SPY --start x": "--start must be a date",
    "bars SPY --seen-from x": "--seen-from must be a date",
    "screen 'rsi below 30' --session x": "--session must be a date",
    "screen 'rsi below 30' --as-of x": "--as-of must be an instant",
    "quality list --session x": "--session must be a date",
    "quality list --check nope": "There is no check nope",
    "quality accept --session x --check stale --reason r": "--session must be a date",
    "quality accept --session 2026-11-20 --check nope --reason r": "There is no check nope",
    "check-strategy momentum --start x": "--start must be a date",
    "check-strategy momentum --param entry_rank": "--param must be a parameter",
    "check-strategy nope": "No strategy 'nope'",
    "new-strategy momentum": "There is a strategy momentum already",
    "simulate --at nonsense": "--at must be an instant",
    "simulate --port 99999": "65535",
    "simulate --replay /nonexistent.parquet": "is no file",
}


def test_help_imports_nothing_that_is_slow() -> None:
    code = f"import sys, trading_assets.cli; print([name for name in {SLOW} if name in sys.modules])"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_argument_is_refused_before_anything_is_started(line, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_DATA", str(tmp_path / "data"))
    answer = CliRunner().invoke(app, shlex.split(line))
    assert answer.exit_code == 2
    assert WRONG[line] in " ".join(answer.output.split())
    assert not (tmp_path / "data").exists(), "nothing was started, so nothing was written"
