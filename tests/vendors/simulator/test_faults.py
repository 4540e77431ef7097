"""The simulator's fault rules: who is struck, how often, in which words; and that they survive a restart."""

from __future__ import annotations

import time

import pytest
import requests

KEYS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s", "Authorization": "Bearer k"}
AT = "2024-06-28T21:00:00+00:00"
GROUPED = "/v2/aggs/grouped/locale/us/market/stocks/2024-06-28"
SPLITS = "/v3/reference/splits?limit=3"
CHART = "/v8/finance/chart/SPY?range=5d&interval=1d"
BARS = "/v2/stocks/bars?symbols=SPY&timeframe=1Day&start=2024-06-24&end=2024-06-28"
ACTIONS = "/v1/corporate-actions?start=2024-01-01&end=2024-06-28"
ASSETS = "/v2/assets"


@pytest.fixture(scope="module")
def market(start_simulator):
    return start_simulator(seed=7, symbols=60, years=2, at=AT)


@pytest.fixture
def healthy(market):
    market.clear_faults()
    yield market
    market.clear_faults()


def get(market, path):
    return requests.get(market.base_url + path, headers=KEYS, timeout=10)


def rules(market):
    return requests.get(f"{market.base_url}/sim/faults", timeout=10).json()["faults"]


def post(market, **rule):
    return requests.post(f"{market.base_url}/sim/faults", json=rule, timeout=10)


def test_the_third_page_alone_fails_and_the_listing_counts(healthy):
    healthy.fault("^/v3/reference/splits", "500", after=2)
    assert [get(healthy, SPLITS).status_code for _ in range(5)] == [200, 200, 500, 200, 200]
    (rule,) = rules(healthy)
    assert (rule["seen"], rule["used"]) == (3, 1)


def test_a_rule_may_concern_one_vendor_or_one_method_only(healthy):
    healthy.fault(".", "503_bare", vendor="alpaca", times=9)
    healthy.fault(".", "500", method="post", times=9)
    assert [get(healthy, path).status_code for path in (GROUPED, CHART, BARS, ACTIONS, ASSETS)] == [
        200, 200, 503, 503, 503,
    ]  # fmt: skip
    assert requests.post(f"{healthy.base_url}/v8/finance/chart/SPY", timeout=10).status_code == 500


def test_chance_is_drawn_from_the_seed(healthy):
    def statuses():
        healthy.clear_faults()
        healthy.fault("grouped", "500", times=1000, probability=0.4, seed=11)
        return [get(healthy, GROUPED).status_code for _ in range(40)]

    first = statuses()
    assert first == statuses()
    assert 8 <= first.count(500) <= 24


def test_one_rule_is_switched_off_by_its_number(healthy):
    healthy.fault("grouped", "500")
    healthy.fault("chart", "500")
    first, second = rules(healthy)
    requests.delete(f"{healthy.base_url}/sim/faults", params={"id": first["id"]}, timeout=10)
    assert rules(healthy) == [second]


def test_rules_and_their_counts_survive_a_restart(start_simulator):
    before = start_simulator(seed=7, symbols=5, years=1, at=AT)
    before.fault("grouped", "500", times=2, after=1)
    assert [get(before, GROUPED).status_code for _ in range(2)] == [200, 500]
    before.kill()
    again = start_simulator(seed=7, symbols=5, years=1, at=AT, state=before.state)
    assert [get(again, GROUPED).status_code for _ in range(2)] == [500, 200]
    assert requests.get(f"{again.base_url}/sim/health", timeout=10).json()["faults"] == 1


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({"match": "x"}, "needs match and kind"),
        ({"match": "x", "kind": "earthquake"}, "kind: one of 429, 429_bare"),
        ({"match": "(", "kind": "500"}, "match"),
        ({"match": 3, "kind": "500"}, "match"),
        ({"match": "x", "kind": "500", "times": 0}, "times"),
        ({"match": "x", "kind": "500", "after": 1.5}, "after"),
        ({"match": "x", "kind": "500", "probability": 1.1}, "probability"),
        ({"match": "x", "kind": "500", "seconds": "long"}, "seconds"),
        ({"match": "x", "kind": "500", "vendor": "reuters"}, "vendor: one of polygon, yahoo, alpaca"),
        ({"match": "x", "kind": "500", "used": 3}, "may have"),
    ],
)
def test_a_wrong_rule_is_refused_by_the_name_of_its_field(healthy, rule, named):
    answer = post(healthy, **rule)
    assert answer.status_code == 422
    assert named in answer.json()["error"]
    assert rules(healthy) == []


def test_every_kind_is_explained(healthy):
    kinds = requests.get(f"{healthy.base_url}/sim/faults", timeout=10).json()["kinds"]
    for kind, meaning in kinds.items():
        assert len(meaning) > 10, kind
        assert post(healthy, match="never", kind=kind).status_code == 200


@pytest.mark.parametrize("path", [GROUPED, CHART, BARS])
def test_waits_are_told_only_where_the_kind_says_so(healthy, path):
    told = {"429": "7", "429_bare": None, "503": "7", "503_bare": None, "html_504": None}
    for kind, after in told.items():
        healthy.fault(".", kind, retry_after=7)
        answer = get(healthy, path)
        assert answer.status_code == int(kind.removeprefix("html_")[:3])
        assert answer.headers.get("Retry-After") == after
    assert answer.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize("path", [GROUPED, SPLITS, CHART, BARS, ACTIONS, ASSETS])
def test_an_answer_may_be_empty_cut_or_html(healthy, path):
    right = get(healthy, path)
    healthy.fault(".", "empty")
    empty = get(healthy, path)
    assert empty.status_code == 200
    assert type(empty.json()) is type(right.json())
    assert len(empty.content) < len(right.content)
    healthy.fault(".", "truncated_json")
    cut = get(healthy, path)
    assert right.content.startswith(cut.content)
    assert cut.headers["Content-Length"] == str(len(right.content) // 2)
    healthy.fault(".", "wrong_content_type")
    page = get(healthy, path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    healthy.fault(".", "truncated")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(healthy, path)
    healthy.fault(".", "reset")
    with pytest.raises(requests.exceptions.ConnectionError):
        get(healthy, path)
    assert get(healthy, path).status_code == 200


def test_a_slow_body_begins_at_once_and_a_slow_answer_does_not(healthy):
    right = get(healthy, GROUPED).content
    for kind, at_once in (("slow_body", True), ("slow", False)):
        healthy.fault("grouped", kind, seconds=0.4)
        began = time.monotonic()
        with requests.get(healthy.base_url + GROUPED, headers=KEYS, timeout=10, stream=True) as answer:
            headers_after = time.monotonic() - began
            assert answer.content == right
        assert time.monotonic() - began > 0.35
        assert (headers_after < 0.2) is at_once
