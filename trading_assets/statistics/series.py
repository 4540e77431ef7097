"""Shapes of the statistics: one figure per series, from returns of shape (sessions,) or (sessions, series).

A NaN is a session without a return. Means, deviations and quantiles leave it out, each series on its own; where returns are
compounded it is a session without a move. Too little data gives NaN, never an error or an infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IndexArray: TypeAlias = NDArray[np.int64]
P = ParamSpec("P")

SESSIONS_PER_YEAR = 252
ROUNDING_SHARE = 1e-8
"""A deviation above this share of the mean is none of rounding."""
ROOT_OF_YEAR = math.sqrt(SESSIONS_PER_YEAR)
"""Deviations grow with the square root of time."""


def rows_of(returns: ArrayLike) -> FloatArray:
    """Return ``returns`` as an array of shape (sessions, series)."""
    rows = np.asarray(returns, dtype=np.float64)
    return rows if rows.ndim == 2 else rows.reshape(-1, 1)


def present(rows: FloatArray) -> IndexArray:
    """Count the sessions with a return, per series."""
    if is_complete(rows):
        return np.full(rows.shape[1], len(rows))
    count: IndexArray = np.count_nonzero(~np.isnan(rows), axis=0)
    return count


def is_complete(rows: FloatArray) -> bool:
    """Tell, in one pass, that no session of any series lacks its return."""
    return not math.isnan(rows.sum())


def per_series(
    least: int,
) -> Callable[
    [Callable[Concatenate[FloatArray, P], FloatArray]], Callable[Concatenate[ArrayLike, P], FloatArray]
]:
    """Let a statistic of an array (sessions, series) take one series too, and give NaN for what it cannot tell.

    Parameters
    ----------
    least
        Returns that a series needs; a series with fewer has NaN, as has one whose figure is not finite.

    Returns
    -------
    Callable
        Decorator; the function returns a number for one series, and an array with a number per series for several.
    """

    def decorate(
        function: Callable[Concatenate[FloatArray, P], FloatArray],
    ) -> Callable[Concatenate[ArrayLike, P], FloatArray]:
        @wraps(function)
        def figures(returns: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> FloatArray:
            rows = rows_of(returns)
            enough = present(rows) >= least
            found = np.full(rows.shape[1], np.nan)
            if enough.any():
                with np.errstate(all="ignore"):
                    found = function(rows, *args, **kwargs)
            kept: FloatArray = np.where(enough & np.isfinite(found), found, np.nan)
            one: FloatArray = kept.reshape(np.shape(returns)[1:])[()]
            return one

        return cast("Callable[Concatenate[ArrayLike, P], FloatArray]", figures)

    return decorate


def total_of(rows: FloatArray) -> FloatArray:
    """Return the sum of each column without its NaN."""
    total: FloatArray = rows.sum(axis=0)
    if np.isnan(total).any():
        total = np.nansum(rows, axis=0)
    return total


def mean_of(rows: FloatArray) -> FloatArray:
    """Return the mean of each column without its NaN."""
    total, count = _total_and_count(rows)
    return total / count


def deviation_of(rows: FloatArray) -> FloatArray:
    """Return the sample deviation of each column (divided by n - 1) without its NaN.

    Equal values have exactly 0, not the rounding noise of their mean, so that no ratio is made of noise.
    """
    total, count = _total_and_count(rows)
    mean = total / count
    centred = rows - mean
    squares: FloatArray = np.einsum("ij,ij->j", centred, centred)
    if np.isnan(squares).any():
        squares = total_of(centred * centred)
    deviation = np.sqrt(squares / (count - 1))
    noise = np.flatnonzero(deviation <= ROUNDING_SHARE * np.abs(mean))
    equal = np.fmax.reduce(rows[:, noise], axis=0) == np.fmin.reduce(rows[:, noise], axis=0)
    deviation[noise[equal]] = 0.0
    return deviation


def quantile_of(rows: FloatArray, share: float) -> FloatArray:
    """Return the quantile of each column without its NaN, interpolated linearly as ``numpy.percentile`` does."""
    in_order = np.sort(rows, axis=0)  # NaN come last
    position = share * (present(rows) - 1.0)
    below = np.clip(np.floor(position), 0, len(rows) - 1).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(present(rows) - 1, 0))
    low: FloatArray = np.take_along_axis(in_order, below[None, :], axis=0)[0]
    high: FloatArray = np.take_along_axis(in_order, above[None, :], axis=0)[0]
    between: FloatArray = low + (high - low) * (position - below)
    return between


def _total_and_count(rows: FloatArray) -> tuple[FloatArray, IndexArray]:
    # one pass over the rows where none is missing
    total: FloatArray = rows.sum(axis=0)
    if np.isnan(total).any():
        return total_of(rows), present(rows)
    return total, np.full(len(total), len(rows))
