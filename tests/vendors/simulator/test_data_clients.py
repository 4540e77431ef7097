"""The vendors' own, unmodified clients read the simulator's market data over real HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import CorporateActionsRequest, StockBarsRequest, StockLatestBarRequest
from alpaca.data.timeframe import TimeFrame
from polygon import RESTClient
from polygon.exceptions import BadResponse

NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
START, END = date(2024, 6, 3), date(2024, 6, 28)

# yfinance 1.7 uses arguments that pandas 3 deprecates
pytestmark = pytest.mark.filterwarnings("ignore:.*inplace")


@pytest.fixture(scope="module")
def simulated(start_simulator):
    return start_simulator(seed=7, symbols=400, years=3, at=NOW.isoformat())


@pytest.fixture(scope="module")
def polygon_client(simulated):
    return RESTClient(api_key="any", base=simulated.base_url, retries=0)


@pytest.fixture(scope="module")
def split(polygon_client):
    """The newest split of the market that happened, with some time before it."""
    splits = polygon_client.list_splits(
        execution_date_gte="2022-01-03", execution_date_lte="2024-06-14", limit=1000
    )
    return max(splits, key=lambda action: (action.execution_date, action.ticker))


@pytest.fixture(scope="module")
def alpaca_bars(simulated):
    return StockHistoricalDataClient("key", "secret", url_override=simulated.base_url)


@pytest.fixture(scope="module")
def yahoo(simulated, tmp_path_factory, to_simulator):
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
    yfinance.config.debug.hide_exceptions = True  # its default, which our own adapter changes in this process
    session = to_simulator(simulated.base_url)
    return lambda symbol: yfinance.Ticker(symbol, session=session)


def test_polygon_labels_a_days_bar_with_its_start_and_a_grouped_bar_with_its_end(polygon_client):
    [bar] = polygon_client.list_aggs("SPY", 1, "day", "2024-06-28", "2024-06-28", adjusted=False)
    grouped = {row.ticker: row for row in polygon_client.get_grouped_daily_aggs("2024-06-28", adjusted=False)}
    assert pd.Timestamp(bar.timestamp, unit="ms", tz="UTC") == pd.Timestamp("2024-06-28T04:00Z")
    assert pd.Timestamp(grouped["SPY"].timestamp, unit="ms", tz="UTC") == pd.Timestamp("2024-06-28T20:00Z")
    assert (grouped["SPY"].open, grouped["SPY"].close, grouped["SPY"].volume) == (
        bar.open,
        bar.close,
        bar.volume,
    )
    assert len(grouped) > 300


def test_polygon_knows_nothing_of_a_holiday_a_weekend_or_the_future(polygon_client):
    for day in ("2024-06-19", "2024-06-29", "2024-07-01"):
        assert polygon_client.get_grouped_daily_aggs(day) == []


def test_polygon_pages_through_all_tickers_as_of_a_date(polygon_client):
    listed = list(polygon_client.list_tickers(market="stocks", date="2024-06-28", limit=50))
    gone = list(polygon_client.list_tickers(market="stocks", date="2024-06-28", active=False, limit=1000))
    assert len(listed) > 300
    assert [row.ticker for row in listed] == sorted({row.ticker for row in listed})
    assert {row.ticker for row in gone}.isdisjoint(row.ticker for row in listed)
    assert all(row.active is False and row.delisted_utc < "2024-06-28" for row in gone)
    earlier = {row.ticker for row in polygon_client.list_tickers(date="2022-01-03", limit=1000)}
    assert earlier - {row.ticker for row in listed}, "nobody left the market in two years"
    assert {row.ticker for row in listed} - earlier, "nobody came to the market in two years"


def test_polygon_details_dividends_and_market_status_parse(polygon_client):
    details = polygon_client.get_ticker_details("SPY")
    assert details.ticker == "SPY"
    assert details.market_cap > 1e9
    dividends = list(polygon_client.list_dividends(ex_dividend_date_gte="2024-01-02", limit=100))
    assert len(dividends) > 100, "more than a page"
    assert {row.dividend_type for row in dividends} == {"CD"}
    assert all(row.cash_amount > 0 and row.ex_dividend_date >= "2024-01-02" for row in dividends)
    assert polygon_client.get_market_status().market == "extended-hours"
    holidays = {(row.date, row.status) for row in polygon_client.get_market_holidays()}
    assert {("2024-07-03", "early-close"), ("2024-07-04", "closed"), ("2024-12-25", "closed")} <= holidays


def test_polygon_refuses_as_polygon_does(simulated, polygon_client):
    answer = requests.get(f"{simulated.base_url}/v3/reference/tickers", timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "API Key was not provided")
    with pytest.raises(BadResponse, match="NOT_FOUND"):
        polygon_client.get_ticker_details("NOSUCH")
    with pytest.raises(BadResponse, match="NOT_AUTHORIZED"):
        list(polygon_client.list_aggs("SPY", 1, "second", "2024-06-28", "2024-06-28"))


def test_the_three_vendors_agree_on_the_raw_bars_across_a_split(polygon_client, alpaca_bars, yahoo, split):
    ex = date.fromisoformat(split.execution_date)
    ratio = split.split_to / split.split_from
    start, end = ex - timedelta(days=10), ex + timedelta(days=10)
    raw = list(polygon_client.list_aggs(split.ticker, 1, "day", start, end, adjusted=False))
    adjusted = list(polygon_client.list_aggs(split.ticker, 1, "day", start, end))
    days = [pd.Timestamp(bar.timestamp, unit="ms", tz="America/New_York").date() for bar in raw]
    assert ex in days

    request = StockBarsRequest(
        symbol_or_symbols=split.ticker, timeframe=TimeFrame.Day, start=datetime.combine(start, time(4), UTC),
        end=datetime.combine(end, time(12), UTC), feed=DataFeed.SIP, adjustment=Adjustment.RAW,
    )  # fmt: skip
    alpaca = {
        bar.timestamp.astimezone(UTC).date(): bar for bar in alpaca_bars.get_stock_bars(request)[split.ticker]
    }
    history = yahoo(split.ticker).history(start=start, end=NOW.date() + timedelta(days=1), auto_adjust=False)
    chart = {stamp.date(): row for stamp, row in history.iterrows()}

    assert chart[ex]["Stock Splits"] == pytest.approx(ratio)
    for day, bar, after in zip(days, raw, adjusted, strict=True):
        factor = ratio if day < ex else 1.0
        assert alpaca[day].close == bar.close
        assert alpaca[day].volume == pytest.approx(bar.volume, rel=0.0021)
        assert after.close == pytest.approx(bar.close / factor, abs=1e-4)
        assert chart[day]["Close"] == pytest.approx(bar.close / factor, rel=1e-6)
        assert chart[day]["Volume"] == pytest.approx(bar.volume * factor, abs=1)


def test_alpaca_pages_hold_every_bar_once_in_order(alpaca_bars, polygon_client):
    grouped = [row.ticker for row in polygon_client.get_grouped_daily_aggs("2024-06-28", adjusted=False)]
    raw = StockHistoricalDataClient("k", "s", raw_data=True, url_override=alpaca_bars._base_url)
    seen, token = [], None
    while True:
        page = raw.get(
            "/stocks/bars",
            {"symbols": ",".join(grouped), "timeframe": "1Day", "start": "2024-06-03", "end": "2024-06-28",
             "limit": 1000, "page_token": token},
        )  # fmt: skip
        seen += [(symbol, bar["t"]) for symbol, bars in page["bars"].items() for bar in bars]
        assert sum(map(len, page["bars"].values())) <= 1000
        token = page["next_page_token"]
        if token is None:
            break
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen)
    assert len(seen) > 18 * len(grouped)
    assert {stamp[10:] for _, stamp in seen} == {"T04:00:00Z"}


def test_alpaca_adjusts_for_dividends_as_yahoo_does(alpaca_bars, yahoo, polygon_client):
    dividend = min(
        polygon_client.list_dividends(ex_dividend_date_gte="2024-06-10", ex_dividend_date_lte="2024-06-20"),
        key=lambda row: row.ticker,
    )
    request = StockBarsRequest(
        symbol_or_symbols=dividend.ticker, timeframe=TimeFrame.Day, start=datetime(2024, 6, 3, 4, tzinfo=UTC), adjustment=Adjustment.ALL,
        end=datetime(2024, 6, 28, 12, tzinfo=UTC),
    )  # fmt: skip
    alpaca = {bar.timestamp.date(): bar.close for bar in alpaca_bars.get_stock_bars(request)[dividend.ticker]}
    history = yahoo(dividend.ticker).history(start=START, end=END + timedelta(days=1), auto_adjust=False)
    ex = history.loc[dividend.ex_dividend_date]
    assert ex["Dividends"] == pytest.approx(dividend.cash_amount)
    assert {stamp.date(): close for stamp, close in history["Adj Close"].items()} == pytest.approx(
        alpaca, rel=1e-5
    )


def test_alpaca_latest_bar_and_corporate_actions_parse(simulated, alpaca_bars, split, polygon_client):
    latest = alpaca_bars.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=["SPY"]))
    assert latest["SPY"].timestamp == datetime(2024, 6, 28, 4, tzinfo=UTC)
    client = CorporateActionsClient("k", "s", url_override=simulated.base_url)
    found = client.get_corporate_actions(
        CorporateActionsRequest(start=date(2024, 1, 2), end=date(2024, 12, 31), limit=None)
    ).data
    assert {"cash_dividends", "forward_splits"} <= set(found)
    theirs = {(row.symbol, row.ex_date.isoformat(), row.rate) for row in found["cash_dividends"]}
    ours = {
        (row.ticker, row.ex_dividend_date, row.cash_amount)
        for row in polygon_client.list_dividends(ex_dividend_date_gte="2024-01-02", limit=1000)
    }
    assert len(ours) > 100
    assert ours <= theirs
    day = date.fromisoformat(split.execution_date)
    request = CorporateActionsRequest(symbols=[split.ticker], start=day, end=day, types=None)
    kind = "forward_splits" if split.split_to > split.split_from else "reverse_splits"
    [action] = client.get_corporate_actions(request).data[kind]
    assert action.new_rate / action.old_rate == pytest.approx(split.split_to / split.split_from)


def test_alpaca_refuses_as_alpaca_does(simulated, alpaca_bars):
    answer = requests.get(f"{simulated.base_url}/v2/stocks/bars?symbols=SPY&timeframe=1Day", timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (401, 40110000)
    with pytest.raises(APIError, match="invalid symbol: not a symbol"):
        alpaca_bars.get("/stocks/bars", {"symbols": "SPY,not a symbol", "timeframe": "1Day"})
    assert alpaca_bars.get("/stocks/bars", {"symbols": "NOSUCH", "timeframe": "1Day"}) == {
        "bars": {},
        "next_page_token": None,
    }


def test_yfinance_reads_company_facts(yahoo):
    info = yahoo("SPY").info
    assert info["symbol"] == "SPY"
    assert info["quoteType"] == "ETF"
    assert info["regularMarketPrice"] > 0
    weekly = yahoo("SPY").history(period="3mo", interval="1wk")
    assert len(weekly) in {13, 14}


def test_yfinance_is_told_that_a_symbol_may_be_delisted(yahoo, simulated):
    assert yahoo("NOSUCH").history(start=START, end=END).empty
    answer = requests.get(f"{simulated.base_url}/v8/finance/chart/NOSUCH", timeout=10)
    assert answer.status_code == 404
    assert answer.json()["chart"]["error"]["description"] == "No data found, symbol may be delisted"
