"""Runs of symbols: what is done with whole runs in one pass equals what numpy does run by run."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.features.symbol_runs import SymbolRuns, looked_up, symbol_runs

DAYS = st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True).map(sorted)


def runs_of(days: list[list[int]]) -> SymbolRuns:
    symbols = [f"S{number:02}" for number, own in enumerate(days) for _ in own]
    sessions = pl.Series([day for own in days for day in own], dtype=pl.Int32).cast(pl.Date)
    return symbol_runs(pl.DataFrame({"symbol": symbols, "session": sessions}))


@settings(max_examples=100, deadline=None)
@given(st.lists(DAYS, min_size=1, max_size=12), st.data())
def test_the_first_row_since_a_day_is_found_within_its_own_run(
    days: list[list[int]], data: st.DataObject
) -> None:
    runs = runs_of(days)
    asked = data.draw(
        st.lists(st.tuples(st.integers(0, len(days) - 1), st.integers(-1, 62)), min_size=1, max_size=30)
    )
    number, since = (np.array(column, dtype=np.int64) for column in zip(*asked, strict=True))
    expected = [runs.starts[run] + np.searchsorted(days[run], day) for run, day in asked]
    assert runs.first_since(number, since).tolist() == expected


@settings(max_examples=50, deadline=None)
@given(st.lists(DAYS, min_size=1, max_size=12))
def test_values_of_runs_and_of_days_reach_every_row(days: list[list[int]]) -> None:
    runs = runs_of(days)
    values = np.arange(len(days), dtype=np.float64)
    assert runs.lengths.tolist() == [len(own) for own in days]
    assert runs.repeated(values).tolist() == np.repeat(values, runs.lengths).tolist()
    is_even = np.arange(-3, 61) % 2 == 0
    assert looked_up(is_even, runs.days, -3).tolist() == [day % 2 == 0 for own in days for day in own]
