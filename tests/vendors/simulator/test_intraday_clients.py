"""The vendors' own, unmodified clients read the simulator's intraday bars, finished and unfinished."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import requests
from alpaca.data.enums import Adjustment, DataFeed
from alpaca.data.historical.stock import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from polygon import RESTClient

NEW_YORK = "America/New_York"
OPEN = datetime(2024, 7, 3, 13, 30, tzinfo=UTC)  # closes at 13:00, New York
BEFORE = datetime(2024, 7, 2, 22, 0, tzinfo=UTC)

# yfinance 1.7 uses arguments that pandas 3 deprecates
pytestmark = pytest.mark.filterwarnings("ignore")


class Vendors:
    """The three clients, asked the same question."""

    def __init__(self, base_url, session, cache):
        import yfinance

        yfinance.set_tz_cache_location(str(cache))
        self.base_url = base_url
        self._yfinance, self._session = yfinance, session
        self._polygon = RESTClient(api_key="any", base=base_url, retries=0)
        self._alpaca = StockHistoricalDataClient("key", "secret", url_override=base_url)

    def advance_to(self, instant):
        answer = requests.post(
            f"{self.base_url}/sim/clock", json={"advance_to": instant.isoformat()}, timeout=30
        )
        assert answer.status_code == 200, answer.text

    def polygon(self, symbol, minutes, start, end, limit=50_000):
        bars = self._polygon.list_aggs(symbol, minutes, "minute", start, end, adjusted=False, limit=limit)
        return frame([(b.timestamp, b.open, b.high, b.low, b.close, b.volume) for b in bars], "ms")

    def polygon_day(self, symbol, day):
        bars = self._polygon.list_aggs(symbol, 1, "day", day, day, adjusted=False)
        return frame([(b.timestamp, b.open, b.high, b.low, b.close, b.volume) for b in bars], "ms")

    def alpaca(self, symbol, minutes, start, end, limit=None):
        frames = {60: TimeFrame.Hour, 1440: TimeFrame.Day}
        request = StockBarsRequest(
            symbol_or_symbols=symbol, timeframe=frames.get(minutes) or TimeFrame(minutes, TimeFrameUnit.Minute),
            start=start, end=end, feed=DataFeed.SIP, adjustment=Adjustment.RAW, limit=limit,
        )  # fmt: skip
        bars = self._alpaca.get_stock_bars(request).data
        found = {
            name: frame([(b.timestamp, b.open, b.high, b.low, b.close, b.volume) for b in rows])
            for name, rows in bars.items()
        }
        return found if isinstance(symbol, list) else found.get(symbol, frame([]))

    def yahoo(self, symbol, interval, start, end, **options):
        # yfinance remembers answers about the past, and takes the simulator's present for it
        self._yfinance.data.YfData.cache_get.cache_clear()
        history = self._yfinance.Ticker(symbol, session=self._session).history(
            interval=interval, start=start, end=end, auto_adjust=False, **options
        )
        return history[["Open", "High", "Low", "Close", "Volume"]].set_axis(
            ["open", "high", "low", "close", "volume"], axis=1
        )


def frame(rows, unit=None):
    table = pd.DataFrame(rows, columns=["at", "open", "high", "low", "close", "volume"])
    at = pd.to_datetime(table.pop("at"), unit=unit, utc=True)
    return table.set_axis(pd.DatetimeIndex(at).tz_convert(NEW_YORK))


def regular(bars, close="16:00"):
    return bars.between_time("09:30", close, inclusive="left")


def whole(bars):
    return (
        bars["open"].iloc[0],
        bars["high"].max(),
        bars["low"].min(),
        bars["close"].iloc[-1],
        bars["volume"].sum(),
    )


@pytest.fixture(scope="module")
def vendors(start_simulator, to_simulator, tmp_path_factory):
    simulated = start_simulator(seed=7, symbols=60, years=3, at=BEFORE.isoformat())
    return Vendors(simulated.base_url, to_simulator(simulated.base_url), tmp_path_factory.mktemp("yfinance"))


@pytest.mark.parametrize(("minutes", "interval"), [(30, "30m"), (15, "15m"), (5, "5m"), (60, "60m")])
def test_every_vendors_bars_of_the_regular_session_add_up_to_the_day(vendors, minutes, interval):
    start, end = datetime(2024, 6, 27, 4, tzinfo=UTC), datetime(2024, 6, 28, 3, tzinfo=UTC)
    yahoo = vendors.yahoo("SPY", interval, "2024-06-27", "2024-06-28")
    day = whole(vendors.yahoo("SPY", "1d", "2024-06-27", "2024-06-28"))
    assert whole(yahoo) == pytest.approx(day, rel=1e-7)
    assert yahoo.index[0] == pd.Timestamp("2024-06-27 09:30", tz=NEW_YORK)
    assert whole(vendors.alpaca("SPY", 1440, start, end)) == pytest.approx(day, rel=0.0021)
    if minutes < 60:
        for bars, of_day in (
            (
                vendors.polygon("SPY", minutes, "2024-06-27", "2024-06-27"),
                vendors.polygon_day("SPY", "2024-06-27"),
            ),
            (vendors.alpaca("SPY", minutes, start, end), vendors.alpaca("SPY", 1440, start, end)),
        ):
            assert len(regular(bars)) == 390 / minutes
            assert whole(regular(bars)) == whole(of_day)
            assert len(bars) > len(regular(bars)), "no bar before the open or after the close"


def test_hours_of_polygon_and_alpaca_start_on_the_clock_and_mix_in_extended_trades(vendors):
    start, end = datetime(2024, 6, 27, 4, tzinfo=UTC), datetime(2024, 6, 28, 3, tzinfo=UTC)
    hours = vendors.alpaca("SPY", 60, start, end)
    halves = vendors.alpaca("SPY", 30, start, end)
    nine = pd.Timestamp("2024-06-27 09:00", tz=NEW_YORK)
    assert nine in hours.index
    assert hours.loc[nine, "volume"] == halves.loc[nine : nine + pd.Timedelta("30min"), "volume"].sum()
    assert hours.loc[nine, "open"] == halves.loc[nine, "open"]


def test_pages_hold_every_bar_once_in_order_at_polygon_and_alpaca(vendors):
    all_at_once = vendors.polygon("SPY", 30, "2024-06-03", "2024-06-28")
    assert vendors.polygon("SPY", 30, "2024-06-03", "2024-06-28", limit=700).equals(all_at_once)
    start, end = datetime(2024, 6, 24, tzinfo=UTC), datetime(2024, 6, 29, tzinfo=UTC)
    names = ["QQQ", "SPY", "XLK"]
    many = vendors.alpaca(names, 30, start, end)
    body = {"symbols": ",".join(names), "timeframe": "30Min", "start": start.isoformat(), "limit": 37,
            "end": end.isoformat()}  # fmt: skip
    seen, token = {name: [] for name in names}, None
    while True:
        answer = requests.get(
            f"{vendors.base_url}/v2/stocks/bars", params={**body, "page_token": token}, timeout=30,
            headers={"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"},
        ).json()  # fmt: skip
        for name, bars in answer["bars"].items():
            seen[name] += [bar["t"] for bar in bars]
        token = answer["next_page_token"]
        if token is None:
            break
    for name in names:
        stamps = [at.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") for at in many[name].index]
        assert seen[name] == stamps


def test_yahoo_refuses_hours_and_minutes_of_long_ago_as_yahoo_does(vendors):
    long_ago = int((BEFORE - timedelta(days=61)).timestamp())
    for interval, first, days in (("30m", long_ago, 60), ("60m", long_ago - 700 * 86_400, 730)):
        answer = requests.get(
            f"{vendors.base_url}/v8/finance/chart/SPY",
            params={"interval": interval, "period1": first, "period2": first + 86_400},
            timeout=30,
        )
        error = answer.json()["chart"]["error"]
        assert (answer.status_code, error["code"]) == (422, "Unprocessable Entity")
        assert error["description"].endswith(f"The requested range must be within the last {days} days.")


def test_bars_of_a_running_half_day_grow_with_the_clock_and_end_at_one(vendors):
    day = "2024-07-03"
    midnight, night = datetime(2024, 7, 3, 4, tzinfo=UTC), datetime(2024, 7, 4, 3, tzinfo=UTC)
    halves = pd.Timestamp(f"{day} 10:00", tz=NEW_YORK)

    def running():
        return (
            vendors.polygon("SPY", 30, day, day).loc[halves],
            vendors.alpaca("SPY", 30, midnight, night).loc[halves],
            vendors.yahoo("SPY", "15m", day, "2024-07-04").loc[halves],
        )

    vendors.advance_to(OPEN + timedelta(minutes=39))
    early = running()
    assert vendors.polygon("SPY", 30, day, day).index[-1] == halves
    unfinished = vendors.alpaca("SPY", 1440, midnight, night)
    chart = vendors.yahoo("SPY", "1d", "2024-07-01", "2024-07-04")
    assert list(chart.index.strftime("%Y-%m-%d")) == ["2024-07-01", "2024-07-02", "2024-07-03"]
    assert len(unfinished) == 1
    assert unfinished["volume"].iloc[0] == pytest.approx(chart["volume"].iloc[-1], rel=0.0021)

    vendors.advance_to(OPEN + timedelta(minutes=45))
    late = running()
    for before, after in zip(early, late, strict=True):
        assert before["volume"] < after["volume"]
        assert before["open"] == after["open"]

    vendors.advance_to(OPEN + timedelta(hours=9))
    finished = vendors.alpaca("SPY", 1440, midnight, night)
    assert finished["volume"].iloc[0] > unfinished["volume"].iloc[0]
    assert whole(vendors.yahoo("SPY", "15m", day, "2024-07-04")) == pytest.approx(whole(finished), rel=0.0021)
    bars = regular(vendors.polygon("SPY", 30, day, day), close="13:00")
    assert len(bars) == 7
    assert whole(bars) == whole(vendors.polygon_day("SPY", day))
