"""The past of the account's strategies at a decision: what their exits must know of each position; per (strategy, symbol)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from trading_assets.books.holdings import Holding
from trading_assets.portfolio.exits import NOTHING, Memory, Position


@dataclass(frozen=True)
class Past:
    """What is remembered at a decision, by strategy. It follows from fills, bookings, closes and earlier decisions alone."""

    memories: Mapping[str, Memory] = field(default_factory=dict)

    def of(self, strategy: str) -> Memory:
        """Return what is known of one strategy."""
        return self.memories.get(strategy, NOTHING)


NO_PAST = Past()


def position_of(held: Holding, sessions: int, highest_close_usd: Decimal | None) -> Position:
    """Return a holding as exits look at it; ``sessions`` counts the closes since it was opened."""
    return Position(held.average_cost_usd, sessions, highest_close_usd)
