"""Value at risk and what is lost beyond it: historical, parametric and Monte Carlo; one return per series, a loss is negative."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import (
    FloatArray,
    deviation_of,
    mean_of,
    per_series,
    present,
    quantile_of,
    rows_of,
)

PATHS = 10_000
_NORMAL = NormalDist()


@per_series(least=1)
def value_at_risk(returns: FloatArray, confidence: float = 0.95, horizon: int = 1) -> FloatArray:
    """Return the historical value at risk: the (1 - confidence) quantile of past returns, interpolated linearly.

    As ``empyrical.value_at_risk(cutoff=1 - confidence)`` for one session. For more it is the quantile of all overlapping
    compounded returns of ``horizon`` sessions.

    Examples
    --------
    >>> float(value_at_risk([-0.03, -0.01, 0.0, 0.01, 0.02], 0.75))
    -0.01
    """
    over = horizon_returns(returns, horizon)
    return quantile_of(over, _tail(confidence)) if len(over) else np.full(returns.shape[1], np.nan)


@per_series(least=1)
def conditional_value_at_risk(returns: FloatArray, confidence: float = 0.95, horizon: int = 1) -> FloatArray:
    """Return the mean of the ``int((n - 1) * (1 - confidence)) + 1`` worst past returns of ``horizon`` sessions.

    As ``empyrical.conditional_value_at_risk(cutoff=1 - confidence)`` for one session.

    Examples
    --------
    >>> float(conditional_value_at_risk([-0.03, -0.01, 0.0, 0.01, 0.02], 0.75).round(4))
    -0.02
    """
    return _mean_of_worst(horizon_returns(returns, horizon), confidence)


@per_series(least=2)
def parametric_value_at_risk(returns: FloatArray, confidence: float = 0.95, horizon: int = 1) -> FloatArray:
    """Return the value at risk of a normal distribution with the mean and sample deviation of the returns.

    The mean grows with ``horizon``, the deviation with its square root.

    Examples
    --------
    >>> float(parametric_value_at_risk([0.01, -0.01, 0.01, -0.01], 0.95).round(4))
    -0.019
    """
    score = _NORMAL.inv_cdf(_tail(confidence))
    return mean_of(returns) * horizon + deviation_of(returns) * (math.sqrt(horizon) * score)


@per_series(least=2)
def parametric_conditional_value_at_risk(
    returns: FloatArray, confidence: float = 0.95, horizon: int = 1
) -> FloatArray:
    """Return the mean of a normal distribution below its value at risk, by the returns' mean and sample deviation.

    Examples
    --------
    >>> float(parametric_conditional_value_at_risk([0.01, -0.01, 0.01, -0.01], 0.95).round(4))
    -0.0238
    """
    tail = _tail(confidence)
    score = _NORMAL.pdf(_NORMAL.inv_cdf(tail)) / tail
    return mean_of(returns) * horizon - deviation_of(returns) * (math.sqrt(horizon) * score)


@per_series(least=2)
def monte_carlo_value_at_risk(
    returns: FloatArray, confidence: float = 0.95, horizon: int = 1, *, seed: int, paths: int = PATHS
) -> FloatArray:
    """Return the value at risk of ``paths`` futures, each of ``horizon`` past sessions drawn with replacement.

    The same sessions are drawn for all series, so that they keep moving together. A path that draws a session without a
    return is left out for that series.

    Examples
    --------
    >>> float(monte_carlo_value_at_risk([-0.01, 0.01], 0.95, seed=1).round(4))
    -0.01
    """
    return quantile_of(drawn_returns(returns, horizon, seed=seed, paths=paths), _tail(confidence))


@per_series(least=2)
def monte_carlo_conditional_value_at_risk(
    returns: FloatArray, confidence: float = 0.95, horizon: int = 1, *, seed: int, paths: int = PATHS
) -> FloatArray:
    """Return the mean of the worst (1 - confidence) share of the futures of ``monte_carlo_value_at_risk``.

    Examples
    --------
    >>> float(monte_carlo_conditional_value_at_risk([-0.01, 0.01], 0.95, seed=1).round(4))
    -0.01
    """
    return _mean_of_worst(drawn_returns(returns, horizon, seed=seed, paths=paths), confidence)


def horizon_returns(returns: ArrayLike, horizon: int) -> FloatArray:
    """Return the compounded returns of each ``horizon`` sessions in a row, (windows, series); NaN where one is missing.

    Examples
    --------
    >>> horizon_returns([0.1, 0.1, -0.1], 2)[:, 0].round(4).tolist()
    [0.21, -0.01]
    """
    growth = 1.0 + rows_of(returns)
    windows = max(len(growth) - horizon + 1, 0)
    if horizon == 1:
        return rows_of(returns)
    compounded = np.ones((windows, growth.shape[1]))
    for ahead in range(horizon):
        compounded *= growth[ahead : ahead + windows]
    return compounded - 1.0


def drawn_returns(returns: ArrayLike, horizon: int, *, seed: int, paths: int = PATHS) -> FloatArray:
    """Return the compounded returns of ``paths`` futures of ``horizon`` sessions drawn with replacement, (paths, series).

    Examples
    --------
    >>> drawn_returns([0.1], 2, seed=1, paths=1).round(4).tolist()
    [[0.21]]
    """
    rows = rows_of(returns)
    drawn = np.random.default_rng(seed).integers(0, len(rows), size=(horizon, paths))
    if horizon == 1:
        once: FloatArray = rows[drawn[0]]
        return once
    compounded = np.ones((paths, rows.shape[1]))
    for sessions in drawn:
        compounded *= 1.0 + rows[sessions]
    return compounded - 1.0


def _tail(confidence: float) -> float:
    # 1 - 0.95 is not 0.05 in binary floating point, and a quantile tells the two apart
    return round(1.0 - confidence, 9)


def _mean_of_worst(returns: FloatArray, confidence: float) -> FloatArray:
    count = present(returns)
    worst = ((count - 1) * _tail(confidence)).astype(np.int64) + 1
    kept = int(worst.max(initial=1))
    if kept >= len(returns) or np.any(count < len(returns)):
        in_order = np.sort(returns, axis=0)[:kept]
    else:
        in_order = np.sort(np.partition(returns, kept - 1, axis=0)[:kept], axis=0)
    among = np.arange(len(in_order))[:, None] < worst
    tail: FloatArray = np.where(among, in_order, 0.0).sum(axis=0) / worst
    return np.where(count > 0, tail, np.nan)
