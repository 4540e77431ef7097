"""Polygon's protocol: aggregates, reference data, splits, dividends and market status; one route an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.simulator.market.adjustment import effective_actions, scaled, split_factors
from trading_assets.simulator.market.tape import Rows, day_of, published_day
from trading_assets.simulator.polygon import intraday, reference, status
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import (
    json_answer,
    json_array,
    json_lines,
    new_york_millis,
    parse_day,
    request_id,
    whole_number,
)

_MAX_BASE_ROWS = 50_000
_SPANS = {"day": "D", "week": "W", "month": "M"}
Answer = Callable[[Simulation, Request], Response]


def routes(simulation: Simulation) -> list[Route]:
    """Return Polygon's routes over one simulation."""

    def route(path: str, answer: Answer) -> Route:
        async def endpoint(request: Request) -> Response:
            refusal = _without_key(simulation, request)
            return refusal if refusal is not None else answer(simulation, request)

        return Route(path, endpoint)

    return [
        route("/v2/aggs/grouped/locale/us/market/stocks/{day}", _grouped),
        route("/v2/aggs/ticker/{ticker}/range/{multiplier}/{span}/{start}/{end}", _range),
        route("/v2/aggs/ticker/{ticker}/prev", _previous),
        route("/v3/reference/tickers", reference.tickers),
        route("/v3/reference/tickers/{ticker}", reference.ticker),
        route("/vX/reference/tickers/{identifier}/events", reference.ticker_events),
        route("/v3/reference/splits", reference.splits),
        route("/v3/reference/dividends", reference.dividends),
        route("/v1/marketstatus/now", status.now),
        route("/v1/marketstatus/upcoming", status.upcoming),
    ]


def _without_key(simulation: Simulation, request: Request) -> Response | None:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if bearer or request.query_params.get("apiKey"):
        return None
    body = {
        "status": "ERROR",
        "request_id": request_id(request, simulation.now()),
        "error": "API Key was not provided",
    }
    return json_answer(body, 401)


def _bad_date(simulation: Simulation, request: Request, name: str) -> Response:
    body = {
        "status": "ERROR",
        "request_id": request_id(request, simulation.now()),
        "error": f"Could not parse the time parameter: '{name}'. Use YYYY-MM-DD or a millisecond timestamp.",
    }
    return json_answer(body, 400)


def _is_adjusted(request: Request) -> bool:
    return request.query_params.get("adjusted", "true").lower() != "false"


def _grouped(simulation: Simulation, request: Request) -> Response:
    day = parse_day(request.path_params["day"])
    if day is None:
        return _bad_date(simulation, request, "date")
    now, market = simulation.now(), simulation.market
    rows = market.section(day, now)
    if _is_adjusted(request):
        rows = _split_adjusted_section(simulation, rows, day, now)
    names = market.names.gather(rows.place)
    return _aggregates(simulation, request, None, {"T": names, **_columns(rows, hour=16)})


def _split_adjusted_section(simulation: Simulation, rows: Rows, day: date, now: datetime) -> Rows:
    market, factors = simulation.market, np.ones(len(simulation.market.symbols))
    for action in market.actions(day, day_of(published_day(now)), known_at=now):
        if action.split_ratio and action.ex_date > day:
            factors[market.places[action.symbol]] /= action.split_ratio
    chosen = factors[rows.place]
    return scaled(rows, chosen, chosen)


def _range(simulation: Simulation, request: Request) -> Response:
    path = request.path_params
    start, end = parse_day(path["start"]), parse_day(path["end"])
    if start is None or end is None:
        return _bad_date(simulation, request, "from" if start is None else "to")
    minutes = intraday.window_minutes(path["span"], path["multiplier"])
    if minutes is not None:
        return _windows(simulation, request, minutes)
    if path["span"] not in _SPANS or path["multiplier"] != "1":
        body = {
            "status": "NOT_AUTHORIZED",
            "request_id": request_id(request, simulation.now()),
            "message": "You are not entitled to this data timeframe. Please upgrade your plan at "
            "https://polygon.io/pricing",
        }
        return json_answer(body, 403)
    limit = whole_number(request.query_params.get("limit"), 5000, 1, _MAX_BASE_ROWS) or 5000
    rows = _series(simulation, request, path["ticker"], start, end)
    starts = _period_starts(rows, _SPANS[path["span"]])
    if path["span"] != "day":
        rows = _merged(rows, starts)
    if request.query_params.get("sort") == "desc":
        rows = rows.take(slice(None, None, -1))
    return _aggregates(simulation, request, path["ticker"], _columns(rows.take(slice(0, limit))))


