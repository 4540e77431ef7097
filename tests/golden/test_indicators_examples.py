"""The examples in the docstrings of indicators and adjustment run as they are printed."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = [
    *(
        f"trading_assets.indicators.{name}"
        for name in ("trend", "momentum", "volatility", "returns", "extremes")
    ),
    *(f"trading_assets.indicators.{name}" for name in ("volume", "benchmark", "registry")),
    "trading_assets.features.adjust",
    "trading_assets.features.compile",
    *(
        f"trading_assets.pairs.{name}"
        for name in ("compile", "engle_granger", "formation", "mackinnon", "multiple_tests")
    ),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_show(name: str) -> None:
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_indicator_has_an_example() -> None:
    from trading_assets.indicators.registry import INDICATORS

    without = [i.function.__name__ for i in INDICATORS if ">>> " not in (i.function.__doc__ or "")]
    assert without == []
