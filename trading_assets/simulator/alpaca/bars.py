"""Alpaca's bars: days, hours and minutes of many symbols in pages, and the latest bar."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.alpaca import arguments
from trading_assets.simulator.alpaca.arguments import WrongArgumentError
from trading_assets.simulator.market.adjustment import (
    dividend_factors,
    effective_actions,
    scaled,
    spin_off_factors,
    split_factors,
)
from trading_assets.simulator.market.intraday import day_so_far, halts_behind, intraday, rows_behind
from trading_assets.simulator.market.tape import (
    Floats,
    Rows,
    TapeMarket,
    day_number,
    day_of,
    joined_rows,
    published_day,
)
from trading_assets.simulator.market.vendor_differences import name_hashes, seen_by_iex
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import json_answer, json_array, json_lines, new_york_millis, whole_numbers

_MAX_BARS = 10_000


class _Bars(NamedTuple):
    # bars of one symbol; ``start`` is what they are labelled with, in UTC seconds
    start: NDArray[np.int64]
    rows: Rows

    def take(self, which: NDArray[np.bool_] | slice) -> _Bars:
        return _Bars(self.start[which], self.rows.take(which))


class _Question(NamedTuple):
    # what is asked of every symbol; ``first`` and ``last`` are bounds of labels in UTC seconds, both included
    minutes: int | None
    adjustments: frozenset[str]
    as_of: date | None
    feed: str
    first: int
    last: int
    now: datetime


def bars(simulation: Simulation, request: Request) -> Response:
    """Answer /v2/stocks/bars."""
    symbols = arguments.symbols(simulation.market, request.query_params.get("symbols", ""))
    found, token = _page(simulation, request, symbols)
    return json_answer({"bars": found, "next_page_token": token})


def bars_of_one(simulation: Simulation, request: Request) -> Response:
    """Answer /v2/stocks/{symbol}/bars."""
    symbols = arguments.symbols(simulation.market, request.path_params["symbol"])
    found, token = _page(simulation, request, symbols)
    return json_answer({"bars": found.get(symbols[0]), "symbol": symbols[0], "next_page_token": token})


def latest_bars(simulation: Simulation, request: Request) -> Response:
    """Answer /v2/stocks/bars/latest."""
    symbols = arguments.symbols(simulation.market, request.query_params.get("symbols", ""))
    found = {symbol: bar for symbol in symbols if (bar := _latest(simulation, symbol)) is not None}
    return json_answer({"bars": found})


def latest_bar_of_one(simulation: Simulation, request: Request) -> Response:
    """Answer /v2/stocks/{symbol}/bars/latest."""
    symbol = arguments.symbols(simulation.market, request.path_params["symbol"])[0]
    return json_answer({"bar": _latest(simulation, symbol), "symbol": symbol})


def _latest(simulation: Simulation, symbol: str) -> orjson.Fragment | None:
    now = simulation.now()
    today = published_day(now)
    rows = simulation.market.series(symbol, day_of(today - 14), day_of(today), now).take(slice(-1, None))
    return orjson.Fragment(_lines(_daily(rows))[0]) if len(rows.day) else None


def _page(
    simulation: Simulation, request: Request, symbols: Sequence[str]
) -> tuple[dict[str, orjson.Fragment], str | None]:
    query = request.query_params
    question = _question(simulation, request)
    limit = arguments.limit(query.get("limit"), 1000, _MAX_BARS)
    descending = query.get("sort") == "desc"
    at_symbol, at_start = _read_token(query.get("page_token"))
    parts: list[tuple[str, _Bars]] = []
    room, token = limit, None
    for symbol in symbols:
        if at_symbol is not None and symbol < at_symbol:
            continue
        if room == 0:
            # the token names the first bar of the next page, or a symbol that may have none
            token = _token(symbol, question.last if descending else question.first)
            break
        asked = question
        if symbol == at_symbol:
            asked = question._replace(last=at_start) if descending else question._replace(first=at_start)
        found = _bars_of(simulation, symbol, asked)
        if descending:
            found = found.take(slice(None, None, -1))
        parts.append((symbol, found.take(slice(0, room))))
        if len(found.start) > room:
            token = _token(symbol, int(found.start[room]))
            break
        room -= len(found.start)
    return _by_symbol(parts), token


def _question(simulation: Simulation, request: Request) -> _Question:
    query, now = request.query_params, simulation.now()
    minutes = arguments.timeframe_minutes(query.get("timeframe", ""))
    adjustments = arguments.adjustments(query.get("adjustment", "raw"))
    feed = arguments.feed(query.get("feed", "sip"))
    today = datetime.combine(now.astimezone(NEW_YORK).date(), datetime.min.time(), NEW_YORK)
    start = arguments.instant(query["start"], "start") if query.get("start") else today
    end = arguments.instant(query["end"], "end") if query.get("end") else now
    first = -int(-start.timestamp() // 1)
    text = query.get("asof") or today.date().isoformat()
    as_of = None if text == "-" else arguments.instant(text, "asof").date()
    return _Question(minutes, adjustments, as_of, feed, first, int(min(end, now).timestamp()), now)


def _bars_of(simulation: Simulation, symbol: str, asked: _Question) -> _Bars:
    market, now = simulation.market, asked.now
    low, high = (day_number(datetime.fromtimestamp(at, NEW_YORK).date()) for at in (asked.first, asked.last))
    today = day_number(now.astimezone(NEW_YORK).date())
    until = min(high, today) if not asked.adjustments else today
    tickers = market.tickers_of_holder(symbol, asked.as_of, now) if asked.as_of else [symbol]
    if asked.minutes is None:
        parts = [market.series(ticker, day_of(low), day_of(until), now) for ticker in tickers]
        if until == today:
            parts += [day_so_far(market, ticker, now) for ticker in tickers]
        rows = _on_feed(market, joined_rows(parts), asked.feed)
        factors = _factors(simulation, tickers, rows, asked)
        found = _daily(rows if factors is None else scaled(rows, *factors))
    else:
        parts = [rows_behind(market, ticker, low, until, now) for ticker in tickers]
        rows = _on_feed(market, joined_rows(parts), asked.feed)
        cut = intraday(rows, asked.minutes, now, halts=halts_behind(market, tickers, rows))
        cut = cut.without(simulation.dirt.missing_hours("alpaca", symbol))
        factors = _factors(simulation, tickers, rows, asked)
        if factors is not None:
            cut = cut.scaled(*factors)
        found = _Bars(cut.start, cut.columns())
    return found.take((found.start >= asked.first) & (found.start <= asked.last))


def _on_feed(market: TapeMarket, rows: Rows, feed: str) -> Rows:
    return seen_by_iex(rows, name_hashes(market.symbols)) if feed == "iex" else rows


def _factors(
    simulation: Simulation, tickers: Sequence[str], rows: Rows, asked: _Question
) -> tuple[Floats, Floats] | None:
    # what prices are multiplied by and volumes divided by; the rows reach up to today
    if not asked.adjustments or len(rows.day) == 0:
        return None
    today = asked.now.astimezone(NEW_YORK).date()
    actions = [
        action
        for ticker in tickers
        for action in effective_actions(simulation.market, ticker, asked.now, until=today)
    ]
    none = np.ones(len(rows.day))
    volumes = split_factors(rows, actions) if "split" in asked.adjustments else none
    prices = volumes * (dividend_factors(rows, actions) if "dividend" in asked.adjustments else none)
    return prices * (spin_off_factors(rows, actions) if "spin-off" in asked.adjustments else none), volumes


def _daily(rows: Rows) -> _Bars:
    starts = [new_york_millis(day, 0) // 1000 for day in rows.day.tolist()]
    return _Bars(np.array(starts, np.int64), rows)


def _by_symbol(parts: Sequence[tuple[str, _Bars]]) -> dict[str, orjson.Fragment]:
    filled = [(symbol, part) for symbol, part in parts if len(part.start)]
    if not filled:
        return {}
    joined = joined_rows([part.rows for _, part in filled])
    lines = _lines(_Bars(np.concatenate([part.start for _, part in filled]), joined))
    found, begin = {}, 0
    for symbol, part in filled:
        end = begin + len(part.start)
        found[symbol] = json_array(lines[begin:end])
        begin = end
    return found


def _lines(found: _Bars) -> list[bytes]:
    rows = found.rows
    labels = np.datetime_as_string(found.start.astype("datetime64[s]"), timezone="UTC")
    return json_lines(
        {
            "c": np.round(rows.close, 4),
            "h": np.round(rows.high, 4),
            "l": np.round(rows.low, 4),
            "n": rows.trade_count,
            "o": np.round(rows.open, 4),
            "t": pl.Series(labels, dtype=pl.String),
            "v": whole_numbers(rows.volume),
            "vw": rows.vwap,
        }
    )


def _token(symbol: str, start: int) -> str:
    label = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return base64.urlsafe_b64encode(f"{symbol}|{label}".encode()).decode()


def _read_token(token: str | None) -> tuple[str | None, int]:
    if not token:
        return None, 0
    try:
        symbol, label = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(datetime.fromisoformat(label).timestamp())
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise WrongArgumentError("invalid page_token") from error
