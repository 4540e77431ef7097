"""Known defects of the vendors' clients: each shown on the client alone, then with our policy around it."""

from __future__ import annotations

import json
import time
from datetime import date

import pytest
import urllib3
import yfinance
from alpaca.common.exceptions import APIError
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from curl_cffi import requests as curl
from polygon import RESTClient

from resources.transports import attach
from resources.yahoo_transport import YahooData
from trading_assets.errors import RateLimitedError, TransientError, VendorDataError

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
