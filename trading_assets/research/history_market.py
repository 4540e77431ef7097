"""The market of the past: what each session of a range showed, read at once from the lake; for backtests and replays."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.books.holdings import Split
from trading_assets.decision.market import CLOSES, market_shown
from trading_assets.market_data.known_splits import known_splits
from trading_assets.risk.targets import Market
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES

LOOK_BACK_SESSIONS = 252
"""How old a last close may be that a held symbol is valued at."""


@dataclass(frozen=True)
class HistoryMarket:
    """Bars, volumes and splits of a range of sessions, held in memory; a `MarketReader` without an installation.

    Nothing is held back: no halt, no order that is not settled. What the lake has accepted of the past counts.
    """

    closes: pl.DataFrame
    volumes: pl.DataFrame
    known_splits: list[Split]

    @classmethod
    def of(cls, lake: Lake, start: date, end: date) -> HistoryMarket:
        """Read what the sessions from ``start`` to ``end`` need."""
        first = calendar.shift(start, -LOOK_BACK_SESSIONS)
        bars = lake.scan(DAILY_BARS, start=first, end=end, columns=list(CLOSES)).collect()
        columns = ["symbol", "session", "dollar_volume_20"]
        features = lake.scan(DAILY_FEATURES, start=start, end=end, columns=columns).drop_nulls().collect()
        return cls(
            bars.sort("session", "symbol"),
            features,
            known_splits(lake, None, first, calendar.next_session(end)),
        )

    def splits(self, symbols: Collection[str], start: date, end: date) -> list[Split]:
        """Return the splits of symbols with ex-dates in a range."""
        return [item for item in self.known_splits if item.symbol in symbols and start <= item.ex_date <= end]

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols."""
        wanted, first = list(symbols), calendar.shift(session, -LOOK_BACK_SESSIONS)
        is_shown = pl.col("symbol").is_in(wanted) & pl.col("session").is_between(first, session)
        volumes = self.volumes.filter(pl.col("symbol").is_in(wanted), pl.col("session") == session)
        return market_shown(
            session,
            closes=self.closes.filter(is_shown),
            dollar_volume=dict(volumes.select("symbol", "dollar_volume_20").iter_rows()),
            splits=self.splits(symbols, first, session),
            splits_ahead=self.splits(symbols, session + timedelta(days=1), calendar.next_session(session)),
            restricted={},
            new_risk_blocked=None,
            unsettled={},
        )
