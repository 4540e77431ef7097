"""Alpaca's data protocol: bars of many symbols in pages, latest bars, and corporate actions; one route an endpoint."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.simulator.alpaca import bars, corporate_actions
from trading_assets.simulator.alpaca.arguments import WrongArgumentError
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer


def routes(simulation: Simulation) -> list[Route]:
    """Return the routes of Alpaca's data host over one simulation."""

    def route(path: str, answer: Callable[[Simulation, Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            if not (request.headers.get("apca-api-key-id") and request.headers.get("apca-api-secret-key")):
                return json_answer({"code": 40110000, "message": "request is not authorized"}, 401)
            try:
                return answer(simulation, request)
            except WrongArgumentError as wrong:
                return json_answer({"message": str(wrong)}, 400)

        return Route(path, endpoint)

    return [
        route("/v2/stocks/bars", bars.bars),
        route("/v2/stocks/bars/latest", bars.latest_bars),
        route("/v2/stocks/{symbol}/bars", bars.bars_of_one),
        route("/v2/stocks/{symbol}/bars/latest", bars.latest_bar_of_one),
        route("/v1/corporate-actions", corporate_actions.corporate_actions),
    ]
