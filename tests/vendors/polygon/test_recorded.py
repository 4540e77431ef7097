"""Every body that was recorded from Polygon: served as it is to the adapter, the rows it gives, or why it is not read."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from resources.clock import ManualClock
from resources.vendors.polygon.source import PolygonSource
from trading_assets.errors import VendorDataError

NOT_ASKED = {
    "v1/marketstatus/now.json": "the calendar says what is open",
    "v1/marketstatus/upcoming.json": "the calendar says what is open",
    "v1/open-close/AAPL/2005-04-01&adjusted=true.json": "daily bars are read from the whole market's day",
    "v2/aggs/ticker/AAPL/prev.json": "daily bars are read from the whole market's day",
    "v2/aggs/ticker/AAPL/range/1/day/2005-04-01/2005-04-04.json": "daily bars are read from the whole market's day",
    "v2/aggs/ticker/AAPL/range/1/day/2005-04-02/2005-04-04.json": "daily bars are read from the whole market's day",
    "v2/snapshot/locale/us/markets/stocks/gainers.json": "no kind that is stored",
    "v2/snapshot/locale/us/markets/stocks/tickers/AAPL.json": "no kind that is stored",
    "v2/snapshot/locale/us/markets/stocks/tickers/index.json": "no kind that is stored",
    "v3/reference/exchanges.json": "no kind that is stored",
    "v3/reference/tickers/AAPL.json": "one symbol a call: the listing of the whole market is read instead",
    "v3/reference/tickers/AAPL&date=2020-10-01.json": "one symbol a call: the listing of the whole market is read instead",
    "v3/reference/tickers/types.json": "no kind that is stored",
    "vX/reference/financials.json": "company data are Yahoo's",
    "vX/reference/tickers/META/events&types=ticker_change.json": "one symbol a call: changes are read from listings",
}
READ = {
    "v2/aggs/grouped/locale/us/market/stocks/2005-04-04&adjusted=true.json": {"polygon_daily_bars": 1},
    "v3/reference/splits.json": {"corporate_actions": 10},
    "v3/reference/dividends.json": {"corporate_actions": 10},
    "v3/reference/tickers.json": {"universe": 2},
    "v3/reference/tickers&cursor=*.json": {"universe": 2},
}
RECORDED_SESSION = date(2020, 10, 14)
"""Day of the one bar in the recorded answer about the whole market."""


@pytest.fixture(scope="module")
def bodies(shared_data) -> Path:
    return shared_data / "wire" / "polygon"


@pytest.fixture
def polygon(vendor_server, make_gate):
    clock = ManualClock(datetime(2026, 7, 1, 22, tzinfo=UTC))
    return PolygonSource(vendor_server.url, "key", gate=make_gate("polygon"), clock=clock, workers=1)


@pytest.fixture
def serve(vendor_server, answer, bodies):
    """Answer each path with recorded bodies as its pages, in order, and everything else with "no data"."""

    def start(**recorded: list[str]) -> None:
        def respond(request):
            names = next((names for part, names in recorded.items() if request.path.endswith(part)), [])
            page = int(request.query.get("cursor", 0))
            if not names or request.query.get("active") == "false":
                return answer.of({"status": "OK", "results": [], "resultsCount": 0, "queryCount": 0})
            value = json.loads(next(bodies.glob(names[page])).read_text())
            value.pop("next_url", None)
            if page + 1 < len(names):
                value["next_url"] = f"{vendor_server.url}{request.path}?cursor={page + 1}"
            return answer.of(value)

        vendor_server.respond = respond

    return start


def test_every_recorded_body_is_read_or_has_a_reason(bodies):
    names = {str(path.relative_to(bodies)) for path in bodies.rglob("*.json")}
    cursor = {name for name in names if "&cursor=" in name}
    assert names - cursor == {*NOT_ASKED, *READ} - {"v3/reference/tickers&cursor=*.json"}
    assert len(cursor) == 1


def test_the_whole_markets_day_gives_its_bar(serve, polygon):
    [body] = [name for name in READ if "grouped" in name]
    serve(**{RECORDED_SESSION.isoformat(): [body]})
    bars = polygon.daily_bars([RECORDED_SESSION], [])
    assert bars.frame.select("symbol", "session", "close").rows() == [("GIK", RECORDED_SESSION, 10.02)]
    assert bars.frame.height == sum(READ[body].values())


def test_a_day_that_answers_with_another_days_bars_is_refused(serve, polygon):
    [body] = [name for name in READ if "grouped" in name]
    serve(**{"2020-10-15": [body]})
    with pytest.raises(VendorDataError, match="another day"):
        polygon.daily_bars([date(2020, 10, 15)], [])


def test_splits_and_dividends_give_their_actions(serve, polygon, bodies):
    serve(splits=["v3/reference/splits.json"], dividends=["v3/reference/dividends.json"])
    actions = polygon.corporate_actions(date(2000, 1, 1), date(2026, 6, 30)).frame
    told = {
        kind: json.loads((bodies / "v3" / "reference" / f"{name}.json").read_text())["results"]
        for kind, name in (("split", "splits"), ("cash_dividend", "dividends"))
    }
    assert actions.filter(kind="split").select("symbol", "split_ratio").rows() == sorted(
        (row["ticker"], row["split_to"] / row["split_from"]) for row in told["split"]
    )
    assert sorted(actions.filter(kind="cash_dividend")["cash_usd"]) == sorted(
        row["cash_amount"] for row in told["cash_dividend"]
    )
    assert len(told["split"]) + len(told["cash_dividend"]) == actions.height == 20


def test_two_pages_of_listings_give_the_universe(serve, polygon):
    pages = [name for name in READ if "tickers" in name]
    serve(tickers=pages)
    listed = polygon.listings(date(2022, 4, 27)).frame
    assert listed.height == sum(READ[page]["universe"] for page in pages)
    assert set(listed["status"]) == {"active"}
    assert set(listed["asset_type"]) <= {"CS", "ETF"}
