"""`check-strategy` on stored features, and `new-strategy`, whose package passes its own test as it is written."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from tests.unit.strategies import cheats
from trading_assets.cli import app
from trading_assets.cli.options import parse_parameters
from trading_assets.cli.own_strategies import SESSIONS
from trading_assets.errors import ConfigurationError
from trading_assets.strategies.checks import NAMES
from trading_assets.strategies.contract import StrategyParameters
from trading_assets.strategies.example_features import example_features
from trading_assets.strategies.registry import STRATEGIES, Registered
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE

KNOWN_AT = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """A data folder whose lake has the example market."""
    folder = tmp_path_factory.mktemp("installation")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    features = example_features()
    days = features["session"].unique().to_list()
    lake.write_sessions(DAILY_FEATURES, features.select(*DAILY_FEATURES.columns), days, known_at=KNOWN_AT)
    texts = features.select("symbol", "session", "name", "exchange", "asset_type", "sector", "industry")
    needed = {"status": "active", "source": "polygon", "batch_id": "b", "snapshot_session": days[-1]}
    lacking = [name for name in UNIVERSE.columns if name not in {*texts.columns, "known_at"}]
    listed = texts.with_columns(
        pl.lit(needed.get(name), UNIVERSE.columns[name].dtype).alias(name) for name in lacking
    )
    lake.write_sessions(UNIVERSE, listed, days, known_at=KNOWN_AT)
    return folder


@pytest.fixture
def run(stored, monkeypatch, tmp_path):
    """Return what runs a command on that installation, from a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_DATA", str(stored))
    return lambda *line: CliRunner().invoke(app, [*line])


@pytest.fixture
def cheat(monkeypatch):
    """Return what registers a cheating class under its name."""

    def register(kind: type) -> str:
        monkeypatch.setitem(STRATEGIES, kind.name, Registered(kind, StrategyParameters))
        return kind.name

    return register


@pytest.mark.parametrize(
    "line",
    [
        ("momentum",),
        ("ma_crossover", "--param", "fast=ema_12", "--param", "slow=ema_26"),
        ("screen", "--param", "entry=tech stocks with RSI below 50", "--param", "exit=RSI above 60", "--param", "max_holding_sessions=9"),
        ("mean_reversion", "--start", "2023-11-01", "--end", "2024-03-01"),
    ],
)  # fmt: skip
def test_a_shipped_strategy_passes_on_stored_features(run, line):
    done = run("check-strategy", *line)
    assert done.exit_code == 0, done.output
    assert f"{len(NAMES)} of {len(NAMES)} checks passed" in done.output
    assert all(f"pass  {name} " in done.output for name in NAMES)


def test_json_has_every_check_and_what_was_looked_at(run):
    done = run("check-strategy", "momentum", "--param", "entry_rank=3", "--end", "2024-02-29", "--json")
    answer = json.loads(done.stdout)
    assert answer["passed"] is True
    assert answer["parameters"]["entry_rank"] == 3
    assert (answer["end"], answer["lookback_sessions"]) == ("2024-02-29", 1)
    assert answer["sessions"] == SESSIONS + 1  # half a year, and the one that it looks back on
    assert tuple(check["check"] for check in answer["checks"]) == NAMES


