"""One crossing operator: as arrays, as compiled scalars and as Polars expressions it gives the same answers."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from trading_assets.indicators.crossing import (
    EQUAL_WITHIN,
    compare,
    crosses_above,
    crosses_below,
    crossing,
    crossings,
    is_above,
    is_below,
    side,
)

near_one = st.sampled_from([-2.0, -1.0, -0.5, 0.5, 0.999999999999, 1.0, 2.0]).map(
    lambda steps: 1 + steps * EQUAL_WITHIN
)
values = st.one_of(st.floats(-1e6, 1e6, allow_nan=False), near_one, st.just(0.0), st.just(math.nan))
bars = st.lists(st.tuples(values, values), min_size=2, max_size=12)


@settings(max_examples=300, deadline=None)
@given(bars)
def test_arrays_scalars_and_expressions_agree(pairs):
    left, right = (np.array(column) for column in zip(*pairs, strict=True))
    found = crossings(left, right).tolist()
    assert found == [0, *(crossing(*before, *now) for before, now in pairwise(pairs))]
    frame = pl.DataFrame({"left": left, "right": right})
    now = (pl.col("left"), pl.col("right"))
    before = (pl.col("left").shift(1), pl.col("right").shift(1))
    said = frame.select(
        above=crosses_above(*now, *before), below=crosses_below(*now, *before),
        side=is_above(*now).cast(pl.Int8) - is_below(*now).cast(pl.Int8),
    )  # fmt: skip
    assert (said["above"].cast(pl.Int8) - said["below"].cast(pl.Int8)).to_list() == found
    assert said["side"].fill_null(0).to_list() == [side(*pair) for pair in pairs]
    assert (compare(left, ">", right).astype(int) - compare(left, "<", right)).tolist() == [
        side(*pair) for pair in pairs
    ]


@settings(max_examples=100, deadline=None)
@given(values, values)
def test_a_comparison_and_its_opposite_share_out_what_is_not_missing(left, right):
    one, other = np.array([left]), np.array([right])
    is_there = not (math.isnan(left) or math.isnan(right))
    for operator, opposite in ((">", "<="), ("<", ">=")):
        assert compare(one, operator, other)[0] + compare(one, opposite, other)[0] == is_there


def test_the_scalar_functions_compile_to_the_same():
    machine_side, machine_crossing = njit(side), njit(crossing)
    tried = [0.0, 1.0, 1.0 + 1e-12, 1.0 + 2e-9, 2.0, -1.0, math.nan]
    for left in tried:
        for right in tried:
            assert machine_side(left, right) == side(left, right)
            for before in tried:
                assert machine_crossing(before, 1.0, left, right) == crossing(before, 1.0, left, right)


def test_a_missing_value_crosses_nothing_and_neither_does_what_follows_it():
    left = np.array([1.0, np.nan, 3.0, 1.0, np.nan, 1.0])
    assert crossings(left, np.full(6, 2.0)).tolist() == [0, 0, 0, -1, 0, 0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([1, 2, 3], [0, 0, 1]),  # over a tie: when it is above
        ([3, 2, 1], [0, 0, -1]),
        ([3, 2, 3], [0, 0, 1]),  # it touched and went on: that is a crossing anew
        ([1, 2, 2], [0, 0, 0]),
    ],
)
def test_a_tie_is_on_neither_side(path, expected):
    assert crossings(np.array(path, dtype=float), np.full(len(path), 2.0)).tolist() == expected


def test_columns_are_symbols_that_do_not_touch_each_other():
    left = np.array([[1.0, 3.0], [3.0, 1.0]])
    assert crossings(left, np.full((2, 2), 2.0)).tolist() == [[0, 0], [1, -1]]
