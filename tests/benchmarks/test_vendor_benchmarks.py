"""How fast vendors' answers become rows: parsing and packing next to the network that brings them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import orjson
import polars as pl
import pytest

from resources.clock import SimulatorClock
from resources.raw.responses import RawResponse
from resources.raw.store import pack
from resources.vendors.alpaca.bars import parse_daily
from resources.vendors.http.policy import HttpGate, HttpPolicy
from resources.vendors.polygon.source import parse_grouped
from resources.vendors.registry import reference_source, sources_for
from resources.vendors.yahoo.chart import parse_chart
from trading_assets.sessions import session_open, sessions_between
from trading_assets.settings import load_settings

GATE = HttpGate(HttpPolicy("benchmark"))
NOW = datetime(2024, 6, 28, 21, 0, tzinfo=UTC)
SESSIONS = sessions_between(date(2023, 7, 3), date(2024, 6, 28))


def response(value):
    return RawResponse("http://h/", 200, NOW, orjson.dumps(value))


@pytest.fixture(scope="module")
def market_day():
    """A grouped-daily answer with 6,000 bars."""
    end = int(datetime(2024, 6, 28, 20, tzinfo=UTC).timestamp() * 1000)
    bars = [
        {
            "T": f"S{n}",
            "o": n + 0.01,
            "h": n + 2.5,
            "l": n,
            "c": n + 1.25,
            "v": n * 9.0,
            "vw": n + 1.1,
            "n": n,
            "t": end,
        }
        for n in range(6000)
    ]
    return response({"status": "OK", "resultsCount": 6000, "results": bars})


def test_parsing_a_whole_market_day(benchmark, market_day):
    assert benchmark(parse_grouped, market_day, GATE).height == 6000


def test_packing_a_whole_market_day(benchmark, market_day):
    assert benchmark(pack, market_day).length == len(market_day.body)


def test_parsing_a_page_of_ten_thousand_bars(benchmark):
    bar = {"o": 1.01, "h": 2.5, "l": 0.5, "c": 1.25, "v": 900, "vw": 1.1, "n": 7}
    bars = {f"S{n}": [{"t": f"{day}T04:00:00Z", **bar} for day in SESSIONS[:200]] for n in range(50)}
    answer = response({})
    assert benchmark(parse_daily, bars, answer, GATE).height == 10_000


def test_parsing_the_chart_of_a_year(benchmark):
    closes = [n + 0.1234567 for n in range(len(SESSIONS))]
    quote = dict.fromkeys(("open", "high", "low", "close", "volume"), closes)
    result = {
        "meta": {"symbol": "A", "exchangeTimezoneName": "America/New_York"},
        "timestamp": [int(session_open(day).timestamp()) for day in SESSIONS],
        "indicators": {"quote": [quote]},
    }
    answer = response({"chart": {"result": [result], "error": None}})
    assert len(benchmark(parse_chart, answer, "A", GATE).times) == len(SESSIONS)


@pytest.mark.parametrize("name", ["polygon", "yahoo", "alpaca"])
def test_a_year_of_500_symbols_from_the_simulator(benchmark, name, start_simulator, tmp_path):
    url = start_simulator(seed=7, symbols=500, at=NOW.isoformat()).base_url
    settings, clock = load_settings(env_file=None, data=tmp_path, sim_url=url), SimulatorClock(url)
    listed = reference_source(settings, url, clock).listings(SESSIONS[-1]).frame
    symbols = listed.filter(pl.col("status") == "active").get_column("symbol").to_list()
    source = sources_for(settings, url, clock)[name]
    fetched = benchmark.pedantic(source.daily_bars, (SESSIONS, symbols), rounds=2, warmup_rounds=1)
    assert fetched.frame.height > 0.9 * len(SESSIONS) * len(symbols)
