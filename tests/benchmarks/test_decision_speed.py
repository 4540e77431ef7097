"""From features to decisions: what a session's decision costs, of a portfolio and of a whole market.

The tests assert what was decided, never how fast.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from trading_assets.decision.decide import decide, decide_targets
from trading_assets.decision.plan import PlannedStrategy, TradingPlan
from trading_assets.portfolio.wishes import Mandate, View
from trading_assets.risk.limits import RiskLimits
from trading_assets.risk.targets import Book, Market, in_usd
from trading_assets.strategies.contract import checked_signals
from trading_assets.strategies.ma_crossover import MovingAverageCrossover
from trading_assets.strategies.momentum import Momentum

DAYS = (date(2024, 6, 3), date(2024, 6, 4))


def plan_of(strategy: Momentum | MovingAverageCrossover) -> TradingPlan:
    planned = PlannedStrategy(strategy.name, strategy, Mandate(strategy.name))
    return TradingPlan((planned,), RiskLimits(), "benchmark")


def account(names: list[str]) -> tuple[dict[str, Decimal], Book, Market]:
    """Twenty positions of about 3 % each, and the session's closes of all names."""
    rng = np.random.default_rng(5)
    close = dict(zip(names, rng.uniform(10, 300, len(names)).round(2).tolist(), strict=True))
    held = {name: Decimal(int(3_000 / close[name])) for name in names[:20]}
    value = sum((quantity * in_usd(close[name]) for name, quantity in held.items()), Decimal(0))
    market = Market(close, frozenset(names), dict.fromkeys(names, 2e7))
    return held, Book(held, Decimal(40_000) + value, Decimal(40_000)), market


@pytest.mark.parametrize("count", [44, 500, 10_000])
def test_a_decision_among_many_signals(benchmark: BenchmarkFixture, count: int) -> None:
    names = [f"S{number:05d}" for number in range(count)]
    held, book, market = account(names)
    views = {
        name: View(("enter_long", "hold_long", "exit_long")[place % 3], (count - place) / count, "ranked")
        for place, name in enumerate(names)
    }
    plan = plan_of(Momentum())
    _, targets = benchmark(decide_targets, plan, {"momentum": views}, {"momentum": held}, book, market)
    assert len(targets) == count
    assert all(target.quantity == 0 for target in targets if views[target.symbol].side == "exit_long")
    assert any(target.quantity > target.current for target in targets)
    assert sum(target.value_usd for target in targets) <= book.equity_usd * plan.limits.max_gross_frac


@pytest.mark.parametrize(
    "strategy", [Momentum(), MovingAverageCrossover()], ids=lambda strategy: strategy.name
)
def test_ten_thousand_symbols_from_features_to_decisions(
    benchmark: BenchmarkFixture, strategy: Momentum | MovingAverageCrossover
) -> None:
    names = [f"S{number:05d}" for number in range(10_000)]
    held, book, market = account(names)
    rng = np.random.default_rng(6)
    rows = pl.DataFrame({"symbol": names * 2, "session": [DAYS[0]] * 10_000 + [DAYS[1]] * 10_000})
    columns = [pl.Series(name, rng.uniform(5, 300, rows.height)) for name in strategy.feature_columns]
    features = rows.with_columns(columns)
    if "dollar_volume_20" in features.columns:
        features = features.with_columns(dollar_volume_20=pl.lit(2e7))
    plan = plan_of(strategy)

    def live() -> pl.DataFrame:
        signals = checked_signals(strategy, features).filter(session=DAYS[1])
        named = signals.with_columns(strategy=pl.lit(strategy.name))
        return decide(plan, named, {strategy.name: held}, book, market).targets

    targets = benchmark(live)
    assert targets["symbol"].n_unique() == targets.height
    assert set(held) <= set(targets["symbol"])
