"""Yahoo's fundamentals time series: a company's statements, line by line; a line without values is listed with its name only."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trading_assets.simulator.company_books import Books, company_books, uniform
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer
from trading_assets.simulator.yahoo_format import compact
from trading_assets.simulator.yahoo_picture import picture, utc_seconds

PERIODS = {"annual": "12M", "quarterly": "3M", "trailing": "TTM"}
Lines = dict[str, list[tuple[date, float]]]


def time_series(simulation: Simulation, request: Request) -> Response:
    """Answer /ws/fundamentals-timeseries."""
    symbol = request.path_params["symbol"]
    query = request.query_params
    types = [name for text in query.getlist("type") for name in text.split(",") if name]
    first, last = int(query.get("period1", 0)), int(query.get("period2", 2**40))
    books = company_books(simulation.market, symbol, simulation.now())
    known = {} if books is None else _lines(simulation, symbol, books)
    result = []
    for kind in types:
        series: dict[str, Any] = {"meta": {"symbol": [symbol], "type": [kind]}}
        frequency = next((name for name in PERIODS if kind.startswith(name)), "")
        values = known.get(frequency, {}).get(kind.removeprefix(frequency), [])
        shown = [(day, value) for day, value in values if first <= utc_seconds(day) < last]
        if shown:
            series["timestamp"] = [utc_seconds(day) for day, _ in shown]
            series[kind] = [_point(kind, day, value, PERIODS[frequency]) for day, value in shown]
        result.append(series)
    return json_answer({"timeseries": {"result": result, "error": None}})


def _lines(simulation: Simulation, symbol: str, books: Books) -> dict[str, Lines]:
    end = books.ends[-1]
    trailing: Lines = {name: [(end, books.trailing(name))] for name in books.flows}
    seen = picture(simulation, symbol)
    growth = books.growth("NetIncome")
    if seen is not None and books.earnings_per_share > 0 and growth > 0:
        trailing["PegRatio"] = [(end, round(seen.price / books.earnings_per_share / (100.0 * growth), 4))]
    return {"annual": books.annual(), "quarterly": books.quarterly(), "trailing": trailing}


def _point(kind: str, day: date, value: float, period: str) -> dict[str, Any]:
    whole = int(value) if value == int(value) else value
    return {
        "dataId": 20_000 + int(4_000 * uniform(0, kind, "number")),
        "asOfDate": day.isoformat(),
        "periodType": period,
        "currencyCode": "USD",
        "reportedValue": {"raw": whole, "fmt": compact(value)},
    }
