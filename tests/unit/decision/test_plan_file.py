"""strategies.yaml is read to a plan, and every mistake leads to its line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.decision.plan_file import parse_plan, require_known_capital
from trading_assets.errors import ConfigurationError
from trading_assets.portfolio.sizing import FixedFractional
from trading_assets.research.plan_in_force import default_text
from trading_assets.risk.breakers import Breakers
from trading_assets.risk.limits import RiskLimits
from trading_assets.strategies.momentum import MomentumParameters

TWO = """\
strategies:
  fast:
    kind: momentum
    capital_frac: 0.6
    parameters: {entry_rank: 5}
    sizing: {position_frac: 0.1}
    max_positions: 3
  momentum:
    capital_frac: 0.4
limits:
  max_positions: 7
"""


def test_the_shipped_plan_is_all_defaults():
    plan = parse_plan(default_text(), "default")
    assert plan.names == ("momentum",)
    (only,) = plan.strategies
    assert only.strategy.parameters == MomentumParameters()
    assert only.mandate.capital_frac == 1
    assert only.mandate.sizing == FixedFractional()
    assert only.mandate.max_positions is None
    assert only.mandate.exits is None
    assert plan.limits == RiskLimits()
    assert plan.breakers == Breakers()


def test_the_shipped_plan_says_what_each_limit_is():
    lines = default_text().splitlines()
    for name in RiskLimits.model_fields:
        assert [line for line in lines if line.strip().startswith(f"{name}:") and "#" in line], name


def test_two_strategies_of_one_kind_trade_under_names_of_their_own():
    plan = parse_plan(TWO, "two.yaml")
    fast, slow = plan.strategies
    assert (fast.name, fast.strategy.name, slow.name) == ("fast", "momentum", "momentum")
    assert fast.strategy.parameters == MomentumParameters(entry_rank=5)
    assert (fast.mandate.capital_frac, slow.mandate.capital_frac) == (Decimal("0.6"), Decimal("0.4"))
    assert (fast.mandate.max_positions, plan.limits.max_positions) == (3, 7)


def test_the_fingerprint_is_of_what_the_plan_says_not_of_how_it_is_written():
    plan = parse_plan(TWO, "two.yaml")
    again = parse_plan(f"# a comment\n\n{TWO}", "other.yaml")
    assert plan.fingerprint == again.fingerprint
    assert plan.fingerprint != parse_plan(TWO.replace("0.6", "0.5"), "two.yaml").fingerprint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "s.yaml:1: strategies: name at least one strategy"),
        ("strategies: 3", "s.yaml:1: strategies: name at least one strategy"),
        ("strategies:\n  momentum: 3", "s.yaml:2: strategies.momentum: write `key: value` lines under it, not 3"),
        ("- a", "s.yaml:1: write `key: value` lines"),
        ("strategies: [", "s.yaml:1: this is not YAML"),
        ("strategies:\n  momentum:\n  momentum:", "s.yaml:3: momentum is given twice, first in line 2"),
        ("strategy:\n  momentum:", "s.yaml:1: strategy: there is no such key; did you mean strategies?"),
        ("strategies:\n  momentum:\n    capital: 1", "s.yaml:3: strategies.momentum.capital: there is no such key; did you mean capital_frac?"),
        ("strategies:\n  Momentum: {}", "s.yaml:2: strategies.Momentum: write another name"),
        ("strategies:\n  unattributed: {kind: momentum}", "s.yaml:2: strategies.unattributed: write another name"),
        ("strategies:\n  other: {}", "s.yaml:2: strategies.other.kind: there is no strategy of the kind other; there are "),
        ("strategies:\n  momentum:\n    capital_frac: 1.5", "s.yaml:3: strategies.momentum.capital_frac: Input should be less than or equal to 1, not 1.5; it is: part of"),
        ("strategies:\n  momentum:\n    capital_frac: .nan", "s.yaml:3: strategies.momentum.capital_frac: "),
        ("strategies:\n  momentum:\n    sizing:\n      position_frac: 0", "s.yaml:4: strategies.momentum.sizing.position_frac: Input should be greater than 0"),
        ("strategies:\n  momentum:\nbreakers: {drawdown: 0.1}", "s.yaml:3: breakers.drawdown: there is no such key; "),
        ("strategies:\n  momentum:\nbreakers:\n  max_daily_loss_frac: 3", "s.yaml:4: breakers.max_daily_loss_frac: Input should be less than 1, not 3; it is: loss of a session"),
        ("strategies:\n  momentum:\nlimits: {max_gross_frac: 2.5}", "s.yaml:3: limits.max_gross_frac: Input should be less than or equal to 2, not 2.5"),
        ("strategies:\n  momentum:\n    exits: {stop_loss: 0.1}", "s.yaml:3: strategies.momentum.exits.stop_loss: there is no such key; did you mean stop_loss_frac?"),
        ("strategies:\n  momentum:\n    exits:\n      stop_loss_frac: 1", "s.yaml:4: strategies.momentum.exits.stop_loss_frac: Input should be less than 1, not 1; it is: loss against"),
        ("strategies:\n  momentum:\n    sizing:\n      kind: kelly", "s.yaml:4: strategies.momentum.sizing.kind: there is no sizing of the kind 'kelly'; there are fixed_fraction, vol"),
        ("strategies:\n  momentum:\n    sizing: 3", "s.yaml:3: strategies.momentum.sizing: write `key: value` lines under it, not 3"),
        ("strategies:\n  momentum:\n    sizing:\n      kind: volatility_target\n      risk: 0.1", "s.yaml:5: strategies.momentum.sizing.risk: there is no such key; did you mean risk_frac?"),
        ("strategies:\n  momentum:\n    sizing:\n      kind: volatility_target\n      position_frac: 0.1", "s.yaml:5: strategies.momentum.sizing.position_frac: there is no such key"),
        ("strategies:\n  momentum:\n    sizing: {kind: inverse_volatility, max_frac: 2}", "s.yaml:3: strategies.momentum.sizing.max_frac: Input should be less than or equal to 1, not 2; it is: largest position"),
        ("strategies:\n  momentum:\n    sizing: {kind: volatility_target, min_frac: 0.2}", "s.yaml:3: strategies.momentum.sizing: min_frac 0.2 is above max_frac 0.10"),
        ("strategies:\n  momentum:\n    parameters:\n      entry_rnk: 3", "s.yaml:4: strategies.momentum.parameters.entry_rnk: there is no such key; did you mean entry_rank?"),
        ("strategies:\n  momentum:\n    parameters:\n      entry_rank: 0", "s.yaml:4: strategies.momentum.parameters.entry_rank: Input should be greater than or equal to 1, not 0; it is: enter"),
        ("strategies:\n  momentum:\nlimits:\n  max_positions: many", "s.yaml:4: limits.max_positions: Input should be a valid integer"),
        ("strategies:\n  momentum:\nlimits:\n  max_position: 1", "s.yaml:4: limits.max_position: there is no such key; did you mean max_positions?"),
        ("strategies:\n  a: {kind: momentum, capital_frac: 0.7}\n  b: {kind: momentum, capital_frac: 0.7}", "s.yaml:1: strategies: the strategies' capital_frac add up to 1.4"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line(text, told):
    with pytest.raises(ConfigurationError) as caught:
        parse_plan(text, "s.yaml")
    assert str(caught.value).startswith(told)


def test_a_strategy_that_still_holds_shares_must_not_be_forgotten():
    plan = parse_plan(TWO, "two.yaml")
    require_known_capital(plan, {"fast"})
    with pytest.raises(
        ConfigurationError, match=r"leaves out slow, which still holds shares.*capital_frac: 0"
    ):
        require_known_capital(plan, {"fast", "slow"})
