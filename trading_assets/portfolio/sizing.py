"""Position sizes: how much a strategy's new positions should be worth, per symbol, and how many whole shares that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

ZERO = Decimal(0)
FIXED_FRACTION, VOLATILITY_TARGET, INVERSE_VOLATILITY = (
    "fixed_fraction",
    "volatility_target",
    "inverse_volatility",
)


@dataclass(frozen=True)
class Capital:
    """What a strategy has: its part of the equity, and what of it is not in the positions that it keeps."""

    equity_usd: Decimal
    free_usd: Decimal


class FixedFractional(BaseModel):
    """Every new position is the same fraction of the strategy's capital."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    needs_volatility: ClassVar[bool] = False

    kind: Literal["fixed_fraction"] = Field(default="fixed_fraction", description="every position the same")
    position_frac: Decimal = Field(
        default=Decimal("0.04"),
        gt=0,
        le=1,
        description="notional of a new position; fraction of the strategy's capital",
    )

    def notionals_usd(
        self, symbols: Sequence[str], capital: Capital, _volatility: Mapping[str, float]
    ) -> dict[str, Decimal]:
        """Return the wanted size of each new position in USD; 0 when there is no equity."""
        return dict.fromkeys(symbols, max(capital.equity_usd, ZERO) * self.position_frac)

    def __str__(self) -> str:
        return f"{self.position_frac:.1%}"


class _Bounded(BaseModel):
    """The least and the largest size of a position."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    needs_volatility: ClassVar[bool] = True

    min_frac: Decimal = Field(
        default=ZERO, ge=0, le=1, description="least position; fraction of the strategy's capital"
    )
    max_frac: Decimal = Field(
        default=Decimal("0.10"),
        gt=0,
        le=1,
        description="largest position; fraction of the strategy's capital",
    )

    @model_validator(mode="after")
    def _check_order(self) -> _Bounded:
        if self.min_frac > self.max_frac:
            raise ValueError(f"min_frac {self.min_frac} is above max_frac {self.max_frac}")
        return self


class VolatilityTarget(_Bounded):
    """Each new position adds the same volatility: notional = risk_frac / the symbol's volatility, of the capital."""

    kind: Literal["volatility_target"] = Field(description="every position the same volatility")
    risk_frac: Decimal = Field(
        default=Decimal("0.01"),
        gt=0,
        le=1,
        description="volatility a year that one position adds to the strategy's capital; fraction",
    )

    def notionals_usd(
        self, symbols: Sequence[str], capital: Capital, volatility: Mapping[str, float]
    ) -> dict[str, Decimal]:
        """Return the wanted size of each new position in USD, at least ``min_frac`` and at most ``max_frac`` of the capital."""
        equity = max(capital.equity_usd, ZERO)
        return {
            symbol: equity
            * min(max(self.risk_frac / exact(volatility[symbol]), self.min_frac), self.max_frac)
            for symbol in symbols
        }

    def __str__(self) -> str:
        return f"{self.risk_frac:.1%} volatility"


class InverseVolatility(_Bounded):
    """The new positions of a session share the capital that is free in proportion to 1 / volatility."""

    kind: Literal["inverse_volatility"] = Field(description="free capital shared by 1 / volatility")
    invested_frac: Decimal = Field(
        default=Decimal("0.95"), gt=0, le=1, description="part of the strategy's capital to invest; fraction"
    )

    def notionals_usd(
        self, symbols: Sequence[str], capital: Capital, volatility: Mapping[str, float]
    ) -> dict[str, Decimal]:
        """Return the wanted size of new positions in USD, at most ``max_frac`` of the capital each.

        ``symbols`` are given strongest first: while one would get less than ``min_frac``, the last one is left out.
        """
        equity = max(capital.equity_usd, ZERO)
        free = max(capital.free_usd - equity * (1 - self.invested_frac), ZERO)
        weights = {symbol: 1 / exact(volatility[symbol]) for symbol in symbols}
        while weights:
            unit = free / sum(weights.values(), ZERO)
            if min(weights.values()) * unit >= equity * self.min_frac:
                return {
                    symbol: min(weight * unit, equity * self.max_frac) for symbol, weight in weights.items()
                }
            weights.popitem()
        return {}

    def __str__(self) -> str:
        return "by 1 / volatility"


def exact(value: float) -> Decimal:
    """Return a number as it is written."""
    return Decimal(repr(float(value)))


def kind_of(given: Any) -> str:
    """Return the kind of a sizing that a file or a program gives; a fixed fraction where it says none."""
    kind = (
        given.get("kind", FIXED_FRACTION)
        if isinstance(given, Mapping)
        else getattr(given, "kind", FIXED_FRACTION)
    )
    return kind if isinstance(kind, str) else ""


PositionSizing = Annotated[
    Annotated[FixedFractional, Tag(FIXED_FRACTION)]
    | Annotated[VolatilityTarget, Tag(VOLATILITY_TARGET)]
    | Annotated[InverseVolatility, Tag(INVERSE_VOLATILITY)],
    Discriminator(kind_of),
]
SIZINGS: Mapping[str, type[FixedFractional | VolatilityTarget | InverseVolatility]] = {
    FIXED_FRACTION: FixedFractional,
    VOLATILITY_TARGET: VolatilityTarget,
    INVERSE_VOLATILITY: InverseVolatility,
}
"""Ways to size positions, by kind."""


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
