"""Which vendors are built from the settings, where they point, and with which keys."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from resources.clock import ManualClock
from resources.vendors.alpaca.access import DATA_HOST, alpaca_keys, trading_host
from resources.vendors.bars import BAR_SCHEMA, finish_bars
from resources.vendors.endpoints import reach_of
from resources.vendors.http.fan_out import in_order, sleep_unless_stopped
from resources.vendors.listings import LISTING_SCHEMA
from resources.vendors.polygon.access import HOST, polygon_keys
from resources.vendors.protocol import Fetched
from resources.vendors.registry import FlaggedListings, action_sources, reference_source, sources_for
from trading_assets.errors import ConfigurationError, TransientError, VendorDataError
from trading_assets.sessions import session_close
from trading_assets.settings import load_settings

CLOCK = ManualClock(datetime(2016, 7, 5, 22, 0, tzinfo=UTC))
KEYS = {"alpaca_api_key": "K", "alpaca_secret_key": "S", "polygon_api_key": "P"}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return lambda **values: load_settings(env_file=None, data=tmp_path, **values)


def test_in_sim_mode_everything_points_at_the_simulator_and_no_real_key_is_used(settings):
    sim = settings(**KEYS)
    reach = reach_of(sim, "http://127.0.0.1:1/")
    reached = {reach(HOST), reach(DATA_HOST), reach(None), trading_host(sim, reach)}
    assert reached == {"http://127.0.0.1:1"}
    assert {*alpaca_keys(sim), *polygon_keys(sim)} == {"simulator"}
    with pytest.raises(ConfigurationError, match="needs a running simulator"):
        reach_of(sim, None)


def test_paper_and_live_differ_in_the_trading_host_only_and_refuse_a_simulator(settings):
    paper, live = settings(mode="paper"), settings(mode="live", live_account="123")
    assert trading_host(paper, reach_of(paper, None)) == "https://paper-api.alpaca.markets"
    assert trading_host(live, reach_of(live, None)) == "https://api.alpaca.markets"
    for host in (HOST, None, DATA_HOST):
        assert reach_of(paper, None)(host) == reach_of(live, None)(host) == host
    with pytest.raises(ConfigurationError, match="must not be used"):
        reach_of(paper, "http://127.0.0.1:1")


@pytest.mark.parametrize(("source", "key"), [("polygon", "POLYGON_API_KEY"), ("alpaca", "ALPACA_API_KEY")])
def test_a_missing_key_is_named(settings, source, key):
    with pytest.raises(ConfigurationError, match=key):
        sources_for(settings(mode="paper", sources=source), None, CLOCK)


def test_sources_come_in_the_order_of_priority_and_share_a_vendors_quota(settings):
    paper = settings(mode="paper", sources="alpaca,polygon", **KEYS)
    built = sources_for(paper, None, CLOCK)
    assert list(built) == ["alpaca", "polygon"]
    actions = action_sources(paper, None, CLOCK)
    assert list(actions) == ["alpaca", "polygon"]
    assert actions["alpaca"]._gate is built["alpaca"]._gate
    assert (built["polygon"]._gate.policy.pace.requests, built["polygon"]._gate.policy.pace.seconds) == (
        5,
        60,
    )
    assert sources_for(settings(), "http://127.0.0.1:1", CLOCK)["polygon"]._gate.policy.pace is None
    assert action_sources(settings(mode="paper", sources="yahoo"), None, CLOCK) == {}


def test_without_polygon_the_brokers_own_list_is_the_reference(settings):
    paper = settings(mode="paper", sources="alpaca", **KEYS)
    assert reference_source(paper, None, CLOCK).name == "alpaca"
    assert reference_source(settings(mode="paper", **KEYS), None, CLOCK).name == "polygon"


class Listed:
    name = "polygon"

    def __init__(self, *symbols, flag=None):
        self.symbols, self.flag = symbols, flag

    def listings(self, as_of, *, progress=None):
        rows = [
            {
                "symbol": symbol,
                "session": as_of,
                "status": "active",
                "snapshot_session": as_of,
                "is_tradable": self.flag,
                "is_shortable": self.flag,
                "is_easy_to_borrow": self.flag,
                "is_fractionable": self.flag,
            }
            for symbol in self.symbols
        ]
        return Fetched(pl.DataFrame(rows, schema=LISTING_SCHEMA, orient="row"), ())


def test_flags_of_today_are_joined_to_the_newest_session_and_to_no_older_one():
    source = FlaggedListings("polygon", Listed("A", "B"), Listed("A", "Z", flag=True), CLOCK, timedelta(0))
    newest = source.listings(date(2016, 7, 5)).frame
    assert newest.select("symbol", "is_shortable").rows() == [("A", True), ("B", False)]
    older = source.listings(date(2016, 7, 1)).frame
    assert older.get_column("is_shortable").to_list() == [None, None]


def test_until_the_session_that_closed_is_final_the_one_before_is_the_newest():
    flagged, closed = (
        Listed("A", flag=True),
        ManualClock(session_close(date(2016, 7, 5)) + timedelta(minutes=5)),
    )
    day = date(2016, 7, 1)
    for delay, known in ((timedelta(minutes=15), True), (timedelta(0), False)):
        rows = FlaggedListings("polygon", Listed("A"), flagged, closed, delay).listings(day).frame
        assert rows["is_tradable"].to_list() == [True if known else None]


# --- several requests at a time ----------------------------------------------------------------------------------


def test_results_come_in_order_and_few_wait():
    running, most, lock = 0, 0, threading.Lock()

    def work(number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.001 * (number % 5))
        with lock:
            running -= 1
        return number

    assert list(in_order(work, range(60), workers=3)) == list(range(60))
    assert 1 < most <= 3


def test_a_failure_wakes_those_who_wait_and_cancels_the_rest():
    begun = []

    def work(number):
        begun.append(number)
        if number == 0:
            time.sleep(0.05)
            raise VendorDataError("broken")
        sleep_unless_stopped(60)

    began = time.monotonic()
    with pytest.raises(VendorDataError):
        list(in_order(work, range(100), workers=4))
    assert time.monotonic() - began < 5
    assert len(begun) < 10


def test_a_caller_who_goes_away_does_not_wait_for_quotas():
    def work(number):
        if number:
            with pytest.raises(TransientError):
                sleep_unless_stopped(60)

    began = time.monotonic()
    for _ in in_order(work, range(8), workers=2, ahead=1):
        break
    assert time.monotonic() - began < 5


# --- the frame that all sources return ---------------------------------------------------------------------------


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["A", "AA", "B", "BRK.B", "b"]),
            st.dates(date(2016, 6, 29), date(2016, 7, 8)),
            st.floats(1, 9),
        ),
        max_size=40,
    )
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_bars_are_sorted_as_polars_sorts_them_and_only_the_asked_days_stay(rows):
    frames = [
        pl.DataFrame(
            [(symbol, day, price, price, price, price, 1.0, None, None)], schema=BAR_SCHEMA, orient="row"
        )
        for symbol, day, price in rows
    ]
    asked = [date(2016, 7, 1), date(2016, 7, 6)]
    wanted = {*asked, date(2016, 7, 2), date(2016, 7, 3), date(2016, 7, 4)}  # closed days in between stay
    expected = pl.concat([*frames, pl.DataFrame(schema=BAR_SCHEMA)])
    expected = expected.filter(pl.col("session").is_in(wanted))
    expected = expected.sort("symbol", "session", maintain_order=True)
    assert finish_bars(frames, asked).equals(expected)
    assert frames == []
