"""Exits: rules that give a strategy's position up whatever its signal says; judged per (strategy, symbol) at the close."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from trading_assets.portfolio.sizing import exact

EXIT_RULES = ("stop_loss", "atr_stop", "trailing_stop", "take_profit", "max_holding")
"""In the order in which they are judged; the first that holds is named."""


class Exits(BaseModel):
    """When a position is given up; what is not set is not judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stop_loss_frac: Decimal | None = Field(
        default=None, gt=0, lt=1, description="loss against the average cost that ends a position; fraction"
    )
    atr_stop_mult: Decimal | None = Field(
        default=None, gt=0, description="fall below the highest close since the purchase; times atr_14"
    )
    trailing_stop_frac: Decimal | None = Field(
        default=None, gt=0, lt=1, description="fall below the highest close since the purchase; fraction"
    )
    take_profit_frac: Decimal | None = Field(
        default=None, gt=0, description="gain over the average cost that ends a position; fraction"
    )
    max_holding_sessions: int | None = Field(
        default=None,
        ge=1,
        description="closes after which a position ends, that of its first session included",
    )
    cooldown_sessions: int = Field(
        default=5, ge=0, description="decisions after such an exit in which the symbol is not entered again"
    )


@dataclass(frozen=True)
class Position:
    """A strategy's position as its exits look at it; prices in the scale of the session.

    ``sessions`` counts the closes since it was opened, ``highest_close_usd`` is the highest of them.
    """

    average_cost_usd: Decimal
    sessions: int
    highest_close_usd: Decimal | None = None


@dataclass(frozen=True)
class Memory:
    """What a strategy's past says at a decision: its positions, and the sessions since an exit rule gave a symbol up."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    given_up: Mapping[str, int] = field(default_factory=dict)


NOTHING = Memory()


def exit_of(
    exits: Exits, position: Position, close_usd: Decimal, atr_usd: float | None
) -> tuple[str, str] | None:
    """Name the first rule that ends a position, and say why; None if none does.

    Without ``atr_usd`` that stop is not judged: missing data is no reason to trade. Look-ahead: the session's close.
    """
    cost, high = position.average_cost_usd, position.highest_close_usd
    fall, trail, gain = exits.stop_loss_frac, exits.trailing_stop_frac, exits.take_profit_frac
    if fall is not None and cost > 0 and close_usd <= cost * (1 - fall):
        return (
            "stop_loss",
            f"close {close_usd:f} is {1 - close_usd / cost:.2%} below the average cost {cost:f}, at most {fall:.2%}",
        )
    if exits.atr_stop_mult is not None and atr_usd and high is not None:
        least = high - exits.atr_stop_mult * exact(atr_usd)
        if close_usd <= least:
            return (
                "atr_stop",
                f"close {close_usd:f} is at or below {least:.4f}: the highest close {high:f} less {exits.atr_stop_mult:f} x ATR {atr_usd:.4f}",
            )
    if trail is not None and high is not None and close_usd <= high * (1 - trail):
        return (
            "trailing_stop",
            f"close {close_usd:f} is {1 - close_usd / high:.2%} below the highest close {high:f}, at most {trail:.2%}",
        )
    if gain is not None and cost > 0 and close_usd >= cost * (1 + gain):
        return (
            "take_profit",
            f"close {close_usd:f} is {close_usd / cost - 1:.2%} above the average cost {cost:f}, enough at {gain:.2%}",
        )
    if exits.max_holding_sessions is not None and position.sessions >= exits.max_holding_sessions:
        return "max_holding", f"held for {position.sessions} sessions, at most {exits.max_holding_sessions}"
    return None
