"""Weights of a portfolio: equal, by inverse volatility, by equal contributions to risk, and scaled to a volatility."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.portfolio_risk import portfolio_volatility
from trading_assets.statistics.series import FloatArray

_STEPS = 200
_NEAR = 1e-10
_SHARPEST = 1e-22
"""What a last step may still gain: the weights move no more."""


def equal_weights(count: int) -> FloatArray:
    """Return ``count`` equal weights that sum to 1.

    Examples
    --------
    >>> equal_weights(4).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    return np.full(count, 1.0 / max(count, 1))


def inverse_volatility_weights(covariance: FloatArray) -> FloatArray:
    """Return weights proportional to 1 over each volatility, that sum to 1; NaN if a series does not move.

    Examples
    --------
    >>> inverse_volatility_weights(np.diag([1.0, 9.0])).tolist()
    [0.75, 0.25]
    """
    deviation = np.sqrt(np.diag(covariance))
    if not np.all(deviation > 0):
        return np.full(len(deviation), np.nan)
    inverse = deviation.min(initial=np.inf) / deviation
    weights: FloatArray = inverse / inverse.sum()
    return weights


def risk_parity_weights(covariance: FloatArray, budgets: ArrayLike | None = None) -> FloatArray:
    """Return positive weights that sum to 1 and whose contributions to risk are as ``budgets`` says.

    They are where ``w' C w / 2 - sum(b log w)`` is least, found by Newton's method with a line search in units of each volatility.

    Parameters
    ----------
    covariance
        Of the series; each moves, and no mix of them is without risk.
    budgets
        Share of the risk of each, above 0; equal where it is not given.

    Returns
    -------
    FloatArray
        NaN where a series does not move or there is no such mix (two that undo each other, for example).

    Notes
    -----
    Source: Spinu, An Algorithm for Computing Risk Parity Weights (2013).

    Examples
    --------
    >>> risk_parity_weights(np.array([[1.0, 0.3], [0.3, 4.0]])).round(6).tolist()
    [0.666667, 0.333333]
    """
    count = len(covariance)
    deviation = np.sqrt(np.diag(covariance))
    shares = np.ones(count) if budgets is None else np.asarray(budgets, dtype=np.float64)
    if not (np.all(deviation > 0) and np.all(shares > 0)):
        return np.full(count, np.nan)
    shares = shares / shares.sum()
    found = _balanced(covariance / np.outer(deviation, deviation), shares) / deviation
    weights: FloatArray = found / found.sum()
    return weights


def volatility_target_scale(
    weights: ArrayLike, covariance: FloatArray, target: float, *, max_gross: float = 1.0
) -> float:
    """Return by what to multiply weights so that the annual volatility is ``target``, and the gross exposure at most ``max_gross``.

    NaN where there is no risk to scale.

    Examples
    --------
    >>> round(volatility_target_scale([0.5, 0.5], np.eye(2) * 0.0001, 0.05), 4)
    0.4454
    """
    volatility = portfolio_volatility(weights, covariance)
    if not volatility > 0:
        return math.nan
    return min(target / volatility, max_gross / float(np.abs(weights).sum()))


def _balanced(correlation: FloatArray, shares: FloatArray) -> FloatArray:
    def height(point: FloatArray) -> float:
        return float(point @ correlation @ point / 2 - shares @ np.log(point))

    def too_long(step: FloatArray, gain: float) -> bool:
        if np.any(step >= point):
            return True
        # near the end the height no longer tells a step from rounding, and Newton needs no help
        return gain > _NEAR and height(point - step) > height(point) - gain / 4

    point: FloatArray = np.sqrt(shares)
    for _ in range(_STEPS):
        slope = correlation @ point - shares / point
        try:
            curvature = correlation + np.diag(shares / (point * point))
            step = np.asarray(np.linalg.solve(curvature, slope), dtype=np.float64)
        except np.linalg.LinAlgError:
            break
        gain = float(slope @ step)
        if not gain < np.inf:
            break
        while too_long(step, gain):
            step, gain = step / 2, gain / 2
        point = point - step
        if gain < _SHARPEST:
            return point
    return np.full(len(shares), np.nan)
