"""The command line for people and programs: answers, JSON, and errors that say what to do."""

from __future__ import annotations

import json
import os
import shlex

import polars as pl
import pytest

from resources.clock import SystemClock
from trading_assets.sessions import latest_closed_session, next_session
from trading_assets.tables.daily import DAILY_BARS

NO_KEYS = dict.fromkeys(("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "POLYGON_API_KEY"), "")
NOT_OVER = next_session(latest_closed_session(SystemClock().now()))
PAPER = {"TRADING_MODE": "paper", "TRADING_SIM_AT": ""}


@pytest.fixture(scope="module")
def running(traded):
    """An installation whose services run, so that each command joins them instead of starting its own."""
    with traded.opened() as platform:
        yield traded, platform


def rows(installation, *arguments: str) -> list[dict]:
    return json.loads(installation.command(*arguments, "--json").stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ("orders", {"TRADING_MOOD": "good"}, ["Unknown setting TRADING_MOOD", ".env.example"]),
        ("orders", {"TRADING_MODE": "pretend"}, ["TRADING_MODE", "'sim', 'paper' or 'live'"]),
        ("orders", {"TRADING_MODE": "live"}, ["TRADING_LIVE_ACCOUNT"]),
        ("orders", {"TRADING_SIM_AT": "2024-05-02T18:00:00"}, ["TRADING_SIM_AT", "needs a zone"]),
        ("orders", {"TRADING_USER_TIMEZONE": "Mars/Olympus"}, ["TRADING_USER_TIMEZONE", "America/Chicago"]),
        ("orders", {"TRADING_SOURCES": "polygon,polygon"}, ["TRADING_SOURCES", "twice"]),
        ("orders --session May", {}, ["--session must be a date such as"]),
        ("run --session 2024-05-04", {}, ["2024-05-04 is no exchange session", "the next one is 2024-05-06"]),
        (
            "run --session 1999-12-31",
            {"TRADING_START": "2000-01-03"},
            ["1999-12-31 lies before TRADING_START=2000-01-03"],
        ),
        (
            "run --session 2040-01-03",
            {},
            ["2040-01-03 lies too far ahead", "the last session that can be run is"],
        ),
        ("quality list --check positive", {}, ["There is no check positive", "positive_prices"]),
        ("run --session 2024-05-02", PAPER, ["holds simulated market data", "TRADING_DATA"]),
        ("backfill --start 2024-04-06 --end 2024-04-07", {}, ["no exchange session between"]),
        (
            "backfill --start 2024-04-01 --end 2024-04-02 --assets bars",
            {},
            ["No asset named bars", "daily_bars"],
        ),
        ("sql nonsense", {}, ["nonsense"]),
        ("sql 'from daily_bars where symbol = SPY'", {}, ["single quotes", "symbol = 'SPY'"]),
        ("sql 'from daily_bars' --as-of 2024-05-02T18:00", {}, ["--as-of needs a zone"]),
        ("sql 'from daily_bars' --format parquet", {}, ["needs --out FILE"]),
        ("dance", {}, ["No such command"]),
    ],
)
def test_a_wrong_use_ends_with_two_and_says_what_to_do(running, arguments, variables, words):
    installation, _ = running
    answer = installation.command(*shlex.split(arguments), exit_code=2, **variables)
    said = " ".join(answer.stderr.replace("│", " ").split())
    for word in words:
        assert word in said
    assert answer.stdout == ""
    assert "Traceback" not in said
    assert "planted" not in said


@pytest.mark.slow
def test_paper_trading_needs_keys_and_a_session_that_is_over(install):
    installation = install(None)
    early = installation.command("run", "--session", NOT_OVER.isoformat(), exit_code=2, **PAPER).stderr
    # in the evening the next session is no partition yet, during the day the present one is
    assert f"Session {NOT_OVER} is not over: its bars are final at" in early or "lies too far ahead" in early
    keyless = installation.command("run", "--session", "2024-05-02", exit_code=2, **PAPER, **NO_KEYS).stderr
    assert "Set " in keyless
    assert "_API_KEY" in keyless


def test_sql_before_the_first_run_says_what_to_do(install):
    assert "trading-assets run" in install(None).command("sql", "select 1", exit_code=2).stderr


def test_the_books_are_printed_for_programs_and_for_people(running):
    installation, platform = running
    ours = platform.database.fetch(
        "select symbol, quantity from order_intents where session = %s order by 1", (installation.session,)
    )
    day = ("--session", installation.session.isoformat())
    orders, fills = rows(installation, "orders", *day), rows(installation, "fills", *day)
    assert sorted((row["symbol"], row["quantity"]) for row in orders) == [
        (symbol, float(n)) for symbol, n in ours
    ]
    assert {row["broker_status"] for row in orders} == {"filled"}
    assert {row["client_order_id"] for row in fills} == {row["client_order_id"] for row in orders}
    held = {row["symbol"]: row["quantity"] for row in rows(installation, "positions", *day)}
    assert held == {row["symbol"]: row["quantity"] for row in orders}
    (profit,) = platform.database.fetch(
        "select (equity_usd - opening_cash_usd - transferred_usd)::float8 from portfolio_performance join accounts using (account)"
        " order by session desc limit 1"
    )[0]
    assert sum(row["net_profit_usd"] for row in rows(installation, "round-trips")) == pytest.approx(
        profit, abs=0.01
    )
    paid = rows(installation, "slippage", "--by", "order")
    expected = dict(
        platform.database.fetch(
            "select symbol, sum(case i.side when 'buy' then 1 else -1 end * f.quantity * (f.price_usd - i.reference_price_usd))::float8"
            " from fills f join order_intents i using (intent_id, symbol) where f.session = %s group by symbol",
            (installation.session,),
        )
    )
    told = {
        row["symbol"]: row["slippage_usd"]
        for row in paid
        if row["session"] == installation.session.isoformat()
    }
    assert told == pytest.approx(expected, abs=1e-5)
    totals = {row["session"]: row["slippage_usd"] for row in rows(installation, "slippage")}
    assert totals[installation.session.isoformat()] == pytest.approx(sum(expected.values()), abs=1e-4)
    (strategy,) = rows(installation, "slippage", "--by", "strategy")
    assert strategy["strategy"] == "momentum"
    assert "cost USD" in installation.command("slippage").stdout
    assert "Round trips" in installation.command("round-trips").stdout
    shown = installation.command("fills", *day).stdout
    assert f"Fills, session {installation.session}" in shown
    assert "time (Chicago)" in shown, "the zone in the header"
    assert "2024-05-03 08:30:00" in shown, "the open of the next session, in the user's zone"
    assert "No fills of session 2024-04-01" in installation.command("fills", "--session", "2024-04-01").stdout
    assert rows(installation, "fills", "--session", "2024-04-01") == []


def test_more_bars_than_a_screen_holds_end_with_the_newest(running):
    installation, _ = running
    answer = installation.command("bars", "SPY")
    assert "the newest 200 shown" in answer.stderr
    assert installation.session.isoformat() in answer.stdout


def test_sql_reads_everything_in_every_format_and_changes_nothing(running, tmp_path):
    installation, _ = running
    select = "select symbol, session, close from daily_bars where session = (select max(session) from daily_bars) order by 1"
    expected = [tuple(row.values()) for row in rows(installation, "sql", select)]
    assert len(expected) > 30
    for kind, read in (("csv", pl.read_csv), ("parquet", pl.read_parquet), ("json", pl.read_json)):
        file = tmp_path / f"bars.{kind}"
        answer = installation.command("sql", select, "--format", kind, "--out", str(file))
        assert f"{len(expected)} rows written to {file}" in answer.stderr
        assert [(symbol, str(day), close) for symbol, day, close in read(file).iter_rows()] == expected
    assert "statements that read" in installation.command("sql", "drop view daily_bars", exit_code=2).stderr
    tables = {
        row["name"]
        for row in rows(
            installation, "sql", "select view_name as name from duckdb_views() where not internal"
        )
    }
    assert tables >= {
        "daily_bars",
        "daily_features",
        "signals",
        "order_intents",
        "fills",
        "reconciliation",
        "order_slippage",
        "round_trips",
        "session_runs",
    }


def test_the_doctor_finds_a_healthy_installation_healthy(running):
    installation, platform = running
    findings = {item["subject"]: item for item in rows(installation, "doctor")}
    assert {item["verdict"] for item in findings.values()} <= {"pass", "warn"}
    kinds = ("daily bars", "hourly bars", "clock", "pace")
    assert {"configuration", "postgres", "calendar", "clock", "disk", "broker account"} <= set(findings)
    assert {f"{source} {kind}" for source in ("polygon", "yahoo", "alpaca") for kind in kinds} <= set(
        findings
    )
    assert platform.broker.account().account in findings["broker account"]["detail"]
    assert "planted" not in json.dumps(findings)


@pytest.mark.slow
def test_status_says_in_one_screen_how_things_stand(running):
    installation, platform = running
    told = json.loads(installation.command("status", "--json").stdout)
    account = platform.database.fetch("select account from account_snapshots limit 1")[0][0]
    newest = platform.lake.sessions(DAILY_BARS)[-1]
    assert list(told) == [
        "mode",
        "account",
        "trading",
        "last run",
        "data",
        "findings",
        "orders",
        "next",
        "services",
        "disk",
    ]
    assert account in told["account"]["state"]
    assert told["trading"] == {"state": "no halt is in force", "mend": ""}
    assert told["last run"]["state"].startswith(f"session {newest} succeeded")
    assert told["data"] == {"state": f"273 sessions to {newest}, up to date", "mend": ""}
    assert told["orders"]["state"] == "none open at the broker"
    assert told["services"]["state"].startswith(
        "simulator, postgres running; not running: dagster-code, dagster-webserver"
    )
    shown = installation.command("status").stdout.splitlines()
    assert len(shown) <= 24
    assert {line.split("  ")[0].strip() for line in shown if not line.startswith(" ")} >= {
        "mode",
        "last run",
        "disk",
    }


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
@pytest.mark.parametrize(
    "command", ["doctor", "screens list", "backfill --start 2024-05-01 --end 2024-05-02"]
)
def test_what_a_command_writes_is_for_its_user_alone(command, make_installation, tmp_path, open_to_others):
    installation = make_installation(tmp_path / "data")
    process = installation.start(*shlex.split(command))
    assert "Traceback" not in "".join(process.communicate(timeout=240))
    assert any(installation.data.iterdir())
    assert open_to_others(installation.data) == []
