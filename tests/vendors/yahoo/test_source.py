"""Yahoo's charts: split adjustment undone, nulls counted, and nothing missing unsaid."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.clock import ManualClock
from resources.raw.responses import RawResponse
from resources.vendors.bars import BAR_SCHEMA
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.yahoo.chart import parse_chart
from resources.vendors.yahoo.source import YahooSource
from trading_assets.errors import DataQualityError, VendorDataError, VendorRefusedError
from trading_assets.sessions import session_close, session_open, sessions_between

DAY = date(2016, 7, 5)
AT = datetime(2026, 1, 1, tzinfo=UTC)
GATE = HttpGate(HttpPolicy("yahoo"))


def chart(days, closes, *, symbol="A", splits=(), volumes=None, **changes):
    """A chart whose four prices are all ``closes``."""
    times = [int(session_open(day).timestamp()) for day in days]
    events = {
        str(number): {"date": int(session_open(day).timestamp()), "numerator": up, "denominator": down}
        for number, (day, up, down) in enumerate(splits)
    }
    quote = {name: list(closes) for name in ("open", "high", "low", "close")}
    quote["volume"] = list(volumes or [100] * len(closes))
    result = {
        "meta": {"symbol": symbol, "exchangeTimezoneName": "America/New_York", "dataGranularity": "1d"},
        "timestamp": times,
        "events": {"splits": events},
        "indicators": {"quote": [quote]},
    }
    return {"chart": {"result": [{**result, **changes}], "error": None}}


def parse(body, symbol="A", status=200):
    return parse_chart(RawResponse("http://h", status, AT, orjson.dumps(body)), symbol)


@pytest.fixture
def serve(vendor_server, answer):
    def install(body, **options):
        vendor_server.respond = lambda _: answer.of(body, **options)

    return install


def test_bars_have_the_tables_columns_sorted_by_symbol_and_session(
    make_source, vendor_server, good, sessions
):
    vendor_server.respond = good
    frame = make_source("yahoo").daily_bars(sessions, ["B", "A"]).frame
    assert frame.schema == BAR_SCHEMA
    assert frame.select("symbol", "session").rows() == [(s, day) for s in "AB" for day in sessions]
    assert frame.row(0) == ("A", sessions[0], 1.5, 2.5, 1.0, 2.0, 100.0, None, None)


def test_share_classes_are_asked_for_with_a_dash_and_stored_with_a_dot(
    make_source, vendor_server, good, sessions
):
    vendor_server.respond = good
    frame = make_source("yahoo").daily_bars(sessions, ["BRK.B"]).frame
    assert vendor_server.requests[0].path.endswith("/BRK-B")
    assert frame.get_column("symbol").unique().to_list() == ["BRK.B"]


def test_a_chart_is_asked_for_up_to_now_so_that_later_splits_are_in_it(vendor_server, serve, tmp_path):
    clock = ManualClock(datetime(2016, 9, 1, 15, 0, tzinfo=UTC))
    days = sessions_between(DAY, date(2016, 9, 1))
    serve(chart(days, [10.0] * len(days), splits=[(date(2016, 8, 1), 2, 1), (date(2016, 9, 1), 3, 1)]))
    source = YahooSource(vendor_server.url, gate=GATE, clock=clock, cache=tmp_path)
    frame = source.daily_bars([DAY], ["A"]).frame
    # both splits came after the session; the later bars, one of them unfinished, are not returned
    assert frame.select("session", "close").rows() == [(DAY, 60.0)]
    assert frame.get_column("volume").to_list() == [17.0]
    asked = vendor_server.requests[0].query
    assert datetime.fromtimestamp(int(asked["period2"]), UTC) == datetime(2016, 9, 2, 4, tzinfo=UTC)
    assert datetime.fromtimestamp(int(asked["period1"]), UTC) == datetime(2016, 7, 2, 4, tzinfo=UTC)


@given(
    raw=st.lists(st.integers(100, 90_000_000).map(lambda n: n / 10_000), min_size=12, max_size=12),
    splits=st.lists(
        st.tuples(st.integers(0, 11), st.sampled_from([(2, 1), (3, 2), (7, 1), (1, 10), (20, 1), (1, 3)])),
        max_size=3,
        unique_by=lambda item: item[0],
    ),
)
@settings(max_examples=80, deadline=None)
def test_undoing_the_adjustment_gives_the_raw_prices_back(raw, splits):
    days = sessions_between(date(2016, 6, 20), date(2016, 7, 6))[:12]
    factor = np.ones(12)
    for position, (up, down) in splits:
        factor[:position] *= up / down
    # as Yahoo sends them: adjusted, in single precision
    adjusted = [float(np.float32(price / by)) for price, by in zip(raw, factor, strict=True)]
    volumes = [float(1_000_000 * by) for by in factor]
    parsed = parse(
        chart(days, adjusted, volumes=volumes, splits=[(days[p], up, down) for p, (up, down) in splits])
    )
    tolerance = np.maximum(1e-4, np.array(raw) * 1.2e-7)
    assert np.all(np.abs(parsed.values[3] - np.array(raw)) <= tolerance)
    assert np.allclose(parsed.values[4], 1_000_000)


@pytest.mark.parametrize(
    ("names", "before_close", "kept"),
    [(25, 3600, False), (25, 30, True), (25, -2, True), (10, 3600, True)],
    ids=["an hour to go", "ended", "closing auction", "too few to tell"],
)
def test_a_session_that_goes_on_by_the_last_trades_is_left_out_by_name(
    make_source, vendor_server, answer, sessions, names, before_close, kept
):
    def respond(request):
        body = chart(sessions, [2.0, 2.0], symbol=request.path.rsplit("/", 1)[1])
        told = int(session_close(sessions[-1]).timestamp()) - before_close
        body["chart"]["result"][0]["meta"]["regularMarketTime"] = told
        return answer.of(body)

    vendor_server.respond = respond
    fetched = make_source("yahoo").daily_bars(sessions, [f"S{number}" for number in range(names)])
    counts = dict(fetched.frame.group_by("session").len().iter_rows())
    assert counts == {sessions[0]: names} | ({sessions[1]: names} if kept else {})
    named = {} if kept else {f"{sessions[1]} was still going on by the last trades": names}
    assert fetched.left_out == named


def test_rows_without_prices_are_left_out_and_counted(make_source, serve, sessions):
    body = chart(sessions, [2.0, 2.0])
    for values in body["chart"]["result"][0]["indicators"]["quote"][0].values():
        values[1] = None
    serve(body)
    fetched = make_source("yahoo").daily_bars(sessions, ["A"])
    assert fetched.frame.get_column("session").to_list() == sessions[:1]
    assert fetched.left_out == {"null prices or volume": 1}


def test_a_phantom_bar_on_a_holiday_is_kept_and_neighbours_are_not(make_source, serve, sessions):
    days = [date(2016, 6, 30), *sessions]
    body = chart(days, [1.0, 2.0, 3.0])
    result = body["chart"]["result"][0]
    result["timestamp"][1] = int(datetime(2016, 7, 4, 13, 30, tzinfo=UTC).timestamp())
    serve(body)
    frame = make_source("yahoo").daily_bars(sessions, ["A"]).frame
    assert frame.select("session", "close").rows() == [(date(2016, 7, 4), 2.0), (DAY, 3.0)]


def test_symbols_without_data_are_named(make_source, vendor_server, answer, good, sessions):
    def respond(request):
        if request.path.endswith("/GONE"):
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return answer.of({"chart": {"result": None, "error": error}}, status=404)
        if request.path.endswith("/NEW"):
            return answer.of(chart([], [], symbol="NEW"))
        return good(request)

    vendor_server.respond = respond
    fetched = make_source("yahoo").daily_bars(sessions, ["A", "GONE", "NEW"])
    assert fetched.empty == ("GONE", "NEW")
    assert len(fetched.responses) == 3  # what said "no data" is kept too


@pytest.mark.parametrize(
    "body",
    [
        chart([DAY], [1.0], symbol="B"),
        chart([DAY], [1.0, 2.0]),
        chart([DAY], [1.0], timestamp=None),
        chart([DAY], [1.0], timestamp=["x"]),
        chart([DAY], [1.0], meta={"symbol": "A"}),
        chart([DAY], [1.0], meta={"symbol": "A", "exchangeTimezoneName": "America/Nowhere"}),
        chart(
            [DAY],
            [1.0],
            meta={"symbol": "A", "exchangeTimezoneName": "America/New_York", "dataGranularity": "3mo"},
        ),
        chart([DAY], [1.0], splits=[(DAY, 1, 0)]),
        chart([DAY], [1.0], splits=[(DAY, 0, 1)]),
        chart([DAY], [1.0], indicators={"quote": [{}]}),
        chart([DAY], [1.0], indicators={"quote": []}),
        {"chart": {"result": [], "error": None}},
        {"chart": {"result": None, "error": None}},
        {"chart": {"result": None, "error": {"code": "Bad Request"}}},
        {"finance": {"result": None}},
    ],
    ids=range(15),
)
def test_a_contradictory_chart_is_refused(body):
    with pytest.raises(VendorDataError):
        parse(body)


def test_an_unfinished_session_is_refused(make_source, vendor_server):
    with pytest.raises(DataQualityError, match="not final"):
        make_source("yahoo").daily_bars([date(2016, 7, 6)], ["A"])
    assert vendor_server.requests == []


def test_cookie_and_crumb_are_asked_for_once_and_their_failure_does_not_matter(
    make_source, vendor_server, good, sessions, monkeypatch
):
    source = make_source("yahoo")
    asked = []

    def failing(self, timeout=30):
        asked.append(timeout)
        raise ConnectionError("no crumb today")

    monkeypatch.setattr("yfinance.data.YfData._get_cookie_and_crumb", failing)
    vendor_server.respond = good
    assert source.daily_bars(sessions, ["A", "B", "C"]).frame.height == 6
    assert len(asked) == 1
    assert all("crumb" not in request.query for request in vendor_server.requests)


def test_a_crumb_that_has_expired_is_renewed_once(make_source, vendor_server, answer, good, sessions):
    vendor_server.respond = good
    vendor_server.script = [answer(b'{"error": "Invalid Crumb"}', 401)]
    assert make_source("yahoo").daily_bars(sessions, ["A"]).frame.height == 2
    vendor_server.script = [answer(b'{"error": "Invalid Crumb"}', 401)] * 2
    with pytest.raises(VendorRefusedError):
        make_source("yahoo").daily_bars(sessions, ["A"])


def test_the_crumb_is_masked_in_stored_urls(make_source, vendor_server, good, sessions):
    vendor_server.respond = good
    fetched = make_source("yahoo").daily_bars(sessions, ["A"])
    assert vendor_server.requests[0].query["crumb"] == "crumb"
    assert "crumb=***" in fetched.responses[0].url


# --- recorded bodies ---------------------------------------------------------------------------------------------


def recorded(folder):
    for path in sorted(folder.glob("*chart-*.json")):
        wire = json.loads(path.read_text())
        if "interval=1d" in wire["url"] and "fake" not in path.name:
            yield path.name, wire


def test_every_recorded_daily_chart_parses(shared_data):
    bars, missing = {}, []
    for name, wire in recorded(shared_data / "wire" / "yahoo"):
        symbol = wire["url"].split("/chart/")[1].split("?")[0].replace("%3D", "=")
        parsed = parse(wire["body"], symbol, wire["status"])
        if parsed is None:
            missing.append(name)
            continue
        sent = wire["body"]["chart"]["result"][0]["timestamp"]
        assert len(parsed.times) + parsed.null_rows == len(sent), name
        bars[name] = len(parsed.times)
    assert len(bars) >= 30
    assert bars["chart-AAPL-2020-08-31-to-2020-11-07.json"] == 49


def test_the_recorded_split_of_nvidia_is_undone(shared_data):
    """NVDA split 4:1 on 2021-07-20 (and 10:1 in 2024, after the recorded range): raw close 751.19 the day before."""
    wire = json.loads(
        (
            shared_data / "wire/yahoo/historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json"
        ).read_text()
    )
    parsed = parse(wire["body"], "NVDA")
    frame = pl.DataFrame({"time": parsed.times, "close": parsed.values[3]}).with_columns(
        session=pl.from_epoch("time").dt.date()
    )
    close = dict(frame.select("session", "close").rows())
    assert close[date(2021, 7, 19)] * 10 == pytest.approx(751.19, abs=0.005)
    assert close[date(2021, 7, 20)] * 10 == pytest.approx(186.12, abs=0.005)


def test_recorded_prices_without_times_are_refused(shared_data):
    for name in ("quotes-length", "weird-quote"):
        wire = json.loads((shared_data / f"wire/yahoo/chart-notimestamp-{name}.fake.json").read_text())
        with pytest.raises(VendorDataError, match="without times"):
            parse(wire["body"], "AAPL")
