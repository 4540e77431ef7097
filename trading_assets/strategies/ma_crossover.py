"""Moving-average crossover: buy when the fast average crosses above the slow one, sell when it crosses below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import polars as pl
from pydantic import Field, model_validator

from trading_assets.indicators.crossing import crosses_above, crosses_below, is_below
from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters

Average = Literal["ema_12", "sma_20", "ema_26", "ema_50", "sma_50", "sma_200"]


class MovingAverageCrossoverParameters(StrategyParameters):
    """Which averages, and what is traded at all."""

    fast: Average = Field(default="sma_20", description="average that crosses; a stored one")
    slow: Average = Field(default="sma_50", description="average that is crossed; a stored one, slower")
    min_price_usd: float = Field(default=5.0, ge=0, description="smallest close of an entry; USD")
    min_dollar_volume_usd: float = Field(
        default=5_000_000.0, ge=0, description="smallest mean dollar volume of 20 sessions of an entry; USD"
    )

    @model_validator(mode="after")
    def _check_order(self) -> MovingAverageCrossoverParameters:
        if _sessions(self.fast) >= _sessions(self.slow):
            raise ValueError(
                f"fast must be the average of fewer sessions: {self.fast} is not, of {self.slow}"
            )
        return self


@dataclass(frozen=True)
class MovingAverageCrossover:
    """Enter when ``fast`` crosses above ``slow``, hold while it is not below, exit when it crosses below.

    Averages that are equal within ``crossing.EQUAL_WITHIN`` are on neither side: a position is held over a tie. Price and
    liquidity decide on entries alone: what is held is held until the averages cross. A symbol without a feature row in the
    session before crosses nothing; without one in the session it gets no signal.
    """

    name: ClassVar[str] = "ma_crossover"
    lookback_sessions: ClassVar[int] = 1

    parameters: MovingAverageCrossoverParameters = field(default_factory=MovingAverageCrossoverParameters)

    @property
    def feature_columns(self) -> tuple[str, ...]:
        """The two averages, and what the filters read."""
        return ("close", "dollar_volume_20", self.parameters.fast, self.parameters.slow)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        """Compare each row with the one of the session before.

        Parameters
        ----------
        features
            Rows of ``daily_features``; the sessions must follow each other.

        Returns
        -------
        pl.DataFrame
            Rows of ``SIGNAL_SCHEMA``; ``strength`` of an entry or hold is how far ``fast`` lies above ``slow``, as a fraction
            of it, at most 1; of an exit 0. Look-ahead: a row reads its own session and the one before.
        """
        pair, before = (pl.col("fast"), pl.col("slow")), (pl.col("fast_before"), pl.col("slow_before"))
        rows = self._with_the_session_before(features)
        crossed = rows.with_columns(
            enters=crosses_above(*pair, *before) & self._is_tradable(),
            exits=crosses_below(*pair, *before),
            holds=~is_below(*pair),
        ).filter(pl.col("exits") | pl.col("holds"))
        return crossed.select("symbol", "session", _side(), _strength(), self._reason(), self._inputs()).cast(
            SIGNAL_SCHEMA
        )

    def _with_the_session_before(self, features: pl.DataFrame) -> pl.DataFrame:
        wanted = self.parameters
        rows = features.select(
            "symbol", "session", "close", "dollar_volume_20", fast=wanted.fast, slow=wanted.slow,
            order=pl.col("session").rank("dense").cast(pl.Int32),
        )  # fmt: skip
        before = rows.select("symbol", pl.col("order") + 1, fast_before="fast", slow_before="slow")
        return rows.join(before, on=["symbol", "order"], how="left")

    def _is_tradable(self) -> pl.Expr:
        wanted = self.parameters
        is_liquid = pl.col("dollar_volume_20") >= wanted.min_dollar_volume_usd
        return ((pl.col("close") >= wanted.min_price_usd) & is_liquid).fill_null(value=False)

    def _reason(self) -> pl.Expr:
        fast, slow = self.parameters.fast, self.parameters.slow
        distance = ((pl.col("fast") / pl.col("slow") - 1) * 100).round(2).cast(pl.String)
        said = (
            pl.when("enters")
            .then(pl.lit(f"{fast} crossed above {slow}"))
            .when("exits")
            .then(pl.lit(f"{fast} crossed below {slow}"))
            .otherwise(pl.lit(f"{fast} not below {slow}"))
        )
        return pl.format("{} ({} %)", said, distance).alias("reason")

    def _inputs(self) -> pl.Expr:
        fast, slow = self.parameters.fast, self.parameters.slow
        renamed = {
            fast: "fast",
            slow: "slow",
            f"{fast}_before": "fast_before",
            f"{slow}_before": "slow_before",
        }
        values = [pl.col(column).alias(name) for name, column in renamed.items()]
        return pl.struct("close", "dollar_volume_20", *values).struct.json_encode().alias("inputs")


def _side() -> pl.Expr:
    side = pl.when("enters").then(pl.lit("enter_long")).when("exits").then(pl.lit("exit_long"))
    return side.otherwise(pl.lit("hold_long")).alias("side")


def _strength() -> pl.Expr:
    distance = (pl.col("fast") / pl.col("slow") - 1).clip(0.0, 1.0)
    return pl.when("exits").then(0.0).otherwise(distance).alias("strength")


def _sessions(average: Average) -> int:
    return int(average.rpartition("_")[2])
