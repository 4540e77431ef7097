"""The tear sheet of twenty years: 5,040 sessions and 5,000 trades."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.research.made_up_backtest import made_up_sheet, trips
from trading_assets.research.tear_sheet import tear_sheet

MOST_SECONDS = 1.5


def test_twenty_years_of_sessions(benchmark):
    sheet = replace(made_up_sheet(5040), trips=trips(5000, over=5040))
    benchmark(tear_sheet, sheet)
    assert benchmark.stats.stats.min < MOST_SECONDS
