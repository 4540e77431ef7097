"""A session whose blocking checks failed gets no features and no signals, whichever way its history is filled."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
import requests

from trading_assets.errors import ConfigurationError, DataQualityError
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.runs.history import backfill
from trading_assets.runs.session import run_session
from trading_assets.sessions import session_close, sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE

pytestmark = pytest.mark.slow
START, SICK, END = date(2024, 4, 8), date(2024, 4, 16), date(2024, 4, 22)


def test_running_a_stopped_backfill_again_does_not_let_the_sick_session_through(install):
    with install(None).opened() as platform:
        head = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}
        listed = requests.get(f"{platform.simulator_url}/v2/assets", headers=head, timeout=30).json()
        for asset in listed[:20]:
            bad = {"symbol": asset["symbol"], "session": SICK.isoformat(), "fields": {"close": -1.0}}
            requests.post(f"{platform.simulator_url}/sim/corrections", json=bad, timeout=30)
        with pytest.raises(DataQualityError, match="positive_prices"):
            backfill(platform, START, END)
        assert platform.lake.scan(DAILY_FEATURES).collect().is_empty()
        backfill(platform, START, END)
        days = sessions_between(START, END)
        assert blocked_sessions(platform.database, days) == {SICK}
        usable = set(days) - {SICK}
        assert set(platform.lake.scan(DAILY_FEATURES).collect()["session"]) == usable
        assert SICK in set(platform.lake.scan(DAILY_BARS).collect()["session"])
        assert backfill(platform, START, END - timedelta(days=1)) == []


def test_a_session_after_missed_ones_fills_them_first_and_orders_for_itself_only(install):
    with install().opened() as platform:
        missed = platform.latest_session()
        with pytest.raises(ConfigurationError, match="named orders can be backfilled"):
            backfill(platform, missed, missed, ("daily_bars", "orders"))
        session = shift(missed, 2)
        assert run_session(platform, session).reconciled is True
        days = set(sessions_between(missed, session))
        for table in (DAILY_BARS, DAILY_FEATURES):
            stored = platform.lake.scan(table, start=missed, columns=["session"]).collect()
            assert set(stored["session"]) == days, table.name
        ordered = platform.database.fetch("select distinct session from order_intents")
        assert ordered == [(session,)]


def test_sessions_missed_after_a_run_are_backfilled_although_the_broker_cannot_tell_its_flags_of_then(
    install,
):
    with install().opened() as platform:
        first = platform.latest_session()
        run_session(platform, first)
        newest = shift(first, 3)
        platform.clock.advance_to(session_close(newest) + timedelta(hours=1))
        days = sessions_between(shift(first, 1), shift(newest, -1))
        assert backfill(platform, first, days[-1]) == days
        flags = platform.lake.scan(UNIVERSE, start=first, end=days[-1], columns=["session", "is_tradable"])
        known = (
            flags.group_by("session").agg(pl.col("is_tradable").is_not_null().any()).sort("session").collect()
        )
        assert known["is_tradable"].to_list() == [True, False, False]
        assert run_session(platform, newest).reconciled is True
