"""Features as known at an instant: one row per (symbol, session), computed anew from what the lake knew then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets.companies.facts import fundamental_facts
from trading_assets.features.build import BAR_COLUMNS, BENCHMARK, build_daily_features
from trading_assets.features.ratios import with_fundamentals
from trading_assets.tables.companies import KEY_STATISTICS, MARKET_DATA
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, UNIVERSE

SOURCES = (DAILY_BARS, CORPORATE_ACTIONS, KEY_STATISTICS, MARKET_DATA, UNIVERSE)
SYMBOLS_AT_ONCE = 1_500
"""Symbols whose whole history is read at once: some hundred megabytes for ten years."""


def features_as_known(lake: Lake, sessions: Sequence[date], as_of: datetime) -> pl.DataFrame:
    """Compute the features of some sessions from bars, actions and company snapshots as they were known at an instant.

    Features themselves keep no history: they are made again, by the same code, from each symbol's whole history.

    Parameters
    ----------
    lake
        Where bars, actions and snapshots are.
    sessions
        Sessions wanted, ascending.
    as_of
        Instant.

    Returns
    -------
    pl.DataFrame
        ``DAILY_FEATURES``: a row for each bar of the sessions that was accepted by then.

    Raises
    ------
    LakeError
        If ``as_of`` has no time zone.
    """
    last = sessions[-1]
    actions = lake.scan(CORPORATE_ACTIONS, end=last, as_of=as_of).collect()
    traded = lake.scan(DAILY_BARS, start=sessions[0], end=last, as_of=as_of, columns=["symbol", "session"])
    asked = traded.filter(pl.col("session").is_in(list(sessions))).select("symbol").unique()
    symbols: list[str] = asked.collect()["symbol"].sort().to_list()
    parts = [
        _of_symbols(lake, symbols[first : first + SYMBOLS_AT_ONCE], actions, sessions, as_of)
        for first in range(0, max(len(symbols), 1), SYMBOLS_AT_ONCE)
    ]
    facts = fundamental_facts(lake, sessions[0], last, as_of=as_of)
    return with_fundamentals(pl.concat(parts), facts, actions)


def _of_symbols(
    lake: Lake, symbols: list[str], actions: pl.DataFrame, sessions: Sequence[date], as_of: datetime
) -> pl.DataFrame:
    # what a spin-off is worth may be told by the bars of the company that was spun off
    own = actions.filter(pl.col("symbol").is_in(symbols))
    spun_off = own.filter(pl.col("kind") == "spin_off")["new_symbol"].drop_nulls()
    needed = sorted({*symbols, *spun_off, BENCHMARK})
    bars = lake.scan(DAILY_BARS, end=sessions[-1], symbols=needed, as_of=as_of, columns=BAR_COLUMNS)
    rows = build_daily_features(bars.sort("symbol", "session").collect(), actions, sessions=sessions)
    return rows.filter(pl.col("symbol").is_in(symbols))


def sources_version(lake: Lake, last: date) -> tuple[object, ...]:
    """Return what tells the files that ``features_as_known`` and screens as of an instant read from later ones."""
    return tuple(lake.version(table, end=last) for table in SOURCES)
