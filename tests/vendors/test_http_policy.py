"""The HTTP policy over real sockets: pacing, waits, retries, time limits, typed errors and secrets."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.vendors.http.pacing import Pace, Pacer
from resources.vendors.http.policy import HttpGate, HttpPolicy, Reply
from trading_assets.errors import (
    RateLimitedError,
    TradingError,
    TransientError,
    VendorDataError,
    VendorRefusedError,
)

SOURCES = ["polygon", "yahoo", "alpaca"]
HTML = b"<html><body>504 Gateway Time-out</body></html>"


class StepTime:
    def __init__(self):
        self.now = 0.0
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def reply(status=200, body=b"{}", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply("http://host/path?apiKey=abc", status, named, body)


def scripted_gate(clock, *, attempts=4, **policy):
    return HttpGate(
        HttpPolicy("vendor", attempts=attempts, **policy),
        sleep=clock.sleep,
        monotonic=lambda: clock.now,
        jitter=lambda: 0.0,
        wall_clock=lambda: datetime(2026, 7, 1, tzinfo=UTC),
    )


def send(gate, replies):
    answers = iter(replies)
    return gate.send(lambda: next(answers))


# --- pacing ------------------------------------------------------------------------------------------------------


@given(
    requests=st.integers(1, 8),
    seconds=st.floats(0.5, 90),
    idle=st.lists(st.floats(0, 40), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_no_window_ever_holds_more_requests_than_the_pace_allows(requests, seconds, idle):
    clock = StepTime()
    pacer = Pacer(Pace(requests, seconds), sleep=clock.sleep, monotonic=lambda: clock.now)
    granted = []
    for pause in idle:
        clock.now += pause
        pacer.wait()
        granted.append(clock.now)
    for first, beyond in zip(granted, granted[requests:], strict=False):
        assert beyond - first >= seconds * (1 - 1e-12)


def test_five_requests_go_out_at_once_and_the_sixth_a_minute_later():
    clock = StepTime()
    pacer = Pacer(Pace(5, 60), sleep=clock.sleep, monotonic=lambda: clock.now)
    for _ in range(6):
        pacer.wait()
    assert clock.slept == [60]


def test_without_a_pace_nothing_waits():
    clock = StepTime()
    gate = scripted_gate(clock)
    for _ in range(50):
        send(gate, [reply()])
    assert clock.slept == []


# --- waits that the vendor asks for ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "Wed, 01 Jul 2026 00:00:09 GMT"}, 9.0),
        # the server's own clock counts, not ours
        (
            {
                "retry_after": "Wed, 01 Jul 2026 03:00:09 GMT",
                "date": "Wed, 01 Jul 2026 03:00:00 GMT",
            },
            9.0,
        ),
        ({"x_ratelimit_reset": str(int(datetime(2026, 7, 1, 0, 0, 30, tzinfo=UTC).timestamp()))}, 30.0),
        ({}, 0.25),
        ({"retry_after": "soon"}, 0.25),
    ],
)
def test_a_429_is_retried_after_the_wait_that_its_headers_ask_for(headers, expected):
    clock = StepTime()
    assert send(scripted_gate(clock), [reply(429, **headers), reply(200)]).status == 200
    assert sum(clock.slept) == pytest.approx(expected)


def test_a_wait_longer_than_we_are_ready_for_is_reported_instead_of_slept():
    clock = StepTime()
    with pytest.raises(RateLimitedError) as caught:
        send(scripted_gate(clock), [reply(429, retry_after="3600")])
    assert caught.value.retry_after_seconds == 3600
    assert clock.slept == []


def test_a_used_up_quota_holds_the_next_request_back_before_the_vendor_has_to_refuse_it():
    clock = StepTime()
    gate = scripted_gate(clock)
    reset = int(datetime(2026, 7, 1, 0, 0, 12, tzinfo=UTC).timestamp())
    send(gate, [reply(200, x_ratelimit_remaining="0", x_ratelimit_reset=str(reset))])
    send(gate, [reply(200)])
    assert clock.slept == [12]


# --- what is retried, and how often ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_on_the_other_side_is_retried_with_growing_waits_and_then_reported(status):
    clock = StepTime()
    with pytest.raises(TransientError) as caught:
        send(scripted_gate(clock), [reply(status)] * 4)
    assert clock.slept == [0.25, 0.5, 1.0]
    assert caught.value.facts["status"] == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_never_retried(status):
    clock = StepTime()
    with pytest.raises(VendorRefusedError):
        send(scripted_gate(clock), [reply(status)])
    assert clock.slept == []


def test_a_redirect_is_no_answer():
    with pytest.raises(VendorDataError):
        send(scripted_gate(StepTime()), [reply(302)])


# --- secrets -----------------------------------------------------------------------------------------------------


def test_secrets_are_masked_in_urls_errors_and_kept_bodies(planted):
    key, secret = planted
    gate = HttpGate(HttpPolicy("vendor"), secrets=planted, sleep=lambda _: None)
    url = f"http://user:{key}@host/v1?apiKey={key}&page_token=keep&crumb=c&x=PLANTED-SECRET%2Fe5f6%2Bg7"
    answer = Reply(url, 200, {}, f'{{"next": "http://host?apiKey={key}", "s": "{secret}"}}'.encode())
    with gate.capture(datetime(2026, 7, 1, tzinfo=UTC)) as kept:
        gate.send(lambda: answer)
    with pytest.raises(VendorRefusedError) as refused:
        gate.send(lambda: Reply(url, 403, {}, answer.body))
    shown = "".join(
        map(str, (kept, kept[0].body, refused.value, repr(refused.value), repr(gate), gate.clean_url(url)))
    )
    assert "PLANTED" not in shown
    assert "page_token=keep" in kept[0].url


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("fault", ["refused", "reset", "html", "ok"])
def test_planted_keys_show_nowhere(
    name, fault, make_source, vendor_server, answer, good, sessions, planted, caplog
):
    echo = f'{{"error": "Unknown API Key {planted[0]} {planted[1]}"}}'.encode()
    script = {
        "refused": [answer(echo, 403)] * 4,
        "reset": [answer(fault="reset")] * 4,
        "html": [answer(b"<html>" + echo)] * 4,
        "ok": [],
    }
    vendor_server.respond = good
    vendor_server.script = script[fault]
    source = make_source(name)
    shown = [repr(source), repr(vars(source))]
    with caplog.at_level(logging.DEBUG):
        try:
            fetched = source.daily_bars(sessions, ["A"])
            shown += [repr(fetched), *(response.url + str(response.body) for response in fetched.responses)]
        except TradingError as error:
            chain = [error, error.__cause__, error.__context__]
            shown += [f"{link!r} {link}" for link in chain if link]
    assert "PLANTED" not in "".join(shown) + caplog.text
    if name != "yahoo":
        assert any(planted[0] in value for value in vendor_server.requests[0].headers.values())


# --- the fault matrix: every fault on every endpoint of bars -----------------------------------------------------

TEMPORARY = {
    "429 with Retry-After": lambda answer: answer(b"slow down", 429, headers={"Retry-After": "3"}),
    "429 without": lambda answer: answer(b"slow down", 429),
    "500": lambda answer: answer(b'{"error": "oops"}', 500),
    "503": lambda answer: answer(b"", 503, headers={"Retry-After": "1"}),
    "HTML 504": lambda answer: answer(HTML, 504, content_type="text/html"),
    "slow": lambda answer: answer(b"{}", delay_seconds=0.7),
    "body cut on the wire": lambda answer: answer(
        b'{"status": "OK", "results": [' + b" " * 4000, fault="cut"
    ),
    "reset": lambda answer: answer(fault="reset"),
    "trickle": lambda answer: answer(b" " * 200, fault="drip"),
}
WRONG = {
    "truncated JSON": b'{"status": "OK", "resultsCount": 1, "results": [{"T": "A", "o": 1.',
    "HTML with status 200": HTML,
    "empty body": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "an error with status 200": b'{"status": "ERROR", "error": "backend", "chart": {"result": null, "error": {"code": "Internal"}}}',
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("fault", TEMPORARY)
def test_a_passing_fault_is_got_over_and_a_lasting_one_is_a_typed_error(
    name, fault, make_source, vendor_server, answer, good, sessions
):
    vendor_server.respond = good
    vendor_server.script = [TEMPORARY[fault](answer)]
    fetched = make_source(name).daily_bars(sessions, ["A"])
    assert fetched.frame.select("symbol", "session", "close").rows() == [("A", day, 2.0) for day in sessions]

    vendor_server.script = [TEMPORARY[fault](answer) for _ in range(12)]
    expected = RateLimitedError if fault.startswith("429") else TransientError
    with pytest.raises(expected) as caught:
        make_source(name).daily_bars(sessions, ["A"])
    assert caught.value.facts["vendor"] == name


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("content_type", ["application/json", "text/html"])
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_answer_is_a_typed_error_at_once_never_a_gap(
    name, fault, content_type, make_source, vendor_server, answer, sessions
):
    vendor_server.respond = lambda _: answer(WRONG[fault], content_type=content_type)
    with pytest.raises(VendorDataError) as caught:
        make_source(name).daily_bars(sessions, ["A"])
    asked = [request.path for request in vendor_server.requests]
    assert len(asked) == len(set(asked))  # nothing was asked for twice
    assert "excerpt" in caught.value.facts


@pytest.mark.parametrize("name", SOURCES)
def test_a_right_body_under_a_wrong_content_type_still_counts(
    name, make_source, vendor_server, good, sessions
):
    def mislabelled(request):
        answered = good(request)
        answered.content_type = "text/plain"
        return answered

    vendor_server.respond = mislabelled
    assert make_source(name).daily_bars(sessions, ["A"]).frame.height == 2


@pytest.mark.parametrize("name", SOURCES)
def test_an_explicit_no_data_is_named_and_not_an_error(name, make_source, vendor_server, answer, sessions):
    bodies = {
        "polygon": {"status": "OK", "resultsCount": 0},
        "yahoo": {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}},
        "alpaca": {"bars": {}, "next_page_token": None},
    }
    status = 404 if name == "yahoo" else 200
    vendor_server.respond = lambda _: answer.of(bodies[name], status=status)
    fetched = make_source(name).daily_bars(sessions, ["A"])
    assert fetched.frame.is_empty()
    assert fetched.empty == (("2016-07-01", "2016-07-05") if name == "polygon" else ("A",))


@pytest.mark.parametrize("name", SOURCES)
def test_a_slow_answer_is_given_up_in_time(name, make_source, vendor_server, answer, sessions):
    vendor_server.respond = lambda _: answer(b"{}", delay_seconds=3.0)
    began = time.monotonic()
    with pytest.raises(TransientError):
        make_source(name, attempts=1).daily_bars(sessions, ["A"])
    assert time.monotonic() - began < 2.0
