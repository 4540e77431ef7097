"""Costs: what a fill costs besides its price; fees and slippage are kept apart from the price, so that each can be left out."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from trading_assets.errors import ConfigurationError
from trading_assets.indicators.kernel import FloatArray


class Costs(BaseModel):
    """Fees of a fill, the slippage of its price, and what a day of borrowed shares or money costs.

    The price of a fill is the market's, moved against the trader by ``slippage_bps`` + ``impact_frac`` x share of the bar's
    volume squared (zipline's volume share model) + ``volatility_mult`` x the symbol's daily volatility x the square root of
    that share (the square-root law). Fees are taken from the cash on top.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fee_bps: float = Field(default=0.0, ge=0, description="of the notional, each side; basis points")
    fee_per_share_usd: float = Field(default=0.0, ge=0, description="each side; USD per share")
    sell_fee_frac: float = Field(
        default=0.0, ge=0, description="of the notional of sales (the SEC's fee); fraction"
    )
    sell_fee_per_share_usd: float = Field(
        default=0.0, ge=0, description="of sales (FINRA's trading activity fee); USD per share"
    )
    sell_fee_max_usd: float = Field(
        default=0.0, ge=0, description="largest trading activity fee of a fill, 0: no limit; USD"
    )
    slippage_bps: float = Field(default=0.0, ge=0, description="against the trader, each side; basis points")
    impact_frac: float = Field(
        default=0.0, ge=0, description="price impact of a whole bar's volume; fraction"
    )
    volatility_mult: float = Field(
        default=0.0, ge=0, description="impact per volatility and root of volume share"
    )
    borrow_frac: float = Field(
        default=0.0,
        ge=0,
        description="fee for shares borrowed, of their value in a year of 360 days; fraction",
    )
    margin_frac: float = Field(
        default=0.0, ge=0, description="interest on negative cash in a year of 360 days; fraction"
    )

    @classmethod
    def alpaca(cls, *, slippage_bps: float = 2.0) -> Self:
        """Return Alpaca's costs of US equities: no commission, and the regulators' fees of sales (rates of 2026).

        The SEC's fee is 20.60 USD a million from April 2026 on, FINRA's 0.000195 USD a share and at most 9.79 USD a fill. They
        change about once a year; for an earlier year they are an estimate.
        """
        return cls(
            sell_fee_frac=20.60e-6, sell_fee_per_share_usd=0.000195, sell_fee_max_usd=9.79, slippage_bps=slippage_bps,
            borrow_frac=0.003, margin_frac=0.0625,
        )  # fmt: skip

    @property
    def is_free(self) -> bool:
        """Whether nothing costs anything."""
        return not any(self.model_dump().values())

    def refuse(self, *names: str, why: str) -> None:
        """Refuse costs that would be left out without a word.

        Raises
        ------
        ConfigurationError
            Naming those of ``names`` that are not 0.
        """
        asked = {name: getattr(self, name) for name in names if getattr(self, name) != 0}
        if asked:
            raise ConfigurationError(f"These costs cannot be charged here: {why}", **asked)

    def packed(self) -> FloatArray:
        """Return the numbers as the kernels read them; see ``PLACES``."""
        numbers = self.model_dump()
        return np.array(
            [numbers[name] / (1e4 if name.endswith("_bps") else 1.0) for name in PLACES], dtype=np.float64
        )


PLACES = tuple(Costs.model_fields)
"""The order in which kernels read the costs; basis points are fractions there."""