def test_a_cheat_fails_with_the_first_row_that_differs(run, cheat):
    done = run("check-strategy", cheat(cheats.FutureShift))
    assert done.exit_code == 1
    assert "FAIL  future_removed" in done.output
    assert "pass  any_order" in done.output
    assert "becomes no signal" in done.output
    answer = run("check-strategy", cheats.FutureShift.name, "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["passed"] is False


def test_a_broken_contract_leaves_the_rest_unchecked(run, cheat):
    done = run("check-strategy", cheat(cheats.TooStrong))
    assert done.exit_code == 1
    assert "FAIL  contract" in done.output
    assert "----  one_by_one" in done.output
    assert f"0 of {len(NAMES)} checks passed" in done.output


PLAN = """
strategies:
  dips: {kind: mean_reversion, parameters: {entry_rsi: 40, exit_rsi: 50}}
"""


def test_one_of_the_plan_is_checked_with_its_parameters(run, monkeypatch, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    monkeypatch.setenv("TRADING_STRATEGIES", str(tmp_path / "plan.yaml"))
    answer = json.loads(run("check-strategy", "dips", "--json").stdout)
    assert answer["passed"] is True
    assert answer["parameters"]["entry_rsi"] == 40
    assert "leave --param out" in run("check-strategy", "dips", "--param", "entry_rsi=30").output


WRONG = {
    ("nope",): "No strategy 'nope'; there are",
    ("momentum", "--param", "entry_rank"): "--param must be a parameter such as entry_rank=10",
    ("momentum", "--param", "entry_rank=0"): "entry_rank: Input should be",
    ("momentum", "--start", "x"): "--start must be a date",
    ("momentum", "--start", "2030-01-02"): "has features: those of 2023-08-24 to 2024-03-28 do",
    ("screen", "--param", "entry=RSI belwo 30"): "belwo",
    ("screen", "--param", "entry=RSI below 30", "--param", "exit=RSI above 50", "--param", "max_holding_sessions=252"): "looks back on 252 sessions, so 254 are needed",
}  # fmt: skip


@pytest.mark.parametrize("line", WRONG, ids=" ".join)
def test_what_cannot_be_checked_is_told(run, line):
    done = run("check-strategy", *line)
    assert done.exit_code == 2
    assert WRONG[line] in " ".join(done.output.split())


def test_a_column_that_no_table_has_is_told(run, cheat, monkeypatch):
    class Odd(cheats.Honest):
        feature_columns = ("close", "moon_phase")

    done = run("check-strategy", cheat(Odd))
    assert done.exit_code == 2
    assert "moon_phase, which neither daily_features nor universe has" in " ".join(done.output.split())


def test_without_features_it_says_what_to_run(run, monkeypatch, tmp_path):
    monkeypatch.setenv("TRADING_DATA", str(tmp_path / "empty"))
    done = run("check-strategy", "momentum")
    assert done.exit_code == 2
    assert "run `trading-assets run` first" in " ".join(done.output.split())


def test_parameters_are_read_up_to_their_first_equals_sign():
    assert parse_parameters(["entry=RSI <= 30", "a=1"]) == {"entry": "RSI <= 30", "a": "1"}
    with pytest.raises(ConfigurationError, match="twice"):
        parse_parameters(["a=1", "a=2"])


def test_a_new_strategy_is_a_package_that_passes_its_own_test(run, tmp_path):
    done = run("new-strategy", "near_high", "--folder", "mine/near_high")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "mine" / "near_high"
    assert {path.name for path in folder.iterdir()} == {"pyproject.toml", "near_high.py", "test_near_high.py"}
    assert "trading-assets check-strategy near_high" in done.output
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (point,) = project["entry-points"]["trading_assets.strategies"].items()
    assert point == ("near_high", "near_high:NearHigh")
    spec = spec_from_file_location("near_high", folder / "near_high.py")
    module = module_from_spec(spec)
    sys.modules["near_high"] = module
    try:
        spec.loader.exec_module(module)
        found = Registered.of(module.NearHigh)
        assert found.parameters is module.NearHighParameters
        assert (
            found.description
            == "Enter near the high of 252 sessions, hold above the 50-session average, sell below it."
        )
    finally:
        del sys.modules["near_high"]
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    assert "2 passed" in tested.stdout


def test_the_commands_of_the_guide_do_what_it_says(run):
    guide = (Path(__file__).resolve().parents[3] / "docs" / "strategies.md").read_text(encoding="utf-8")
    lines = re.findall(r"^trading-assets (.*)$", guide, re.MULTILINE)
    assert [line.split()[0] for line in lines] == ["check-strategy", "new-strategy", "check-strategy"]
    for line in lines[:2]:  # the third is of what the second makes, once it is installed
        done = run(*shlex.split(line))
        assert done.exit_code == 0, done.output


def test_nothing_is_overwritten(run, tmp_path):
    assert run("new-strategy", "near_high").exit_code == 0
    (tmp_path / "near_high" / "near_high.py").write_text("mine")
    done = run("new-strategy", "near_high")
    assert done.exit_code == 2
    assert "is there already" in done.output
    assert (tmp_path / "near_high" / "near_high.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Near-High", "cannot be the name of a strategy"),
        ("class", "cannot be the name of a strategy"),
        ("momentum", "There is a strategy momentum already"),
        ("numpy", "There is a Python module numpy already"),
    ],
)
def test_a_name_that_would_not_work_is_refused(run, tmp_path, name, told):
    done = run("new-strategy", name)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []
