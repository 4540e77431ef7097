"""Yahoo's chart: bars of one symbol a day, week, month, or so many minutes, with its dividends and splits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.faults.dirt import DirtKind
from trading_assets.simulator.market.adjustment import split_factors
from trading_assets.simulator.market.intraday import halts_behind, intraday, rows_behind
from trading_assets.simulator.market.tape import Floats, Rows, day_number, day_of, joined_rows
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer, new_york_millis, whole_numbers
from trading_assets.simulator.yahoo.history import History, Whole, events, history, single
from trading_assets.simulator.yahoo.meta import RANGES, intraday_meta, meta
from trading_assets.simulator.yahoo.spelling import of_market

_UNITS = {"1d": "D", "1wk": "W", "1mo": "M"}
_MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60}
_KEPT_DAYS = {"1m": 30, "60m": 730, "1h": 730}
_KEPT_DAYS_OTHERS = 60
_LONGEST_MINUTE_DAYS = 8
_DAY_SECONDS = 86_400


class _NoChartError(Exception):
    # what Yahoo answers instead of a chart

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status, self.code, self.description = status, code, description


def chart(simulation: Simulation, request: Request) -> Response:
    """Answer /v8/finance/chart/{symbol}."""
    try:
        result = _result(simulation, request)
    except _NoChartError as refusal:
        error = {"code": refusal.code, "description": refusal.description}
        return json_answer({"chart": {"result": None, "error": error}}, refusal.status)
    return json_answer({"chart": {"result": [result], "error": None}})


def _result(simulation: Simulation, request: Request) -> dict[str, Any]:
    query, now = request.query_params, simulation.now()
    seen = history(simulation, of_market(simulation.market, request.path_params["symbol"]))
    if seen is None:
        raise _NoChartError(404, "Not Found", "No data found, symbol may be delisted")
    interval = query.get("interval", "1d")
    if interval not in _UNITS and interval not in _MINUTES:
        known = ", ".join([*_MINUTES, *_UNITS])
        text = f"Invalid input - interval={interval} is not supported. Valid intervals: [{known}]"
        raise _NoChartError(422, "Unprocessable Entity", text)
    first, last = _span(query.get("period1"), query.get("period2"), query.get("range"), now)
    if last <= seen.opens[0]:
        text = f"Data doesn't exist for startDate = {first}, endDate = {last}"
        raise _NoChartError(400, "Bad Request", text)
    foreign = simulation.dirt.struck("yahoo", DirtKind.CURRENCY_MIX_UP, seen.instrument.symbol)
    head = meta(seen, first, now, interval=interval, span=query.get("range", ""))
    if foreign is not None:
        head["currency"] = "GBP"
    if interval in _MINUTES:
        _check_kept(interval, first, last, now)
        extended = query.get("includePrePost", "false").lower() == "true"
        more, stamps, indicators = _windows(simulation, seen, interval, first, last, extended=extended)
        head |= more
    else:
        stamps, indicators = _days(seen, interval, first, last)
    result: dict[str, Any] = {"meta": head}
    if len(stamps):
        result["timestamp"] = stamps
        found = events(seen, first, last, query.get("events", ""))
        if found:
            result["events"] = found
    result["indicators"] = indicators
    return result


def _span(start: str | None, end: str | None, span: str | None, now: datetime) -> tuple[int, int]:
    try:
        last = int(end) if end else int(now.timestamp())
        first = int(start) if start else None
    except ValueError as error:
        raise _NoChartError(400, "Bad Request", "Invalid input - period1 and period2 are numbers.") from error
    if first is None and span == "max":
        first = 0
    elif first is None and span == "ytd":
        first = int(datetime(now.year, 1, 1, tzinfo=NEW_YORK).timestamp())
    elif first is None:
        first = last - RANGES.get(span or "1d", 1) * _DAY_SECONDS
    if first > last:
        raise _NoChartError(400, "Bad Request", "Invalid input - start date cannot be after end date.")
    return first, last


def _check_kept(interval: str, first: int, last: int, now: datetime) -> None:
    # Yahoo keeps minutes for some weeks and hours for two years
    days = _KEPT_DAYS.get(interval, _KEPT_DAYS_OTHERS)
    text = f"{interval} data not available for startTime={first} and endTime={last}. "
    if first < now.timestamp() - days * _DAY_SECONDS:
        text += f"The requested range must be within the last {days} days."
        raise _NoChartError(422, "Unprocessable Entity", text)
    if interval == "1m" and last - first > _LONGEST_MINUTE_DAYS * _DAY_SECONDS:
        text += f"Only {_LONGEST_MINUTE_DAYS} days worth of 1m granularity data are allowed to be fetched per request."
        raise _NoChartError(422, "Unprocessable Entity", text)


def _days(seen: History, interval: str, first: int, last: int) -> tuple[Whole, dict[str, Any]]:
    span = slice(*np.searchsorted(seen.stamps, (first, last)).tolist())
    shown, closes, stamps = seen.rows.take(span), seen.adjusted[span], seen.stamps[span]
    if _UNITS[interval] != "D":
        shown, closes, stamps = _merged(shown, closes, _UNITS[interval])
    if len(stamps) == 0:
        return stamps, {"quote": [{}], "adjclose": [{}]}
    return stamps, {"quote": [_quote(shown)], "adjclose": [{"adjclose": closes}]}


def _windows(
    simulation: Simulation, seen: History, interval: str, first: int, last: int, *, extended: bool
) -> tuple[dict[str, Any], Whole, dict[str, Any]]:
    now = simulation.now()
    low, high = (day_number(datetime.fromtimestamp(at, NEW_YORK).date()) for at in (first, last))
    symbol = seen.instrument.symbol
    tickers = [*simulation.market.tickers_before(symbol, now), symbol]
    rows = joined_rows([rows_behind(simulation.market, ticker, low, high, now) for ticker in tickers])
    pauses = halts_behind(simulation.market, tickers, rows)
    bars = intraday(rows, _MINUTES[interval], now, from_open=True, extended=extended, halts=pauses)
    bars = bars.without(simulation.dirt.missing_hours("yahoo", symbol))
    factors = split_factors(rows, seen.actions, spin_offs=True)
    bars = bars.scaled(factors, factors)
    bars = bars.take((bars.start >= first) & (bars.start < last))
    days = [day_of(day) for day in np.unique(rows.day[bars.row]).tolist()]
    head = intraday_meta(seen, days, now, extended=extended)
    if len(bars.start) == 0:
        return head, bars.start, {"quote": [{}]}
    prices = bars.columns()
    prices = prices._replace(
        open=single(bars.open), high=single(bars.high), low=single(bars.low), close=single(bars.close)
    )
    return head, bars.start, {"quote": [_quote(prices)]}


def _quote(rows: Rows) -> dict[str, Any]:
    return {
        "close": rows.close,
        "open": rows.open,
        "volume": whole_numbers(rows.volume).to_list(),
        "high": rows.high,
        "low": rows.low,
    }


def _merged(rows: Rows, adjusted: Floats, unit: str) -> tuple[Rows, Floats, Whole]:
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
