"""Admin protocol of dirt: GET lists kinds and rules, POST switches a rule on, DELETE switches them off."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.simulator.faults.dirt import MEANINGS
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer, json_body


def routes(simulation: Simulation) -> list[Route]:
    """Return the route /sim/dirt of one simulation."""

    async def dirt(request: Request) -> Response:
        return await _dirt(simulation, request)

    return [Route("/sim/dirt", dirt, methods=["GET", "POST", "DELETE"])]


async def _dirt(simulation: Simulation, request: Request) -> Response:
    if request.method == "DELETE":
        number = request.query_params.get("id")
        if number is not None and not number.isdigit():
            return json_answer({"error": "id: the number of one rule; without it all are switched off"}, 422)
        simulation.dirt.remove(None if number is None else int(number))
    elif request.method == "POST":
        try:
            rule = simulation.dirt.add(await json_body(request) or {})
        except ValueError as error:
            return json_answer({"error": f"{error}; kinds are {', '.join(MEANINGS)}"}, 422)
        return json_answer({"id": rule.id, "rules": simulation.dirt.listing()})
    return json_answer(
        {"kinds": {kind.value: text for kind, text in MEANINGS.items()}, "rules": simulation.dirt.listing()}
    )