def _windows(simulation: Simulation, request: Request, minutes: int) -> Response:
    path, query = request.path_params, intraday.arguments(request)
    first, last = intraday.interval(path["start"], path["end"])
    if first is None or last is None:
        return _bad_date(simulation, request, "from" if first is None else "to")
    limit = whole_number(query.get("limit"), 5000, 1, _MAX_BASE_ROWS) or 5000
    is_adjusted = query.get("adjusted", "true").lower() != "false"
    bars = intraday.windows(simulation, path["ticker"], minutes, first, last, is_adjusted=is_adjusted)
    if query.get("sort") == "desc":
        bars = bars.take(slice(None, None, -1))
    shown = intraday.page(bars, limit)
    following = None
    if shown < len(bars.row):
        at = int(bars.start[shown]) * 1000
        rest = (first, at) if query.get("sort") == "desc" else (at, last)
        following = intraday.next_url(request, query, *rest)
    bars = bars.take(slice(0, shown))
    return _aggregates(
        simulation,
        request,
        path["ticker"],
        intraday.columns(bars),
        is_adjusted=is_adjusted,
        queried=int(bars.minutes.sum()),
        following=following,
    )


def _previous(simulation: Simulation, request: Request) -> Response:
    ticker, today = request.path_params["ticker"], published_day(simulation.now())
    rows = _series(simulation, request, ticker, day_of(today - 14), day_of(today)).take(slice(-1, None))
    names = simulation.market.names.gather(rows.place)
    return _aggregates(simulation, request, ticker, {"T": names, **_columns(rows, hour=16)})


def _series(simulation: Simulation, request: Request, ticker: str, start: date, end: date) -> Rows:
    now = simulation.now()
    rows = simulation.market.series(ticker, start, end, now)
    if _is_adjusted(request):
        factors = split_factors(rows, effective_actions(simulation.market, ticker, now))
        rows = scaled(rows, factors, factors)
    return rows


def _period_starts(rows: Rows, unit: str) -> list[int]:
    # first row of each week or month
    if unit == "D" or len(rows.day) == 0:
        return []
    dates = rows.day.astype("datetime64[D]")
    labels = (rows.day + 3) // 7 if unit == "W" else dates.astype("datetime64[M]").astype(int)
    return np.flatnonzero(np.diff(labels, prepend=labels[0] - 1)).tolist()


def _merged(rows: Rows, starts: list[int]) -> Rows:
    if not starts:
        return rows
    ends = np.append(starts[1:], len(rows.day)) - 1
    return Rows(
        rows.place[starts],
        rows.day[starts],
        rows.open[starts],
        np.maximum.reduceat(rows.high, starts),
        np.minimum.reduceat(rows.low, starts),
        rows.close[ends],
        np.add.reduceat(rows.volume, starts),
    )


def _columns(rows: Rows, *, hour: int = 0) -> dict[str, Any]:
    # labelled with the start of the day in ranges, with its end where one day of many tickers is asked for
    labels = {day: new_york_millis(day, hour) for day in np.unique(rows.day).tolist()}
    return {
        "v": rows.volume,
        "vw": rows.vwap,
        "o": np.round(rows.open, 4),
        "c": np.round(rows.close, 4),
        "h": np.round(rows.high, 4),
        "l": np.round(rows.low, 4),
        "t": np.array([labels[day] for day in rows.day.tolist()], np.int64),
        "n": rows.trade_count,
    }


def _aggregates(
    simulation: Simulation,
    request: Request,
    ticker: str | None,
    columns: dict[str, Any],
    *,
    is_adjusted: bool | None = None,
    queried: int | None = None,
    following: str | None = None,
) -> Response:
    lines = json_lines(columns)
    body: dict[str, object] = {} if ticker is None else {"ticker": ticker}
    body |= {
        "queryCount": len(lines) if queried is None else queried,
        "resultsCount": len(lines),
        "adjusted": _is_adjusted(request) if is_adjusted is None else is_adjusted,
    }
    if lines:
        body["results"] = json_array(lines)
    body |= {"status": "OK", "request_id": request_id(request, simulation.now())}
    if lines:
        body["count"] = len(lines)
    if following is not None:
        body["next_url"] = following
    return json_answer(body)
