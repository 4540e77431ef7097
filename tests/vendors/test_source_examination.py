"""The doctor's look at the sources: each kind of each source alone, in bounded time, with a mend and without secrets."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime

import pytest

from resources.clock import SystemClock
from resources.vendors.examination import examine_sources
from resources.vendors.http.pacing import Pace, Pacer, pace_file
from resources.vendors.http.policy import HttpGate
from trading_assets.settings import load_settings

NOW = datetime(2024, 6, 28, 21, 0, tzinfo=UTC)
SESSION = date(2024, 6, 27)
KEYS = {
    "alpaca_api_key": "PLANTED-alpaca-1",
    "alpaca_secret_key": "PLANTED-alpaca-2",
    "polygon_api_key": "PLANTED-polygon-3",
}


@pytest.fixture(scope="module")
def market(start_simulator):
    return start_simulator(seed=7, symbols=60, years=2, at=NOW.isoformat())


@pytest.fixture
def healthy(market):
    market.clear_faults()
    yield market
    market.clear_faults()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return lambda **values: load_settings(env_file=None, data=tmp_path, **values)


def examine(settings, url, **options):
    found = examine_sources(settings, lambda _host: url, session=SESSION, now=NOW, **options)
    return {(item.source, item.kind): item for item in found}


def verdicts(findings):
    return {key: item.verdict for key, item in findings.items()}


def test_a_healthy_market_passes_in_every_kind_of_every_source(healthy, settings):
    findings = examine(settings(), healthy.base_url)
    assert {key for key, verdict in verdicts(findings).items() if verdict != "pass"} == set()
    assert {kind for source, kind in findings if source == "polygon"} == {
        "daily bars", "hourly bars", "corporate actions", "listings", "clock", "pace",
    }  # fmt: skip
    assert "bars of 2024-06-27" in findings["polygon", "daily bars"].detail
    assert list(dict.fromkeys(source for source, _ in findings)) == ["polygon", "yahoo", "alpaca"]


@pytest.mark.parametrize(
    ("kind", "verdict", "word"),
    [
        ("429", "warn", "quota"),
        ("500", "fail", "trouble"),
        ("html_504", "fail", "504"),
        ("reset", "fail", "broke off"),
        ("truncated_json", "fail", "cut short"),
        ("wrong_content_type", "fail", "cut short"),
        ("empty", "warn", "with no bars"),
    ],
)
def test_one_sick_endpoint_is_named_and_hides_nothing_else(healthy, settings, kind, verdict, word):
    sick = {
        ("polygon", "daily bars"): "grouped",
        ("yahoo", "daily bars"): "chart/.*interval=1d",
        ("alpaca", "daily bars"): "stocks/bars.*1Day",
    }
    for match in sick.values():
        healthy.fault(match, kind, times=20)
    findings = examine(settings(), healthy.base_url)
    assert {key for key, found in verdicts(findings).items() if found != "pass"} == set(sick)
    for key in sick:
        assert findings[key].verdict == verdict
        assert word in findings[key].detail
        assert findings[key].mend


def test_a_vendor_that_hangs_costs_a_bounded_time(healthy, settings):
    healthy.fault(".", "slow", vendor="polygon", times=50, seconds=30)
    healthy.fault("chart", "slow_body", times=50, seconds=30)
    began = time.monotonic()
    findings = examine(settings(), healthy.base_url, seconds=2.0)
    assert time.monotonic() - began < 3.0
    assert findings["polygon", "daily bars"].detail == "no answer within 2 seconds"
    assert findings["yahoo", "daily bars"].verdict == "fail"
    assert findings["alpaca", "daily bars"].verdict == "pass"


def test_other_questions_are_asked_along_and_may_hang_too(healthy, settings):
    others = {("broker", "account"): lambda: "account 1", ("broker", "positions"): lambda: time.sleep(30)}
    findings = examine(settings(sources="yahoo"), healthy.base_url, others=others, seconds=1.5)
    assert (findings["broker", "account"].verdict, findings["broker", "account"].detail) == (
        "pass",
        "account 1",
    )
    assert findings["broker", "positions"].verdict == "fail"


def test_a_missing_key_is_a_finding_of_its_source_alone(healthy, settings):
    paper = settings(mode="paper", **{**KEYS, "polygon_api_key": None})
    findings = examine(paper, healthy.base_url)
    assert "POLYGON_API_KEY" in findings["polygon", "key"].mend
    assert findings["alpaca", "daily bars"].verdict == "pass"
    assert "polygon" not in {source for source, kind in findings if kind != "key"}


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "correct POLYGON_API_KEY"), (403, "does not include daily bars")]
)
def test_a_refused_key_and_a_small_plan_have_different_mends_and_show_no_key(
    vendor_server, answer, settings, status, mend
):
    body = {"status": "NOT_AUTHORIZED", "message": f"key {KEYS['polygon_api_key']} is not entitled"}
    vendor_server.respond = lambda _: answer.of(body, status=status)
    findings = examine(settings(mode="paper", sources="polygon", **KEYS), vendor_server.url)
    assert findings["polygon", "daily bars"].verdict == "fail"
    assert mend in findings["polygon", "daily bars"].mend
    assert "PLANTED" not in repr(findings)


@pytest.mark.parametrize(
    ("feed", "delay", "status", "verdict", "words"),
    [
        ("sip", 30, 200, "pass", "without delay"),
        ("sip", 30, 403, "pass", "15 minutes late"),
        ("sip", 10, 403, "warn", "TRADING_DATA_DELAY_MINUTES"),
        ("iex", 30, 200, "warn", "2 % of the volume"),
    ],
)
def test_the_feed_says_what_the_plan_shows(
    vendor_server, answer, settings, feed, delay, status, verdict, words
):
    refusal = {"message": "subscription does not permit querying recent SIP data"}
    good = {"bars": {"SPY": [{}]}, "next_page_token": None, "corporate_actions": {}, "symbol": "SPY"}

    def respond(request):
        return (
            answer.of(refusal, status=403) if "latest" in request.path and status == 403 else answer.of(good)
        )

    vendor_server.respond = respond
    options = {"sources": "alpaca", "alpaca_feed": feed, "data_delay_minutes": delay}
    found = examine(settings(mode="paper", **options, **KEYS), vendor_server.url)["alpaca", "feed"]
    assert found.verdict == verdict
    assert words in found.detail + found.mend


@pytest.mark.parametrize(("seconds", "verdict"), [(0, "pass"), (20, "warn"), (-3600, "fail")])
def test_our_clock_is_compared_with_the_vendors(vendor_server, answer, settings, seconds, verdict):
    def respond(_):
        at = SystemClock().now() + timedelta(seconds=seconds)
        answered = answer.of({"status": "OK", "resultsCount": 0, "results": []})
        answered.headers = {"Date": format_datetime(at, usegmt=True)}
        return answered

    vendor_server.respond = respond
    found = examine(settings(mode="paper", sources="polygon", **KEYS), vendor_server.url)["polygon", "clock"]
    assert found.verdict == verdict
    assert ("NTP" in found.mend) is (verdict != "pass")


@pytest.mark.parametrize(
    ("per_minute", "limit", "verdict", "words"),
    [
        (200, 200, "pass", "200 a minute; the vendor allows 200 a minute, 199 left"),
        (400, 200, "warn", "set TRADING_ALPACA_PER_MINUTE=200"),
        (0, 200, "warn", "no limit of our own"),
        (200, None, "pass", "names no limit"),
    ],
)
def test_our_pace_is_compared_with_the_vendors(
    vendor_server, answer, settings, per_minute, limit, verdict, words
):
    headers = (
        {} if limit is None else {"X-Ratelimit-Limit": str(limit), "X-Ratelimit-Remaining": str(limit - 1)}
    )
    body = {"bars": {}, "next_page_token": None, "corporate_actions": {}, "symbol": "SPY"}
    vendor_server.respond = lambda _: answer.of(body, headers=headers)
    options = {"sources": "alpaca", "alpaca_per_minute": per_minute}
    found = examine(settings(mode="paper", **options, **KEYS), vendor_server.url)["alpaca", "pace"]
    assert found.verdict == verdict
    assert words in f"{found.detail} {found.mend}"


def test_a_pace_that_another_process_has_used_up_is_no_failure(vendor_server, answer, settings):
    paper = settings(mode="paper", sources="polygon", **KEYS)
    busy = Pacer(Pace(5, 60), file=pace_file(paper.data, "polygon"))
    for _ in range(5):
        busy.wait()
    vendor_server.respond = lambda _: answer(b"must not be asked", 500)
    findings = examine(paper, vendor_server.url)
    assert findings["polygon", "daily bars"].verdict == "warn"
    assert "used up" in findings["polygon", "daily bars"].detail
    assert vendor_server.requests == []


def test_a_probe_that_breaks_is_one_finding(vendor_server, answer, settings, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(HttpGate, "capture", broken)
    findings = examine(settings(mode="paper", sources="polygon", **KEYS), vendor_server.url)
    assert findings["polygon", "daily bars"].detail == "ZeroDivisionError in the probe"
