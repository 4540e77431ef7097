"""README's examples answer: each command in it that only reads is run, and finds rows."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
READS = ("sql", "bars", "orders", "positions", "fills", "status", "strategies", "screen")
MAY_BE_EMPTY = ("screen",)
"""Whether anything is oversold depends on the market."""


def commands() -> list[str]:
    """List the commands of README that only read: those of code blocks, over several lines, and those of the table."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    shell = [
        line
        for block in blocks
        for line in re.findall(r'^trading-assets (?:[^"\n]|"[^"]*")*$', block, re.MULTILINE)
    ]
    table = [
        line
        for line in re.findall(r"^\| `(trading-assets [^`]*)`", README, re.MULTILINE)
        if "..." not in line
    ]
    return [line for line in (*shell, *table) if shlex.split(line)[1] in READS]


@pytest.fixture(scope="module")
def running(traded) -> Iterator[object]:
    with traded.opened():
        yield traded


def test_the_examples_are_found() -> None:
    found = [shlex.split(line)[1] for line in commands()]
    assert found.count("sql") >= 3
    assert {"bars", "orders", "status", "strategies", "screen"} <= set(found)


@pytest.mark.parametrize("line", commands())
def test_an_example_of_the_readme_answers_rows(running, line, monkeypatch, tmp_path) -> None:
    from trading_assets.cli import app

    monkeypatch.chdir(tmp_path)
    for name, value in running.environment().items():
        if name.startswith("TRADING_"):
            monkeypatch.setenv(name, value)
    told = CliRunner().invoke(app, [*shlex.split(line)[1:], "--json"])
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout)
    assert answer or shlex.split(line)[1] in MAY_BE_EMPTY, told.output


def test_the_lake_is_read_by_anybodys_duckdb_as_the_readme_says(traded) -> None:
    (statement,) = re.findall(r"^```sql\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert "'data/lake/" in statement
    connection = duckdb.connect()
    assert connection.execute(statement.replace("'data/", f"'{traded.data}/")).fetchall()
