"""Feature history: the bars since a checkpoint and what is carried from it, all that some sessions' features need.

Checkpoints are the last sessions of months, kept in `feature_state`. One counts only while the bars and actions up to
it, and the code that turns them into state, are those that it was made from (its fingerprint): a correction of an old
bar, an action learned late or a removed bar leaves the checkpoints from its day on without effect, and they are made
again from the last one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from trading_assets.feature_store.rows_by_symbol import SymbolRows
from trading_assets.features.build import BAR_COLUMNS, BENCHMARK, build_resumable
from trading_assets.features.compute import recent_bars
from trading_assets.features.state import CARRIED_SCHEMA, fingerprints
from trading_assets.indicators.registry import WINDOW_BARS
from trading_assets.sessions import next_session, sessions_between
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import FEATURE_STATE
from trading_assets.tables.listings import CORPORATE_ACTIONS

SESSIONS_MISSED = 10
"""A symbol may have missed so many sessions of the last year before older bars are read for it."""
SESSIONS_AT_ONCE = 252
"""Sessions that are read at once where checkpoints are made again."""
_NO_STATE = pl.DataFrame(schema=CARRIED_SCHEMA)


@dataclass(frozen=True)
class FeatureHistory:
    """Reads and keeps what features need of a lake, as it is at one moment."""

    lake: Lake
    known_at: datetime
    actions: pl.DataFrame
    fingerprints: dict[date, str] = field(repr=False)  # of the checkpoints up to the last session

    @classmethod
    def of(cls, lake: Lake, last: date, known_at: datetime) -> FeatureHistory:
        """Look at the bars and actions up to a session."""
        # Hashes come first: bars that change before they are read make a checkpoint that does not count.
        bars = lake.content_hashes(DAILY_BARS, last)
        hashes = lake.content_hashes(CORPORATE_ACTIONS, last)
        days = month_ends(min(bars), last) if bars else []
        actions = lake.scan(CORPORATE_ACTIONS, end=last).collect()
        return cls(lake, known_at, actions, fingerprints(bars, hashes, days))

    def features(self, sessions: Sequence[date], usable: Sequence[date]) -> pl.DataFrame:
        """Compute the features of the ``usable`` ones of some sessions, and keep their checkpoints.

        Equal to ``build_daily_features`` with all bars of the lake, to the last bit.
        """
        checkpoint = self._checkpoint(sessions[0])
        due = [
            day for day in self.fingerprints if sessions[0] <= day <= sessions[-1] and not self._counts(day)
        ]
        found, carried = self._bars(checkpoint, sessions[0], sessions[-1], every_symbol=bool(due))
        bars, runs = found.together()
        rows, states = build_resumable(
            bars, self._since(carried), sessions=usable, carried=carried, checkpoints=due, runs=runs
        )
        self._keep(states, due)
        return rows

    def _checkpoint(self, first: date) -> date | None:
        """Return the newest checkpoint that holds the windows of ``first``, made again if need be; None: no bar is older."""
        days = [day for day in self.fingerprints if day < first]
        while days and len(sessions_between(days[-1], first)) <= WINDOW_BARS + SESSIONS_MISSED:
            days.pop()
        start = next((day for day in reversed(days) if self._counts(day)), None)
        missing = [day for day in days if start is None or day > start]
        while missing:
            reach = missing[: SESSIONS_AT_ONCE // 21]
            found, carried = self._bars(start, None, reach[-1], every_symbol=True)
            bars, runs = found.together()
            actions = self._since(carried)
            _, states = build_resumable(
                bars, actions, sessions=[], carried=carried, checkpoints=reach, runs=runs
            )
            self._keep(states, reach)
            start, missing = reach[-1], missing[len(reach) :]
        return start

    def _since(self, carried: pl.DataFrame) -> pl.DataFrame:
        """Return the actions that are not in the carried factors."""
        known = self.actions.join(carried.select("symbol", "bar_session"), on="symbol", how="left")
        is_in = (pl.col("ex_date") <= pl.col("bar_session")).fill_null(value=False)
        return known.filter(~is_in).drop("bar_session")

    def _counts(self, day: date) -> bool:
        kept = self.lake.scan(FEATURE_STATE, start=day, end=day, columns=["fingerprint"]).head(1).collect()
        return kept.height > 0 and kept.item() == self.fingerprints[day]

    def _keep(self, states: pl.DataFrame, days: Sequence[date]) -> WriteReport:
        prints = pl.DataFrame(
            {"session": list(days), "fingerprint": [self.fingerprints[day] for day in days]}
        )
        rows = states.join(prints.cast({"session": pl.Date}), on="session", maintain_order="left")
        return self.lake.write_sessions(FEATURE_STATE, rows, days, known_at=self.known_at)

    def _bars(
        self, checkpoint: date | None, first: date | None, last: date, *, every_symbol: bool
    ) -> tuple[SymbolRows, pl.DataFrame]:
        """Return bars and what is carried into them; each symbol's bars hold the windows of ``first``, if there is one."""
        if checkpoint is None:
            return SymbolRows.read(self.lake, DAILY_BARS, BAR_COLUMNS, end=last), _NO_STATE
        carried = self.lake.scan(
            FEATURE_STATE, start=checkpoint, end=checkpoint, columns=CARRIED_SCHEMA.names()
        ).collect()
        since, recent = self._since_checkpoint(checkpoint, None if every_symbol else first, last)
        if not every_symbol:
            carried = carried.join(since.runs.select(pl.col("symbol").unique()), on="symbol", how="semi")
        carried_bar = {name: "bar_session" if name == "session" else name for name in BAR_COLUMNS}
        bars = SymbolRows.of([carried.select(**carried_bar)]).followed_by(since)
        if first and (short := self._short(bars, carried, first, recent)):
            whole = SymbolRows.read(self.lake, DAILY_BARS, BAR_COLUMNS, end=last, symbols=short)
            bars = bars.without(short).followed_by(whole)
            carried = carried.filter(~pl.col("symbol").is_in(short))
        return bars, carried

    def _since_checkpoint(
        self, checkpoint: date, first: date | None, last: date
    ) -> tuple[SymbolRows, date | None]:
        """Return the bars since a checkpoint; columns of which ``first`` needs the last bars only are 1 before the day returned."""
        start = next_session(checkpoint)
        few = recent_bars()
        if first is None or not few:
            return SymbolRows.read(self.lake, DAILY_BARS, BAR_COLUMNS, start=start, end=last), None
        since = sessions_between(start, first)[-(max(few.values()) + SESSIONS_MISSED) :][0].replace(day=1)
        unread = dict.fromkeys(few, 1.0)
        older = SymbolRows.read(
            self.lake, DAILY_BARS, BAR_COLUMNS, start=start, end=since - timedelta(days=1), unread=unread
        )
        return older.followed_by(
            SymbolRows.read(self.lake, DAILY_BARS, BAR_COLUMNS, start=since, end=last)
        ), since

    def _short(self, bars: SymbolRows, carried: pl.DataFrame, first: date, recent: date | None) -> list[str]:
        # Symbols with older bars that windows of `first` or later reach back to, and whom their actions and betas need.
        since = recent or first
        days = pl.concat(
            part.select("symbol", "session").filter(pl.col("session") >= since) for part in bars.parts
        )
        counts = (
            bars.runs.group_by("symbol")
            .agg(pl.col("rows").sum())
            .join(
                days.group_by("symbol").agg(wanted=(pl.col("session") >= first).sum(), recent=pl.len()),
                on="symbol",
            )
            .filter(pl.col("wanted") > 0)
        )
        before = pl.col("symbol").is_in(carried.filter(pl.col("bars") > 1)["symbol"].implode())
        lacking = counts.filter(
            ((pl.col("rows") - pl.col("wanted") < WINDOW_BARS - 1) & before)
            | (
                (pl.col("recent") - pl.col("wanted") < max(recent_bars().values(), default=1) - 1)
                & (before | (pl.col("rows") > pl.col("recent")))
                & pl.lit(recent is not None)
            )
        )["symbol"]
        if lacking.is_empty():
            return []
        spun_off = self.actions.filter(
            pl.col("symbol").is_in(lacking.implode()) & (pl.col("kind") == "spin_off")
        )
        return sorted({*lacking, *spun_off["new_symbol"].drop_nulls(), BENCHMARK})


def month_ends(first: date, last: date) -> list[date]:
    """List the sessions from ``first`` to ``last`` that are the last ones of their month."""
    days = sessions_between(first, last)
    return [day for day in days if next_session(day).month != day.month]
