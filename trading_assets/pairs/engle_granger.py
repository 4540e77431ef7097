"""Engle-Granger tests of many pairs at once, both orders of each; one row per pair and two columns, one an order.

The first step regresses one series on the other and a constant; the second tests the residuals for a unit root (augmented
Dickey-Fuller without a constant). Lags: all numbers of lags up to Schwert's ``12 (n / 100)^(1/4)``, rounded up, are tried on the
same rows, the one with the least Akaike criterion is taken, and its regression is made again on all rows that it can use.
Statistics are those of ``statsmodels.tsa.stattools.coint(y, x, trend="c", maxlag=None, autolag="aic")``.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled

BoolArray: TypeAlias = NDArray[np.bool_]

SHORTEST = 30
"""Observations that a series needs at least: with fewer, the largest number of lags explains everything."""
COLLINEAR = 1.0 - 100.0 * math.sqrt(np.finfo(np.float64).eps)
"""From this R^2 on, residuals are no more than rounding: the statistic is -inf, as statsmodels has it."""
_SINGULAR = 1e-12  # of a regressor's own sum of squares: nothing of it is left beside the others
_WEAK = 1e-3  # the same, where a regression is made again with more care
_LANES = 8  # lags are summed side by side, in whole groups of so many
_PAIRS_AT_ONCE = 64  # their residuals and sums stay in a core's second cache


@dataclass(frozen=True)
class PairTests:
    """Tests of pairs; column 0 is the first series regressed on the second, column 1 the second on the first.

    ``hedge_ratio`` and ``intercept`` are those of the first step. ``statistic`` is NaN where one of the two series does not move or
    the residuals can be foretold without error, and -inf where the two are one line; ``lags`` of the regression behind it, -1
    without one. The rest is of the residuals: ``deviation`` (sample standard deviation), ``last`` (the newest), ``half_life``
    (observations until half of a deviation is gone, by a regression on the one before; NaN where they do not come back).
    """

    hedge_ratio: FloatArray
    intercept: FloatArray
    statistic: FloatArray
    lags: IndexArray
    half_life: FloatArray
    deviation: FloatArray
    last: FloatArray


def most_lags(observations: int) -> int:
    """Return the largest number of lags that is tried.

    Examples
    --------
    >>> most_lags(252), most_lags(504)
    (16, 18)
    """
    schwert: int = math.ceil(12.0 * (observations / 100.0) ** 0.25)
    return min(observations // 2 - 1, schwert)


def engle_granger(
    series: FloatArray, first: IndexArray, second: IndexArray, *, threads: int = 2
) -> PairTests:
    """Test pairs of series in both orders.

    Parameters
    ----------
    series
        One row per series, one column per observation; finite, at least ``SHORTEST`` observations.
    first, second
        Rows of the two series of each pair.
    threads
        Threads to compute with; the result is the same.

    Returns
    -------
    PairTests
        Arrays of the shape (pairs, 2).

    Raises
    ------
    ValueError
        If there are too few observations, or one is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> random = np.random.default_rng(1)
    >>> walk = random.normal(size=300).cumsum()
    >>> found = engle_granger(np.stack([walk, 2 * walk + random.normal(size=300)]), np.array([0]), np.array([1]))
    >>> found.hedge_ratio.round(2).tolist(), (found.statistic < -10).tolist()
    ([[0.5, 2.0]], [[True, True]])
    """
    values = np.ascontiguousarray(series, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] < SHORTEST:
        raise ValueError(f"each series needs at least {SHORTEST} observations, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("every observation must be finite")
    means = values.mean(axis=1)
    moves = (values != values[:, :1]).any(axis=1, keepdims=True)
    centred = np.where(moves, values - means[:, None], 0.0)  # else what rounding leaves of it
    both = np.stack([first, second], axis=1).astype(np.int64)

    def test(start: int) -> PairTests:
        part = both[start : start + _PAIRS_AT_ONCE]
        return _tested(centred, means, part.reshape(-1).copy(), part[:, ::-1].reshape(-1).copy())

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(test, range(0, len(both), _PAIRS_AT_ONCE)))
    return PairTests(
        *(_joined([getattr(part, name.name) for part in parts], name.name) for name in fields(PairTests))
    )


def _joined(parts: list[Any], name: str) -> Any:
    none = np.empty(0, dtype=np.int64 if name == "lags" else np.float64)
    return np.concatenate([none, *parts]).reshape(-1, 2)


def _tested(centred: FloatArray, means: FloatArray, y: IndexArray, x: IndexArray) -> PairTests:
    tests, n = len(y), centred.shape[1]
    most = most_lags(n)
    residual, work = np.zeros((tests, n + 2 * _LANES)), np.zeros((3, n + most + 2 * _LANES))
    slope, unexplained, deviation, half_life, statistic = np.full((5, tests), np.nan)
    moments, eliminated = np.empty((tests, most + 2, most + 2)), np.empty((most + 2, most + 2))
    lags = np.full(tests, -1, dtype=np.int64)
    _regress(centred, y, x, residual, slope, unexplained, deviation)
    _find_half_lives(residual, n, half_life)
    _sum_products(residual, n, most, work, moments)
    _choose_lags(moments, n - 1 - most, eliminated, lags)
    is_line = ~(1.0 - unexplained < COLLINEAR) & ~np.isnan(slope)
    lags[is_line] = -1
    _add_older_rows(residual, n, lags, work[0], moments)
    is_weak = np.zeros(tests, dtype=np.bool_)
    _find_statistics(moments, n - 1, lags, eliminated, statistic, is_weak)
    _find_weak_statistics(residual, n, lags, is_weak, np.empty((most + 2, n)), statistic)
    lags[np.isnan(statistic)] = -1
    statistic[is_line] = -np.inf
    return PairTests(
        slope, means[y] - slope * means[x], statistic, lags, half_life, deviation, residual[:, 0].copy()
    )


# Residuals are kept newest first, so that the lags of a difference lie behind it, side by side: their products are summed in
# the vector units without a change in the order of any sum, and are the same on every machine.
@compiled
def _regress(  # noqa: PLR0917 - kernels are called by position
    centred: FloatArray,
    y: IndexArray,
    x: IndexArray,
    residual: FloatArray,
    slope: FloatArray,
    unexplained: FloatArray,
    deviation: FloatArray,
) -> None:
    n = centred.shape[1]
    for test in range(len(y)):
        of_y, of_x = centred[y[test]], centred[x[test]]
        yy, xx, xy, left = 0.0, 0.0, 0.0, 0.0
        for i in range(n):
            yy += of_y[i] * of_y[i]
            xx += of_x[i] * of_x[i]
            xy += of_x[i] * of_y[i]
        slope[test] = xy / xx if xx > 0.0 and yy > 0.0 else np.nan
        for i in range(n):
            error = of_y[n - 1 - i] - slope[test] * of_x[n - 1 - i]
            residual[test, i] = error
            left += error * error
        unexplained[test] = left / yy
        deviation[test] = math.sqrt(left / (n - 1))


@compiled
def _find_half_lives(residual: FloatArray, n: int, out: FloatArray) -> None:
    for test in range(len(residual)):
        errors = residual[test]
        sum_now, products, squares = 0.0, 0.0, 0.0
        for i in range(n - 1):
            sum_now += errors[i]
            products += errors[i] * errors[i + 1]
            squares += errors[i + 1] * errors[i + 1]
        sum_before = sum_now - errors[0] + errors[n - 1]
        spread = squares - sum_before * sum_before / (n - 1)
        kept = (products - sum_now * sum_before / (n - 1)) / spread
        if 0.0 < kept < 1.0:
            out[test] = -math.log(2.0) / math.log(kept)


# Sums of products over the rows that every number of lags can use, of: the level before (0), the lags of the difference (1 to
# most), the difference itself (last). Products of two lags are those of the two lags before them, less the newest row and plus
# an older one: only those with the difference itself and with the level are summed.
@compiled
def _sum_products(residual: FloatArray, n: int, most: int, work: FloatArray, moments: FloatArray) -> None:
    change, own, level = work[0], work[1], work[2]
    used, last = n - 1 - most, most + 1
    lanes = (most // _LANES + 1) * _LANES
    for test in range(len(residual)):
        errors, found = residual[test], moments[test]
        for i in range(n - 1):
            change[i] = errors[i] - errors[i + 1]
        own[:lanes] = 0.0
        level[:lanes] = 0.0
        squares = 0.0
        for i in range(used):
            squares += errors[i + 1] * errors[i + 1]
            for lag in range(lanes):
                own[lag] += change[i] * change[i + lag]
                level[lag] += errors[i + 1] * change[i + lag]
        found[0, 0], found[0, last], found[last, last] = squares, level[0], own[0]
        for b in range(1, last):
            found[0, b] = level[b]
            found[b, last] = own[b]
            found[1, b] = own[b - 1] + change[used] * change[used + b - 1] - change[0] * change[b - 1]
        for a in range(1, most):
            for b in range(a, most):
                older = change[used + a] * change[used + b]
                found[a + 1, b + 1] = found[a, b] + older - change[a] * change[b]


# The squared errors of every number of lags come out of one elimination: the level first, then one lag after the other.
@compiled
def _choose_lags(moments: FloatArray, used: int, work: FloatArray, lags: IndexArray) -> None:
    last = moments.shape[1] - 1
    for test in range(len(moments)):
        found, least = moments[test], np.inf
        work[:] = found
        for c in range(last):
            if not work[c, c] > _SINGULAR * found[c, c]:
                break
            for a in range(c + 1, last + 1):
                factor = work[c, a] / work[c, c]
                for b in range(a, last + 1):
                    work[a, b] -= factor * work[c, b]
            if not work[last, last] > _SINGULAR * found[last, last]:
                lags[test] = -1
                break
            criterion = used * math.log(work[last, last]) + 2.0 * (c + 1)
            if criterion < least:
                lags[test], least = c, criterion


@compiled
def _add_older_rows(
    residual: FloatArray, n: int, lags: IndexArray, work: FloatArray, moments: FloatArray
) -> None:
    last = moments.shape[1] - 1
    most = last - 1
    for test in range(len(residual)):
        k, errors, found = lags[test], residual[test], moments[test]
        if k < 0:
            continue
        for i in range(n - 1 - most, n - 1 - k):
            work[0], change = errors[i + 1], errors[i] - errors[i + 1]
            for lag in range(1, k + 1):
                work[lag] = errors[i + lag] - errors[i + lag + 1]
            found[last, last] += change * change
            for a in range(k + 1):
                found[a, last] += work[a] * change
                for b in range(a, k + 1):
                    found[a, b] += work[a] * work[b]


# Lags first, then the level, then the target: the level's own coefficient is what is left at the end. Where little is left of a
# regressor beside the others, sums of products have lost too many digits: those tests are marked, and made again below.
@compiled
def _find_statistics(  # noqa: PLR0917 - kernels are called by position
    moments: FloatArray,
    changes: int,
    lags: IndexArray,
    work: FloatArray,
    out: FloatArray,
    is_weak: BoolArray,
) -> None:
    last = moments.shape[1] - 1
    for test in range(len(moments)):
        k, found = lags[test], moments[test]
        if k < 0:
            continue
        work[:k, :k] = found[1 : k + 1, 1 : k + 1]
        work[:k, k] = found[0, 1 : k + 1]
        work[:k, k + 1] = found[1 : k + 1, last]
        work[k, k], work[k, k + 1], work[k + 1, k + 1] = found[0, 0], found[0, last], found[last, last]
        for c in range(k):
            is_weak[test] |= not work[c, c] > _WEAK * found[c + 1, c + 1]
            for a in range(c + 1, k + 2):
                factor = work[c, a] / work[c, c]
                for b in range(a, k + 2):
                    work[a, b] -= factor * work[c, b]
        left = work[k + 1, k + 1] - work[k, k + 1] * work[k, k + 1] / work[k, k]
        is_weak[test] |= not (work[k, k] > _WEAK * found[0, 0] and left > _WEAK * found[last, last])
        out[test] = work[k, k + 1] / math.sqrt(work[k, k] * left / (changes - 2 * k - 1))


# The same regression without sums of products of the regressors: each column less its part along the ones before (modified
# Gram-Schmidt), in the same order.
@compiled
def _find_weak_statistics(  # noqa: PLR0917 - kernels are called by position
    residual: FloatArray, n: int, lags: IndexArray, is_weak: BoolArray, columns: FloatArray, out: FloatArray
) -> None:
    for test in range(len(residual)):
        if not is_weak[test]:
            continue
        k, errors = lags[test], residual[test]
        rows = n - 1 - k
        for i in range(rows):
            columns[k, i], columns[k + 1, i] = errors[i + 1], errors[i] - errors[i + 1]
            for lag in range(1, k + 1):
                columns[lag - 1, i] = errors[i + lag] - errors[i + lag + 1]
        squares, along = 0.0, 0.0
        for c in range(k + 1):
            squares = np.sum(columns[c, :rows] * columns[c, :rows])
            for a in range(c + 1, k + 2):
                along = np.sum(columns[c, :rows] * columns[a, :rows]) / squares
                columns[a, :rows] -= along * columns[c, :rows]
        left = np.sum(columns[k + 1, :rows] * columns[k + 1, :rows])
        out[test] = along * math.sqrt(squares / (left / (rows - k - 1)))
