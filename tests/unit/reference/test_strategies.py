"""docs/strategies.md lists strategies and checks as they are, and its plan is a plan."""

from __future__ import annotations

import re
from pathlib import Path

from trading_assets.decision.plan_file import parse_plan
from trading_assets.reference.markdown import MARK, with_reference
from trading_assets.reference.strategies import strategy_reference
from trading_assets.strategies.checks import NAMES
from trading_assets.strategies.registry import STRATEGIES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "strategies.md").read_text(encoding="utf-8")
TEXT = PAGE.partition(MARK)[0]


def test_the_page_is_what_the_registries_say():
    assert with_reference(PAGE, strategy_reference()) == PAGE, "run: python -m trading_assets.reference"


def test_every_strategy_parameter_and_check_is_listed():
    reference = strategy_reference()
    names = [
        *STRATEGIES,
        *NAMES,
        *(name for item in STRATEGIES.values() for name in item.parameters.model_fields),
    ]
    assert [name for name in names if f"`{name}`" not in reference] == []


def test_the_plan_of_the_page_is_understood():
    (plan,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert parse_plan(plan, "strategies.yaml").names == ("dips", "crosses")


def test_the_checks_that_the_page_names_exist():
    rows = TEXT.partition("| cheat | caught by |")[2]
    assert {*re.findall(r"`(\w+)`", rows.partition("\n\n")[0])} <= {*NAMES}
