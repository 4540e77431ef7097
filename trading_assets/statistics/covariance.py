"""Covariance of session returns: sample, exponentially weighted and shrunk; a matrix (series, series), fractions squared a session.

A session in which any series has no return is left out, so that the matrix is one of a real history; fewer than two left give NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray, rows_of

DECAY = 0.94
"""Weight of a session over that of the one after it: RiskMetrics, for daily returns."""


def sample_covariance(returns: ArrayLike) -> FloatArray:
    """Return the sample covariance (divided by n - 1), as ``numpy.cov``.

    Examples
    --------
    >>> sample_covariance([[0.01, 0.02], [-0.01, -0.02]]).round(6).tolist()
    [[0.0002, 0.0004], [0.0004, 0.0008]]
    """
    rows = _whole_sessions(returns)
    if len(rows) < 2:
        return _unknown(rows)
    centred = rows - rows.mean(axis=0)
    together: FloatArray = centred.T @ centred  # BLAS fills one triangle of a product with itself
    return together / (len(rows) - 1)


def ewma_covariance(returns: ArrayLike, decay: float = DECAY) -> FloatArray:
    """Return the exponentially weighted covariance around a mean of 0, the newest session weighing most, as RiskMetrics.

    Weights are ``decay`` to the power of the age in sessions, and sum to 1.

    Examples
    --------
    >>> ewma_covariance([[0.02], [0.01]], 0.5).round(6).tolist()
    [[0.0002]]
    """
    rows = _whole_sessions(returns)
    if len(rows) < 2:
        return _unknown(rows)
    weight = decay ** np.arange(len(rows) - 1, -1, -1, dtype=np.float64)
    weighted = rows * np.sqrt(weight / weight.sum())[:, None]
    together: FloatArray = weighted.T @ weighted
    return together


def ledoit_wolf_covariance(returns: ArrayLike) -> FloatArray:
    """Return the covariance shrunk towards the mean variance without correlation, as ``sklearn.covariance.ledoit_wolf``.

    For more series than sessions it can still be inverted. Divided by n. Source: Ledoit and Wolf, A Well-Conditioned Estimator for
    Large-Dimensional Covariance Matrices (2004).

    Examples
    --------
    >>> ledoit_wolf_covariance([[0.01, 0.0], [-0.01, 0.0], [0.0, 0.01], [0.0, -0.01]]).round(6).tolist()
    [[5e-05, 0.0], [0.0, 5e-05]]
    """
    rows = _whole_sessions(returns)
    if len(rows) < 2:
        return _unknown(rows)
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / len(rows)
    shrinkage = _shrinkage(centred, covariance)
    shrunk: FloatArray = (1.0 - shrinkage) * covariance
    shrunk[np.diag_indices_from(shrunk)] += shrinkage * float(np.trace(covariance)) / len(covariance)
    return shrunk


def correlation_matrix(covariance: FloatArray) -> FloatArray:
    """Return the correlation of each pair; NaN beside a series that does not move.

    Examples
    --------
    >>> correlation_matrix(np.array([[1.0, 1.0], [1.0, 4.0]])).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    deviation = np.sqrt(np.diag(covariance))
    deviation = np.where(deviation > 0, deviation, np.nan)
    correlation: FloatArray = np.clip(covariance / np.outer(deviation, deviation), -1.0, 1.0)
    return correlation


def _shrinkage(centred: FloatArray, covariance: FloatArray) -> float:
    # error of the sample covariance over its distance from the target; both are sums over all pairs, divided by the series
    count, series = centred.shape
    norm = float(np.sum(covariance * covariance))
    square = (centred * centred).sum(axis=1)
    error = (float(square @ square) / count - norm) / count
    distance = norm - float(np.trace(covariance)) ** 2 / series
    return min(max(error, 0.0) / distance, 1.0) if distance > 0 else 0.0


def _whole_sessions(returns: ArrayLike) -> FloatArray:
    rows = rows_of(returns)
    whole: FloatArray = rows[~np.isnan(rows).any(axis=1)]
    return whole


def _unknown(rows: FloatArray) -> FloatArray:
    return np.full((rows.shape[1], rows.shape[1]), np.nan)
