"""Polygon's answers: whole-market bars, corporate actions and listings."""

from __future__ import annotations

from datetime import UTC, date, datetime

import orjson
import polars as pl
import pytest

from resources.clock import ManualClock
from resources.raw.responses import RawResponse
from resources.vendors.bars import BAR_SCHEMA
from resources.vendors.polygon.source import PolygonSource, parse_grouped
from trading_assets.errors import DataQualityError, VendorDataError

DAY = date(2016, 7, 5)


def bar(symbol="A", **fields):
    end = int(datetime(2016, 7, 5, 20, tzinfo=UTC).timestamp() * 1000)
    return {"T": symbol, "o": 1.5, "h": 2.5, "l": 1, "c": 2, "v": 100, "t": end, **fields}


def grouped(*bars, **fields):
    return {"status": "OK", "resultsCount": len(bars), "results": list(bars), **fields}


@pytest.fixture
def polygon(make_source):
    return make_source("polygon")


@pytest.fixture
def serve(vendor_server, answer):
    """Answer by path ending; everything else has no data."""

    def install(**by_day):
        def respond(request):
            day = request.path.rpartition("/")[2].replace("-", "_")
            return answer.of(by_day.get(f"d{day}", {"status": "OK", "resultsCount": 0}))

        vendor_server.respond = respond

    return install


def test_bars_have_the_tables_columns_sorted_by_symbol_and_session(polygon, serve):
    serve(d2016_07_05=grouped(bar("B", vw=1.9, n=7), bar("A")))
    frame = polygon.daily_bars([DAY], []).frame
    assert frame.schema == BAR_SCHEMA
    assert frame.rows() == [
        ("A", DAY, 1.5, 2.5, 1.0, 2.0, 100.0, None, None),
        ("B", DAY, 1.5, 2.5, 1.0, 2.0, 100.0, 1.9, 7),
    ]


def test_unadjusted_bars_are_asked_for_and_nothing_but_needed_days(polygon, serve, vendor_server):
    serve()
    polygon.daily_bars([date(2016, 6, 30), DAY], [])
    asked = sorted(request.path.rpartition("/")[2] for request in vendor_server.requests)
    assert asked == ["2016-06-30", "2016-07-04", "2016-07-05"]  # the holiday, and no weekend
    assert {request.query["adjusted"] for request in vendor_server.requests} == {"false"}


def test_a_phantom_bar_on_a_holiday_is_seen_and_kept(polygon, serve):
    holiday = int(datetime(2016, 7, 4, 20, tzinfo=UTC).timestamp() * 1000)
    serve(d2016_07_04=grouped(bar(t=holiday)), d2016_07_05=grouped(bar()))
    fetched = polygon.daily_bars([DAY], [])
    assert fetched.frame.get_column("session").to_list() == [date(2016, 7, 4), DAY]
    assert fetched.empty == ()


def test_a_session_without_data_is_named(polygon, serve):
    serve(d2016_07_05=grouped(bar()))
    assert polygon.daily_bars([date(2016, 7, 1), DAY], []).empty == ("2016-07-01",)


def test_duplicates_are_kept_for_the_checks(polygon, serve):
    serve(d2016_07_05=grouped(bar(), bar(c=2.1)))
    assert polygon.daily_bars([DAY], []).frame.get_column("close").to_list() == [2.0, 2.1]


@pytest.mark.parametrize(
    "body",
    [
        grouped(bar(), resultsCount=2),
        {"status": "OK", "resultsCount": 3},
        {"status": "OK", "results": [bar()]},
        grouped(bar(), status="ERROR"),
        grouped(bar(), results={"T": "A"}),
        grouped({"T": "A", "o": 1.0}),
        grouped(bar(c=None), bar(T="B", c=None)),
        grouped(bar(c="2.0"), bar(T="B", c="2.0"), bar(T="C")),
        grouped(bar(v="many"), bar(T="B", v="many")),
        grouped(bar(t=None)),
        grouped(bar(T=None)),
        grouped(None),
        grouped(bar(t=1467316800000)),  # the session before
    ],
    ids=lambda body: orjson.dumps(body).decode()[:60],
)
def test_a_contradictory_answer_is_refused(polygon, serve, body):
    serve(d2016_07_05=body)
    with pytest.raises(VendorDataError) as caught:
        polygon.daily_bars([DAY], [])
    assert caught.value.facts["vendor"] == "polygon"


def test_delayed_is_a_good_status(polygon, serve):
    serve(d2016_07_05=grouped(bar(), status="DELAYED"))
    assert polygon.daily_bars([DAY], []).frame.height == 1


@pytest.mark.parametrize(
    ("session", "now", "final"),
    [
        (date(2016, 7, 5), datetime(2016, 7, 5, 20, 29, 59, tzinfo=UTC), False),
        (date(2016, 7, 5), datetime(2016, 7, 5, 20, 30, tzinfo=UTC), True),
        (date(2016, 11, 25), datetime(2016, 11, 25, 18, 29, tzinfo=UTC), False),  # closes at 13:00
        (date(2016, 11, 25), datetime(2016, 11, 25, 18, 30, tzinfo=UTC), True),
    ],
)
def test_bars_are_only_fetched_once_final_half_days_included(
    session, now, final, vendor_server, serve, make_gate
):
    serve()
    source = PolygonSource(vendor_server.url, "key", gate=make_gate("polygon"), clock=ManualClock(now))
    if final:
        assert source.daily_bars([session], []).empty == (session.isoformat(),)
    else:
        with pytest.raises(DataQualityError, match="not final"):
            source.daily_bars([session], [])
        assert vendor_server.requests == []


