"""Findings as the Operations page reads them: what is open, what stops what, and the command that accepts one."""

from __future__ import annotations

import shlex
import uuid
from datetime import UTC, date, datetime

import pytest
import typer

from app.queries import findings
from app.queries.findings import Chosen
from app.sections.operations.findings import accept_command

DAY, NOW = date(2024, 5, 2), datetime(2024, 5, 3, tzinfo=UTC)
FOUND = [
    ("completeness", "error", None, None, "12 of 100 symbols have no bar"),
    ("unexplained_jump", "error", "AAA", "polygon", "close 1.0"),
    ("unexplained_jump", "error", "BBB", "polygon", "close 2.0"),
    ("stale_price", "warn", "AAA", None, "same close for 9 sessions"),
]


@pytest.fixture
def stored(fresh_database, monkeypatch):
    """Four findings on a table that is not in the lake; the queries read this database."""
    with fresh_database.connection() as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into quality_findings (check_name, severity, table_name, session, symbol, source, value, expectation, found_at)"
            " values (%s, %s, 'elsewhere', %s, %s, %s, %s, 'none', %s)",
            [(check, severity, DAY, symbol, source, value, NOW) for check, severity, symbol, source, value in FOUND],
        )  # fmt: skip
    monkeypatch.setattr(
        findings, "read", lambda sql, parameters=(): fresh_database.fetch_polars(sql, parameters or None)
    )
    monkeypatch.setattr(findings, "database_version", lambda: uuid.uuid4().hex)
    return fresh_database


def accept(database, **facts: str) -> None:
    from trading_assets.market_data.acceptance import accept as accept_findings

    accept_findings(database, session=DAY, actor="alex", reason="looked at it", now=NOW, **facts)


def test_what_blocks_a_session_comes_first_and_each_finding_says_what_it_stops(stored):
    shown = findings.findings(Chosen())
    assert shown["effect"].to_list() == [
        "blocks the session",
        "stops the symbol",
        "stops the symbol",
        "information",
    ]


def test_an_accepted_finding_is_not_open_any_more_and_names_who_and_why(stored):
    accept(stored, check="unexplained_jump", symbol="AAA")
    assert findings.count(Chosen(state="Open")) == 3
    accepted = findings.findings(Chosen(state="Accepted")).row(0, named=True)
    assert (accepted["symbol"], accepted["accepted_by"], accepted["accepted_reason"]) == (
        "AAA",
        "alex",
        "looked at it",
    )
    jumps = findings.tally().row(by_predicate=findings.pl.col("check_name") == "unexplained_jump", named=True)
    assert (jumps["found"], jumps["accepted"], jumps["stopping"], jumps["blocking"]) == (2, 1, 1, 0)


def test_another_value_of_an_accepted_finding_is_open(stored):
    accept(stored, check="unexplained_jump", symbol="AAA")
    with stored.connection() as connection:
        connection.execute("update quality_findings set value = 'close 9.0' where symbol = 'AAA'")
    assert findings.count(Chosen(state="Open", checks=("unexplained_jump",))) == 2


@pytest.mark.parametrize(
    ("chosen", "count"),
    [
        (Chosen(checks=("stale_price",)), 1),
        (Chosen(effects=("stops the symbol", "information")), 3),
        (Chosen(symbol=" aaa "), 2),
        (Chosen(session=date(2024, 5, 1)), 0),
        (Chosen(symbol="'; drop table quality_findings; --"), 0),
    ],
    ids=["check", "effect", "symbol", "session", "quoted"],
)
def test_findings_are_chosen_by(stored, chosen, count):
    assert findings.count(chosen) == findings.findings(chosen).height == count


@pytest.mark.parametrize("symbol", ["AAA", None])
def test_the_command_that_accepts_a_finding_is_one_that_the_command_line_takes(stored, symbol):
    from trading_assets.cli import app

    [finding, *_] = [
        row for row in findings.findings(Chosen()).iter_rows(named=True) if row["symbol"] == symbol
    ]
    program, group, command, *words = shlex.split(accept_command(finding, 'it\'s "true"; rm -rf $HOME'))
    assert (program, group, command) == ("trading-assets", "quality", "accept")
    parsed = typer.main.get_command(app).commands[group].commands[command].make_context(command, words).params
    assert parsed["reason"] == 'it\'s "true"; rm -rf $HOME'
    assert (parsed["session"], parsed["check"], parsed["symbol"]) == (
        "2024-05-02",
        finding["check_name"],
        symbol,
    )
