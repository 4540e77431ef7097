"""A screen as of an instant does not lead around the checks: a blocked session is passed over, or answered with a warning."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from resources.database.writes import insert
from trading_assets.sessions import shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.operations import QUALITY_FINDINGS

TEXT = "RSI > 50 and price > 5"


@pytest.mark.slow
def test_a_blocked_session_is_not_the_newest_one_and_is_marked_when_it_is_asked_for(install, traded_sessions):
    installation = install(traded_sessions)
    with installation.opened() as platform:
        session = platform.lake.sessions(DAILY_FEATURES)[-1]
        now = platform.clock.now()
        instant = (now + timedelta(minutes=1)).isoformat()
        before = shift(session, -1)

        def asked(*arguments):
            answer = installation.command("screen", TEXT, "--as-of", instant, *arguments, "--json")
            return json.loads(answer.stdout)

        clean = asked()
        assert (clean["session"], "note" in clean) == (session.isoformat(), False)
        finding = {
            "check_name": "session_size",
            "severity": "error",
            "table_name": DAILY_BARS.name,
            "session": session,
            "bar_start": None,
            "symbol": None,
            "source": None,
            "value": "3",
            "expectation": "30 or more",
            "found_at": now,
            "run_id": "run",
        }
        with platform.database.connection() as connection:
            insert(connection, QUALITY_FINDINGS, finding)
        passed_over = asked()
        assert (passed_over["session"], "note" in passed_over) == (before.isoformat(), False)
        explicit = asked("--session", session.isoformat())
        assert explicit["rows"] == clean["rows"]
        assert f"trading-assets quality list --session {session}" in explicit["note"]
        told = installation.command(
            "screen", TEXT, "--as-of", instant, "--session", session.isoformat(), "--csv", "-"
        )
        assert "Blocking data-quality checks failed" in told.stderr
        assert told.stdout.startswith("symbol,"), "the warning is not among the rows"
