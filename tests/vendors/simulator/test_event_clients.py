"""The vendors' own, unmodified clients read spin-offs, ticker changes and ends of listings from the simulator."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
import requests
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import CorporateActionsRequest, StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetStatus
from alpaca.trading.requests import GetAssetsRequest
from polygon import RESTClient

NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
FIRST = date(2017, 7, 3)

# yfinance 1.7 uses arguments that pandas 3 deprecates
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def url(start_simulator):
    return start_simulator(seed=7, symbols=1200, years=7, at=NOW.isoformat()).base_url


@pytest.fixture(scope="module")
def actions(url):
    client = CorporateActionsClient("k", "s", url_override=url)
    return client.get_corporate_actions(CorporateActionsRequest(start=FIRST, end=NOW.date(), limit=None)).data


@pytest.fixture(scope="module")
def polygon(url):
    return RESTClient(api_key="any", base=url, retries=0)


@pytest.fixture(scope="module")
def yahoo(url, tmp_path_factory, to_simulator):
    import yfinance

    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
    yfinance.config.debug.hide_exceptions = True
    session = to_simulator(url)

    def history(symbol, **options):
        ticker = yfinance.Ticker(symbol, session=session)
        return ticker.history(start="2018-06-28", end="2024-06-29", auto_adjust=False, **options)

    return history


@pytest.fixture(scope="module")
def alpaca(url):
    client = StockHistoricalDataClient("k", "s", url_override=url)

    def bars(symbol, start, end, **options):
        request = StockBarsRequest(
            symbol_or_symbols=symbol, timeframe=TimeFrame.Day, start=datetime(*start.timetuple()[:3], 4, tzinfo=UTC),
            end=datetime(*end.timetuple()[:3], 22, tzinfo=UTC), **options,
        )  # fmt: skip
        found = client.get_stock_bars(request).data.get(symbol, [])
        return {bar.timestamp.date(): bar for bar in found}

    return bars


def test_alpacas_own_models_read_every_kind_of_action_of_this_market(actions):
    assert set(actions) == {
        "cash_dividends", "forward_splits", "reverse_splits", "spin_offs", "name_changes", "cash_mergers",
        "stock_mergers", "stock_and_cash_mergers", "worthless_removals",
    }  # fmt: skip


def test_a_spin_off_is_terms_at_alpaca_nothing_at_polygon_and_an_odd_split_at_yahoo(
    actions, polygon, yahoo, alpaca
):
    spin_off = actions["spin_offs"][-1]
    parent, ex_date = spin_off.source_symbol, spin_off.ex_date
    history = yahoo(parent)
    told = history.loc[ex_date.isoformat(), "Stock Splits"]
    assert 1.03 <= told <= 1.45
    assert told == pytest.approx(round(told, 3))
    day_before = history.index[history.index.get_loc(history.index[history.index.date == ex_date][0]) - 1]
    raw = alpaca(parent, day_before.date(), ex_date)
    before, after = (raw[day].close for day in sorted(raw))
    child = alpaca(spin_off.new_symbol, ex_date, ex_date)[ex_date].close
    assert before == pytest.approx(after + child * spin_off.new_rate / spin_off.source_rate, rel=0.15)
    assert history.loc[day_before, "Close"] == pytest.approx(before / told, rel=1e-6)
    splits = {row.execution_date for row in polygon.list_splits(ticker=parent, limit=100)}
    assert ex_date.isoformat() not in splits
    adjusted = list(polygon.list_aggs(parent, 1, "day", day_before.date(), day_before.date()))
    unadjusted = list(
        polygon.list_aggs(parent, 1, "day", day_before.date(), day_before.date(), adjusted=False)
    )
    assert adjusted[0].close == pytest.approx(unadjusted[0].close)
    with_spin_offs = alpaca(parent, day_before.date(), day_before.date(), adjustment="all")
    assert with_spin_offs[day_before.date()].close == pytest.approx(before / told, rel=0.03)


def test_a_ticker_change_shows_in_each_vendors_way(actions, polygon, yahoo, alpaca):
    change = actions["name_changes"][-1]
    day, old, new = change.process_date, change.old_symbol, change.new_symbol
    events = polygon.get_ticker_events(new, types="ticker_change")
    assert [row["ticker_change"]["ticker"] for row in events.events] == [new, old]
    assert events.events[0]["date"] == day.isoformat()
    figi = polygon.get_ticker_details(new).composite_figi
    assert polygon.get_ticker_events(figi).events == events.events
    assert polygon.get_ticker_details(new).list_date == events.events[1]["date"]
    start = day - timedelta(days=20)
    as_traded = alpaca(new, start, NOW.date(), asof="-")
    mapped = alpaca(new, start, NOW.date())
    assert min(as_traded) >= day > min(mapped)
    assert (
        alpaca(old, start, day, asof=(day - timedelta(days=1)).isoformat()).keys()
        >= mapped.keys() - as_traded.keys()
    )
    assert {pd.Timestamp(bar.timestamp, unit="ms").date() for bar in polygon.list_aggs(old, 1, "day", start, NOW.date())} == {
        known for known in mapped if known < day
    }  # fmt: skip
    history = yahoo(new)
    assert history.index[0].date() < day
    assert yahoo(old).empty


def test_names_that_left_stay_known_with_their_last_day(actions, polygon, url):
    gone = {row.ticker: row for row in polygon.list_tickers(active=False, date="2024-06-28", limit=1000)}
    mergers = [*actions["cash_mergers"], *actions["stock_mergers"]]
    for merger in mergers:
        assert gone[merger.acquiree_symbol].delisted_utc[:10] < merger.effective_date.isoformat()
        before = polygon.get_ticker_details(
            merger.acquiree_symbol, date=merger.effective_date - timedelta(days=30)
        )
        assert before.active
    client = TradingClient("k", "s", url_override=url)
    inactive = {
        asset.symbol for asset in client.get_all_assets(GetAssetsRequest(status=AssetStatus.INACTIVE))
    }
    assert {merger.acquiree_symbol for merger in mergers} <= inactive
    active = {asset.symbol for asset in client.get_all_assets(GetAssetsRequest(status=AssetStatus.ACTIVE))}
    assert not active & set(gone)


def test_alpaca_refuses_an_unknown_kind_of_action(url):
    answer = requests.get(
        f"{url}/v1/corporate-actions?types=bonus", timeout=30,
        headers={"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()) == (400, {"message": "invalid corporate action type: bonus"})
