"""The market of the past: what each session of a range showed, read at once from the lake; for backtests and replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.books.bookings import Action
from trading_assets.decision.market import CLOSES, FEATURES, LOOK_BACK_SESSIONS, market_shown, scale_changes
from trading_assets.market_data.known_actions import MARKET_KINDS, by_symbol, known_actions
from trading_assets.risk.targets import Market
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE

NOT_TRADED = "the broker does not trade it"


@dataclass(frozen=True)
class HistoryMarket:
    """Bars, volumes and corporate actions of a range of sessions, held in memory; a `MarketReader` without an installation.

    What the lake knows restricts symbols as it does live: refused bars, and listings that the broker does not trade. What
    only an installation has does not: findings and their acceptances, halts, and orders that are not settled.
    """

    closes: pl.DataFrame
    features: pl.DataFrame
    known_actions: Mapping[str, Sequence[Action]]
    refused: pl.DataFrame
    listed: pl.DataFrame

    @classmethod
    def of(cls, lake: Lake, start: date, end: date) -> HistoryMarket:
        """Read what the sessions from ``start`` to ``end`` need."""
        first = calendar.shift(start, -LOOK_BACK_SESSIONS)
        bars = lake.scan(DAILY_BARS, start=first, end=end, columns=list(CLOSES)).collect()
        columns = ["symbol", "session", *FEATURES]
        features = lake.scan(DAILY_FEATURES, start=start, end=end, columns=columns).collect()
        return cls(
            bars.sort("session", "symbol"),
            features,
            by_symbol(known_actions(lake, None, first, calendar.next_session(end), kinds=MARKET_KINDS)),
            lake.scan(
                QUARANTINED_BARS, start=start, end=end, columns=["symbol", "session", "rule"]
            ).collect(),
            lake.scan(
                UNIVERSE, start=start, end=end, columns=["symbol", "session", "is_tradable", "sector"]
            ).collect(),
        )

    def actions(self, symbols: Collection[str], start: date, end: date) -> list[Action]:
        """Return the actions of symbols with ex-dates in a range that change the scale of prices, or the shares themselves."""
        found = (item for symbol in sorted(symbols) for item in self.known_actions.get(symbol, ()))
        return [item for item in found if start <= item.ex_date <= end]

    def read(self, session: date, symbols: Collection[str]) -> Market:
        """Return what the session showed of the symbols."""
        wanted, first = list(symbols), calendar.shift(session, -LOOK_BACK_SESSIONS)
        is_shown = pl.col("symbol").is_in(wanted) & pl.col("session").is_between(first, session)
        is_today = pl.col("symbol").is_in(wanted) & (pl.col("session") == session)
        return market_shown(
            session,
            closes=self.closes.filter(is_shown),
            features=self.features.filter(is_today),
            sector=sectors_of(self.listed.filter(is_today)),
            bookings=scale_changes(self.actions(symbols, first, session)),
            ahead=self.actions(symbols, session + timedelta(days=1), calendar.next_session(session)),
            restricted=told_by_the_lake(self.refused.filter(is_today), self.listed.filter(is_today)),
            new_risk_blocked=None,
            frozen={},
        )

    def closes_of(self, symbols: Collection[str], start: date, end: date) -> pl.DataFrame:
        """Return the accepted raw closes of symbols in a range, as far as they were read."""
        return self.closes.filter(
            pl.col("symbol").is_in(list(symbols)), pl.col("session").is_between(start, end)
        )


def refused_words(rule: str) -> str:
    """Say why a refused bar restricts its symbol."""
    return f"a source's bar was refused: {rule}"


def sectors_of(listed: pl.DataFrame) -> dict[str, str]:
    """Return the sectors of listings (``symbol`` and ``sector``), where they are known."""
    return dict(listed.select("symbol", "sector").drop_nulls().iter_rows())


def told_by_the_lake(refused: pl.DataFrame, listed: pl.DataFrame) -> dict[str, str]:
    """Say why symbols get no new risk on a session.

    Parameters
    ----------
    refused
        ``symbol`` and ``rule`` of the session's refused bars.
    listed
        ``symbol`` and ``is_tradable`` of its listings.
    """
    untradable = listed.filter(~pl.col("is_tradable"))["symbol"]
    reasons = dict.fromkeys(untradable, NOT_TRADED)
    rules = refused.select("symbol", "rule").sort("symbol", "rule").iter_rows()
    return reasons | {symbol: refused_words(rule) for symbol, rule in rules}
