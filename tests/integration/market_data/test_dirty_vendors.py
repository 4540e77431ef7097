"""Vendors that answer with bad data: the run stops with what to do, places no order, and goes on once they are right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import pytest
import requests

from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.market_data.acceptance import accept, revoke
from trading_assets.runs.session import run_session
from trading_assets.sessions import shift
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.registry import TABLES

pytestmark = pytest.mark.slow

DIRT: list[tuple[str, str, dict[str, object]]] = [
    ("missing_session", "completeness", {}),
    ("zero_price", "positive_prices", {"share": 0.5}),
    ("duplicate_contradicting", "duplicates", {"share": 0.5}),
    ("stale_price", "stale_price", {}),
    ("price_x10", "unexplained_jump", {"share": 0.5}),
    ("unfinished_bar", "unfinished_bar", {"vendor": "polygon"}),
]


def dirty(platform, kind: str, **details: object) -> None:
    body = {"kind": kind, **details}
    requests.post(f"{platform.simulator_url}/sim/dirt", json=body, timeout=30).raise_for_status()


def clean(platform) -> None:
    requests.delete(f"{platform.simulator_url}/sim/dirt", timeout=30).raise_for_status()


def ordered(platform) -> int:
    return platform.database.fetch(
        "select (select count(*) from order_intents) + (select count(*) from orders)"
    )[0][0]


def past(platform, session) -> dict[tuple[str, object], str]:
    days = [shift(session, -offset) for offset in (1, 2, 6, 30)]
    return {
        (name, day): platform.lake.content_hash(table, day) for name, table in TABLES.items() for day in days
    }


def test_no_kind_of_dirt_leads_to_an_order_and_the_clean_session_trades(install: Callable):
    installation = install()
    with installation.opened() as platform:
        session = platform.latest_session()
        before = past(platform, session)
        for kind, check, details in DIRT:
            dirty(platform, kind, session=session.isoformat(), **details)
            with pytest.raises(DataQualityError, match=check) as failure:
                run_session(platform, session)
            clean(platform)
            assert "no order was planned" in str(failure.value), kind
            assert "trading-assets quality list" in str(failure.value), kind
            assert ordered(platform) == 0, kind
            named = platform.database.fetch(
                "select count(*) from open_findings where check_name = %s and session = %s", (check, session)
            )
            assert named[0][0] > 0, kind
            assert past(platform, session) == before, kind
            platform.clock.advance_to(platform.clock.now() + timedelta(minutes=1))
        assert run_session(platform, session).reconciled is True
        assert ordered(platform) > 0


def test_a_person_lets_a_real_crash_through_with_a_reason_and_takes_it_back(install: Callable):
    installation = install()
    with installation.opened() as platform:
        session = platform.latest_session()
        symbols = sorted(
            platform.lake.scan(DAILY_BARS, start=shift(session, -1)).collect()["symbol"].unique()
        )[:2]
        for symbol in symbols:
            dirty(platform, "price_x10", symbol=symbol, session=session.isoformat(), factor=0.18)
        failed = installation.command("run", exit_code=1).stderr
        assert "unexplained_jump" in failed
        assert ordered(platform) == 0

        named = ("--session", str(session), "--check", "unexplained_jump", "--symbol", symbols[0])
        done = installation.command("quality", "accept", *named, "--reason", "it went bankrupt")
        assert "the bar is taken as it is when the session is run again" in done.stdout
        facts = {"check": "unexplained_jump", "session": session, "actor": "me", "now": platform.clock.now()}
        with pytest.raises(ConfigurationError, match="needs a reason"):
            accept(platform.database, symbol=symbols[1], reason=" ", **facts)
        assert len(accept(platform.database, symbol=symbols[1], reason="it went bankrupt", **facts)) == 3, (
            "one a source"
        )
        assert run_session(platform, session).reconciled is True
        bars = platform.lake.scan(DAILY_BARS, start=session, symbols=symbols).collect()
        assert bars["symbol"].to_list() == symbols
        refused = platform.lake.scan(QUARANTINED_BARS, start=session).collect()
        assert refused.filter(pl.col("rule") == "unexplained_jump").is_empty()
        audit = platform.database.fetch(
            "select action, reason, detail->>'symbol' from audit_log where action like '%finding'"
        )
        assert {("accept_finding", "it went bankrupt", symbol) for symbol in symbols} == {*audit}

        of_first = "select acceptance_id from finding_acceptances where symbol = %s"
        for (number,) in platform.database.fetch(of_first, (symbols[0],)):
            revoke(platform.database, number, actor="me", reason="it did not", now=platform.clock.now())
        run_session(platform, session)
        assert platform.lake.scan(DAILY_BARS, start=session, symbols=symbols[:1]).collect().is_empty()


def test_an_accepted_verdict_unblocks_and_other_findings_block_again(install: Callable):
    installation = install()
    with installation.opened() as platform:
        session = platform.latest_session()
        dirty(platform, "missing_symbol", session=session.isoformat(), share=0.3)
        with pytest.raises(DataQualityError, match="completeness"):
            run_session(platform, session)
        facts = {
            "session": session,
            "actor": "me",
            "reason": "a test of half of the market",
            "now": platform.clock.now(),
        }
        (done,) = accept(platform.database, check="completeness", **facts)
        assert done.symbol is None
        assert run_session(platform, session).reconciled is True
        placed = ordered(platform)
        dirty(platform, "missing_symbol", session=session.isoformat(), share=0.6)
        with pytest.raises(DataQualityError, match="completeness"):
            run_session(platform, session)
        assert ordered(platform) == placed
