"""Yahoo's protocol: chart with events, quotes, quote summaries, cookie and crumb; one route an endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.adjustment import (
    dividend_factors,
    effective_actions,
    ratio_parts,
    scaled,
    split_factors,
)
from trading_assets.simulator.market import Instrument
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.tape import Action, Floats, Rows, day_number, day_of, published_day
from trading_assets.simulator.wire import json_answer, new_york_millis
from trading_assets.simulator.yahoo_picture import EXCHANGES, picture
from trading_assets.simulator.yahoo_quote import quote
from trading_assets.simulator.yahoo_summary import MODULES

_RANGES = {"1d": 1, "5d": 7, "1mo": 31, "3mo": 92, "6mo": 183, "1y": 366, "2y": 731, "5y": 1827, "10y": 3653}
_VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_UNITS = {"1d": "D", "1wk": "W", "1mo": "M"}
_CRUMB = "simulatedCr"


def routes(simulation: Simulation) -> list[Route]:
    """Return Yahoo's routes over one simulation."""

    def route(path: str, answer: Callable[[Simulation, Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return answer(simulation, request)

        return Route(path, endpoint)

    return [
        route("/v8/finance/chart/{symbol}", _chart),
        route("/v7/finance/quote", _quote),
        route("/v10/finance/quoteSummary/{symbol}", _summary),
        route("/ws/fundamentals-timeseries/v1/finance/timeseries/{symbol}", _time_series),
        route("/v1/test/getcrumb", _crumb),
        route("/", _cookie),
    ]


def _crumb(_: Simulation, __: Request) -> Response:
    return PlainTextResponse(_CRUMB)


def _cookie(_: Simulation, __: Request) -> Response:
    answer = PlainTextResponse("", 404)
    answer.set_cookie("A3", "d=simulated&S=simulated", max_age=31_557_600, path="/")
    return answer


def _time_series(_: Simulation, request: Request) -> Response:
    # valuation series are not part of this market: Yahoo then answers each type with its meta only
    symbol = request.path_params["symbol"]
    types = [name for name in request.query_params.get("type", "").split(",") if name]
    result = [{"meta": {"symbol": [symbol], "type": [name]}} for name in types]
    return json_answer({"timeseries": {"result": result, "error": None}})


def _quote(simulation: Simulation, request: Request) -> Response:
    symbols = [symbol for symbol in request.query_params.get("symbols", "").split(",") if symbol]
    if not symbols:
        error = {"code": "Bad Request", "description": "Missing required query parameter=symbols"}
        return json_answer({"quoteResponse": {"result": None, "error": error}}, 400)
    pictures = (picture(simulation, symbol) for symbol in symbols)
    result = [quote(seen) for seen in pictures if seen is not None]
    return json_answer({"quoteResponse": {"result": result, "error": None}})


def _summary(simulation: Simulation, request: Request) -> Response:
    symbol = request.path_params["symbol"]
    wanted = [name for name in request.query_params.get("modules", "").split(",") if name]
    seen = picture(simulation, symbol)
    if seen is None:
        return _no_summary(f"Quote not found for symbol: {symbol}")
    modules = {name: MODULES[name](seen) for name in wanted if name in MODULES}
    if not modules:
        return _no_summary(f"No fundamentals data found for any of the summaryTypes={','.join(wanted)}")
    return json_answer({"quoteSummary": {"result": [modules], "error": None}})


def _no_summary(description: str) -> Response:
    error = {"code": "Not Found", "description": description}
    return json_answer({"quoteSummary": {"result": None, "error": error}}, 404)


def _no_chart(status: int, code: str, description: str) -> Response:
    error = {"code": code, "description": description}
    return json_answer({"chart": {"result": None, "error": error}}, status)


def _chart(simulation: Simulation, request: Request) -> Response:
    symbol, now = request.path_params["symbol"], simulation.now()
    place = simulation.market.places.get(symbol)
    newest = day_of(published_day(now))
    everything = simulation.market.series(symbol, date(1970, 1, 1), newest, now)
    if place is None or len(everything.day) == 0:
        return _no_chart(404, "Not Found", "No data found, symbol may be delisted")
    query = request.query_params
    interval = query.get("interval", "1d")
    if interval not in _UNITS:
        text = f"Invalid input - interval={interval} is not supported. Valid intervals: [{', '.join(_UNITS)}]"
        return _no_chart(422, "Unprocessable Entity", text)
    try:
        first, last = _interval(query.get("period1"), query.get("period2"), query.get("range"), now)
    except ValueError:
        return _no_chart(400, "Bad Request", "Invalid input - start date cannot be after end date.")
    opens = _open_seconds(everything.day)
    if last <= opens[0]:
        text = f"Data doesn't exist for startDate = {first}, endDate = {last}"
        return _no_chart(400, "Bad Request", text)
    low, high = int(np.searchsorted(opens, first)), int(np.searchsorted(opens, last))
    instrument = simulation.market.instruments()[place]
    actions = effective_actions(simulation.market, symbol, now)
    rows, adjusted = _yahoo_prices(everything, actions)
    span = slice(low, high)
    result: dict[str, Any] = {
        "meta": _meta(instrument, rows, low, opens, now, interval=interval, span=query.get("range", ""))
    }
    shown, closes, stamps = rows.take(span), adjusted[span], opens[span]
    if _UNITS[interval] != "D":
        shown, closes, stamps = _merged(shown, closes, _UNITS[interval])
    if len(stamps):
        result["timestamp"] = stamps
        events = _events(actions, opens, low, high, rows=everything, wanted=query.get("events", ""))
        if events:
            result["events"] = events
    result["indicators"] = _indicators(shown, closes)
    return json_answer({"chart": {"result": [result], "error": None}})


def _interval(start: str | None, end: str | None, span: str | None, now: datetime) -> tuple[int, int]:
    last = int(end) if end else int(now.timestamp())
    if start:
        first = int(start)
    elif span == "max":
        first = 0
    elif span == "ytd":
        first = int(datetime(now.year, 1, 1, tzinfo=NEW_YORK).timestamp())
    else:
        first = last - _RANGES.get(span or "1d", 1) * 86_400
    if first > last:
        raise ValueError(start)
    return first, last


def _open_seconds(days: np.ndarray[Any, np.dtype[np.int32]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([new_york_millis(day, 9, 30) // 1000 for day in days.tolist()], np.int64)


def _yahoo_prices(rows: Rows, actions: list[Action]) -> tuple[Rows, Floats]:
    # prices adjusted for every split so far, in single precision as Yahoo keeps them
    factors = split_factors(rows, actions)
    adjusted = rows.close * factors * dividend_factors(rows, actions)
    single = scaled(rows, factors, factors)
    prices = single._replace(
        open=_single(single.open),
        high=_single(single.high),
        low=_single(single.low),
        close=_single(single.close),
    )
    return prices, _single(adjusted)


def _single(column: Floats) -> Floats:
    return column.astype(np.float32).astype(np.float64)


def _indicators(rows: Rows, adjusted: Floats) -> dict[str, Any]:
    if len(rows.day) == 0:
        return {"quote": [{}], "adjclose": [{}]}
    quote = {
        "close": rows.close,
        "open": rows.open,
        "volume": rows.volume.astype(np.int64),
        "high": rows.high,
        "low": rows.low,
    }
    return {"quote": [quote], "adjclose": [{"adjclose": adjusted}]}


def _merged(
    rows: Rows, adjusted: Floats, unit: str
) -> tuple[Rows, Floats, np.ndarray[Any, np.dtype[np.int64]]]:
    if len(rows.day) == 0:
        return rows, adjusted, np.empty(0, np.int64)
    months = rows.day.astype("datetime64[D]").astype("datetime64[M]")
    begins = (rows.day + 3) // 7 * 7 - 3 if unit == "W" else months.astype("datetime64[D]").astype(np.int64)
    starts = np.flatnonzero(np.diff(begins, prepend=begins[0] - 1))
    ends = np.append(starts[1:], len(rows.day)) - 1
    merged = Rows(
        rows.place[starts],
        begins[starts].astype(np.int32),
        rows.open[starts],
        np.maximum.reduceat(rows.high, starts),
        np.minimum.reduceat(rows.low, starts),
        rows.close[ends],
        np.add.reduceat(rows.volume, starts),
    )
    stamps = np.array([new_york_millis(day, 0) // 1000 for day in merged.day.tolist()], np.int64)
    return merged, adjusted[ends], stamps


def _events(
    actions: list[Action],
    opens: np.ndarray[Any, np.dtype[np.int64]],
    low: int,
    high: int,
    *,
    rows: Rows,
    wanted: str,
) -> dict[str, Any]:
    kinds = set(wanted.replace("|", ",").split(","))
    dividends: dict[str, Any] = {}
    splits: dict[str, Any] = {}
    for action in actions:
        at = int(np.searchsorted(rows.day, day_number(action.ex_date)))
        if not low <= at < high:
            continue
        stamp = int(opens[at])
        if action.split_ratio is not None and kinds & {"split", "splits"}:
            new, old = ratio_parts(action.split_ratio)
            splits[str(stamp)] = {
                "date": stamp,
                "numerator": new,
                "denominator": old,
                "splitRatio": f"{new}:{old}",
            }
        elif action.cash_usd is not None and kinds & {"div", "dividends"}:
            later = [a.split_ratio for a in actions if a.split_ratio and a.ex_date > action.ex_date]
            amount = action.cash_usd / float(np.prod(later)) if later else action.cash_usd
            dividends[str(stamp)] = {"amount": round(amount, 6), "date": stamp}
    found = {"dividends": dividends, "splits": splits}
    return {name: events for name, events in found.items() if events}


def _meta(
    instrument: Instrument,
    rows: Rows,
    low: int,
    opens: np.ndarray[Any, np.dtype[np.int64]],
    now: datetime,
    *,
    interval: str,
    span: str,
) -> dict[str, Any]:
    year = rows.take(slice(-252, None))
    local = now.astimezone(NEW_YORK)
    offset = int((local.utcoffset() or timedelta(0)).total_seconds())
    exchange, full_name = EXCHANGES[instrument.mic]
    newest = int(rows.day[-1])
    return {
        "currency": "USD",
        "symbol": instrument.symbol,
        "exchangeName": exchange,
        "fullExchangeName": full_name,
        "instrumentType": "ETF" if instrument.asset_type == "ETF" else "EQUITY",
        "firstTradeDate": int(opens[0]),
        "regularMarketTime": new_york_millis(newest, 16) // 1000,
        "hasPrePostMarketData": True,
        "gmtoffset": offset,
        "timezone": local.tzname(),
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": round(float(rows.close[-1]), 4),
        "fiftyTwoWeekHigh": round(float(year.high.max()), 4),
        "fiftyTwoWeekLow": round(float(year.low.min()), 4),
        "regularMarketDayHigh": round(float(rows.high[-1]), 4),
        "regularMarketDayLow": round(float(rows.low[-1]), 4),
        "regularMarketVolume": int(rows.volume[-1]),
        "longName": instrument.name,
        "shortName": instrument.name[:30],
        "chartPreviousClose": round(float(rows.close[max(0, low - 1)]), 3),
        "priceHint": 2,
        "currentTradingPeriod": _periods(local, offset),
        "dataGranularity": interval,
        "range": span,
        "validRanges": _VALID_RANGES,
    }


def _periods(local: datetime, offset: int) -> dict[str, dict[str, Any]]:
    today = day_number(local.date())
    bounds = {"pre": ((4, 0), (9, 30)), "regular": ((9, 30), (16, 0)), "post": ((16, 0), (20, 0))}
    return {
        name: {
            "timezone": local.tzname(),
            "start": new_york_millis(today, *begin) // 1000,
            "end": new_york_millis(today, *end) // 1000,
            "gmtoffset": offset,
        }
        for name, (begin, end) in bounds.items()
    }
