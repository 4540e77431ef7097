"""Every shipped strategy passes every check, every cheat is caught by the checks that are meant for it, and every check fires."""

from __future__ import annotations

import importlib
import re
import sys

import polars as pl
import pytest

from tests.unit.strategies import cheats, impure_cheats
from trading_assets.strategies.checks import NAMES, check_strategy
from trading_assets.strategies.contract import StrategyParameters
from trading_assets.strategies.example_features import example_features
from trading_assets.strategies.registry import STRATEGIES, build_strategy
from trading_assets.tables.features import DAILY_FEATURES

TRIED = {
    "momentum": [{}, {"entry_rank": 3, "hold_rank_multiple": 1.5}],
    "mean_reversion": [{}, {"entry_rsi": 40, "exit_rsi": 45, "max_holding_sessions": 3}],
    "ma_crossover": [{}, {"fast": "ema_12", "slow": "ema_26"}, {"fast": "sma_50", "slow": "sma_200"}],
    "screen": [
        {"entry": "oversold", "exit": "RSI above 60"},
        {"entry": "tech stocks with P/E below 18"},
        {"entry": "RSI below 40, top 3 by market cap", "exit": "price > price 5 sessions ago", "max_holding_sessions": 5},
        {"entry": "20 SMA crossing above 50 SMA in the last 5 days", "exit": "RSI above 70 for 2 days"},
    ],
}  # fmt: skip

FUTURE = {"future_removed", "future_changed", "delisted_later", "look_back", "one_by_one"}
PARTS = {"look_back", "one_by_one"}
EVERY = {*NAMES} - {"contract", "pure", "says_something"}
CAUGHT_BY = {
    cheats.Honest: set(),
    cheats.FutureShift: FUTURE,
    cheats.WholeSample: FUTURE,
    cheats.CentredWindow: FUTURE,
    cheats.NewestRatio: FUTURE,
    cheats.FilledBackward: FUTURE,
    cheats.BackAdjusted: FUTURE,
    cheats.Survivors: {"future_removed", "delisted_later", *PARTS},
    cheats.EverListed: {"future_removed", "listed_later", *PARTS},
    cheats.TieNoise: {"any_order"},
    cheats.SeededNoise: {"any_order", *PARTS},
    cheats.Remembers: {"repeatable", "no_memory", "one_by_one"},
    cheats.RemembersInItsClass: EVERY,
    cheats.WaitsADay: {"one_by_one"},
    cheats.CountsRows: PARTS,
    cheats.SinceTheBeginning: PARTS,
    cheats.Forgetful: PARTS,
    cheats.FirstSession: PARTS,
    cheats.NeedsCompany: PARTS,
    cheats.Silent: {"says_something"},
    cheats.TooStrong: {"contract"},
    cheats.Undeclared: {"contract"},
    cheats.SaysItTwice: {"contract"},
    cheats.OfNothing: {"contract"},
    cheats.EndlessMemory: {"contract"},
}
IMPURE = {
    "CLOCK": "reads the clock (now)",
    "TODAY": "reads the clock (today)",
    "TIME": "imports time",
    "CHANCE": "draws random numbers without a seed (default_rng)",
    "OLD_CHANCE": "draws random numbers without a seed (random)",
    "SAMPLE": "draws random numbers without a seed (sample)",
    "ENVIRONMENT": "imports os",
    "FILE": "calls open()",
    "PARQUET": "reads or writes files (read_parquet)",
    "NUMPY_FILE": "reads or writes files (load)",
    "TAKEN_FILE": "imports fromfile",
    "RENAMED": "reads or writes files (memmap)",
    "SQL": "reads or writes files (sql)",
    "LAKE": "imports trading_assets.cli.opened",
    "SETTINGS": "imports trading_assets.settings",
    "RESOURCES": "imports resources.lake.lake",
    "BORROWED": "imports trading_assets.strategies.contract.sys",
    "OTHER": "imports importlib.metadata",
    "INTERPRETER": "reaches the interpreter (sys)",
    "HASH": "calls hash()",
    "GLOBAL": "keeps state between calls (global)",
}


def failed(strategy) -> dict[str, str]:
    verdicts = check_strategy(strategy, example_features())
    return {verdict.check: verdict.finding for verdict in verdicts if not verdict.passed}


@pytest.fixture
def impure(tmp_path, monkeypatch):
    """Return what makes a strategy of one of the impure sources, in a module of its own."""

    def make(name: str):
        module = f"impure_{name.lower()}"
        (tmp_path / f"{module}.py").write_text(impure_cheats.source(*getattr(impure_cheats, name)))
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        try:
            return importlib.import_module(module).Impure()
        finally:
            monkeypatch.setitem(sys.modules, module, sys.modules[module])

    return make


