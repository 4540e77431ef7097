"""The simulator's bodies have the keys and JSON types of bodies recorded from the real vendors."""

from __future__ import annotations

import json

import pytest
import requests

HEADERS = {"Authorization": "Bearer any"}
NULL = type(None)
NUMBER = {int: "number", float: "number"}


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(seed=7, symbols=400, years=3, at="2024-06-28T22:00:00+00:00")


@pytest.fixture(scope="module")
def get(simulated):
    def ask(path, status=200):
        answer = requests.get(f"{simulated.base_url}{path}", headers=HEADERS, timeout=30)
        assert answer.status_code == status, answer.text[:300]
        return answer.json()

    return ask


@pytest.fixture(scope="module")
def company(get):
    """A company that has split and pays dividends: its bodies have every optional part."""
    splits = get("/v3/reference/splits?limit=1000&execution_date.lte=2024-06-01")["results"]
    payers = {
        row["ticker"]
        for row in get("/v3/reference/dividends?limit=1000&ex_dividend_date.gte=2024-01-01")["results"]
    }
    listed = {row["ticker"] for row in get("/v3/reference/tickers?limit=1000")["results"]}
    return next(row for row in splits if row["ticker"] in payers & listed)


def kind(value):
    return NUMBER.get(type(value), type(value).__name__)


def shape(value, path=""):
    """Every path in a body with its JSON type; all elements of a list share one path."""
    found = {path: {kind(value)}}
    if isinstance(value, dict):
        for name, item in value.items():
            merge(found, shape(item, f"{path}.{name}"))
    elif isinstance(value, list):
        for item in value:
            merge(found, shape(item, f"{path}[]"))
    return found


def merge(found, more):
    for path, kinds in more.items():
        found.setdefault(path, set()).update(kinds)


def differences(recorded, simulated, *, allowed=frozenset()):
    theirs, ours = shape(recorded), shape(simulated)
    lines = [f"missing {path}" for path in theirs.keys() - ours.keys()]
    lines += [f"invented {path}" for path in ours.keys() - theirs.keys()]
    lines += [
        f"{path} is {ours[path]}, not {theirs[path]}"
        for path in theirs.keys() & ours.keys()
        if not ours[path] <= theirs[path]
    ]
    return sorted(line for line in lines if line not in allowed)


@pytest.fixture(scope="session")
def polygon_body(shared_data):
    return lambda path: json.loads((shared_data / "wire" / "polygon" / path).read_text())


@pytest.fixture(scope="session")
def yahoo_body(shared_data):
    return lambda name: json.loads((shared_data / "wire" / "yahoo" / name).read_text())


@pytest.mark.parametrize(
    ("recorded", "path", "allowed"),
    [
        ("v2/aggs/grouped/locale/us/market/stocks/2005-04-04&adjusted=true.json",
         "/v2/aggs/grouped/locale/us/market/stocks/2024-06-28?adjusted=true", set()),
        ("v2/aggs/ticker/AAPL/range/1/day/2005-04-01/2005-04-04.json",
         "/v2/aggs/ticker/SPY/range/1/day/2024-06-03/2024-06-28", set()),
        ("v2/aggs/ticker/AAPL/range/1/day/2005-04-02/2005-04-04.json",
         "/v2/aggs/ticker/SPY/range/30/minute/2024-06-27/2024-06-28?limit=50000", set()),
        ("vX/reference/tickers/META/events&types=ticker_change.json",
         "/vX/reference/tickers/SPY/events?types=ticker_change", set()),
        ("v2/aggs/ticker/AAPL/prev.json", "/v2/aggs/ticker/SPY/prev", set()),
        ("v3/reference/tickers.json", "/v3/reference/tickers?limit=2", set()),
        ("v3/reference/splits.json", "/v3/reference/splits?execution_date.gte=2022-01-01&limit=1000", set()),
        ("v3/reference/dividends.json", "/v3/reference/dividends?limit=1000&ticker=SPY",
         # the recorded answer was longer than its limit
         {"missing .next_url"}),
        ("v1/marketstatus/now.json", "/v1/marketstatus/now", set()),
        ("v1/marketstatus/upcoming.json", "/v1/marketstatus/upcoming", set()),
    ],
)  # fmt: skip
def test_polygon_bodies_have_the_recorded_shape(get, polygon_body, recorded, path, allowed):
    assert differences(polygon_body(recorded), get(path), allowed=allowed) == []


@pytest.mark.parametrize(
    ("recorded", "query"), [("AAPL.json", ""), ("AAPL&date=2020-10-01.json", "?date=2024-06-03")]
)
def test_polygon_ticker_details_have_the_recorded_shape(get, polygon_body, company, recorded, query):
    body = get(f"/v3/reference/tickers/{company['ticker']}{query}")
    assert differences(polygon_body(f"v3/reference/tickers/{recorded}"), body) == []


