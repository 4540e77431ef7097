"""Return series beside a benchmark: one number per series; sessions in which either has no return are left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import (
    ROOT_OF_YEAR,
    SESSIONS_PER_YEAR,
    FloatArray,
    deviation_of,
    mean_of,
    per_series,
    present,
    rows_of,
    total_of,
)

_STILL = 1e-30
"""A variance of the benchmark below it is none, as in empyrical."""


@per_series(least=2)
def beta(returns: FloatArray, benchmark: ArrayLike, risk_free: float = 0.0) -> FloatArray:
    """Return the covariance with the benchmark over the benchmark's variance; NaN where it does not move.

    As ``empyrical.beta``.

    Examples
    --------
    >>> float(beta([0.02, -0.02, 0.04], [0.01, -0.01, 0.02]).round(4))
    2.0
    """
    own, other = _paired(returns - risk_free, rows_of(benchmark) - risk_free)
    centred = other - mean_of(other)
    variance = mean_of(centred * centred)
    return mean_of(centred * own) / np.where(variance < _STILL, np.nan, variance)


@per_series(least=2)
def alpha(returns: FloatArray, benchmark: ArrayLike, risk_free: float = 0.0) -> FloatArray:
    """Return the mean of what is left after beta times the benchmark, compounded over 252 sessions.

    As ``empyrical.alpha``, ``risk_free`` a session.

    Examples
    --------
    >>> float(alpha([0.021, -0.019, 0.041], [0.01, -0.01, 0.02]).round(4))
    0.2864
    """
    slope = beta(returns, benchmark, risk_free)
    own, other = _paired(returns - risk_free, rows_of(benchmark) - risk_free)
    compounded: FloatArray = (1.0 + mean_of(own - slope * other)) ** SESSIONS_PER_YEAR - 1.0
    return compounded


@per_series(least=2)
def correlation(returns: FloatArray, benchmark: ArrayLike) -> FloatArray:
    """Return Pearson's correlation with the benchmark; NaN where either does not move. As ``numpy.corrcoef``.

    Examples
    --------
    >>> float(correlation([0.02, -0.02, 0.04], [0.01, -0.01, 0.02]).round(4))
    1.0
    """
    own, other = _paired(returns, rows_of(benchmark))
    spread = deviation_of(own) * deviation_of(other) * (present(own) - 1)
    together = total_of((own - mean_of(own)) * (other - mean_of(other)))
    return np.clip(together / spread, -1.0, 1.0)


@per_series(least=2)
def tracking_error(returns: FloatArray, benchmark: ArrayLike) -> FloatArray:
    """Return the sample deviation of returns minus the benchmark's, times the square root of 252.

    Examples
    --------
    >>> float(tracking_error([0.02, 0.0], [0.01, 0.01]).round(4))
    0.2245
    """
    own, other = _paired(returns, rows_of(benchmark))
    return deviation_of(own - other) * ROOT_OF_YEAR


@per_series(least=2)
def information_ratio(returns: FloatArray, benchmark: ArrayLike) -> FloatArray:
    """Return the mean of returns minus the benchmark's over their sample deviation, times the square root of 252.

    ``empyrical.excess_sharpe`` is the same without the root.

    Examples
    --------
    >>> float(information_ratio([0.03, 0.0], [0.01, 0.01]).round(4))
    3.7417
    """
    own, other = _paired(returns, rows_of(benchmark))
    return mean_of(own - other) / deviation_of(own - other) * ROOT_OF_YEAR


@per_series(least=1)
def up_capture(returns: FloatArray, benchmark: ArrayLike) -> FloatArray:
    """Return the annual return over the benchmark's, both of the sessions in which the benchmark rose.

    As ``empyrical.up_capture``; NaN if it never did.

    Examples
    --------
    >>> float(up_capture([0.01, -0.05, 0.01], [0.01, -0.01, 0.01]).round(4))
    1.0
    """
    own, other = _paired(returns, rows_of(benchmark))
    return _capture(np.where(other > 0, own, np.nan), np.where(other > 0, other, np.nan))


@per_series(least=1)
def down_capture(returns: FloatArray, benchmark: ArrayLike) -> FloatArray:
    """Return the annual return over the benchmark's, both of the sessions in which the benchmark fell.

    As ``empyrical.down_capture``; NaN if it never did.

    Examples
    --------
    >>> float(down_capture([0.01, -0.01, 0.01], [0.01, -0.01, 0.01]).round(4))
    1.0
    """
    own, other = _paired(returns, rows_of(benchmark))
    return _capture(np.where(other < 0, own, np.nan), np.where(other < 0, other, np.nan))


def _paired(returns: FloatArray, benchmark: FloatArray) -> tuple[FloatArray, FloatArray]:
    missing = np.isnan(returns) | np.isnan(benchmark)
    return np.where(missing, np.nan, returns), np.where(missing, np.nan, benchmark)


def _capture(returns: FloatArray, benchmark: FloatArray) -> FloatArray:
    def growth(rows: FloatArray) -> FloatArray:
        # the sessions that were left out are no time that went by
        annual: FloatArray = np.nanprod(1.0 + rows, axis=0) ** (SESSIONS_PER_YEAR / present(rows)) - 1.0
        return annual

    return growth(returns) / growth(benchmark)
