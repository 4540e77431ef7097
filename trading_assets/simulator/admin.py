"""Admin protocol under /sim: health, clock, faults and vendor corrections; one route a subject."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.simulator.faults.rules import MEANINGS
from trading_assets.simulator.market.tape import published_day
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.state import Correction
from trading_assets.simulator.wire import json_answer, json_body, parse_day

PRESENT = "present"
_CORRECTABLE = ("open", "high", "low", "close", "volume")


def routes(simulation: Simulation) -> list[Route]:
    """Return the admin routes of one simulation."""

    async def health(_: Request) -> Response:
        return json_answer(
            {
                "status": "ok",
                "pid": os.getpid(),
                "now": simulation.now().isoformat(),
                "clock": simulation.clock.mode,
                "market": simulation.market.identity,
                "symbols": len(simulation.market.symbols),
                "first_session": simulation.market.first_session(),
                "last_session": simulation.market.last_session(),
                "faults": len(simulation.faults.rules),
            }
        )

    async def clock(request: Request) -> Response:
        return await _clock(simulation, request)

    async def faults(request: Request) -> Response:
        return await _faults(simulation, request)

    async def corrections(request: Request) -> Response:
        return await _corrections(simulation, request)

    return [
        Route("/sim/health", health),
        Route("/sim/clock", clock, methods=["GET", "POST"]),
        Route("/sim/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/sim/corrections", corrections, methods=["GET", "POST"]),
    ]


async def _clock(simulation: Simulation, request: Request) -> Response:
    if request.method == "POST":
        body = await json_body(request)
        wanted = (body or {}).get("advance_to")
        if wanted == PRESENT:
            simulation.clock.join_the_present()
            return json_answer({"now": simulation.settle().isoformat()})
        instant = _instant(wanted)
        if instant is None:
            return _wrong(
                'send {"advance_to": "2024-05-01T13:32:00Z"}: an ISO instant with its offset; or "present", for a clock '
                "that is catching up"
            )
        if not simulation.clock.advance_to(instant):
            return json_answer(
                {
                    "error": "the clock never goes back; start a simulator with a state folder of its own to see "
                    "an earlier time",
                    "now": simulation.now().isoformat(),
                },
                409,
            )
    return json_answer({"now": simulation.settle().isoformat()})


async def _faults(simulation: Simulation, request: Request) -> Response:
    if request.method == "DELETE":
        number = request.query_params.get("id")
        if number is not None and not number.isdigit():
            return _wrong("id: the number of one fault; without it all of them are switched off")
        simulation.faults.remove(None if number is None else int(number))
    elif request.method == "POST":
        try:
            simulation.faults.add(await json_body(request) or {})
        except (ValueError, TypeError) as error:
            return _wrong(str(error))
    return json_answer(
        {
            "faults": simulation.faults.listing(),
            "kinds": {kind.value: text for kind, text in MEANINGS.items()},
        }
    )


async def _corrections(simulation: Simulation, request: Request) -> Response:
    if request.method == "POST":
        body = await json_body(request) or {}
        symbol, session = body.get("symbol"), parse_day(str(body.get("session", "")))
        changes = body.get("fields")
        if (
            symbol not in simulation.market.places
            or session is None
            or not isinstance(changes, dict)
            or not changes
        ):
            return _wrong('send symbol (listed here), session (YYYY-MM-DD) and fields, e.g. {"close": 10.5}')
        if not set(changes) <= set(_CORRECTABLE) or not all(
            isinstance(v, int | float) for v in changes.values()
        ):
            return _wrong(f"fields are numbers for {', '.join(_CORRECTABLE)}")
        now = simulation.now()
        rows = simulation.market.series(symbol, session, session, now)
        if len(rows.day) == 0:
            newest = published_day(now)
            return _wrong(f"{symbol} has no bar on {session} that is known by now (day {newest})")
        correction = Correction(symbol, session, now, {name: float(value) for name, value in changes.items()})
        simulation.store.add_correction(correction)
        simulation.market.correct(correction)
    listing = [
        {"symbol": c.symbol, "session": c.session, "known_at": c.known_at.isoformat(), "fields": c.fields}
        for c in simulation.store.corrections()
    ]
    return json_answer({"corrections": listing})


def _instant(value: object) -> datetime | None:
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo else None


def _wrong(message: str) -> Response:
    return json_answer({"error": message}, 422)