@pytest.mark.parametrize(
    ("name", "parameters"), [(name, parameters) for name, each in TRIED.items() for parameters in each]
)
def test_every_shipped_strategy_passes_every_check(name, parameters):
    verdicts = list(check_strategy(build_strategy(name, parameters), example_features()))
    assert [(verdict.check, verdict.finding) for verdict in verdicts if not verdict.passed] == []
    assert tuple(verdict.check for verdict in verdicts) == NAMES
    # none of them passed because there was nothing to compare
    assert all(verdict.compared for verdict in verdicts[2:])


def test_every_shipped_strategy_is_tried():
    assert {*TRIED} == {*STRATEGIES}


@pytest.mark.parametrize("cheat", CAUGHT_BY, ids=lambda cheat: cheat.__name__)
def test_a_cheat_is_caught_by_the_checks_that_are_meant_for_it(cheat):
    assert {*failed(cheat(StrategyParameters()))} == CAUGHT_BY[cheat]


def test_every_cheat_is_tried():
    there = {
        item for item in vars(cheats).values() if isinstance(item, type) and issubclass(item, cheats.Honest)
    }
    assert there == {*CAUGHT_BY}


@pytest.mark.parametrize("name", IMPURE)
def test_what_is_taken_from_outside_the_features_is_named_with_its_line(impure, name):
    found = failed(impure(name))["pure"]
    assert IMPURE[name] in found
    assert found.startswith(f"impure_{name.lower()}.py:")


@pytest.mark.parametrize("name", ["NUMPY_FILE", "LAKE"])
def test_a_file_of_the_future_and_the_lake_are_seen_by_what_is_written_alone(impure, name):
    # run, they say the same of a session whatever follows it
    assert {*failed(impure(name))} == {"pure"}


def test_a_package_of_ones_own_may_have_modules_and_they_are_looked_at(tmp_path, monkeypatch):
    folder = tmp_path / "own_rules"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "known.py").write_text("import numpy as np\n\nPRICES = np.array([1.0])\n")
    (folder / "prices.py").write_text("from own_rules.known import PRICES\n")
    (folder / "rules.py").write_text(
        impure_cheats.source("from . import prices", "found = features.filter(pl.col('close') > 60)")
    )
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    strategy = importlib.import_module("own_rules.rules").Impure()
    assert failed(strategy) == {}
    (folder / "known.py").write_text("import numpy as np\n\nPRICES = np.load('future.npy')\n")
    assert failed(strategy) == {"pure": "known.py:3 reads or writes files (load)"}


def test_the_same_source_without_it_is_pure(impure):
    assert failed(impure("PURE")) == {}


def test_what_could_not_be_compared_is_open_and_what_was_found_is_not():
    def of(strategy, features) -> dict[str, bool]:
        return {one.check: one.is_open for one in check_strategy(strategy, features) if not one.passed}

    rows = example_features()
    one_session = rows.filter(pl.col("session") == pl.col("session").max())
    assert of(cheats.Silent(StrategyParameters()), rows) == {"says_something": True}
    assert of(cheats.Honest(StrategyParameters()), one_session) == {"contract": True}
    assert of(cheats.TooStrong(StrategyParameters()), rows) == {"contract": False}
    assert set(of(cheats.FutureShift(StrategyParameters()), rows).values()) == {False}


def test_every_check_fires():
    fired = set().union(*CAUGHT_BY.values(), {"pure"})
    assert fired == {*NAMES}


def test_chance_shows_when_the_strategy_is_run_too(impure):
    assert {"repeatable", "one_by_one"} <= {*failed(impure("CHANCE"))}


def test_a_finding_says_what_a_row_was_and_what_it_became():
    found = failed(cheats.FutureShift(StrategyParameters()))["future_removed"]
    assert re.match(
        r"without what follows (\S+): \1 \w+: enter_long 0.5 \(I know\) {} becomes no signal; \d+ rows differ",
        found,
    )


def test_the_example_market_has_what_cheats_live_on():
    rows = example_features()
    assert {*DAILY_FEATURES.columns} <= {*rows.columns}
    first, last = rows["session"].min(), rows["session"].max()
    spans = rows.group_by("symbol").agg(
        listed_late=pl.col("session").min() > first,
        delisted=pl.col("session").max() < last,
        splits=pl.col("price_factor").n_unique() > 1,
        reports_late=pl.col("pe").null_count() > 0,
    )
    assert spans.select(pl.exclude("symbol").sum()).row(0) > (2, 2, 2, 2)
    assert rows.equals(example_features.__wrapped__())
