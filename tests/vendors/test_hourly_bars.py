"""Hours of the three vendors: joined from half hours, finished ones only, and nothing missing unsaid."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from resources.clock import ManualClock
from resources.vendors.alpaca.source import AlpacaSource
from resources.vendors.half_hours import (
    HALF_HOUR,
    HALF_HOUR_SCHEMA,
    HOUR_SCHEMA,
    OUTSIDE,
    UNFINISHED,
    join_half_hours,
)
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.yahoo.source import YahooSource
from trading_assets.errors import DataQualityError, VendorDataError, VendorRefusedError
from trading_assets.quality.reports import one_row_per_key
from trading_assets.sessions import session_hours, session_open, sessions_between

DAY = date(2016, 7, 5)
OPEN = datetime(2016, 7, 5, 13, 30, tzinfo=UTC)
VENDORS = ("polygon", "yahoo", "alpaca")
HOURLY = timedelta(0)
EVENING = datetime(2016, 7, 5, 22, tzinfo=UTC)


def starts(count: int = 13, first: datetime = OPEN) -> list[datetime]:
    return [first + number * HALF_HOUR for number in range(count)]


def served(answer, moments, *, symbol="A", price=10.0, splits=()):
    """Answer every vendor's endpoint with half hours at ``moments``: price and volume grow by one a bar."""
    values = [price + number for number in range(len(moments))]

    def respond(request):
        if "/v2/aggs/" in request.path:
            rows = [
                {
                    "t": int(at.timestamp() * 1000),
                    "o": v,
                    "h": v + 1,
                    "l": v - 1,
                    "c": v,
                    "v": 100,
                    "vw": v,
                    "n": 3,
                }
                for at, v in zip(moments, values, strict=True)
            ]
            body = {
                "status": "OK",
                "ticker": symbol,
                "resultsCount": len(rows),
                "queryCount": 30,
                "results": rows,
            }
            return answer.of(body)
        if "/chart/" in request.path:
            quote = {
                "open": values, "high": [v + 1 for v in values], "low": [v - 1 for v in values], "close": values,
                "volume": [100] * len(values),
            }  # fmt: skip
            events = {
                str(at): {"date": int(at.timestamp()), "numerator": up, "denominator": down}
                for at, up, down in splits
            }
            meta = {
                "symbol": symbol, "exchangeTimezoneName": "America/New_York", "dataGranularity": "30m"
            }  # fmt: skip
            result = {
                "meta": meta, "timestamp": [int(at.timestamp()) for at in moments], "events": {"splits": events},
                "indicators": {"quote": [quote]},
            }  # fmt: skip
            return answer.of({"chart": {"result": [result], "error": None}})
        rows = [
            {
                "t": f"{at:%Y-%m-%dT%H:%M:%SZ}",
                "o": v,
                "h": v + 1,
                "l": v - 1,
                "c": v,
                "v": 100,
                "vw": v,
                "n": 3,
            }
            for at, v in zip(moments, values, strict=True)
        ]
        return answer.of({"bars": {symbol: rows}, "next_page_token": None})

    return respond


