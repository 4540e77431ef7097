"""Alpaca's hours: half-hour bars of many symbols a request, joined into hourly bars [symbol, bar_start]."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import polars as pl
from alpaca.data.historical.stock import StockHistoricalDataClient

from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponses
from resources.vendors.alpaca.bars import BARS_PER_PAGE, PageBars, fetch_bars, moments, parse_bars
from resources.vendors.bars import new_york_midnight, start_of_range
from resources.vendors.half_hours import NO_HOURS, join_half_hours, require_begun
from resources.vendors.http.policy import HttpGate
from resources.vendors.protocol import Fetched, Progress
from trading_assets.sessions import session_close
from trading_assets.tables.table import UTC_INSTANT

HALF_HOURS_A_DAY = 32
"""From four in the morning to eight in the evening, when extended trading ends."""


def fetch(
    client: StockHistoricalDataClient,
    sessions: Sequence[date],
    symbols: Sequence[str],
    *,
    gate: HttpGate,
    now: datetime,
    delay: timedelta,
    feed: str,
    workers: int,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch the finished hours of ``sessions``; symbols that Alpaca does not know or has no bars of are in ``empty``.

    The end that is asked for lies ``delay`` in the past: plans without recent data refuse a later one.
    """
    if not sessions or not symbols:
        return Fetched(NO_HOURS, ())
    require_begun(sessions, now, delay)
    params = {
        "timeframe": "30Min",
        "start": new_york_midnight(start_of_range(sessions)).isoformat(),
        "end": min(session_close(max(sessions)), now - delay).isoformat(timespec="seconds"),
        "limit": BARS_PER_PAGE,
        "adjustment": "raw",
        "feed": feed,
        "asof": "-",
        "sort": "asc",
    }
    frames, packed = fetch_bars(
        client,
        symbols,
        params,
        parse_half_hours,
        now=now,
        gate=gate,
        workers=workers,
        progress=progress,
        pages_expected=len(symbols) * len(sessions) * HALF_HOURS_A_DAY // BARS_PER_PAGE,
    )
    hours = join_half_hours(frames, sessions, now=now, delay=delay)
    present = set(hours.frame["symbol"].unique())
    empty = tuple(symbol for symbol in symbols if symbol not in present)
    return Fetched(hours.frame, PackedResponses(packed), empty, hours.left_out)


def parse_half_hours(bars: PageBars, response: RawResponse) -> pl.DataFrame:
    """Parse the half hours of one page into ``HALF_HOUR_SCHEMA``.

    Raises
    ------
    VendorDataError
        If a bar lacks a field or has one of a wrong type.
    """
    return parse_bars(bars, response, _starts)


def _starts(stamps: list[str]) -> pl.Series:
    known = moments(stamps)
    return pl.Series("start", [known[stamp] for stamp in stamps], dtype=UTC_INSTANT)
