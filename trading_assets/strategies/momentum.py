"""Cross-sectional 12-1 momentum: buy the strongest liquid symbols in an up-trend, hold them while they stay near the top."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl
from pydantic import Field

from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters


class MomentumParameters(StrategyParameters):
    """What counts as eligible, and how many symbols are entered and held."""

    entry_rank: int = Field(default=20, ge=1, description="enter the best this many; symbols")
    hold_rank_multiple: float = Field(
        default=2.0, ge=1, description="hold until the rank exceeds entry_rank times this; ratio"
    )
    min_price_usd: float = Field(default=5.0, ge=0, description="smallest close; USD")
    min_dollar_volume_usd: float = Field(
        default=5_000_000.0, ge=0, description="smallest mean dollar volume of 20 sessions; USD"
    )

    @property
    def hold_rank(self) -> int:
        """Worst rank that is still held."""
        return int(self.entry_rank * self.hold_rank_multiple)


@dataclass(frozen=True)
class Momentum:
    """Rank by return from 252 to 21 sessions ago among liquid symbols above their 200-session average.

    ``enter_long`` for ranks up to ``entry_rank``, ``hold_long`` down to ``hold_rank``, and ``exit_long`` for a symbol
    that was within ``hold_rank`` the session before and no longer is. A symbol without a feature row in the session
    gets no signal: missing data is no reason to sell.
    """

    name: ClassVar[str] = "momentum"
    feature_columns: ClassVar[tuple[str, ...]] = ("close", "sma_200", "momentum_12_1", "dollar_volume_20")
    lookback_sessions: ClassVar[int] = 1

    parameters: MomentumParameters = field(default_factory=MomentumParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        """Rank each session by itself.

        Parameters
        ----------
        features
            Rows of ``daily_features``; the sessions must follow each other.

        Returns
        -------
        pl.DataFrame
            Rows of ``SIGNAL_SCHEMA``; ``strength`` is 1 for the best rank and falls linearly to 0 past the hold rank,
            0 for an exit. Look-ahead: a row reads its own session and, for exits, the one before.
        """
        ranked = self._ranked(features)
        held = pl.col("rank") <= self.parameters.hold_rank
        rows = ranked.filter(held.fill_null(value=False) | pl.col("was_held"))
        return rows.select(
            "symbol", "session", self._side(), self._strength(), self._reason(), self._inputs()
        ).cast(SIGNAL_SCHEMA)

    def _ranked(self, features: pl.DataFrame) -> pl.DataFrame:
        """Every feature row with its rank (null if not eligible) and whether it was held the session before."""
        wanted = self.parameters
        eligible = (
            (pl.col("close") >= wanted.min_price_usd)
            & (pl.col("dollar_volume_20") >= wanted.min_dollar_volume_usd)
            & (pl.col("close") > pl.col("sma_200"))
            & pl.col("momentum_12_1").is_finite()
        ).fill_null(value=False)
        rows = features.select("symbol", "session", *self.feature_columns).with_columns(
            eligible=eligible, order=pl.col("session").rank("dense").cast(pl.Int32)
        )
        ranks = (
            rows.filter("eligible")
            .sort("session", "momentum_12_1", "symbol", descending=[False, True, False])
            .select("symbol", "session", rank=pl.int_range(1, pl.len() + 1).over("session").cast(pl.Int32))
        )
        rows = rows.join(ranks, on=["symbol", "session"], how="left")
        before = rows.filter(pl.col("rank") <= wanted.hold_rank).select(
            "symbol", pl.col("order") + 1, previous_rank="rank"
        )
        return rows.join(before, on=["symbol", "order"], how="left").with_columns(
            was_held=pl.col("previous_rank").is_not_null()
        )

    def _side(self) -> pl.Expr:
        return (
            pl.when(pl.col("rank") <= self.parameters.entry_rank)
            .then(pl.lit("enter_long"))
            .when(pl.col("rank") <= self.parameters.hold_rank)
            .then(pl.lit("hold_long"))
            .otherwise(pl.lit("exit_long"))
            .alias("side")
        )

    def _strength(self) -> pl.Expr:
        span = self.parameters.hold_rank
        return ((span + 1 - pl.col("rank")) / span).clip(0.0, 1.0).fill_null(0.0).alias("strength")

    def _reason(self) -> pl.Expr:
        wanted = self.parameters
        gain = (pl.col("momentum_12_1") * 100).round(1).cast(pl.String)
        ranked = pl.format("rank {} by 12-1 momentum ({} %)", "rank", gain)
        was = pl.format("was rank {}, now ", "previous_rank")
        why_out = (
            pl.when(pl.col("rank").is_not_null())
            .then(pl.format("rank {}, past the hold rank", "rank"))
            .when(pl.col("close") < wanted.min_price_usd)
            .then(pl.lit("below the smallest price"))
            .when(pl.col("dollar_volume_20") < wanted.min_dollar_volume_usd)
            .then(pl.lit("below the smallest dollar volume"))
            .when(pl.col("close") <= pl.col("sma_200"))
            .then(pl.lit("not above its 200-session average"))
            .otherwise(pl.lit("without the features to rank it"))
        )
        held = (pl.col("rank") <= wanted.hold_rank).fill_null(value=False)
        return pl.when(held).then(ranked).otherwise(was + why_out).alias("reason")

    def _inputs(self) -> pl.Expr:
        return pl.struct(*self.feature_columns, "rank", "previous_rank").struct.json_encode().alias("inputs")
