"""Position sizes: how many shares a new position should have, per symbol, in whole shares and exact decimals."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from pydantic import BaseModel, ConfigDict, Field


class FixedFractional(BaseModel):
    """Every new position is the same fraction of the equity."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position_frac: Decimal = Field(
        default=Decimal("0.04"), gt=0, le=1, description="notional of a new position; fraction of equity"
    )

    def notional_usd(self, equity_usd: Decimal) -> Decimal:
        """Return the wanted size of a new position in USD; 0 when there is no equity."""
        return max(equity_usd, Decimal(0)) * self.position_frac


def whole_shares(notional_usd: Decimal, price_usd: Decimal) -> Decimal:
    """Return the whole shares that ``notional_usd`` buys at ``price_usd``, rounded down.

    Examples
    --------
    >>> whole_shares(Decimal("1000"), Decimal("300"))
    Decimal('3')
    """
    if price_usd <= 0 or notional_usd <= 0:
        return Decimal(0)
    return (notional_usd / price_usd).to_integral_value(rounding=ROUND_DOWN)
