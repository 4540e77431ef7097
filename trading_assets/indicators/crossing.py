"""Crossing: on which side of another value a value lies, and when it came to the other; one answer per pair of values.

Prices in whole cents give averages that are exactly equal, which sums in floating point get wrong in the last digits, each
way of summing in its own way. Two values are therefore equal within ``EQUAL_WITHIN`` of the second. Screens, strategies and
backtests use this one operator, so that a window of one session and a history of ten years decide alike.

======== ===============================================================================
side     where ``distance = left - right`` and ``equal = EQUAL_WITHIN * |right|``
======== ===============================================================================
above    ``distance > equal``
below    ``distance < -equal``
equal    neither; crosses above if it becomes above, and below if it becomes below
missing  a value is NaN or null: on no side, and it crosses nothing
======== ===============================================================================
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.indicators.kernel import FloatArray, bars_by_symbol, compiled, read_only

EQUAL_WITHIN = 1e-9
"""Fraction of the second value within which the first is equal to it."""

Operator = Literal["<", "<=", ">", ">="]
BoolArray = NDArray[np.bool_]
SideArray = NDArray[np.int8]


def compare(left: FloatArray, operator: Operator, right: FloatArray | float) -> BoolArray:
    """Compare arrays value by value, equal within ``EQUAL_WITHIN``; false where a value is NaN.

    Examples
    --------
    >>> compare(np.array([1.0, 1.0 + 1e-12, 1.1, np.nan]), ">", 1.0).tolist()
    [False, False, True, False]
    """
    distance, equal = left - right, EQUAL_WITHIN * np.abs(right)
    match operator:
        case ">":
            return np.asarray(distance > equal)
        case ">=":
            return np.asarray(distance >= -equal)
        case "<":
            return np.asarray(distance < -equal)
        case "<=":
            return np.asarray(distance <= equal)


def side(left: float, right: float) -> int:
    """Return 1 above, -1 below, 0 equal; 0 too where a value is NaN. Plain arithmetic: ``numba.njit(side)`` compiles it.

    Examples
    --------
    >>> side(2.0, 1.0), side(1.0, 2.0), side(1.0 + 1e-12, 1.0)
    (1, -1, 0)
    """
    distance = left - right
    equal = EQUAL_WITHIN * abs(right)
    if distance > equal:
        return 1
    return -1 if distance < -equal else 0


def crossing(left_before: float, right_before: float, left: float, right: float) -> int:
    """Return 1 if ``left`` crossed above ``right``, -1 if below, 0 if neither; for ``numba.njit`` as well, as ``side`` is.

    Examples
    --------
    >>> crossing(1.0, 1.0, 2.0, 1.0), crossing(2.0, 1.0, 1.0, 1.0), crossing(1.0, 1.0, 0.5, 1.0)
    (1, 0, -1)
    """
    was_distance, was_equal = left_before - right_before, EQUAL_WITHIN * abs(right_before)
    distance, equal = left - right, EQUAL_WITHIN * abs(right)
    if distance > equal and was_distance <= was_equal:
        return 1
    if distance < -equal and was_distance >= -was_equal:
        return -1
    return 0


def crossings(left: FloatArray, right: FloatArray) -> SideArray:
    """Return where ``left`` crosses ``right``: 1 above, -1 below, 0 neither.

    Parameters
    ----------
    left, right
        A row per bar, oldest first, and a column per symbol (or one symbol's bars alone); NaN is missing.

    Returns
    -------
    np.ndarray
        Of the same shape. Look-ahead: a bar knows itself and the one before; the first crosses nothing.

    Examples
    --------
    >>> crossings(np.array([1.0, 3.0, 2.0, 1.0]), np.array([2.0, 2.0, 2.0, 2.0])).tolist()
    [0, 1, 0, -1]
    """
    first, second = bars_by_symbol(left), bars_by_symbol(right)
    found = np.zeros(first.shape, dtype=np.int8)
    _crossings(read_only(first), read_only(second), found)
    return found.reshape(left.shape)


@compiled
def _crossings(left: FloatArray, right: FloatArray, found: SideArray) -> None:
    bars, symbols = left.shape
    for bar in range(1, bars):
        for symbol in range(symbols):
            distance = left[bar, symbol] - right[bar, symbol]
            equal = EQUAL_WITHIN * abs(right[bar, symbol])
            was_distance = left[bar - 1, symbol] - right[bar - 1, symbol]
            was_equal = EQUAL_WITHIN * abs(right[bar - 1, symbol])
            if distance > equal and was_distance <= was_equal:
                found[bar, symbol] = 1
            elif distance < -equal and was_distance >= -was_equal:
                found[bar, symbol] = -1


def is_above(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Say in Polars whether ``left`` lies above ``right``; null where a value is missing."""
    return _distance(left, right) > _equal(right)


def is_below(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Say in Polars whether ``left`` lies below ``right``; null where a value is missing."""
    return _distance(left, right) < -_equal(right)


def crosses_above(left: pl.Expr, right: pl.Expr, left_before: pl.Expr, right_before: pl.Expr) -> pl.Expr:
    """Say in Polars whether ``left`` came to lie above ``right``; false where a value is missing.

    Parameters
    ----------
    left, right
        Values of the bar.
    left_before, right_before
        Those of the bar before, such as ``pl.col("sma_20").shift(1).over("symbol")``.
    """
    crossed = is_above(left, right) & ~is_above(left_before, right_before)
    return crossed.fill_null(value=False)


def crosses_below(left: pl.Expr, right: pl.Expr, left_before: pl.Expr, right_before: pl.Expr) -> pl.Expr:
    """Say in Polars whether ``left`` came to lie below ``right``; otherwise as ``crosses_above``."""
    crossed = is_below(left, right) & ~is_below(left_before, right_before)
    return crossed.fill_null(value=False)


def _distance(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    # in Polars NaN is above every number; here it is missing
    return (left - right).fill_nan(None)


def _equal(right: pl.Expr) -> pl.Expr:
    return EQUAL_WITHIN * right.abs()
