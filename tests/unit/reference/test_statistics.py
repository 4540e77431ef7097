"""docs/statistics.md lists the statistics as they are defined, and every public statistic has a definition and an example."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from trading_assets import statistics
from trading_assets.reference.markdown import with_reference
from trading_assets.reference.statistics import statistic_reference
from trading_assets.statistics.definitions import DEFINITIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "statistics.md"
MODULES = [
    importlib.import_module(f"{statistics.__name__}.{found.name}")
    for found in pkgutil.iter_modules(statistics.__path__)
    if found.name not in {"series", "definitions"}
]


def test_the_page_is_what_the_definitions_say():
    page = PAGE.read_text(encoding="utf-8")
    assert with_reference(page, statistic_reference()) == page, "run: python -m trading_assets.reference"


def test_every_public_statistic_is_defined_once():
    public = {
        name: function
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert {name: one.function for name, one in DEFINITIONS.items()} == public
    assert all(one.unit and one.formula for one in DEFINITIONS.values())
    assert [name for name, one in DEFINITIONS.items() if ">>> " not in (one.function.__doc__ or "")] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_examples_print_what_they_show(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
