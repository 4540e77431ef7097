"""Strategies of other packages: loaded when they are named, listed with what they read, and named when they are broken."""

from __future__ import annotations

import importlib
import json
import sys

import polars as pl
import pytest
from typer.testing import CliRunner

from trading_assets.cli import app
from trading_assets.decision.plan_file import parse_plan
from trading_assets.errors import ConfigurationError, StrategyError
from trading_assets.strategies.contract import checked_signals, strategy_version
from trading_assets.strategies.registry import build_strategy, strategy_kinds, strategy_names

GOOD = '''
from dataclasses import dataclass, field
from typing import ClassVar

import polars as pl
from pydantic import Field

from trading_assets.strategies.contract import SIGNAL_SCHEMA, StrategyParameters


class Limits(StrategyParameters):
    below_rsi: float = Field(default=30.0, gt=0, lt=100, description="buy below it; 0 to 100")


@dataclass(frozen=True)
class Dip:
    """Buy whatever fell: ``below_rsi`` is how far."""

    name: ClassVar[str] = "dip"
    feature_columns: ClassVar[tuple[str, ...]] = ("rsi_14",)
    lookback_sessions: ClassVar[int] = 0
    parameters: Limits = field(default_factory=Limits)

    def signals(self, features):
        found = features.filter(pl.col("rsi_14") < self.parameters.below_rsi)
        words = {"side": "enter_long", "strength": 1.0, "reason": "fell", "inputs": "{}"}
        return found.select("symbol", "session", **{k: pl.lit(v) for k, v in words.items()}).cast(SIGNAL_SCHEMA)
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return what puts a package with entry points on the path, as an installer does."""
    monkeypatch.syspath_prepend(tmp_path)
    modules = []

    def put(package: str, source: str, *points: str, version: str = "1.0") -> None:
        (tmp_path / f"{package}.py").write_text(source)
        facts = tmp_path / f"{package}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        (facts / "entry_points.txt").write_text("[trading_assets.strategies]\n" + "\n".join(points))
        modules.append(package)
        importlib.invalidate_caches()

    yield put
    for module in modules:
        sys.modules.pop(module, None)


def kinds() -> dict:
    return {kind.name: kind for kind in strategy_kinds()}


def test_a_plug_in_is_built_by_its_name_and_has_a_version(install):
    install("dips", GOOD, "dip = dips:Dip")
    strategy = build_strategy("dip", {"below_rsi": 40})
    features = pl.DataFrame({"symbol": ["A", "B"], "session": [None, None], "rsi_14": [35.0, 45.0]})
    assert strategy.signals(features)["symbol"].to_list() == ["A"]
    assert len(strategy_version(strategy)) == 12
    with pytest.raises(ConfigurationError, match="below_rsi"):
        build_strategy("dip", {"below_rsi": 400})


def test_it_is_imported_by_its_name_or_a_listing_alone(install):
    install("dips", GOOD, "dip = dips:Dip")
    build_strategy("momentum")
    assert "dip" in strategy_names()
    assert "dips" not in sys.modules
    found = kinds()["dip"]
    assert "dips" in sys.modules
    assert (found.source, found.feature_columns, found.lookback_sessions) == ("dips 1.0", ("rsi_14",), 0)
    assert found.description == "Buy whatever fell: below_rsi is how far."


def test_a_plan_may_name_it_and_its_mistakes_have_lines(install):
    install("dips", GOOD, "dip = dips:Dip")
    plan = parse_plan("strategies:\n  falls: {kind: dip, parameters: {below_rsi: 25}}\n", "my.yaml")
    assert plan.strategies[0].strategy.name == "dip"
    with pytest.raises(ConfigurationError, match=r"my.yaml:2.*below_rsi.*buy below it"):
        parse_plan("strategies:\n  falls: {kind: dip, parameters: {below_rsi: 250}}\n", "my.yaml")


BROKEN = {
    "raises": ("1 / 0", "broken:Dip", "division by zero"),
    "leaves": ("raise SystemExit(3)", "broken:Dip", "SystemExit"),
    "has no such class": (GOOD, "broken:Dop", "Dop"),
    "is no class": (GOOD + "\nvalue = 5\n", "broken:value", "is no class"),
    "lacks signals": (GOOD.replace("def signals", "def other"), "broken:Dip", "lacks signals"),
    "has another name": (GOOD.replace('"dip"', '"dop"'), "broken:Dip", "calls itself 'dop'"),
    "has no parameters": (GOOD.replace("parameters: Limits", "limits: Limits"), "broken:Dip", "`parameters`"),
    "needs what is not installed": ("import nowhere_at_all", "broken:Dip", "nowhere_at_all"),
}  # fmt: skip


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_one_is_named_with_its_error_and_the_rest_works(install, how):
    source, point, told = BROKEN[how]
    install("broken", source, f"dip = {point}")
    assert told in kinds()["dip"].problem
    assert not kinds()["momentum"].problem
    with pytest.raises(ConfigurationError, match="dip"):
        build_strategy("dip")
    with pytest.raises(ConfigurationError, match=r"my.yaml:2: strategies.dip.kind"):
        parse_plan("strategies:\n  dip: {}\n", "my.yaml")
    assert parse_plan("strategies:\n  momentum: {}\n", "my.yaml").names == ("momentum",)


UNUSABLE = {
    "a property that fails": ("lookback_sessions: ClassVar[int] = 0", "lookback_sessions = property(lambda self: 1 / 0)", "division by zero"),
    "a look back that is no number": ("ClassVar[int] = 0", "ClassVar[int] = 1.5", "lookback_sessions is 1.5"),
    "a look back into the future": ("ClassVar[int] = 0", "ClassVar[int] = -1", "lookback_sessions is -1"),
    "columns in a text": ('("rsi_14",)', '"rsi_14"', "feature_columns is 'rsi_14'"),
    "a constructor that fails": ("    def signals", "    def __post_init__(self):\n        raise RuntimeError('no')\n\n    def signals", "RuntimeError: no"),
}  # fmt: skip


@pytest.mark.parametrize("how", UNUSABLE)
def test_one_that_cannot_be_made_is_named_by_list_plan_and_command(install, how):
    before, after, told = UNUSABLE[how]
    assert before in GOOD
    install("broken", GOOD.replace(before, after), "dip = broken:Dip")
    assert told in kinds()["dip"].problem
    with pytest.raises(ConfigurationError, match=r"Strategy dip"):
        build_strategy("dip")
    with pytest.raises(ConfigurationError, match=r"Strategy dip"):
        parse_plan("strategies:\n  dip: {}\n", "my.yaml")


def test_a_name_is_had_once(install):
    install("one", GOOD, "dip = one:Dip")
    install("two", GOOD, "dip = two:Dip", version="2.0")
    with pytest.raises(ConfigurationError, match=r"one 1.0.*two 2.0|two 2.0.*one 1.0"):
        build_strategy("dip")


def test_a_built_in_name_is_reserved(install):
    install("mine", GOOD.replace('"dip"', '"momentum"'), "momentum = mine:Dip")
    assert type(build_strategy("momentum")).__module__ == "trading_assets.strategies.momentum"
    assert [kind.source for kind in strategy_kinds() if "reserved" in kind.problem] == ["mine 1.0"]


def test_code_that_fails_at_its_work_is_named(install):
    install("dips", GOOD.replace("found = ", "found = 1 / 0 #"), "dip = dips:Dip")
    features = pl.DataFrame({"symbol": ["A"], "session": [None], "rsi_14": [35.0]})
    with pytest.raises(StrategyError, match="Strategy dip failed: ZeroDivisionError"):
        checked_signals(build_strategy("dip"), features)


def test_the_command_shows_them_all(install, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    install("dips", GOOD, "dip = dips:Dip")
    install("broken", "1 / 0", "dop = broken:Dip")
    shown = json.loads(CliRunner().invoke(app, ["strategies", "--json"]).stdout)["kinds"]
    told = {kind["name"]: kind for kind in shown}
    assert told["dip"]["feature_columns"] == ["rsi_14"]
    assert "division by zero" in told["dop"]["problem"]
    assert "dips 1.0" in CliRunner().invoke(app, ["strategies"]).output
