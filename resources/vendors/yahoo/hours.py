"""Yahoo's hours: half-hour charts, one call a symbol, joined into hourly bars [symbol, bar_start]."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from resources.raw.store import PackedResponse, PackedResponses
from resources.vendors.bars import new_york_midnight, start_of_range
from resources.vendors.half_hours import (
    HALF_HOUR_SCHEMA,
    NO_HALF_HOURS,
    NO_HOURS,
    join_half_hours,
    require_begun,
)
from resources.vendors.http.fan_out import in_order
from resources.vendors.protocol import Fetched, Progress
from resources.vendors.yahoo.chart import ARRAYS, Chart
from trading_assets.sessions import NEW_YORK

KEPT_DAYS = 60
"""Yahoo answers for half hours of so many days, the present one included, and refuses older ones."""

AskChart = Callable[[str, Mapping[str, object]], tuple[Chart | None, list[PackedResponse]]]


def fetch(
    ask: AskChart,
    sessions: Sequence[date],
    symbols: Sequence[str],
    *,
    now: datetime,
    delay: timedelta,
    workers: int,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch the finished hours of ``sessions``.

    Each chart is asked for up to now, as daily ones are: the splits to be undone are then in the same answer.
    Symbols without a bar are in ``empty``; so are sessions older than ``KEPT_DAYS``, which are not asked for.
    """
    if not sessions or not symbols:
        return Fetched(NO_HOURS, ())
    require_begun(sessions, now, delay)
    today = now.astimezone(NEW_YORK).date()
    oldest = today - timedelta(days=KEPT_DAYS - 1)
    out_of_reach = tuple(session for session in sessions if session < oldest)
    empty = [
        f"{session}: older than the {KEPT_DAYS} days that Yahoo keeps half hours" for session in out_of_reach
    ]
    within = sessions[len(out_of_reach) :]
    if not within:
        return Fetched(NO_HOURS, (), tuple(empty), out_of_reach=out_of_reach)
    params = {
        "period1": int(new_york_midnight(max(start_of_range(within), oldest)).timestamp()),
        "period2": int(new_york_midnight(today + timedelta(days=1)).timestamp()),
        "interval": "30m",
        "includePrePost": "false",
        "events": "div,splits",
    }
    charts, packed, null_rows = [], [], 0
    results = in_order(lambda symbol: ask(symbol, params), symbols, workers=workers, ahead=16)
    for done, (symbol, (chart, kept)) in enumerate(zip(symbols, results, strict=True), start=1):
        packed += kept
        if chart is None or not len(chart.times):
            empty.append(symbol)
        else:
            charts.append(chart)
        null_rows += chart.null_rows if chart else 0
        if progress:
            progress(done, len(symbols))
    hours = join_half_hours([half_hours(charts)], within, now=now, delay=delay)
    left_out = hours.left_out | ({"null prices or volume": null_rows} if null_rows else {})
    return Fetched(hours.frame, PackedResponses(packed), tuple(empty), left_out, out_of_reach)


def half_hours(charts: Sequence[Chart]) -> pl.DataFrame:
    """Return the charts' bars as ``HALF_HOUR_SCHEMA``; Yahoo has neither average prices nor trades."""
    if not charts:
        return NO_HALF_HOURS
    lengths = [len(chart.times) for chart in charts]
    owners = pl.Series(np.repeat(np.arange(len(charts)), lengths))
    values = np.concatenate([chart.values for chart in charts], axis=1)
    seconds = pl.Series(np.concatenate([chart.times for chart in charts]))
    return (
        pl.DataFrame(
            {
                "symbol": pl.Series([chart.symbol for chart in charts]).gather(owners),
                "start": pl.from_epoch(seconds, time_unit="s").dt.replace_time_zone("UTC"),
                **{name: np.ascontiguousarray(values[row]) for row, name in enumerate(ARRAYS)},
            }
        )
        .fill_nan(None)
        .with_columns(vwap=None, trade_count=None)
        .cast(HALF_HOUR_SCHEMA)
    )
