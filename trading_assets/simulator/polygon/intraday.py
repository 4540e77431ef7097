"""Polygon's minute and hour aggregates: one row a window, with pages that are limited in one-minute bars."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
from starlette.requests import Request

from trading_assets.sessions import NEW_YORK
from trading_assets.simulator.market.adjustment import effective_actions, split_factors
from trading_assets.simulator.market.intraday import Intraday, halts_behind, intraday, rows_behind
from trading_assets.simulator.market.tape import day_number
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.wire import new_york_millis, parse_day

SPANS = {"minute": 1, "hour": 60}
_LONGEST_MINUTES = 1440
_DAY_MILLIS = 86_400_000


def window_minutes(span: str, multiplier: str) -> int | None:
    """Return the width of the windows asked for; None if these are no minutes or hours."""
    if span not in SPANS or not multiplier.isdigit() or len(multiplier) > 4:
        return None
    minutes = int(multiplier) * SPANS[span]
    return minutes if 1 <= minutes <= _LONGEST_MINUTES else None


def arguments(request: Request) -> dict[str, str]:
    """Return the query, with what a page's cursor says of the first page's."""
    found = dict(request.query_params)
    cursor = found.pop("cursor", None)
    if cursor:
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        found |= dict(parse_qsl(text))
    return found


def next_url(request: Request, query: Mapping[str, str], first: int, last: int) -> str:
    """Return the address of the next page: the same question about what is left of the interval."""
    kept = {name: query[name] for name in ("adjusted", "limit", "sort") if name in query}
    cursor = base64.urlsafe_b64encode(urlencode(kept).encode()).decode().rstrip("=")
    path = request.url.path.rsplit("/", 2)[0].removeprefix("/")
    return f"{request.base_url}{path}/{first}/{last}?cursor={cursor}"


def interval(start: str, end: str) -> tuple[int | None, int | None]:
    """Return the first and the last window start asked for, in milliseconds; None where it cannot be read."""
    first, last = _millis(start), _millis(end)
    if last is not None and len(end) == 10:
        last += _DAY_MILLIS - 1
    return first, last


def windows(
    simulation: Simulation, ticker: str, minutes: int, first: int, last: int, *, is_adjusted: bool
) -> Intraday:
    """Return the bars whose windows start between two instants in milliseconds, as known now."""
    now = simulation.now()
    days = [day_number(datetime.fromtimestamp(at / 1000, NEW_YORK).date()) for at in (first, last)]
    rows = rows_behind(simulation.market, ticker, days[0], days[1], now)
    bars = intraday(rows, minutes, now, halts=halts_behind(simulation.market, [ticker], rows))
    bars = bars.without(simulation.dirt.missing_hours("polygon", ticker))
    if is_adjusted and len(rows.day):
        today = now.astimezone(NEW_YORK).date()
        factors = split_factors(rows, effective_actions(simulation.market, ticker, now, until=today))
        bars = bars.scaled(factors, factors)
    starts = bars.start * 1000
    return bars.take((starts >= first) & (starts <= last))


def page(bars: Intraday, limit: int) -> int:
    """Return how many bars fit into a page of ``limit`` one-minute bars; at least one, if there is any."""
    fits = int(np.searchsorted(np.cumsum(bars.minutes), limit, side="right"))
    return min(max(fits, 1), len(bars.row))


def columns(bars: Intraday) -> dict[str, Any]:
    """Return bars under Polygon's names."""
    modelled = bars.columns()
    return {
        "v": bars.volume,
        "vw": modelled.vwap,
        "o": np.round(bars.open, 4),
        "c": np.round(bars.close, 4),
        "h": np.round(bars.high, 4),
        "l": np.round(bars.low, 4),
        "t": bars.start * 1000,
        "n": modelled.trade_count,
    }


def _millis(text: str) -> int | None:
    if text.isdigit() and len(text) > 8:
        return int(text) if len(text) < 15 else None
    day = parse_day(text)
    return None if day is None else new_york_millis(day_number(day), 0)
