"""A strategy is a file and a line in the registry: in a copy of the product a plan may name it, and it decides a session."""

from __future__ import annotations

import json

import pytest

FILE = '''"""Breakout: buy symbols that close at their highest of 252 sessions, sell them when they have fallen from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl
from pydantic import Field

from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters


class BreakoutParameters(StrategyParameters):
    """How far a symbol may fall before it is sold."""

    exit_distance_frac: float = Field(default=0.1, gt=0, lt=1, description="exit so far below the high; fraction")


@dataclass(frozen=True)
class Breakout:
    """``enter_long`` at the high of 252 sessions, ``exit_long`` at ``exit_distance_frac`` below it, between them ``hold_long``."""

    name: ClassVar[str] = "breakout"
    feature_columns: ClassVar[tuple[str, ...]] = ("distance_high_252",)
    lookback_sessions: ClassVar[int] = 0

    parameters: BreakoutParameters = field(default_factory=BreakoutParameters)

    def signals(self, features: pl.DataFrame) -> pl.DataFrame:
        """Look at each row by itself; a row without its high has no signal."""
        distance = pl.col("distance_high_252")
        fallen = distance <= -self.parameters.exit_distance_frac
        side = pl.when(distance == 0).then(pl.lit("enter_long")).when(fallen).then(pl.lit("exit_long")).otherwise(pl.lit("hold_long"))
        rows = features.drop_nulls("distance_high_252").with_columns(side=side)
        return rows.select(
            "symbol", "session", "side", strength=pl.when(distance == 0).then(1.0).otherwise(0.0),
            reason=pl.format("{} from the high", distance), inputs=pl.struct("distance_high_252").struct.json_encode(),
        ).cast(SIGNAL_SCHEMA)
'''
EDITS = [
    (
        "\n\nBUILT_IN",
        "\nfrom trading_assets.strategies.breakout import Breakout, BreakoutParameters\n\nBUILT_IN",
    ),
    (
        "}\n\n\n@dataclass",
        "    Breakout.name: Registered(Breakout, BreakoutParameters),\n}\n\n\n@dataclass",
    ),
]
PLAN = """
strategies:
  highs:
    kind: breakout
    capital_frac: 0.5
    parameters: {exit_distance_frac: 0.2}
    sizing: {position_frac: 0.1}
  momentum:
    capital_frac: 0.5
"""
DECIDE = """
import json
from datetime import date
from decimal import Decimal
from pathlib import Path
import polars as pl

from trading_assets.decision.decide import decide
from trading_assets.research.plan_in_force import load_plan
from trading_assets.risk.targets import Book, Market
from trading_assets.sessions import sessions_between
from trading_assets.settings import load_settings
from trading_assets.strategies.checks import check_strategy
from trading_assets.strategies.contract import checked_signals, strategy_version
from trading_assets.strategies.example_features import example_features

plan = load_plan(load_settings(env_file=None).strategies)
highs = plan.strategies[0].strategy
days = sessions_between(date(2024, 4, 1), date(2024, 5, 1))
fallen = {"NEW": 0.0, "OLD": -0.15, "BAD": -0.25, "YOUNG": None}
features = pl.DataFrame(
    [
        {"symbol": symbol, "session": day, "distance_high_252": far and far - number / 1000}
        for symbol, far in fallen.items()
        for number, day in enumerate(days)
    ],
    schema_overrides={"distance_high_252": pl.Float64},
)
signals = checked_signals(highs, features).filter(session=days[0]).with_columns(strategy=pl.lit("highs"))
closes = dict.fromkeys(fallen, 40.0)
held = {"BAD": Decimal(10), "OLD": Decimal(10)}
book = Book(held, Decimal(100_000), Decimal(99_200))
seen = Market(closes, frozenset(fallen), dict.fromkeys(fallen, 1e9))
decided = decide(plan, signals, {"highs": held}, book, seen)
print(json.dumps({
    "failed": [verdict.check for verdict in check_strategy(highs, example_features()) if not verdict.passed],
    "version": len(strategy_version(highs)),
    "targets": [[symbol, float(quantity), outcome] for symbol, quantity, outcome in
                decided.targets.select("symbol", "quantity", "outcome").iter_rows()],
    "whose": decided.allocations["strategy"].unique().to_list(),
}))
"""


@pytest.fixture
def with_strategy(product):
    """The product with the strategy in it, and a plan that names it."""
    product.add("trading_assets/strategies/breakout.py", FILE)
    product.edit("trading_assets/strategies/registry.py", *EDITS)
    product.add("strategies.yaml", PLAN)
    return product


def test_a_plan_names_it_and_it_decides_a_session(with_strategy):
    plan = {"TRADING_STRATEGIES": str(with_strategy.folder / "strategies.yaml")}
    found = with_strategy.run(DECIDE, **plan)
    assert found["failed"] == []
    assert found["version"] == 12
    # a tenth of half the equity is 5,000 USD
    assert found["targets"] == [["BAD", 0, "trade"], ["NEW", 125, "trade"], ["OLD", 10, "hold"]]
    assert found["whose"] == ["highs"]
    shown = json.loads(with_strategy.command("strategies", "--json", **plan))["strategies"]
    assert [(entry["strategy"], entry["kind"]) for entry in shown] == [
        ("highs", "breakout"),
        ("momentum", "momentum"),
    ]
    assert shown[0]["parameters"] == {"exit_distance_frac": 0.2}


def test_a_mistake_in_its_parameters_is_told_with_its_line_and_meaning(with_strategy):
    with_strategy.edit("strategies.yaml", ("0.2}", "2}"))
    told = with_strategy.command(
        "strategies", exit_code=2, TRADING_STRATEGIES=str(with_strategy.folder / "strategies.yaml")
    )
    assert "strategies.yaml:6: strategies.highs.parameters.exit_distance_frac" in told.replace("\n", "")
    assert "exit so far below the high" in " ".join(told.split())


def test_the_guide_names_every_file_that_this_test_touches(guide):
    said = guide("How to add a strategy")
    assert [
        name
        for name in ["trading_assets/strategies/", "registry.py", "strategies.yaml"]
        if f"`{name}" not in said
    ] == []
