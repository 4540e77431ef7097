"""The kill switch stops trading until a person releases it, and a trade from outside is found before anything is decided."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import requests

from trading_assets.runs.session import run_session
from trading_assets.sessions import next_session, session_close

KEYS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}


def orders_at_the_broker(platform) -> int:
    return len(platform.broker.orders(datetime(2024, 1, 1, tzinfo=UTC)))


def test_nothing_is_bought_while_entries_are_halted_and_resuming_lets_the_next_session_trade(install):
    installation = install()
    assert (
        "is halted (entries)"
        in installation.command("halt", "--level", "entries", "--reason", "a drill").stdout
    )
    with installation.opened() as platform:
        session = installation.session
        summary = run_session(platform, session)
        assert (summary.orders, summary.reconciled, orders_at_the_broker(platform)) == ({}, True, 0)
        blocked = platform.database.fetch("select reason from target_positions where outcome = 'blocked'")
        assert {reason.partition(";")[0] for (reason,) in blocked} == {"trading is halted: a drill"}
        assert summary.no_orders_because == (
            f"{len(blocked)} blocked by new_risk_blocked (trading is halted: a drill)"
        )
        told = json.loads(installation.command("status", "--json").stdout)
        assert told["trading"]["state"].startswith("HALTED (entries since 2024-05-0")
        assert "resume" in told["trading"]["mend"]
        platform.clock.advance_to(session_close(next_session(session)) + timedelta(hours=1))
    assert "Released (entries): a drill" in installation.command("resume", "--reason", "drill over").stdout
    with installation.opened() as platform:
        assert run_session(platform, next_session(session)).fills > 0
        audit = platform.database.fetch("select action, reason from audit_log order by audit_id")
        assert audit == [("halt", "a drill"), ("resume", "drill over")]


def test_a_trade_from_outside_is_found_before_the_next_decision_and_no_order_follows(install, first_session):
    installation = install(first_session)
    with installation.opened() as platform:
        held = platform.broker.positions()[0].symbol
        body = {"symbol": held, "qty": "1", "side": "sell", "type": "market", "time_in_force": "day"}
        assert (
            requests.post(
                f"{platform.simulator_url}/v2/orders", json=body, headers=KEYS, timeout=30
            ).status_code
            == 200
        )
        latest = next_session(installation.session)
        platform.clock.advance_to(session_close(latest) + timedelta(hours=1))
        before = orders_at_the_broker(platform)
    failed = installation.command("run", "--session", latest.isoformat(), exit_code=1)
    assert "differ" in failed.stderr
    compared = installation.command("reconcile", "--json", exit_code=1)
    different = [item for item in json.loads(compared.stdout)["items"] if item["item"] == held]
    assert [item["difference"] for item in different] == [1]
    with installation.opened() as platform:
        assert orders_at_the_broker(platform) == before
        planned = platform.database.fetch("select state from order_intents where session = %s", (latest,))
        assert {state for (state,) in planned} <= {"planned"}
