"""How much a Sharpe ratio says: the chance that it is real, after how many trials it was the best; one number per series.

Sharpe ratios are of a session here (mean over population deviation), not of a year: divide an annual one by the square root of 252,
and the variance of annual ones by 252. Source: Bailey and Lopez de Prado, The Sharpe Ratio Efficient Frontier (2012) and The Deflated
Sharpe Ratio (2014).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.performance import excess_kurtosis, skewness
from trading_assets.statistics.series import FloatArray, deviation_of, mean_of, per_series, present

_EULER = 0.5772156649015329
_NORMAL = NormalDist()


@per_series(least=2)
def session_sharpe(returns: FloatArray) -> FloatArray:
    """Return the mean over the population deviation of session returns, not annualised; NaN where all are equal.

    Examples
    --------
    >>> float(session_sharpe([0.03, -0.01]).round(4))
    0.5
    """
    count = present(returns)
    return mean_of(returns) / (deviation_of(returns) * np.sqrt((count - 1) / count))


@per_series(least=4)
def probabilistic_sharpe(returns: FloatArray, benchmark_sharpe: float = 0.0) -> FloatArray:
    """Return the probability that the true Sharpe ratio is above ``benchmark_sharpe`` (of a session).

    It falls with fewer sessions, a negative skew and fat tails. NaN where the moments are too extreme for the approximation.

    Examples
    --------
    >>> float(probabilistic_sharpe([0.03, -0.01, 0.02, -0.02, 0.01]).round(3))
    0.733
    """
    sharpe = session_sharpe(returns)
    error = np.sqrt(_error_squared(sharpe, returns) / (present(returns) - 1))
    return _normal_cdf((sharpe - benchmark_sharpe) / error)


@per_series(least=4)
def deflated_sharpe(returns: FloatArray, trials: int, trial_variance: float) -> FloatArray:
    """Return the probability that the best of ``trials`` has a true Sharpe ratio above 0.

    Parameters
    ----------
    returns
        Of the trial that was chosen.
    trials
        All that were tried, the discarded ones included; the recorded number, not the one that is remembered.
    trial_variance
        Variance of their session Sharpe ratios.

    Returns
    -------
    FloatArray
        ``probabilistic_sharpe`` against ``expected_maximum_sharpe``.

    Examples
    --------
    >>> float(deflated_sharpe([0.03, -0.01, 0.02, -0.02, 0.01], 10, 0.1).round(3))
    0.368
    """
    return probabilistic_sharpe(returns, expected_maximum_sharpe(trials, trial_variance))


def expected_maximum_sharpe(trials: int, trial_variance: float) -> float:
    """Return the best session Sharpe ratio that chance alone gives among ``trials`` without any skill.

    0 for a single trial, NaN for none.

    Examples
    --------
    >>> round(expected_maximum_sharpe(100, 1.0), 4)
    2.5306
    """
    if trials < 1 or not trial_variance >= 0:
        return math.nan
    if trials == 1:
        return 0.0
    often, seldom = (_NORMAL.inv_cdf(1 - 1 / n) for n in (trials, trials * math.e))
    return math.sqrt(trial_variance) * ((1 - _EULER) * often + _EULER * seldom)


@per_series(least=4)
def minimum_track_record(
    returns: FloatArray, benchmark_sharpe: float = 0.0, confidence: float = 0.95
) -> FloatArray:
    """Return the sessions needed until ``probabilistic_sharpe`` reaches ``confidence``, if the returns go on like this.

    NaN where the Sharpe ratio is not above ``benchmark_sharpe``: no length is enough.

    Examples
    --------
    >>> float(minimum_track_record([0.03, -0.01, 0.02, -0.02, 0.01]))
    29.0
    """
    sharpe = session_sharpe(returns)
    above = np.where(sharpe > benchmark_sharpe, sharpe - benchmark_sharpe, np.nan)
    score = _NORMAL.inv_cdf(confidence)
    if score <= 0:
        return np.where(np.isnan(above), np.nan, 2.0)
    least: FloatArray = np.ceil(_error_squared(sharpe, returns) * (score / above) ** 2) + 1
    return least


def trial_variance(trials: ArrayLike) -> float:
    """Return the sample variance of the session Sharpe ratios of all trials, (sessions, trials); NaN for fewer than two.

    Examples
    --------
    >>> round(trial_variance([[0.03, 0.01], [-0.01, -0.01]]), 4)
    0.125
    """
    sharpes = np.atleast_1d(session_sharpe(trials))
    known = sharpes[~np.isnan(sharpes)]
    return float(np.var(known, ddof=1)) if len(known) > 1 else math.nan


def _error_squared(sharpe: FloatArray, returns: FloatArray) -> FloatArray:
    # squared standard error of the Sharpe ratio, times the sessions less one
    skew = skewness(returns, corrected=True)
    tails = excess_kurtosis(returns, corrected=True)
    error = 1.0 - skew * sharpe + (tails + 2.0) / 4.0 * sharpe * sharpe
    return np.where(error > 0, error, np.nan)


def _normal_cdf(scores: FloatArray) -> FloatArray:
    return np.array([math.nan if math.isnan(score) else _NORMAL.cdf(score) for score in scores])