def test_a_holiday_is_not_a_session_to_ask_for(polygon):
    with pytest.raises(DataQualityError, match="Not an exchange session"):
        polygon.daily_bars([date(2016, 7, 4)], [])


def test_the_session_of_a_bar_is_its_new_york_day_in_summer_and_winter(make_gate):
    ends = [datetime(2016, 7, 5, 20, tzinfo=UTC), datetime(2016, 11, 25, 18, tzinfo=UTC)]
    bars = [bar(t=int(end.timestamp() * 1000)) for end in ends]
    response = RawResponse("http://h", 200, ends[0], orjson.dumps(grouped(*bars)))
    sessions = parse_grouped(response).get_column("session").to_list()
    assert sessions == [date(2016, 7, 5), date(2016, 11, 25)]


# --- corporate actions and listings ------------------------------------------------------------------------------


def test_actions_are_paged_to_the_end_on_our_own_host(polygon, vendor_server, answer):
    split = {"ticker": "A", "execution_date": "2016-07-05", "split_from": 1, "split_to": 4}
    paid = {"ticker": "B", "ex_dividend_date": "2016-07-01", "cash_amount": 0.5, "dividend_type": "CD"}

    def respond(request):
        if request.path.endswith("splits"):
            return answer.of({"status": "OK", "results": [split]})
        if "cursor" not in request.query:
            next_url = "https://api.polygon.io/v3/reference/dividends?cursor=two"
            return answer.of({"status": "OK", "results": [paid], "next_url": next_url})
        special = {**paid, "cash_amount": 2.0, "dividend_type": "SC"}
        foreign = {**paid, "ticker": "C", "currency": "CAD"}
        return answer.of({"status": "OK", "results": [special, paid, foreign]})

    vendor_server.respond = respond
    fetched = polygon.corporate_actions(date(2016, 7, 1), DAY)
    assert fetched.frame.select("symbol", "ex_date", "kind", "split_ratio", "cash_usd").rows() == [
        ("A", DAY, "split", 4.0, None),
        # regular and special of one day add up; the repeated row does not
        ("B", date(2016, 7, 1), "cash_dividend", None, 2.5),
    ]
    assert fetched.left_out == {"dividend not in USD": 1}
    assert len(fetched.responses) == 3
    first = vendor_server.requests[0].query
    assert (first["execution_date.gte"], first["execution_date.lte"]) == ("2016-07-01", "2016-07-05")


def test_pages_that_go_round_in_a_circle_are_refused(polygon, vendor_server, answer):
    page = {"status": "OK", "results": [], "next_url": "https://api.polygon.io/v3/reference/splits?cursor=x"}
    vendor_server.respond = lambda _: answer.of(page)
    with pytest.raises(VendorDataError, match="circle"):
        polygon.corporate_actions(DAY, DAY)
    assert len(vendor_server.requests) == 2


def test_listings_show_active_names_and_those_that_left_lately(polygon, vendor_server, answer):
    def ticker(symbol, **fields):
        return {"ticker": symbol, "name": f"{symbol} Inc", "primary_exchange": "XNYS", "type": "CS", **fields}

    def respond(request):
        assert request.query["date"] == "2016-07-05"
        if request.query["active"] == "true":
            return answer.of({"status": "OK", "count": 2, "results": [ticker("B"), ticker("A")]})
        gone = [
            ticker("A", delisted_utc="2016-07-01T00:00:00Z"),  # the symbol was taken again
            ticker("GONE", delisted_utc="2016-06-20T00:00:00Z"),
            ticker("OLD", delisted_utc="2003-01-02T00:00:00Z"),
        ]
        more = "https://api.polygon.io/v3/reference/tickers?active=false&date=2016-07-05&cursor=two"
        return answer.of({"status": "OK", "count": 3, "results": gone, "next_url": more})

    vendor_server.respond = respond
    frame = polygon.listings(DAY).frame
    assert frame.select("symbol", "session", "status", "delisted_date").rows() == [
        ("A", DAY, "active", None),
        ("B", DAY, "active", None),
        ("GONE", DAY, "delisted", date(2016, 6, 20)),
    ]
    assert len(vendor_server.requests) == 2  # the older ones are left alone
    assert frame.get_column("is_tradable").null_count() == 3


# --- recorded bodies ---------------------------------------------------------------------------------------------


def test_recorded_bodies_parse(shared_data, polygon, vendor_server, answer, make_gate):
    wire = shared_data / "wire" / "polygon"
    body = (wire / "v2/aggs/grouped/locale/us/market/stocks/2005-04-04&adjusted=true.json").read_bytes()
    frame = parse_grouped(RawResponse("http://h", 200, datetime(2020, 1, 1, tzinfo=UTC), body))
    assert frame.select("symbol", "session", "close", "trade_count").rows() == [
        ("GIK", date(2020, 10, 14), 10.02, 96)
    ]

    def respond(request):
        name = request.path.removeprefix("/") + (
            f"&cursor={request.query['cursor']}" if "cursor" in request.query else ""
        )
        return answer((wire / f"{name}.json").read_bytes())

    vendor_server.respond = respond
    actions = polygon.corporate_actions(date(2022, 1, 1), date(2026, 1, 1)).frame
    ratio = actions.filter((pl.col("symbol") == "GOOGL") & (pl.col("kind") == "split"))
    assert ratio.select("ex_date", "split_ratio").rows() == [(date(2022, 7, 18), 20.0)]
    assert actions.filter(kind="cash_dividend", symbol="CSSEN").get_column("cash_usd").unique().to_list() == [
        0.59375
    ]
    listed = polygon.listings(date(2022, 4, 27)).frame
    assert listed.get_column("symbol").to_list() == ["A", "AA", "AAA", "AAAU"]
