"""Features as a strategy reads them: one row per (symbol, session) of the sessions asked for and those it looks back on."""

from __future__ import annotations

from datetime import date

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.errors import ConfigurationError
from trading_assets.strategies.contract import Strategy
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE

KEY = ("symbol", "session")


def read_features(lake: Lake, strategy: Strategy, start: date, end: date) -> pl.DataFrame:
    """Read what a strategy declares, of ``start`` to ``end`` and the ``lookback_sessions`` before.

    Texts of the universe, such as ``sector``, are those of the row's own session.

    Returns
    -------
    pl.DataFrame
        ``symbol``, ``session`` and the strategy's columns, sorted by (session, symbol). Look-ahead: each session's close.

    Raises
    ------
    ConfigurationError
        If the strategy declares a column that neither table has; names it.
    """
    texts = [name for name in strategy.feature_columns if name not in DAILY_FEATURES.columns]
    unknown = [name for name in texts if name not in UNIVERSE.columns]
    if unknown:
        raise ConfigurationError(
            f"Strategy {strategy.name} reads {', '.join(unknown)}, which neither {DAILY_FEATURES.name} nor {UNIVERSE.name} "
            "has: docs/features.md lists the features"
        )
    first = calendar.shift(start, -strategy.lookback_sessions)
    numbers = [name for name in strategy.feature_columns if name not in {*texts, *KEY}]
    rows = lake.scan(DAILY_FEATURES, start=first, end=end, columns=[*KEY, *numbers])
    if texts:
        listed = lake.scan(UNIVERSE, start=first, end=end, columns=[*KEY, *texts])
        rows = rows.join(listed, on=list(KEY), how="left")
    return rows.sort("session", "symbol").collect()
