"""Yahoo's fundamentals time series: a company's statements, line by line; a line without values is listed with its name only."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import Response

from trading_assets.simulator.market.company_books import Books, company_books, uniform
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer, json_array
from trading_assets.simulator.yahoo.format import compact
from trading_assets.simulator.yahoo.picture import picture, utc_seconds
from trading_assets.simulator.yahoo.spelling import of_market

PERIODS = {"annual": "12M", "quarterly": "3M", "trailing": "TTM"}
PEG = "trailingPegRatio"
Lines = dict[str, list[tuple[date, float]]]


def time_series(simulation: Simulation, request: Request) -> Response:
    """Answer /ws/fundamentals-timeseries."""
    symbol = request.path_params["symbol"]
    query = request.query_params
    types = tuple(name for text in query.getlist("type") for name in _names(text))
    first, last = int(query.get("period1", 0)), int(query.get("period2", 2**40))
    ticker = of_market(simulation.market, symbol)
    books = company_books(simulation.market, ticker, simulation.now())
    known = {} if books is None else _lines(books, {frequency for _, frequency, _ in types})
    if books is not None and any(kind == PEG for kind, _, _ in types):
        known["trailing"] |= _peg(simulation, ticker, books)
    encoded = orjson.dumps(symbol).decode()
    result = []
    for kind, frequency, line in types:
        meta = f'{{"meta":{{"symbol":[{encoded}],"type":["{kind}"]}}'
        shown = [
            (day, value)
            for day, value in known.get(frequency, {}).get(line, ())
            if first <= utc_seconds(day) < last
        ]
        if shown:
            stamps = ",".join(str(utc_seconds(day)) for day, _ in shown)
            points = ",".join(_point(kind, day, value, PERIODS[frequency]) for day, value in shown)
            meta += f',"timestamp":[{stamps}],"{kind}":[{points}]'
        result.append(meta.encode() + b"}")
    return json_answer({"timeseries": {"result": json_array(result), "error": None}})


@lru_cache(maxsize=64)
def _names(text: str) -> tuple[tuple[str, str, str], ...]:
    # only letters and digits go back into the answer
    kinds = [name for name in text.split(",") if name.isalnum()]
    frequencies = [next((name for name in PERIODS if kind.startswith(name)), "") for kind in kinds]
    return tuple(
        (kind, frequency, kind.removeprefix(frequency))
        for kind, frequency in zip(kinds, frequencies, strict=True)
    )


def _lines(books: Books, frequencies: set[str]) -> dict[str, Lines]:
    end = books.ends[-1]
    found: dict[str, Lines] = {}
    if "annual" in frequencies:
        found["annual"] = books.annual()
    if "quarterly" in frequencies:
        found["quarterly"] = books.quarterly()
    if "trailing" in frequencies:
        found["trailing"] = {name: [(end, books.trailing(name))] for name in books.flows}
    return found


def _peg(simulation: Simulation, symbol: str, books: Books) -> Lines:
    seen = picture(simulation, symbol)
    growth = books.growth("NetIncome")
    if seen is None or books.earnings_per_share <= 0 or not growth > 0:
        return {}
    return {
        "PegRatio": [(books.ends[-1], round(seen.price / books.earnings_per_share / (100.0 * growth), 4))]
    }


@lru_cache(maxsize=2048)
def _number(kind: str) -> int:
    return 20_000 + int(4_000 * uniform(0, kind, "number"))


def _point(kind: str, day: date, value: float, period: str) -> str:
    whole = int(value) if value == int(value) else value
    return (
        f'{{"dataId":{_number(kind)},"asOfDate":"{day}","periodType":"{period}","currencyCode":"USD",'
        f'"reportedValue":{{"raw":{whole},"fmt":"{compact(value)}"}}}}'
    )
