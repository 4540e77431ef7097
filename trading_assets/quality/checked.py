"""What the bar checks look at: the accepted and refused bars of a range, and what came before it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from trading_assets.quality.consolidate import step_ratios
from trading_assets.quality.jumps import Floats, Steps, bar_keys, ratios_so_far
from trading_assets.quality.moves import large_moves
from trading_assets.quality.outcome import NOTHING_ACCEPTED
from trading_assets.quality.rows import rule_expression
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.bars import BarGrain
from trading_assets.tables.daily import DAILY, DAILY_BARS

LOOK_BACK_SESSIONS = 21
"""Sessions before the range that the checks compare with."""
USUAL_SESSIONS = 20
EXPECTED_SCHEMA = pl.Schema({"session": pl.Date(), "symbol": pl.String()})
_LEAST_SESSIONS = 5
_COLUMNS = ("symbol", "session", "open", "high", "low", "close", "volume")
_PREVIOUS = ("session", "open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class CheckedBars:
    """Bars of ``sessions`` with everything that they are compared with.

    Parameters
    ----------
    bars, quarantined
        Rows of the accepted and of the refused bars of ``sessions``.
    sessions
        Exchange sessions of the range, in order.
    before
        Accepted bars of up to ``LOOK_BACK_SESSIONS`` sessions before it; None if there are none.
    after
        Accepted bars of up to ``SPIKE_SESSIONS`` sessions after it, as far as they are known: they say what came back.
    universe
        What was listed: ``symbol, session, status, listed_date, delisted_date`` and ``sector``; None if unknown.
    actions
        Corporate actions known for the range and for ``expected_after_sessions`` before it.
    vendor
        What each source reported on the range: ``symbol, session, source, volume``.
    vendor_sources
        Sources that should have reported.
    answers
        Of which symbols each source had a bar, on the range and ``coverage.COVERAGE_LOOK_BACK`` sessions before it:
        ``symbol, session, source``.
    fetches
        When each source was last asked for a session: ``source, session, fetched_at``.
    now
        Instant of the check; freshness is judged by it.
    hole
        Sessions before the range that were never fetched although older ones were: a feature that looks back would
        silently span them.
    partial_volume
        Sources whose volume is only a part of the market's, such as one exchange's feed.
    accepted
        What a person accepted, see ``outcome.ACCEPTED_SCHEMA``.
    grain, bar_starts
        Kind of the bars, and where those of the sessions begin, see ``BarGrain.bar_starts``.
    due
        By session, the starts of the bars within it that were finished when they were fetched.
    expected
        Symbols that should have all of those bars: ``session, symbol``.
    delay
        How long after its end a bar is final.
    daily
        Daily bars of the same sessions, for bars within a session.
    """

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    sessions: Sequence[date]
    before: pl.DataFrame | None = None
    after: pl.DataFrame | None = None
    universe: pl.DataFrame | None = None
    actions: pl.DataFrame | None = None
    vendor: pl.DataFrame | None = None
    vendor_sources: Sequence[str] = ()
    answers: pl.DataFrame | None = None
    fetches: pl.DataFrame | None = None
    now: datetime | None = None
    hole: Sequence[date] = ()
    partial_volume: Collection[str] = ()
    accepted: pl.DataFrame = field(default_factory=lambda: NOTHING_ACCEPTED)
    thresholds: QualityThresholds = field(default_factory=QualityThresholds)
    grain: BarGrain = DAILY
    bar_starts: Collection[datetime] | None = None
    due: Mapping[date, Sequence[datetime]] = field(default_factory=dict)
    expected: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EXPECTED_SCHEMA))
    delay: timedelta = timedelta(0)
    daily: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DAILY_BARS.schema))

    @cached_property
    def history(self) -> pl.DataFrame:
        """Bars of the range and before it, sorted, each with its symbol's bar before (``previous_*``)."""
        frames = [self.bars.select(_COLUMNS)]
        if self.before is not None and not self.before.is_empty():
            frames.insert(0, self.before.select(_COLUMNS))
        rows = pl.concat(frames).sort("symbol", "session")
        same = pl.col("symbol") == pl.col("symbol").shift(1)
        return rows.with_columns(
            pl.when(same).then(pl.col(name).shift(1)).alias(f"previous_{name}") for name in _PREVIOUS
        )

    @cached_property
    def compared(self) -> pl.DataFrame:
        """Bars of the range with the bar before, and what was usual in up to 20 bars before.

        ``usual_volume`` is their median, ``least_volume`` their lowest, both in the shares of the bar after known splits;
        ``new_shares`` is what a share of the bar before has become.
        """
        ratio = pl.Series("ratio", self._shares(self.history))
        rows = self.history.with_columns(ratio, new_shares=(ratio / ratio.shift(1)).fill_null(1.0))
        old_shares = pl.col("volume") / pl.col("ratio")
        first = self.sessions[0]
        if len(self.sessions) == 1:
            earlier = rows.filter(pl.col("session") < first).with_columns(shares=old_shares)
            usual = earlier.group_by("symbol", maintain_order=True).agg(
                usual=pl.col("shares").tail(USUAL_SESSIONS).median(),
                least=pl.col("shares").tail(USUAL_SESSIONS).min(),
                bars=pl.len(),
            )
            usual = usual.filter(pl.col("bars") >= _LEAST_SESSIONS).drop("bars")
            rows = rows.filter(pl.col("session") == first).join(
                usual, on="symbol", how="left", maintain_order="left"
            )
        else:
            median = old_shares.rolling_median(USUAL_SESSIONS, min_samples=_LEAST_SESSIONS)
            lowest = old_shares.rolling_min(USUAL_SESSIONS, min_samples=_LEAST_SESSIONS)
            rows = rows.with_columns(
                usual=median.shift(1).over("symbol"), least=lowest.shift(1).over("symbol")
            ).filter(pl.col("session") >= first)
        return rows.with_columns(
            usual_volume=pl.col("usual") * pl.col("ratio"), least_volume=pl.col("least") * pl.col("ratio")
        ).drop("usual", "least", "ratio")

    @cached_property
    def moves(self) -> pl.DataFrame:
        """Bars of the range, and of the history before it, whose close moved much: ``moves.MOVE_SCHEMA``."""
        rows = self.history.select(_COLUMNS)
        if self.after is not None and not self.after.is_empty():
            rows = pl.concat([rows, self.after.select(_COLUMNS)]).sort("symbol", "session")
        limits = self.thresholds
        return large_moves(
            rows, self._shares(rows), least=limits.min_step_frac, volatility=limits.min_step_volatility_ratio,
            until=self.sessions[-1],
        )  # fmt: skip

    def _shares(self, rows: pl.DataFrame) -> Floats:
        """Return what a share of each symbol's first bar has become, by known splits; rows sorted by symbol and session."""
        known = step_ratios(self.actions).join(rows.select("symbol").unique(), on="symbol", how="semi")
        if known.is_empty():
            return np.ones(rows.height)
        symbols = pl.Enum(rows["symbol"].unique().sort())
        steps = Steps(bar_keys(known, symbols, "ex_date"), known["ratio"].to_numpy())
        return ratios_so_far(bar_keys(rows, symbols), steps)

    @cached_property
    def days(self) -> pl.DataFrame:
        """Exchange sessions from the first of the history to the last of the range: ``session, day`` (its number)."""
        first = self.history["session"].min()
        start = first if isinstance(first, date) else self.sessions[0]
        known = sessions_between(min(start, self.sessions[0]), self.sessions[-1])
        return pl.DataFrame(
            {"session": known, "day": range(len(known))}, schema={"session": pl.Date(), "day": pl.Int64()}
        )

    @cached_property
    def totals(self) -> pl.DataFrame:
        """Accepted bars of each session of the range: ``session, total``."""
        return self.bars.group_by("session").agg(total=pl.len().cast(pl.Int64))

    @cached_property
    def broken(self) -> pl.DataFrame:
        """Accepted bars that break a row rule, with the rule: there should be none but those that a person took."""
        rule = rule_expression(list(self.sessions), self.thresholds, bar_starts=self.bar_starts)
        return self.bars.with_columns(rule=rule).filter(pl.col("rule").is_not_null())

    @cached_property
    def reported_totals(self) -> pl.DataFrame:
        """Bars of each session that at least one source reported, accepted or not: ``session, total``."""
        refused = self.quarantined.join(self.bars, on=list(self.grain.key), how="anti")
        lost = refused.select(*{*self.grain.key, "session"}).unique().group_by("session")
        every = pl.concat([self.totals, lost.agg(total=pl.len().cast(pl.Int64))]).group_by("session")
        return every.agg(pl.col("total").sum())
