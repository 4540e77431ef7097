"""Polygon's hours: half-hour aggregates, one call a symbol, joined into hourly bars [symbol, bar_start]."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from polygon import RESTClient

from resources.raw.responses import RawResponse
from resources.raw.store import PackedResponse, PackedResponses, pack
from resources.vendors.bars import start_of_range
from resources.vendors.half_hours import HALF_HOUR_SCHEMA, NO_HOURS, join_half_hours, require_begun
from resources.vendors.http.fan_out import in_order
from resources.vendors.http.policy import HttpGate
from resources.vendors.polygon.answers import answers, bars_of, unusable
from resources.vendors.protocol import Fetched, Progress

BASE_AGGREGATES = 50_000
"""Minutes that one answer is made of at most; some fifty days of them, traded from four to eight."""
_FIELDS = {"start_ms": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_PARSED = {**dict.fromkeys((*_FIELDS, "vwap"), pl.Float64), "start_ms": pl.Int64, "trade_count": pl.Int64}


def fetch(
    client: RESTClient,
    sessions: Sequence[date],
    symbols: Sequence[str],
    *,
    gate: HttpGate,
    now: datetime,
    delay: timedelta,
    workers: int,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch the finished hours of ``sessions``; symbols without any bar are in ``empty``."""
    if not sessions or not symbols:
        return Fetched(NO_HOURS, ())
    require_begun(sessions, now, delay)
    first, last = start_of_range(sessions), max(sessions)

    def one(symbol: str) -> tuple[pl.DataFrame | None, list[PackedResponse]]:
        with gate.capture(now) as kept:
            client.get_aggs(
                symbol, 30, "minute", first, last, adjusted=False, sort="asc", limit=BASE_AGGREGATES, raw=True
            )
            bodies = list(answers(client, kept, counted=True))
        rows = [row for body in bodies for row in body["results"]]
        strangers = {body.get("ticker", symbol) for body in bodies} - {symbol}
        if strangers:
            raise unusable("Bars of another symbol than the one asked for", kept[-1], symbol=symbol)
        return parse_half_hours(rows, symbol, kept[-1]), [pack(response) for response in kept]

    frames, packed, empty = [], [], []
    results = in_order(one, symbols, workers=workers, ahead=16)
    for done, (symbol, (frame, kept)) in enumerate(zip(symbols, results, strict=True), start=1):
        packed += kept
        if frame is None:
            empty.append(symbol)
        else:
            frames.append(frame)
        if progress:
            progress(done, len(symbols))
    hours = join_half_hours(frames, sessions, now=now, delay=delay)
    return Fetched(hours.frame, PackedResponses(packed), tuple(empty), hours.left_out)


def parse_half_hours(rows: list[dict[str, Any]], symbol: str, response: RawResponse) -> pl.DataFrame | None:
    """Parse the aggregates of one symbol into ``HALF_HOUR_SCHEMA``; ``t`` is the start here. ``None`` for no rows.

    Raises
    ------
    VendorDataError
        If a bar lacks a field or has one of a wrong type.
    """
    if not rows:
        return None
    frame = bars_of(rows, _FIELDS, _PARSED, response, symbol=symbol)
    start = pl.from_epoch("start_ms", time_unit="ms").dt.replace_time_zone("UTC")
    return frame.select(
        pl.lit(symbol).alias("symbol"), start.alias("start"), *list(HALF_HOUR_SCHEMA)[2:]
    ).cast(HALF_HOUR_SCHEMA)
