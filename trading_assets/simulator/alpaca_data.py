"""Alpaca's data protocol: daily bars of many symbols in pages, latest bars, and corporate actions."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import orjson
import polars as pl
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.adjustment import (
    dividend_factors,
    effective_actions,
    ratio_parts,
    scaled,
    split_factors,
)
from trading_assets.simulator.market import ASSET_NAMESPACE
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.tape import Action, Rows, TapeMarket, day_number, day_of, published_day
from trading_assets.simulator.wire import json_answer, json_array, json_lines, new_york_midnight, whole_number

_MAX_BARS = 10_000
_MAX_ACTIONS = 1000
_ADJUSTMENTS = frozenset({"raw", "split", "dividend", "all"})
_FEEDS = frozenset({"sip", "iex", "otc", "boats", "overnight", "delayed_sip"})
_SYMBOL = re.compile(r"[A-Z]{1,6}([./-][A-Z]{1,4})?")
_DAILY = frozenset({"1Day", "1D"})
_KINDS = {
    "forward_split": "forward_splits",
    "reverse_split": "reverse_splits",
    "cash_dividend": "cash_dividends",
}
_PAY_LAG = timedelta(days=21)


class _Wrong(Exception):  # noqa: N818 (an answer of the protocol, not a failure)
    """A request that Alpaca answers with 400 and a message."""


def routes(simulation: Simulation) -> list[Route]:
    """Return the routes of Alpaca's data host over one simulation."""

    def route(path: str, answer: Callable[[Simulation, Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            if not (request.headers.get("apca-api-key-id") and request.headers.get("apca-api-secret-key")):
                return json_answer({"code": 40110000, "message": "request is not authorized"}, 401)
            try:
                return answer(simulation, request)
            except _Wrong as wrong:
                return json_answer({"message": str(wrong)}, 400)

        return Route(path, endpoint)

    return [
        route("/v2/stocks/bars", _bars),
        route("/v2/stocks/bars/latest", _latest_bars),
        route("/v2/stocks/{symbol}/bars", _bars_of_one),
        route("/v2/stocks/{symbol}/bars/latest", _latest_bar_of_one),
        route("/v1/corporate-actions", _corporate_actions),
    ]


def _bars(simulation: Simulation, request: Request) -> Response:
    symbols = _symbols(simulation.market, request.query_params.get("symbols", ""))
    bars, token = _page_of_bars(simulation, request, symbols)
    return json_answer({"bars": bars, "next_page_token": token})


def _bars_of_one(simulation: Simulation, request: Request) -> Response:
    symbols = _symbols(simulation.market, request.path_params["symbol"])
    bars, token = _page_of_bars(simulation, request, symbols)
    return json_answer({"bars": bars.get(symbols[0]), "symbol": symbols[0], "next_page_token": token})


def _latest_bars(simulation: Simulation, request: Request) -> Response:
    symbols = _symbols(simulation.market, request.query_params.get("symbols", ""))
    bars = {symbol: bar for symbol in symbols if (bar := _latest(simulation, symbol)) is not None}
    return json_answer({"bars": bars})


def _latest_bar_of_one(simulation: Simulation, request: Request) -> Response:
    symbol = _symbols(simulation.market, request.path_params["symbol"])[0]
    return json_answer({"bar": _latest(simulation, symbol), "symbol": symbol})


def _latest(simulation: Simulation, symbol: str) -> orjson.Fragment | None:
    now = simulation.now()
    today = published_day(now)
    rows = simulation.market.series(symbol, day_of(today - 14), day_of(today), now)
    return orjson.Fragment(_ticks(rows.take(slice(-1, None)))[0]) if len(rows.day) else None


def _symbols(market: TapeMarket, text: str) -> list[str]:
    symbols = sorted({symbol for symbol in text.split(",") if symbol})
    if not symbols:
        raise _Wrong("symbol list is empty")
    for symbol in symbols:
        if symbol not in market.places and not _SYMBOL.fullmatch(symbol):
            raise _Wrong(f"invalid symbol: {symbol}")
    return symbols


def _page_of_bars(
    simulation: Simulation, request: Request, symbols: Sequence[str]
) -> tuple[dict[str, orjson.Fragment], str | None]:
    query, now = request.query_params, simulation.now()
    _check(query.get("timeframe", ""), query.get("adjustment", "raw"), query.get("feed", "sip"))
    limit = _limit(query.get("limit"), 1000, _MAX_BARS)
    today = datetime.combine(now.astimezone(NEW_YORK).date(), datetime.min.time(), NEW_YORK)
    first = _first_day(query.get("start"), today)
    last = min(_last_day(query.get("end"), now), published_day(now))
    descending = query.get("sort") == "desc"
    adjustment = query.get("adjustment", "raw")
    at_symbol, at_day = _read_token(query.get("page_token"))

    parts: list[Rows] = []
    room, token = limit, None
    for symbol in symbols:
        if at_symbol is not None and symbol < at_symbol:
            continue
        low, high = first, last
        if symbol == at_symbol:
            low, high = (first, at_day - 1) if descending else (at_day + 1, last)
        rows = _adjusted(simulation, symbol, low, high, now=now, adjustment=adjustment)
        if descending:
            rows = rows.take(slice(None, None, -1))
        if len(rows.day) > room:
            # the token names the last row of this page, or of the symbol before it
            if room:
                parts.append(rows.take(slice(0, room)))
            token = _token(symbol, int(rows.day[room - 1]) if room else (high + 1 if descending else low - 1))
            break
        room -= len(rows.day)
        parts.append(rows)
    return _by_symbol(simulation.market, parts), token


def _adjusted(
    simulation: Simulation, symbol: str, first: int, last: int, *, now: datetime, adjustment: str
) -> Rows:
    market = simulation.market
    if adjustment == "raw":
        return market.series(symbol, day_of(first), day_of(last), now)
    rows = market.series(symbol, day_of(first), day_of(published_day(now)), now)
    actions = effective_actions(market, symbol, now)
    splits = split_factors(rows, actions)
    prices = splits if adjustment in {"split", "all"} else np.ones(len(rows.day))
    if adjustment in {"dividend", "all"}:
        prices = prices * dividend_factors(rows, actions)
    volumes = splits if adjustment in {"split", "all"} else np.ones(len(rows.day))
    return scaled(rows, prices, volumes).take(rows.day <= last)


def _by_symbol(market: TapeMarket, parts: Sequence[Rows]) -> dict[str, orjson.Fragment]:
    filled = [part for part in parts if len(part.day)]
    if not filled:
        return {}
    ticks = _ticks(Rows._make(map(np.concatenate, zip(*filled, strict=True))))
    bars, begin = {}, 0
    for part in filled:
        end = begin + len(part.day)
        bars[market.symbols[int(part.place[0])]] = json_array(ticks[begin:end])
        begin = end
    return bars


def _ticks(rows: Rows) -> list[bytes]:
    labels = {day: new_york_midnight(day) for day in np.unique(rows.day).tolist()}
    return json_lines(
        {
            "c": np.round(rows.close, 4),
            "h": np.round(rows.high, 4),
            "l": np.round(rows.low, 4),
            "n": rows.trade_count,
            "o": np.round(rows.open, 4),
            "t": pl.Series([labels[day] for day in rows.day.tolist()], dtype=pl.String),
            "v": np.nan_to_num(rows.volume).astype(np.int64),
            "vw": rows.vwap,
        }
    )


def _check(timeframe: str, adjustment: str, feed: str) -> None:
    if timeframe not in _DAILY:
        raise _Wrong(f"invalid timeframe: {timeframe} (this market has 1Day bars only)")
    if adjustment not in _ADJUSTMENTS:
        raise _Wrong(f"invalid adjustment: {adjustment}")
    if feed not in _FEEDS:
        raise _Wrong(f"invalid feed: {feed}")


def _limit(text: str | None, default: int, highest: int) -> int:
    limit = whole_number(text, default, 0, highest + 1)
    if limit is None or not 1 <= limit <= highest:
        raise _Wrong(f"limit must be between 1 and {highest}")
    return limit


def _instant(text: str, name: str) -> datetime:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), NEW_YORK)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise _Wrong(f"invalid {name}: {text}") from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _first_day(text: str | None, today: datetime) -> int:
    # bars are labelled with midnight: one is inside if its label is at or after the start
    start = (_instant(text, "start") if text else today).astimezone(NEW_YORK)
    return day_number(start.date()) + (start.time() > datetime.min.time())


def _last_day(text: str | None, now: datetime) -> int:
    return day_number((_instant(text, "end") if text else now).astimezone(NEW_YORK).date())


def _token(symbol: str, day: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|D|{day}".encode()).decode()


def _read_token(token: str | None) -> tuple[str | None, int]:
    if not token:
        return None, 0
    try:
        symbol, _, day = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(day)
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise _Wrong("invalid page_token") from error


def _corporate_actions(simulation: Simulation, request: Request) -> Response:
    query, now = request.query_params, simulation.now()
    today = now.astimezone(NEW_YORK).date()
    limit = _limit(query.get("limit"), 100, _MAX_ACTIONS)
    start = _instant(query["start"], "start").date() if query.get("start") else today
    end = _instant(query["end"], "end").date() if query.get("end") else today
    wanted = {symbol for symbol in query.get("symbols", "").split(",") if symbol}
    kinds = {kind for kind in query.get("types", "").split(",") if kind} or set(_KINDS)
    # the interval is one of process dates: the ex-date of a split, the pay date of a dividend
    actions = [
        (kind, processed, action)
        for action in simulation.market.actions(start - _PAY_LAG, end, known_at=now)
        for kind, processed in [_processing(action)]
        if start <= processed <= end and kind in kinds and (not wanted or action.symbol in wanted)
    ]
    actions.sort(key=lambda row: (row[1], row[2].symbol, row[0]), reverse=query.get("sort") == "desc")
    begin = _offset(query.get("page_token"))
    groups: dict[str, list[dict[str, Any]]] = {}
    for kind, processed, action in actions[begin : begin + limit]:
        groups.setdefault(_KINDS[kind], []).append(_describe(kind, processed, action))
    more = begin + limit < len(actions)
    token = base64.urlsafe_b64encode(str(begin + limit).encode()).decode() if more else None
    return json_answer({"corporate_actions": groups, "next_page_token": token})


def _offset(token: str | None) -> int:
    try:
        return int(base64.urlsafe_b64decode(token)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise _Wrong("invalid page_token") from error


def _processing(action: Action) -> tuple[str, date]:
    if action.split_ratio is None:
        return "cash_dividend", action.ex_date + _PAY_LAG
    return ("forward_split" if action.split_ratio > 1 else "reverse_split"), action.ex_date


def _describe(kind: str, processed: date, action: Action) -> dict[str, Any]:
    return dict(_fields(kind, processed, action))


def _fields(kind: str, processed: date, action: Action) -> Iterator[tuple[str, Any]]:
    ex_date = action.ex_date.isoformat()
    yield "id", str(uuid.uuid5(ASSET_NAMESPACE, f"{kind} {action.symbol} {ex_date}"))
    yield "symbol", action.symbol
    cusip = uuid.uuid5(ASSET_NAMESPACE, f"cusip {action.symbol}").hex[:9].upper()
    if kind == "reverse_split":
        yield "old_cusip", cusip
        yield "new_cusip", uuid.uuid5(ASSET_NAMESPACE, f"cusip {action.symbol} {ex_date}").hex[:9].upper()
    else:
        yield "cusip", cusip
    if action.split_ratio is not None:
        new, old = ratio_parts(action.split_ratio)
        yield "new_rate", new
        yield "old_rate", old
    else:
        yield "rate", action.cash_usd
        yield "special", False
        yield "foreign", False
    yield "process_date", processed.isoformat()
    yield "ex_date", ex_date
    yield "record_date", (action.ex_date + timedelta(days=action.split_ratio is None)).isoformat()
    yield "payable_date", processed.isoformat()
