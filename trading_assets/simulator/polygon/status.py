"""Polygon's market status: now, and the closures and early closes of the coming year."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import Response

from trading_assets.sessions import (
    NEW_YORK,
    closures_between,
    is_session,
    last_session,
    session_close,
    session_open,
    sessions_between,
)
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer

_BY_MONTH = {
    1: "Martin Luther King, Jr. Day",
    2: "Washington's Birthday",
    3: "Good Friday",
    4: "Good Friday",
    5: "Memorial Day",
    6: "Juneteenth",
    7: "Independence Day",
    9: "Labor Day",
    11: "Thanksgiving",
    12: "Christmas",
}
_FULL_DAY = timedelta(hours=6, minutes=30)


def now(simulation: Simulation, _: Request) -> Response:
    """Answer /v1/marketstatus/now."""
    instant = simulation.now().astimezone(NEW_YORK)
    state, early, late = _state(instant)
    return json_answer(
        {
            "market": state,
            "earlyHours": early,
            "afterHours": late,
            "serverTime": instant.isoformat(timespec="seconds"),
            "exchanges": {"nyse": state, "nasdaq": state, "otc": state},
            "currencies": {"fx": "open", "crypto": "open"},
        }
    )


def upcoming(simulation: Simulation, _: Request) -> Response:
    """Answer /v1/marketstatus/upcoming."""
    today = simulation.now().astimezone(NEW_YORK).date()
    end = min(today + timedelta(days=365), last_session())
    events: dict[date, dict[str, str]] = {
        day: {"name": _holiday(day), "date": day.isoformat(), "status": "closed"}
        for day in closures_between(today + timedelta(days=1), end)
    }
    for session in sessions_between(today, end):
        opened, closed = session_open(session), session_close(session)
        if closed - opened < _FULL_DAY:
            events[session] = {
                "name": _holiday(session),
                "date": session.isoformat(),
                "status": "early-close",
                "open": _stamp(opened),
                "close": _stamp(closed),
            }
    listing = [
        {"exchange": exchange, **events[day]} for day in sorted(events) for exchange in ("NYSE", "NASDAQ")
    ]
    return json_answer(listing)


def _state(instant: datetime) -> tuple[str, bool, bool]:
    day = instant.date()
    if not is_session(day):
        return "closed", False, False
    if session_open(day) <= instant < session_close(day):
        return "open", False, False
    early = time(4) <= instant.time() and instant < session_open(day)
    late = session_close(day) <= instant and instant.time() < time(20)
    return ("extended-hours" if early or late else "closed"), early, late


def _holiday(day: date) -> str:
    if day.month == 1 and day.day < 8:
        return "New Years Day"
    return _BY_MONTH.get(day.month, "Unscheduled Closure")


def _stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
