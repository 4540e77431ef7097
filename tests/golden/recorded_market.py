"""The most traded names of the real market, judged as the product does: one row per (symbol, session)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from trading_assets.quality.checked import LOOK_BACK_SESSIONS, CheckedBars
from trading_assets.quality.checks import CHECKS, run_check
from trading_assets.quality.consolidate import Consolidated, consolidate
from trading_assets.quality.moves import SPIKE_SESSIONS
from trading_assets.quality.outcome import CheckOutcome
from trading_assets.sessions import is_session

FIRST, LAST = date(2016, 1, 4), date(2017, 3, 31)
PART = 126
NAMES = 491
PRICES = ("open", "high", "low", "close")
SOURCE = "yahoo"


@dataclass(frozen=True)
class RecordedMarket:
    """Last collected bars of the most traded names that have all sessions, and what is known of them."""

    bars: pl.DataFrame
    actions: pl.DataFrame
    universe: pl.DataFrame

    @property
    def sessions(self) -> list[date]:
        return self.bars["session"].unique().sort().to_list()

    def judged(self, bars: pl.DataFrame) -> tuple[Consolidated, list[CheckOutcome]]:
        """Consolidate bars and check them, part by part as the product does."""
        result = consolidate(
            {SOURCE: bars}, priority=(SOURCE,), sessions=self.sessions, corporate_actions=self.actions
        )
        parts = [self.sessions[start : start + PART] for start in range(0, len(self.sessions), PART)]
        return result, [item for part in parts for item in self.checked(result, part, later=True)]

    def checked(
        self,
        result: Consolidated,
        part: list[date],
        names: Sequence[str] = tuple(CHECKS),
        *,
        later: bool = False,
    ) -> list[CheckOutcome]:
        """Check what was consolidated of some sessions, with the sessions before and, if they are ``later`` known, after."""
        first, last = self.sessions.index(part[0]), self.sessions.index(part[-1]) + 1

        def of(frame: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
            return frame.filter(pl.col("session").is_in(list(sessions)))

        bars = CheckedBars(
            of(result.bars, part),
            of(result.quarantined, part),
            part,
            before=of(result.bars, self.sessions[max(first - LOOK_BACK_SESSIONS, 0) : first]),
            after=of(result.bars, self.sessions[last : last + SPIKE_SESSIONS]) if later else None,
            actions=self.actions,
            universe=of(self.universe, part),
        )
        return [run_check(name, bars) for name in names]


def told_actions(bars: pl.DataFrame) -> pl.DataFrame:
    """Read actions off rows collected after an ex-date, whose adjusted close differs until the factor is one again.

    A dividend looks like a spin-off here.
    """
    rows = bars.with_columns(factor=pl.col("adj_close") / pl.col("close"))
    rows = rows.with_columns(before=pl.col("factor").shift(1).over("symbol")).with_columns(
        part=pl.col("before") / pl.col("factor")
    )
    is_over = ((pl.col("factor") - 1).abs() < 0.0005 + (pl.col("before") - 1).abs() / 2) & (
        (pl.col("part") - 1).abs() > 0.0005
    )
    is_split = ~pl.col("part").is_between(0.7, 1.4)
    return rows.filter(is_over, (pl.col("before") - 1).abs() > 0.0005).select(
        "symbol",
        ex_date="session",
        kind=pl.when(is_split).then(pl.lit("split")).otherwise(pl.lit("spin_off")),
        split_ratio=pl.when(is_split).then(1 / pl.col("part")),
        price_factor=pl.when(~is_split).then("part"),
        cash_usd=pl.lit(None, pl.Float64),
    )


def recorded_market(shared_data: Path) -> RecordedMarket:
    """Read the market of 2016 and the first quarter of 2017."""
    rows = (
        pl.scan_parquet(shared_data / "us_daily_2015_2017.parquet")
        .filter(pl.col("session").is_between(FIRST, LAST), pl.min_horizontal(PRICES) > 0)
        .with_columns(pl.col("volume").cast(pl.Float64))
        .sort("known_on")
        .unique(["symbol", "session"], keep="last", maintain_order=True)
        .sort("symbol", "session")
        .collect()
    )
    sessions = [day for day in rows["session"].unique() if is_session(day)]
    rows = rows.filter(pl.col("session").is_in(sessions))
    names = (
        rows.group_by("symbol")
        .agg(sessions=pl.len(), usd=(pl.col("close") * pl.col("volume")).median())
        .filter(pl.col("sessions") == len(sessions))
        .top_k(NAMES, by="usd")["symbol"]
    )
    rows = rows.filter(pl.col("symbol").is_in(names.implode()))
    sectors = pl.read_csv(shared_data / "sp500_constituents.csv").select(
        symbol=pl.col("Symbol").str.replace(".", "-", literal=True), sector="GICS Sector"
    )
    nothing = pl.lit(None, pl.Date)
    return RecordedMarket(
        rows.select(
            "symbol", "session", *PRICES, "volume", vwap=pl.lit(None, pl.Float64),
            trade_count=pl.lit(None, pl.Int64), batch_id=pl.lit("recorded"),
        ),
        told_actions(rows),
        rows.select("symbol", "session", status=pl.lit("active"), listed_date=nothing, delisted_date=nothing).join(
            sectors, on="symbol", how="left", maintain_order="left"
        ),
    )  # fmt: skip


def found(outcomes: list[CheckOutcome]) -> pl.DataFrame:
    """What stops new risk: findings of severity error about a symbol, with the name of their check."""
    rows = pl.concat([item.findings.with_columns(check=pl.lit(item.name)) for item in outcomes])
    return rows.filter(pl.col("severity") == "error", pl.col("symbol").is_not_null())
