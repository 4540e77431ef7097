"""Yahoo's protocol: charts, quotes, quote summaries, cookie and crumb; one route an endpoint."""

from __future__ import annotations

import math
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer
from trading_assets.simulator.yahoo.chart import chart
from trading_assets.simulator.yahoo.picture import picture
from trading_assets.simulator.yahoo.quote import quote
from trading_assets.simulator.yahoo.series import time_series
from trading_assets.simulator.yahoo.spelling import of_market
from trading_assets.simulator.yahoo.summary import MODULES

_CRUMB = "simulatedCr"


def routes(simulation: Simulation) -> list[Route]:
    """Return Yahoo's routes over one simulation."""

    def route(path: str, answer: Callable[[Simulation, Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return answer(simulation, request)

        return Route(path, endpoint)

    return [
        route("/v8/finance/chart/{symbol}", chart),
        route("/v7/finance/quote", _quote),
        route("/v10/finance/quoteSummary/{symbol}", _summary),
        route("/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}", time_series),
        route("/v1/test/getcrumb", _crumb),
        route("/", _cookie),
    ]


def _crumb(_: Simulation, __: Request) -> Response:
    return PlainTextResponse(_CRUMB)


def _cookie(_: Simulation, __: Request) -> Response:
    answer = PlainTextResponse("", 404)
    answer.set_cookie("A3", "d=simulated&S=simulated", max_age=31_557_600, path="/")
    return answer


def _quote(simulation: Simulation, request: Request) -> Response:
    symbols = [symbol for symbol in request.query_params.get("symbols", "").split(",") if symbol]
    if not symbols:
        error = {"code": "Bad Request", "description": "Missing required query parameter=symbols"}
        return json_answer({"quoteResponse": {"result": None, "error": error}}, 400)
    pictures = (picture(simulation, of_market(simulation.market, symbol)) for symbol in symbols)
    result = [quote(seen) for seen in pictures if seen is not None]
    return json_answer({"quoteResponse": {"result": result, "error": None}})


def _summary(simulation: Simulation, request: Request) -> Response:
    symbol = request.path_params["symbol"]
    wanted = [name for name in request.query_params.get("modules", "").split(",") if name]
    seen = picture(simulation, of_market(simulation.market, symbol))
    if seen is None:
        return _no_summary(f"Quote not found for symbol: {symbol}")
    if math.isnan(seen.accounts.shares):
        return _no_summary(f"No fundamentals data found for symbol: {symbol}")
    built = ((name, MODULES[name](seen)) for name in wanted if name in MODULES)
    modules = {name: module for name, module in built if module is not None}
    if not modules:
        return _no_summary(f"No fundamentals data found for any of the summaryTypes={','.join(wanted)}")
    return json_answer({"quoteSummary": {"result": [modules], "error": None}})


def _no_summary(description: str) -> Response:
    error = {"code": "Not Found", "description": description}
    return json_answer({"quoteSummary": {"result": None, "error": error}}, 404)
