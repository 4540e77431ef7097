"""Features as known at an instant: one row per (symbol, session), computed anew from what the lake knew then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from resources.lake import Lake
from trading_assets.companies.facts import fundamental_facts
from trading_assets.company_schemas import KEY_STATISTICS, MARKET_DATA
from trading_assets.features.build import BAR_COLUMNS, build_daily_features
from trading_assets.features.ratios import with_fundamentals
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, UNIVERSE

SOURCES = (DAILY_BARS, CORPORATE_ACTIONS, KEY_STATISTICS, MARKET_DATA, UNIVERSE)


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
    bars = (
        lake.scan(DAILY_BARS, end=last, as_of=as_of, columns=BAR_COLUMNS).sort("symbol", "session").collect()
    )
    actions = lake.scan(CORPORATE_ACTIONS, end=last, as_of=as_of).collect()
    facts = fundamental_facts(lake, sessions[0], last, as_of=as_of)
    return with_fundamentals(build_daily_features(bars, actions, sessions=sessions), facts, actions)


def sources_version(lake: Lake, last: date) -> tuple[object, ...]:
    """Return what tells the files that ``features_as_known`` and screens as of an instant read from later ones."""
    return tuple(lake.version(table, end=last) for table in SOURCES)
