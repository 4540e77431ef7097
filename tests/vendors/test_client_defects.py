"""Known defects of the vendors' clients: each shown on the client alone, then with our policy around it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import urllib3
import yfinance
from alpaca.common.exceptions import APIError
from alpaca.common.rest import RESTClient as RESTClientOfAlpaca
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from curl_cffi import requests as curl
from polygon import RESTClient

from resources.vendors.http.transports import attach
from resources.vendors.yahoo.transport import YahooData, yahoo_data
from trading_assets.errors import RateLimitedError, TransientError, VendorDataError, VendorRefusedError

HTML = b"<html><body>504 Gateway Time-out</body></html>"
DAY = "2016-07-01"


# --- alpaca-py ---------------------------------------------------------------------------------------------------


def test_alpaca_retries_blindly_and_our_attachment_leaves_retries_to_the_policy(
    vendor_server, answer, make_gate
):
    vendor_server.respond = lambda _: answer(HTML, 504, content_type="text/html")
    alone = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    alone._retry_wait = 0
    with pytest.raises(APIError) as caught:
        alone.get("/account")
    assert len(vendor_server.requests) == 4  # three more than asked for, and the same for an order
    with pytest.raises(json.JSONDecodeError):
        _ = caught.value.code

    vendor_server.requests.clear()
    ours = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    attach(ours, make_gate("alpaca", attempts=1), connections=1)
    with pytest.raises(TransientError) as typed:
        ours.get("/account")
    assert len(vendor_server.requests) == 1
    assert typed.value.facts["status"] == 504


def test_alpaca_has_no_timeout_and_ours_has(vendor_server, answer, make_source, sessions):
    vendor_server.respond = lambda _: answer(b'{"bars": {}, "next_page_token": null}', delay_seconds=1.0)
    alone = StockHistoricalDataClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    sent = {}
    original = alone._session.send
    alone._session.send = lambda request, **options: sent.update(options) or original(request, **options)
    began = time.monotonic()
    alone.get("/stocks/bars", {})
    assert time.monotonic() - began > 0.9
    assert sent["timeout"] is None  # it would have waited for ever
    with pytest.raises(TransientError):
        make_source("alpaca", attempts=1).daily_bars(sessions, ["A"])


def test_alpaca_follows_a_circle_of_page_tokens_for_ever_and_ours_stops(
    vendor_server, answer, make_source, sessions
):
    page = answer.of({"bars": {"A": []}, "next_page_token": "again"})
    vendor_server.script = [page] * 60
    alone = StockHistoricalDataClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    with pytest.raises(APIError):  # only because the server had enough
        alone.get_stock_bars(StockBarsRequest(symbol_or_symbols="A", timeframe=TimeFrame.Day))
    assert len(vendor_server.requests) == 61

    vendor_server.requests.clear()
    vendor_server.respond = lambda _: page
    with pytest.raises(VendorDataError, match="circle"):
        make_source("alpaca").daily_bars(sessions, ["A"])
    assert len(vendor_server.requests) == 2


def test_alpaca_cannot_be_told_not_to_retry_and_always_waits_three_seconds_and_ours_as_the_vendor_says(
    vendor_server, answer, make_gate, fake_time, monkeypatch
):
    alone = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    asked = RESTClientOfAlpaca(vendor_server.url, "key", "secret", raw_data=True, retry_attempts=0)
    assert (alone._retry, asked._retry) == (3, 3)  # nought is taken for "not given"
    waits = []
    monkeypatch.setattr("time.sleep", lambda seconds: waits.append(seconds) if seconds else None)
    busy = answer(b'{"message": "too many requests."}', 429, headers={"Retry-After": "41"})
    vendor_server.script = [busy]
    vendor_server.respond = lambda _: answer(b"{}")
    alone.get("/account")
    assert waits == [3]

    vendor_server.script = [busy]
    ours = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    attach(ours, make_gate("alpaca"), connections=1)
    ours.get("/account")
    assert waits == [3]
    assert sum(fake_time.slept) == pytest.approx(41, abs=0.5)


def test_alpaca_does_not_see_that_its_quota_is_used_up_and_ours_waits_for_the_reset(
    vendor_server, answer, make_gate, fake_time
):
    reset = int(datetime(2026, 7, 1, 0, 0, 9, tzinfo=UTC).timestamp())
    headers = {
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(reset),
        "Date": "Wed, 01 Jul 2026 00:00:00 GMT",
    }
    vendor_server.respond = lambda _: answer(b"{}", headers=headers)
    alone = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    began = time.monotonic()
    for _ in range(3):
        alone.get("/account")
    assert time.monotonic() - began < 2  # three requests on a quota of none

    ours = TradingClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    gate = make_gate("alpaca")
    attach(ours, gate, connections=1)
    ours.get("/account")
    assert gate.remaining == 0
    ours.get("/account")
    assert sum(fake_time.slept) > 0


def test_alpaca_takes_an_empty_answer_for_nothing_and_ours_for_an_error(
    vendor_server, answer, make_source, sessions
):
    vendor_server.respond = lambda _: answer(b"")
    alone = StockHistoricalDataClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    assert alone.get("/stocks/bars", {}) is None
    with pytest.raises(VendorDataError):
        make_source("alpaca").daily_bars(sessions, ["A"])


def test_alpaca_pages_hold_one_symbol_and_may_end_within_one_and_ours_joins_them(
    vendor_server, answer, make_source, sessions
):
    def bars(symbol, day):
        return {symbol: [{"t": f"{day}T04:00:00Z", "o": 1, "h": 3, "l": 1, "c": 2, "v": 5, "vw": 2, "n": 1}]}

    first, second = sessions
    pages = {
        None: answer.of({"bars": bars("A", first), "next_page_token": "1"}),
        "1": answer.of({"bars": bars("A", second), "next_page_token": "2"}),
        "2": answer.of({"bars": bars("B", first), "next_page_token": None}),
    }
    vendor_server.respond = lambda request: pages[request.query.get("page_token")]
    alone = StockHistoricalDataClient("key", "secret", url_override=vendor_server.url, raw_data=True)
    page = alone.get("/stocks/bars", {"symbols": "A,B"})
    assert list(page["bars"]) == ["A"]  # B seems to have no bars, and A only one
    fetched = make_source("alpaca").daily_bars(sessions, ["A", "B", "C"])
    assert fetched.frame.select("symbol", "session").rows() == [("A", first), ("A", second), ("B", first)]
    assert fetched.empty == ("C",)


# --- polygon-api-client ------------------------------------------------------------------------------------------


def test_polygon_ignores_its_read_timeout_and_ours_counts(vendor_server, answer, make_source, sessions):
    vendor_server.respond = lambda _: answer.of({"status": "OK", "resultsCount": 0}, delay_seconds=1.0)
    alone = RESTClient("key", base=vendor_server.url, retries=0, read_timeout=0.1)
    began = time.monotonic()
    assert alone.get_grouped_daily_aggs(DAY) == []
    assert time.monotonic() - began > 0.9
    with pytest.raises(TransientError):
        make_source("polygon", attempts=1).daily_bars(sessions, [])


@pytest.mark.parametrize(
    "body", [b'{"status": "OK", "resultsCount": 1, "results": [{"T": "A"', b'{"status": "OK"}']
)
def test_polygon_turns_a_broken_answer_into_no_data_and_ours_into_an_error(
    body, vendor_server, answer, make_source, sessions
):
    vendor_server.respond = lambda _: answer(body)
    assert RESTClient("key", base=vendor_server.url).get_grouped_daily_aggs(DAY) == []
    assert list(RESTClient("key", base=vendor_server.url).list_splits()) == []
    source = make_source("polygon")
    with pytest.raises(VendorDataError):
        source.daily_bars(sessions, [])
    with pytest.raises(VendorDataError):
        source.corporate_actions(sessions[0], sessions[-1])


def test_polygon_burns_its_retries_at_once_and_ours_waits_as_told(
    vendor_server, answer, make_source, sessions, good, fake_time
):
    vendor_server.respond = lambda _: answer(b"{}", 429)
    began = time.monotonic()
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        RESTClient("key", base=vendor_server.url).get_grouped_daily_aggs(DAY)
    assert time.monotonic() - began < 3  # gone long before a quota of five a minute has recovered

    vendor_server.respond = good
    vendor_server.script = [answer(b"{}", 429, headers={"Retry-After": "58"})]
    assert make_source("polygon").daily_bars(sessions, []).frame.height == 2
    assert sum(fake_time.slept) == pytest.approx(58, abs=0.5)


@pytest.mark.parametrize("status", [413, 500, 503, 504])
def test_polygon_retries_on_its_own_within_its_pool_and_ours_only_by_the_policy(
    status, vendor_server, answer, make_source, sessions
):
    vendor_server.respond = lambda _: answer(b"{}", status)
    with pytest.raises(urllib3.exceptions.MaxRetryError):
        RESTClient("key", base=vendor_server.url).get_grouped_daily_aggs(DAY)
    assert len(vendor_server.requests) == 4

    vendor_server.requests.clear()
    source = make_source("polygon", attempts=1)
    assert source._client.retries == 0
    with pytest.raises(VendorRefusedError if status == 413 else TransientError):
        source.daily_bars(sessions, [])
    asked = [request.path for request in vendor_server.requests]
    assert len(asked) == len(set(asked))


# --- yfinance ----------------------------------------------------------------------------------------------------


class Redirected(curl.Session):
    """A session that only sends yfinance to the local server."""

    base = ""

    def request(self, method, url, **options):
        return super().request(method, self.base + url.split(".com", 1)[1], **options)


@pytest.fixture
def yahoo_alone(vendor_server, tmp_path, monkeypatch):
    """A yfinance ticker as it comes, with a time zone known beforehand."""
    yfinance.set_tz_cache_location(str(tmp_path / "alone"))
    yfinance.cache.get_tz_cache().store("A", "America/New_York")
    monkeypatch.setattr(Redirected, "base", vendor_server.url)
    monkeypatch.setattr(yfinance.data.SingletonMeta, "_instances", {})
    hidden = yfinance.config.debug.hide_exceptions
    yield lambda: yfinance.Ticker("A", session=Redirected())
    yfinance.config.debug.hide_exceptions = hidden


def test_yahoo_hides_errors_in_an_empty_frame_and_ours_raises_them(
    yahoo_alone, vendor_server, answer, make_source, sessions
):
    yfinance.config.debug.hide_exceptions = True  # its default
    vendor_server.respond = lambda _: answer(b'{"chart": {"result": null, "error": null}}', 500)
    assert yahoo_alone().history(start=date(2016, 7, 1), end=date(2016, 7, 6)).empty
    with pytest.raises(TransientError):
        make_source("yahoo").daily_bars(sessions, ["A"])


def test_yahoo_asks_again_with_other_cookies_on_any_error_and_ours_only_as_the_policy_says(
    yahoo_alone, vendor_server, answer, make_source, sessions
):
    vendor_server.respond = lambda _: answer(b"Too Many Requests", 429)
    yfinance.config.debug.hide_exceptions = False
    with pytest.raises(yfinance.exceptions.YFRateLimitError):
        yahoo_alone().history(start=date(2016, 7, 1), end=date(2016, 7, 6))
    charts = [request for request in vendor_server.requests if "/chart/" in request.path]
    assert len(charts) == 2

    vendor_server.requests.clear()
    with pytest.raises(RateLimitedError):
        make_source("yahoo", attempts=1).daily_bars(sessions, ["A"])
    assert len(vendor_server.requests) == 1


def test_yahoo_shares_one_session_in_the_process_and_ours_has_its_own(make_source):
    yahoo = yfinance.data.YfData
    assert yahoo() is yahoo()
    first, second = make_source("yahoo"), make_source("yahoo")
    assert first._data is not second._data
    assert isinstance(first._data, YahooData)
    assert first._data._session is not second._data._session


def test_yahoo_adjusts_its_prices_unasked_and_ours_are_raw(
    yahoo_alone, vendor_server, answer, good, make_source, sessions
):
    def with_split(request):
        chart = json.loads(good(request).body)
        result = chart["chart"]["result"][0]
        result["events"] = {
            "splits": {"x": {"date": result["timestamp"][1], "numerator": 4, "denominator": 1}}
        }
        return answer.of(chart)

    vendor_server.respond = with_split
    frame = make_source("yahoo").daily_bars(sessions, ["A"]).frame
    assert frame.get_column("close").to_list() == [8.0, 2.0]
    assert frame.get_column("volume").to_list() == [25.0, 100.0]


@pytest.mark.parametrize("trouble", ["500", "html", "truncated"])
def test_yahoo_calls_any_failure_possibly_delisted_and_ours_says_what_happened(
    trouble, yahoo_alone, vendor_server, answer, make_source, sessions, caplog
):
    answers = {
        "500": answer(b'{"chart": {"result": null, "error": null}}', 500),
        "html": answer(HTML, content_type="text/html"),
        "truncated": answer(b'{"chart": {"result": [{"meta": {"symbol"'),
    }
    vendor_server.respond = lambda _: answers[trouble]
    yfinance.config.debug.hide_exceptions = True  # its default
    with caplog.at_level("ERROR", logger="yfinance"):
        assert yahoo_alone().history(start=date(2016, 7, 1), end=date(2016, 7, 6)).empty
    assert "possibly delisted" in caplog.text
    with pytest.raises((TransientError, VendorDataError)) as caught:
        make_source("yahoo", attempts=1).daily_bars(sessions, ["A"])
    assert "delisted" not in str(caught.value)


def test_yahoo_remembers_answers_within_the_process_and_ours_asks_each_time(
    yahoo_alone, vendor_server, answer, good, make_source, sessions
):
    vendor_server.respond = good
    alone = yahoo_alone()
    path = "https://query2.finance.yahoo.com/v8/finance/chart/A"
    first = alone._data.cache_get(url=path, params={"x": 1})
    assert alone._data.cache_get(url=path, params={"x": 1}) is first  # a correction would never be seen

    vendor_server.requests.clear()
    source = make_source("yahoo")
    for _ in range(2):
        source.daily_bars(sessions, ["A"])
    assert len(vendor_server.requests) == 2


def test_yahoo_keeps_its_cookies_with_the_user_and_ours_in_the_data_folder(make_source, tmp_path):
    managers = "yfinance.cache._TzDBManager, yfinance.cache._CookieDBManager"
    script = f"import yfinance; print({{manager.get_location() for manager in ({managers})}})"
    alone = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    (shared,) = ast.literal_eval(alone.stdout)
    assert Path(shared).name == "py-yfinance"  # one for all installations of this user

    make_source("yahoo")
    ours = (yfinance.cache._TzDBManager, yfinance.cache._CookieDBManager)
    assert {manager.get_location() for manager in ours} == {str(tmp_path / "yf")}


def test_yahoo_can_be_set_to_retry_for_the_whole_process_and_ours_never_does(
    yahoo_alone, vendor_server, answer, make_source, sessions, monkeypatch
):
    waits = []
    monkeypatch.setattr("time.sleep", lambda seconds: waits.append(seconds) if seconds else None)
    yfinance.config.network.retries = 2
    yfinance.config.debug.hide_exceptions = True
    vendor_server.respond = lambda _: answer(b" " * 4000, fault="cut")
    yahoo_alone().history(start=date(2016, 7, 1), end=date(2016, 7, 6))
    assert waits[:2] == [1, 2]  # and what it hid, it hid for all of the process

    waits.clear()
    vendor_server.requests.clear()
    with pytest.raises(TransientError):
        make_source("yahoo", attempts=1).daily_bars(sessions, ["A"])
    assert (waits, len(vendor_server.requests)) == ([], 1)


def test_a_crumb_out_of_date_is_renewed_once_and_a_page_is_no_crumb(
    vendor_server, answer, make_gate, tmp_path
):
    url = "https://query2.finance.yahoo.com/v10/finance/quoteSummary/A"
    refused = answer.of(
        {"finance": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401
    )
    data = yahoo_data(make_gate("yahoo"), vendor_server.url, tmp_path / "yf")
    vendor_server.script = [refused]
    vendor_server.respond = lambda _: answer(b"{}")
    data.ask(url, {})
    assert [request.query["crumb"] for request in vendor_server.requests] == ["crumb", "crumb"]

    vendor_server.script = [refused] * 9
    with pytest.raises(VendorRefusedError):
        data.ask(url, {})
    assert len(vendor_server.requests) == 4

    vendor_server.crumb = answer(b"<!DOCTYPE html>Too busy", 200, content_type="text/html")
    vendor_server.requests.clear()
    without = yahoo_data(make_gate("yahoo"), vendor_server.url, tmp_path / "yf")
    with pytest.raises(TransientError, match="no crumb"):
        without.ask(url, {})
    assert all("crumb" not in request.query for request in vendor_server.requests)
