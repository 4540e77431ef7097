"""RSI mean reversion: buy liquid symbols in an up-trend after a sharp fall, sell them once the fall has worn off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl
from pydantic import Field, model_validator

from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters
from trading_assets.strategies.holding import held_rows

WINDOW = 20
"""Sessions before its own that a row may depend on; no holding lasts longer after its last fall below ``entry_rsi``."""


class MeanReversionParameters(StrategyParameters):
    """When a fall is sharp, when it has worn off, and what is traded at all."""

    entry_rsi: float = Field(
        default=30.0, gt=0, lt=100, description="enter below this RSI of 14 sessions; 0 to 100"
    )
    exit_rsi: float = Field(default=55.0, gt=0, lt=100, description="exit at this RSI or above; 0 to 100")
    max_holding_sessions: int = Field(
        default=10,
        ge=1,
        le=WINDOW,
        description="exit so many sessions after the last fall below entry_rsi at the latest; sessions",
    )
    min_price_usd: float = Field(default=5.0, ge=0, description="smallest close; USD")
    min_dollar_volume_usd: float = Field(
        default=5_000_000.0, ge=0, description="smallest mean dollar volume of 20 sessions; USD"
    )

    @model_validator(mode="after")
    def _check_order(self) -> MeanReversionParameters:
        if self.exit_rsi <= self.entry_rsi:
            raise ValueError("exit_rsi must be above entry_rsi")
        return self


@dataclass(frozen=True)
class MeanReversion:
    """Enter below ``entry_rsi`` above the 200-session average; hold until ``exit_rsi`` or ``max_holding_sessions``.

    ``enter_long`` in each session in which the conditions hold, ``hold_long`` in those after the newest entry, and
    ``exit_long`` in the session in which the RSI has risen or the time is up. What is held is read from the features of
    the last sessions alone, so that a row is the same whenever it is made. A symbol without a feature row in the
    session gets no signal: missing data is no reason to sell.
    """

    name: ClassVar[str] = "mean_reversion"
    feature_columns: ClassVar[tuple[str, ...]] = ("close", "sma_200", "rsi_14", "dollar_volume_20")
    lookback_sessions: ClassVar[int] = WINDOW

    parameters: MeanReversionParameters = field(default_factory=MeanReversionParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        """Follow each symbol from its newest entry.

        Parameters
        ----------
        features
            Rows of ``daily_features``; the sessions must follow each other.

        Returns
        -------
        pl.DataFrame
            Rows of ``SIGNAL_SCHEMA``; ``strength`` of an entry is how far the RSI lies below ``entry_rsi``, as a fraction of
            it, of a hold 0.5, of an exit 0. Look-ahead: a row reads its own session and the ``WINDOW`` before it.
        """
        wanted = self.parameters
        enters = (
            (pl.col("rsi_14") < wanted.entry_rsi)
            & (pl.col("close") > pl.col("sma_200"))
            & (pl.col("close") >= wanted.min_price_usd)
            & (pl.col("dollar_volume_20") >= wanted.min_dollar_volume_usd)
        ).fill_null(value=False)
        recovered = (pl.col("rsi_14") >= wanted.exit_rsi).fill_null(value=False)
        rows = features.select("symbol", "session", *self.feature_columns)
        held = held_rows(
            rows.with_columns(enters=enters, leaves=recovered), max_sessions=wanted.max_holding_sessions
        )
        return held.select(
            "symbol", "session", "side", self._strength(), self._reason(), self._inputs()
        ).cast(SIGNAL_SCHEMA)

    def _strength(self) -> pl.Expr:
        depth = (1 - pl.col("rsi_14") / self.parameters.entry_rsi).clip(0.0, 1.0)
        return (
            pl.when(pl.col("side") == "enter_long")
            .then(depth)
            .when(pl.col("side") == "hold_long")
            .then(0.5)
            .otherwise(0.0)
            .alias("strength")
        )

    def _reason(self) -> pl.Expr:
        rsi = pl.col("rsi_14").round(1).cast(pl.String).fill_null("unknown")
        return (
            pl.when(pl.col("side") == "enter_long")
            .then(
                pl.format(
                    f"RSI {{}}, below {self.parameters.entry_rsi:g}, above its 200-session average", rsi
                )
            )
            .when(pl.col("side") == "hold_long")
            .then(pl.format("RSI {}, {} sessions after the entry", rsi, "age"))
            .when("leaves")
            .then(pl.format(f"RSI {{}}, risen to {self.parameters.exit_rsi:g}", rsi))
            .otherwise(pl.format("RSI {}, {} sessions after the entry: time is up", rsi, "age"))
            .alias("reason")
        )

    def _inputs(self) -> pl.Expr:
        return pl.struct(*self.feature_columns, "age").struct.json_encode().alias("inputs")
