"""Seams within stored bars: (symbol, session) of each bar that goes on after a long silence, as another instrument's may."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets.features.build import BENCHMARK
from trading_assets.features.seams import SILENCE, first_bars
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS


def stored_seams(lake: Lake, start: date, end: date, *, as_of: datetime | None = None) -> pl.DataFrame:
    """Find the bars of a range before which their symbol was silent for more than ``SILENCE`` within the range.

    The benchmark has none: its features are those of one instrument whatever is missing of it.

    Parameters
    ----------
    lake
        Where the bars are.
    start, end
        First and last session, both included.
    as_of
        Instant: bars as they were known then. Without it, as they are known now.

    Returns
    -------
    pl.DataFrame
        ``symbol`` and ``session``, sorted. Look-ahead: a row depends on bars at or before its session.
    """
    bars = lake.scan(DAILY_BARS, start=start, end=end, as_of=as_of, columns=["symbol", "session"]).collect()
    # who traded on nearly every session was never silent for so long: most of the market need not be sorted
    most = len(sessions_between(start, end)) - _fewest_missing(start, end)
    counts = bars.group_by("symbol").len()
    candidates = counts.filter(pl.col("len") <= most, pl.col("symbol") != BENCHMARK)
    return first_bars(bars.join(candidates, on="symbol", how="semi").sort("symbol", "session"))


def _fewest_missing(start: date, end: date) -> int:
    # Sessions without a bar that a silence in this range has at least.
    days = sessions_between(start, end)
    after = 0
    fewest = len(days)
    for number, day in enumerate(days):
        while after < len(days) and days[after] - day <= SILENCE:
            after += 1
        if after == len(days):
            break
        fewest = min(fewest, after - number - 1)
    return fewest
