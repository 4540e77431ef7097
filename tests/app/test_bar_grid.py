"""Coverage as the Operations page counts it: no hole is averaged away, hidden by surplus bars, or lost in a week."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bar_grid import (
    MAX_COLUMNS,
    STATES,
    Grid,
    alphabetical,
    cells,
    columns,
    missing_symbols,
    per_session,
    per_symbol,
)
from app.findings import tally_cells
from trading_assets.sessions import sessions_between

DAYS = sessions_between(date(2023, 1, 3), date(2024, 12, 31))


def grid(expected, stored, first: int = 0) -> Grid:
    wanted, there = np.array(expected, dtype=np.uint8), np.array(stored, dtype=np.uint8)
    symbols = tuple(f"S{number:03d}" for number in range(wanted.shape[0]))
    return Grid(symbols, tuple(DAYS[first : first + wanted.shape[1]]), wanted, there)


GRIDS = st.tuples(st.integers(1, 40), st.integers(1, 300), st.integers(0, 2**32 - 1)).map(
    lambda size: grid(
        np.random.default_rng(size[2]).integers(0, 8, size[:2]), np.random.default_rng(size[2] + 1).integers(0, 9, size[:2])
    )
)  # fmt: skip


@given(GRIDS, st.integers(1, 30))
def test_cells_sessions_and_symbols_count_the_same_bars(whole, rows):
    labels = alphabetical(whole.symbols, rows)
    summed = cells(whole, labels)
    lost = int(whole.missing.sum())
    assert (
        summed["missing"].sum()
        == per_session(whole)["missing"].sum()
        == per_symbol(whole)["missing"].sum()
        == lost
    )
    assert summed["expected"].sum() == whole.expected.sum()
    complete = summed.filter(pl.col("state") == "complete")
    assert not complete["missing"].sum()
    assert not summed.filter(pl.col("state") != "complete").filter(pl.col("missing") == 0).height
    for day in (whole.sessions[0], whole.sessions[-1]):
        there = per_session(whole).filter(pl.col("session") == day)["symbols"][0]
        assert missing_symbols(whole, day).height == there


def test_bars_that_nobody_expected_do_not_hide_missing_ones():
    whole = grid([[1, 0], [1, 1]], [[0, 5], [1, 3]])
    assert per_session(whole)["missing"].to_list() == [1, 0]
    assert cells(whole, ["all", "all"])["missing"].sum() == 1


def test_one_missing_bar_of_a_week_of_a_thousand_symbols_is_not_complete():
    expected = np.ones((1000, 300), dtype=np.uint8)
    stored = expected.copy()
    stored[500, 150] = 0
    summed = cells(grid(expected, stored), ["all"] * 1000)
    assert summed.height < 300, "a cell is a week"
    assert summed.filter(pl.col("state") != "complete")["missing"].to_list() == [1]


@pytest.mark.parametrize(
    ("missing", "state"), [(0, "complete"), (1, STATES[1]), (10, STATES[2]), (49, STATES[2]), (50, STATES[3]), (200, STATES[4]), (999, STATES[4]), (1000, "no bar")]
)  # fmt: skip
def test_a_cell_is_named_by_its_share_of_missing_bars(missing, state):
    stored = np.ones((1000, 1), dtype=np.uint8)
    stored[:missing] = 0
    assert cells(grid(np.ones((1000, 1)), stored), ["all"] * 1000)["state"].to_list() == [state]


@given(st.integers(0, len(DAYS)))
def test_columns_hold_every_session_once_and_in_order(count):
    spans = columns(DAYS[:count])
    assert len(spans) <= MAX_COLUMNS
    assert [day for first, last in spans for day in DAYS[:count] if first <= day <= last] == DAYS[:count]


def test_symbols_with_holes_say_when_they_began_and_ended():
    whole = grid(np.ones((3, 5)), [[1, 0, 1, 0, 1], [1] * 5, [0, 0, 0, 1, 1]])
    assert per_symbol(whole).rows() == [
        ("S002", 5, 3, DAYS[0], DAYS[2]),
        ("S000", 5, 2, DAYS[1], DAYS[3]),
    ]


def test_findings_of_a_closed_day_count_for_the_next_session():
    found = pl.DataFrame(
        {
            "check_name": ["phantom_session", "jumps", "jumps", "late"],
            "session": [date(2024, 3, 30), date(2024, 4, 2), date(2024, 4, 3), date(2024, 4, 3)],
            "found": [3, 120, 5, 2], "accepted": [0, 0, 0, 2], "blocking": [0, 1, 0, 0], "stopping": [0, 7, 2, 0],
        }
    )  # fmt: skip
    sums = tally_cells(found, sessions_between(date(2024, 3, 28), date(2024, 4, 5)))
    assert sums.select("row", "first", "found", "state").rows() == [
        ("jumps", date(2024, 4, 2), 120, "blocks the session"),
        ("jumps", date(2024, 4, 3), 5, "stops new risk in symbols"),
        ("late", date(2024, 4, 3), 2, "all accepted"),
        ("phantom_session", date(2024, 4, 1), 3, "under 10"),
    ]