def test_the_last_page_of_polygon_has_the_recorded_shape_of_a_last_page(get, shared_data, simulated):
    [recorded] = (shared_data / "wire" / "polygon" / "v3" / "reference").glob("tickers&cursor=*.json")
    page = get("/v3/reference/tickers?limit=200")
    while "next_url" in page:
        page = get(page["next_url"].removeprefix(simulated.base_url))
    assert differences(json.loads(recorded.read_text()), page) == []


def test_a_yahoo_chart_with_events_has_the_recorded_shape(get, yahoo_body, company):
    recorded = yahoo_body("chart-AAPL-2020-08-31-to-2020-11-07.json")["body"]
    body = get(
        f"/v8/finance/chart/{company['ticker']}?period1=0&period2=1719612000&events=div%7Csplit%7Cearn"
    )
    stamps = {
        "missing .chart.result[].events.dividends.1604673000",
        "missing .chart.result[].events.splits.1598880600",
    }

    def anonymous(chart):
        # events are keyed by their own instants
        events = chart["chart"]["result"][0]["events"]
        for name in ("dividends", "splits"):
            events[name] = list(events[name].values())
        return chart

    assert stamps <= set(differences(recorded, body))
    assert differences(anonymous(recorded), anonymous(body)) == []


def test_a_yahoo_chart_of_minutes_without_rows_has_the_recorded_shape(get, yahoo_body):
    # one-minute bars of a Saturday
    recorded = yahoo_body("chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json")["body"]
    body = get(
        "/v8/finance/chart/SPY?period1=1719028800&period2=1719115200&interval=1m&includePrePost=false"
        "&events=div%7Csplit%7Cearn"
    )
    assert differences(recorded, body) == []


def test_a_yahoo_chart_of_hours_with_extended_trades_has_the_recorded_shape(get, yahoo_body):
    recorded = yahoo_body("chart-TSLA-2025-01-01-to-2025-01-02-interval-1h.fake.json")["body"]
    query = "period1=1719460800&period2=1719547200&interval=1h&includePrePost=true&events=div%7Csplit%7Cearn"
    body = get(f"/v8/finance/chart/SPY?{query}")
    # recorded on a holiday: without rows
    rows = ("timestamp", "timestamp[]", *(f"indicators.quote[].{name}{part}" for part in ("", "[]")
            for name in ("open", "high", "low", "close", "volume")))  # fmt: skip
    assert differences(recorded, body, allowed={f"invented .chart.result[].{path}" for path in rows}) == []


@pytest.mark.parametrize(
    "module",
    [
        "price",
        "summaryDetail",
        "assetProfile",
        "summaryProfile",
        "quoteType",
        "defaultKeyStatistics",
        "financialData",
        "calendarEvents",
        "institutionOwnership",
        "majorHoldersBreakdown",
        "recommendationTrend",
        "upgradeDowngradeHistory",
    ],
)
def test_yahoo_quote_summaries_have_the_recorded_shape(get, yahoo_body, company, module):
    recorded = yahoo_body(f"quoteSummary-{module}-AAPL.json")["body"]
    body = get(f"/v10/finance/quoteSummary/{company['ticker']}?formatted=false&modules={module}")
    assert differences(recorded, body) == []


@pytest.mark.parametrize("frequency", ["annual", "quarterly"])
def test_yahoo_statements_have_the_recorded_shape(get, yahoo_body, company, frequency):
    recorded = yahoo_body(f"fundamentalsTimeSeries-AAPL-all-{frequency}.json")["body"]
    lines = [f"{frequency}{line}" for line in ("TotalRevenue", "DilutedEPS", "TotalAssets", "FreeCashFlow")]
    path = f"/ws/fundamentals-timeseries/v1/finance/timeseries/{company['ticker']}"
    body = get(f"{path}?symbol={company['ticker']}&type={','.join([*lines, f'{frequency}CreditCard'])}")

    def only_these(series):
        chosen = [item for item in series["timeseries"]["result"] if item["meta"]["type"][0] in lines]
        assert len(chosen) == len(lines)
        # a line's values are listed under its own name
        return [{"values" if name in lines else name: item[name] for name in item} for item in chosen]

    assert differences(only_these(recorded), only_these(body)) == []
    [without_values] = [
        item for item in body["timeseries"]["result"] if item["meta"]["type"] == [f"{frequency}CreditCard"]
    ]
    assert set(without_values) == {"meta"}


def test_a_yahoo_quote_has_the_recorded_shape(get, yahoo_body, company):
    recorded = yahoo_body("quote-ABBV.json")["body"]
    body = get(f"/v7/finance/quote?symbols={company['ticker']}")
    assert differences(recorded, body) == []


def test_yahoo_leaves_an_unknown_symbol_out_of_quotes(get, yahoo_body):
    assert get("/v7/finance/quote?symbols=NOSUCH") == yahoo_body("quote-SIX.json")["body"]


def test_yahoo_has_no_summary_of_an_unknown_kind(get, yahoo_body):
    recorded = yahoo_body("quoteSummary-insiderTransactions-BABA.json")
    body = get("/v10/finance/quoteSummary/SPY?modules=insiderTransactions", status=recorded["status"])
    assert body == recorded["body"]
