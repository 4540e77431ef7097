"""Screens over sessions: rows of screener_results and screener_events, from the features and the results stored before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from resources.lake.lake import Lake
from trading_assets.screener.evaluate import evaluate, ranked, screen_version
from trading_assets.screener.filters import Screen
from trading_assets.screener.market_frame import Market
from trading_assets.screener.membership import exits, with_events
from trading_assets.screens.stored_market import ScreenerMarket
from trading_assets.sessions import in_parts, session_close, shift
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.screens import SCREENER_EVENTS, SCREENER_RESULTS

VersionAt = Callable[[str, datetime], str | None]
"""Says which version of a screen was in force at an instant; see ``SavedScreens.version_at``."""
SESSIONS_AT_ONCE = 126
LAST_EVALUATED_WITHIN = 21
"""Sessions to look back for the one before: one that was blocked has no features, and is passed over."""


@dataclass(frozen=True)
class ScreenRun:
    """A screen over sessions that follow each other: its members, and those of the session before the first."""

    screen: Screen
    version: str
    market: Market
    sessions: Sequence[date]
    members: pl.DataFrame
    before: frozenset[str]

    def results(self) -> pl.DataFrame:
        """Return its rows of ``screener_results``."""
        return _rows(self, with_events(self.members, self.sessions, self.before), SCREENER_RESULTS.schema)

    def undecided(self, session: date) -> int:
        """Count the symbols that lack the data to decide in one of its sessions."""
        places = (self.market.keys["session"] == session).arg_true().to_numpy()
        return evaluate(self.screen.query, self.market.only(places)).undecided

    def events(self) -> pl.DataFrame:
        """Return its rows of ``screener_events``."""
        stay = with_events(self.members, self.sessions, self.before)
        entered = stay.filter(pl.col("event") == "entered").select("session", "symbol", "event")
        left = exits(self.screen.query, self.market, self.members, self.sessions, self.before)
        rows = pl.concat([entered, left.with_columns(event=pl.lit("exited"))], how="diagonal")
        return _rows(self, rows.with_columns(pl.col("reason").cast(pl.String)), SCREENER_EVENTS.schema)


def screen_runs(
    lake: Lake, screens: Sequence[Screen], sessions: Sequence[date], version_at: VersionAt
) -> Iterator[ScreenRun]:
    """Evaluate screens over sessions without a gap, in parts that fit in memory.

    The session before another is the one before it that has features. What a screen had then is what is stored of it, if
    that was the same version, which may be nothing; what the new version would have had, if another was in force; and
    nothing, if none was: all its members enter in its first session.

    Parameters
    ----------
    lake
        Where features and results are.
    screens
        Screens under different names.
    sessions
        Sessions, ascending; those without features are passed over.
    version_at
        Tells which version was in force when the session before was evaluated, if no member of it is stored.
    """
    market = ScreenerMarket(lake)
    days = list(lake.row_counts(DAILY_FEATURES, sessions[0], sessions[-1]))
    before = _session_before(lake, sessions[0])
    members: dict[str, frozenset[str]] = {}
    for part in in_parts(days, SESSIONS_AT_ONCE):
        seen = market.load_range([screen.query for screen in screens], part)
        for screen in screens:
            version = screen_version(screen)
            rows = ranked(screen.query, seen)
            if screen.name not in members:
                members[screen.name] = before.members(screen, market, version_at) if before else frozenset()
            yield ScreenRun(screen, version, seen, part, rows, members[screen.name])
            newest = rows.filter(pl.col("session") == part[-1])
            members[screen.name] = frozenset(newest["symbol"].to_list())


@dataclass(frozen=True)
class _SessionBefore:
    """The session before, and what is stored of the screens in it: ``screen``, ``symbol``, ``screen_version``."""

    session: date
    stored: pl.DataFrame
    evaluated_at: datetime | None

    def members(self, screen: Screen, market: ScreenerMarket, version_at: VersionAt) -> frozenset[str]:
        own = self.stored.filter(pl.col("screen") == screen.name)
        version = own["screen_version"][0] if own.height else self._version(screen, version_at)
        if version is None or version == screen_version(screen):
            return frozenset(own["symbol"].to_list())
        return frozenset(ranked(screen.query, market.load(screen.query, self.session))["symbol"].to_list())

    def _version(self, screen: Screen, version_at: VersionAt) -> str | None:
        # a session is evaluated some time after its close
        if self.evaluated_at is None:
            return version_at(screen.name, session_close(self.session)) or None
        return version_at(screen.name, self.evaluated_at)


def _session_before(lake: Lake, session: date) -> _SessionBefore | None:
    earlier = lake.row_counts(DAILY_FEATURES, shift(session, -LAST_EVALUATED_WITHIN), shift(session, -1))
    if not earlier:
        return None
    before = max(earlier)
    columns = ["screen", "symbol", "screen_version"]
    stored = lake.scan(SCREENER_RESULTS, start=before, end=before, columns=columns).collect()
    return _SessionBefore(before, stored, lake.written_at(SCREENER_RESULTS, before))


def _rows(run: ScreenRun, rows: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    named = rows.with_columns(screen=pl.lit(run.screen.name), screen_version=pl.lit(run.version))
    return named.select(schema.names()).cast(schema)
