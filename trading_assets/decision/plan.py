"""Model of the trading plan: the strategies with their mandates, and the limits of the account."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from trading_assets.portfolio.exits import Exits
from trading_assets.portfolio.sizing import FixedFractional, PositionSizing
from trading_assets.portfolio.wishes import Mandate
from trading_assets.risk.breakers import Breakers
from trading_assets.risk.limits import RiskLimits
from trading_assets.strategies.contract import Strategy
from trading_assets.strategies.registry import build_strategy

NAME = r"^[a-z][a-z0-9_]{0,39}$"


class StrategyEntry(BaseModel):
    """One strategy as the file gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str | None = Field(
        default=None, description="registered strategy; the entry's own name if left out"
    )
    capital_frac: Decimal = Field(
        default=Decimal(1), ge=0, le=1, description="part of the account's equity; fraction"
    )
    parameters: Mapping[str, Any] = Field(
        default_factory=dict, description="of the kind; what is left out has its default"
    )
    sizing: PositionSizing = Field(
        default_factory=FixedFractional, description="size of a new position of this strategy"
    )
    max_positions: int | None = Field(
        default=None, ge=1, description="positions of this strategy; unset: only the account's limit counts"
    )
    exits: Exits | None = Field(default=None, description="what ends a position whatever the signal says")


class PlanFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategies: dict[str, StrategyEntry] = Field(min_length=1, description="by a name of one's own")
    limits: RiskLimits = Field(default_factory=RiskLimits, description="of the whole account")
    breakers: Breakers = Field(
        default_factory=Breakers, description="losses of the account that stop new risk"
    )

    @model_validator(mode="after")
    def _check_capital(self) -> PlanFile:
        total = sum((entry.capital_frac for entry in self.strategies.values()), Decimal(0))
        if total > 1:
            raise ValueError(f"the strategies' capital_frac add up to {total}: more than all of the equity")
        return self


@dataclass(frozen=True)
class PlannedStrategy:
    """A strategy that trades under a name of its own, and what it may do with the account."""

    name: str
    strategy: Strategy
    mandate: Mandate


@dataclass(frozen=True)
class TradingPlan:
    """What trades, and within which limits; ``fingerprint`` is stamped on what is decided by it."""

    strategies: tuple[PlannedStrategy, ...]
    limits: RiskLimits
    fingerprint: str
    breakers: Breakers = field(default_factory=Breakers)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the strategies, in the order of the file."""
        return tuple(planned.name for planned in self.strategies)


def plan_of(file: PlanFile) -> TradingPlan:
    """Build the strategies of a file.

    Raises
    ------
    ConfigurationError
        If there is no strategy of that kind, or a parameter is unknown or out of range.
    """
    planned = tuple(
        PlannedStrategy(
            name,
            build_strategy(entry.kind or name, entry.parameters),
            Mandate(name, entry.capital_frac, entry.sizing, entry.max_positions, entry.exits),
        )
        for name, entry in file.strategies.items()
    )
    text = json.dumps(file.model_dump(mode="json"), sort_keys=True)
    fingerprint = hashlib.sha256(text.encode()).hexdigest()[:12]
    return TradingPlan(planned, file.limits, fingerprint, file.breakers)