@pytest.fixture
def serve(vendor_server, answer):
    def install(moments, **options):
        vendor_server.respond = served(answer, moments, **options)

    return install


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_session_of_half_hours_becomes_seven_hours(make_source, serve, vendor):
    serve(starts())
    frame = make_source(vendor).hourly_bars([DAY], ["A"]).frame
    assert frame.schema == HOUR_SCHEMA
    assert frame.select("bar_start", "bar_end").rows() == list(session_hours(DAY))
    assert frame.select("open", "high", "low", "close", "volume").rows()[:2] == [
        (10.0, 11.0, 9.0, 10.0, 100.0),
        (11.0, 13.0, 10.0, 12.0, 200.0),
    ]
    if vendor == "yahoo":
        assert frame["vwap"].null_count() == frame["trade_count"].null_count() == 7
    else:
        assert frame.select("vwap", "trade_count").rows()[:2] == [(10.0, 3), (11.5, 6)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_vendor_is_asked_for_half_hours_of_the_whole_range(
    make_source, vendor_server, serve, vendor, sessions
):
    serve(starts())
    make_source(vendor).hourly_bars(sessions, ["A"])
    (request,) = vendor_server.requests
    if vendor == "polygon":
        assert request.path == "/v2/aggs/ticker/A/range/30/minute/2016-07-01/2016-07-05"
        assert (request.query["adjusted"], request.query["limit"]) == ("false", "50000")
    elif vendor == "yahoo":
        assert (request.query["interval"], request.query["includePrePost"]) == ("30m", "false")
        assert request.query["period2"] == str(int(datetime(2016, 7, 6, 4, tzinfo=UTC).timestamp()))
    else:
        assert (request.query["timeframe"], request.query["adjustment"]) == ("30Min", "raw")
        assert request.query["end"] == "2016-07-05T20:00:00+00:00"


@pytest.mark.parametrize("vendor", VENDORS)
def test_while_a_session_goes_on_only_finished_hours_come_back(make_source, after_close, serve, vendor):
    serve(starts(6))  # up to 16:30, the last half hour still going on
    after_close.instant = OPEN + timedelta(minutes=170)  # 16:20; the hour to 16:00 is final at 16:30
    source = make_source(vendor)
    fetched = source.hourly_bars([DAY], ["A"])
    assert fetched.frame["bar_end"].to_list() == [OPEN + timedelta(minutes=minutes) for minutes in (30, 90)]
    assert fetched.left_out == {UNFINISHED: 3}
    after_close.instant = OPEN + timedelta(minutes=59)  # 14:29, a minute before the first hour is final
    with pytest.raises(DataQualityError, match="No hour"):
        source.hourly_bars([DAY], ["A"])


@pytest.mark.parametrize("vendor", VENDORS)
def test_trades_before_and_after_the_session_are_in_no_hour(make_source, serve, vendor):
    serve(starts(32, datetime(2016, 7, 5, 8, tzinfo=UTC)))
    fetched = make_source(vendor).hourly_bars([DAY], ["A"])
    assert fetched.frame["volume"].sum() == 1300
    assert fetched.left_out == {OUTSIDE: 19}


@pytest.mark.parametrize("vendor", VENDORS)
def test_bars_on_a_holiday_are_kept_for_the_checks(make_source, serve, vendor, sessions):
    holiday = datetime(2016, 7, 4, 14, tzinfo=UTC)
    serve([holiday, *starts()])
    frame = make_source(vendor).hourly_bars(sessions, ["A"]).frame
    assert frame.select("session", "bar_start", "bar_end").row(0) == (
        date(2016, 7, 4), holiday, holiday + HALF_HOUR,
    )  # fmt: skip
    assert frame.height == 8


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_symbol_without_bars_is_named(make_source, serve, vendor):
    serve([])
    fetched = make_source(vendor).hourly_bars([DAY], ["A"])
    assert fetched.frame.is_empty()
    assert fetched.empty == ("A",)
    assert len(fetched.responses) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_bars_of_another_symbol_are_refused(make_source, serve, vendor):
    serve(starts(), symbol="B")
    with pytest.raises(VendorDataError):
        make_source(vendor).hourly_bars([DAY], ["A"])


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("fault", ["cut", "null", "field", "html"])
def test_a_broken_answer_is_an_error_and_not_a_gap(make_source, vendor_server, answer, serve, vendor, fault):
    good = served(answer, starts())

    def respond(request):
        sent = good(request)
        if fault == "cut":
            return answer(sent.body[:-40])
        if fault == "html":
            return answer(b"<html>try later</html>", content_type="text/html")
        if fault == "null":
            return answer(
                re.sub(rb'"c": [0-9.]+', b'"c": null', sent.body).replace(
                    b'"timestamp": [', b'"timestamp": [1, '
                )
            )
        return answer(re.sub(rb'"c": [0-9.]+', b'"x": 1', sent.body).replace(b'"close"', b'"shut"'))

    vendor_server.respond = respond
    with pytest.raises(VendorDataError):
        make_source(vendor).hourly_bars([DAY], ["A"])


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(
    ("field", "yahoos"), [("c", "close"), ("h", "high"), ("l", "low"), ("o", "open"), ("v", "volume")]
)
def test_an_hour_with_half_a_number_missing_has_none_and_the_others_go_on(
    make_source, vendor_server, answer, serve, vendor, field, yahoos
):
    serve(starts())
    whole = make_source(vendor).hourly_bars([DAY], ["A"]).frame
    good = served(answer, starts())

    def respond(request):
        body = json.loads(good(request).body)
        if "/chart/" in request.path:
            body["chart"]["result"][0]["indicators"]["quote"][0][yahoos][2] = None
        else:
            rows = body["results"] if "results" in body else body["bars"]["A"]
            rows[2][field] = None
        return answer.of(body)

    vendor_server.respond = respond
    found = make_source(vendor).hourly_bars([DAY], ["A"]).frame
    first, hour = found["bar_start"][0], found["bar_start"][1]  # half hours 1 and 2: from ten to eleven
    assert hour - first == HALF_HOUR
    assert_frame_equal(found.filter(pl.col("bar_start") != hour), whole.filter(pl.col("bar_start") != hour))
    was, is_now = (frame.filter(bar_start=hour).row(0, named=True) for frame in (whole, found))
    changed = {name for name in was if was[name] != is_now[name]}
    # of the open the hour has its first half's, of the close its last's
    assert changed - {"vwap"} == (set() if field == "o" else {yahoos})
    assert field == "o" or is_now[yahoos] is None


def test_polygons_pages_are_followed_and_a_circle_is_refused(make_source, vendor_server, answer):
    first, second = (served(answer, part) for part in (starts(5), starts(8, OPEN + 5 * HALF_HOUR)))

    def page(request):
        body = json.loads((second if "cursor" in request.query else first)(request).body)
        if "cursor" not in request.query:
            body["next_url"] = f"https://api.polygon.io{request.path}?cursor=2"
        return answer.of(body)

    vendor_server.respond = page
    fetched = make_source("polygon").hourly_bars([DAY], ["A"])
    assert fetched.frame.height == 7
    assert len(fetched.responses) == 2
    vendor_server.respond = lambda request: answer.of(
        {"status": "OK", "resultsCount": 0, "results": [], "next_url": "https://h/v2/aggs/x?cursor=2"}
    )
    with pytest.raises(VendorDataError, match="circle"):
        make_source("polygon").hourly_bars([DAY], ["A"])


def test_alpaca_leaves_out_a_symbol_that_it_does_not_know(make_source, vendor_server, answer):
    good = served(answer, starts())

    def respond(request):
        if "BAD" in request.query["symbols"]:
            return answer.of({"message": "invalid symbol: BAD"}, status=400)
        return good(request)

    vendor_server.respond = respond
    fetched = make_source("alpaca").hourly_bars([DAY], ["A", "BAD"])
    assert fetched.frame.height == 7
    assert fetched.empty == ("BAD",)


def test_alpaca_is_never_asked_for_the_newest_minutes(make_source, vendor_server, after_close, serve):
    after_close.instant = OPEN + timedelta(hours=2)
    serve(starts(4))
    make_source("alpaca").hourly_bars([DAY], ["A"])
    assert vendor_server.requests[0].query["end"] == "2016-07-05T15:00:00+00:00"


def test_many_expected_pages_are_asked_for_side_by_side(vendor_server, answer, after_close, make_gate):
    vendor_server.respond = lambda _: answer.of({"bars": {}, "next_page_token": None})
    source = AlpacaSource(vendor_server.url, "k", "s", gate=make_gate("alpaca"), clock=after_close, workers=3)
    source.hourly_bars(sessions_between(date(2016, 6, 7), DAY), [f"S{number}" for number in range(90)])
    assert sorted(request.query["symbols"].count(",") for request in vendor_server.requests) == [29, 29, 29]
    source.hourly_bars([DAY], ["A", "B"])
    assert vendor_server.requests[-1].query["symbols"] == "A,B"


def test_yahoos_split_adjustment_is_undone_inside_the_range(make_source, serve):
    days = [date(2016, 7, 1), DAY]
    moments = [at for day in days for at in starts(13, session_open(day))]
    serve(moments, price=20.0, splits=[(session_open(DAY), 2, 1)])
    frame = make_source("yahoo").hourly_bars(days, ["A"]).frame
    assert frame.group_by("session").agg(pl.col("open").first(), pl.col("volume").sum()).sort(
        "session"
    ).rows() == [
        (days[0], 40.0, 650.0),
        (DAY, 33.0, 1300.0),
    ]


def test_yahoo_is_not_asked_for_more_than_sixty_days_and_says_so(vendor_server, serve, tmp_path):
    serve(starts())
    gate = HttpGate(HttpPolicy("yahoo"))
    source = YahooSource(vendor_server.url, gate=gate, clock=ManualClock(EVENING), cache=tmp_path)
    older = sessions_between(date(2016, 5, 2), DAY)
    fetched = source.hourly_bars(older, ["A"])
    assert fetched.out_of_reach == tuple(sessions_between(date(2016, 5, 2), date(2016, 5, 6)))
    assert fetched.empty[0] == "2016-05-02: older than the 60 days that Yahoo keeps half hours"
    asked = datetime.fromtimestamp(int(vendor_server.requests[0].query["period1"]), UTC)
    assert EVENING - asked < timedelta(days=60)
    vendor_server.requests.clear()
    nothing = source.hourly_bars(older[:3], ["A"])
    assert nothing.frame.is_empty()
    assert nothing.out_of_reach == tuple(older[:3])
    assert vendor_server.requests == []


def test_a_refusal_reaches_the_caller(make_source, vendor_server, answer):
    vendor_server.respond = lambda _: answer.of({"status": "ERROR"}, status=403)
    for vendor in VENDORS:
        with pytest.raises(VendorRefusedError):
            make_source(vendor).hourly_bars([DAY], ["A"])


def joined(rows):
    frame = pl.DataFrame(rows, schema=HALF_HOUR_SCHEMA, orient="row")
    return join_half_hours([frame], [DAY], now=EVENING, delay=HOURLY).frame


def half(
    minutes: int, low: float = 9.0, high: float = 11.0, volume: float = 100.0, vwap: float | None = 10.0
):
    return ("A", OPEN + timedelta(minutes=minutes), 10.0, high, low, 10.0, volume, vwap, 1)


def test_a_half_hour_sent_twice_counts_once_and_two_different_ones_contradict_each_other():
    assert joined([half(30), half(30), half(60)])["volume"].to_list() == [200.0]
    twice = one_row_per_key(joined([half(30), half(30, volume=70.0), half(60)]), ("symbol", "bar_start"))
    assert twice.select("volume", "reports").rows() == [(200.0, 2)]


def test_an_impossible_half_hour_makes_an_impossible_hour():
    upside_down = joined([half(30), half(60, low=10.5, high=9.5)])
    assert upside_down.select("high", "low").row(0) == (9.5, 10.5)
    assert joined([half(30), half(60, volume=-5.0)])["volume"].to_list() == [-5.0]
    assert joined([half(30), half(60, low=0.0)])["low"].to_list() == [0.0]


def test_an_average_price_needs_one_from_every_half_hour_that_traded():
    assert joined([half(30), half(60, vwap=None)])["vwap"].to_list() == [None]
    assert joined([half(30), half(60, volume=0.0, vwap=None)])["vwap"].to_list() == [10.0]
    assert joined([half(30, volume=0.0), half(60, volume=0.0)])["vwap"].to_list() == [None]


def test_a_bar_off_the_half_hour_is_kept_as_it_came():
    frame = joined([half(30), half(47), half(60)])
    assert frame["bar_start"].to_list() == [OPEN + timedelta(minutes=30), OPEN + timedelta(minutes=47)]
    assert frame["volume"].to_list() == [200.0, 100.0]
