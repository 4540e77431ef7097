"""Performance of return series: growth, volatility and the ratios of the two; one number per series, definitions as in empyrical."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.drawdowns import max_drawdown
from trading_assets.statistics.series import (
    ROOT_OF_YEAR,
    SESSIONS_PER_YEAR,
    FloatArray,
    deviation_of,
    mean_of,
    per_series,
    present,
    quantile_of,
    rows_of,
    total_of,
)


def cumulative_returns(returns: ArrayLike) -> FloatArray:
    """Return the compounded return from the start to each session; the shape of ``returns``, a NaN is no move.

    Examples
    --------
    >>> cumulative_returns([0.1, -0.1]).round(4).tolist()
    [0.1, -0.01]
    """
    rows = rows_of(returns)
    growth: FloatArray = np.cumprod(1.0 + np.where(np.isnan(rows), 0.0, rows), axis=0, dtype=np.float64)
    growth -= 1.0
    return growth.reshape(np.shape(returns))


@per_series(least=1)
def cumulative_return(returns: FloatArray) -> FloatArray:
    """Return the compounded return of all sessions.

    Examples
    --------
    >>> float(cumulative_return([0.1, -0.1]).round(4))
    -0.01
    """
    total: FloatArray = np.nanprod(1.0 + returns, axis=0) - 1.0
    return total


@per_series(least=1)
def annual_return(returns: FloatArray) -> FloatArray:
    """Return the compound annual growth rate by the rule n/252: growth to the power of 252 over the number of rows.

    Rows count, with or without a return, as in ``empyrical.annual_return``; years of the calendar give another figure. NaN
    after a loss of more than everything.

    Examples
    --------
    >>> float(annual_return([0.01] * 126).round(4))
    11.274
    """
    growth: FloatArray = np.nanprod(1.0 + returns, axis=0) ** (SESSIONS_PER_YEAR / len(returns)) - 1.0
    return growth


@per_series(least=2)
def annualised_volatility(returns: FloatArray) -> FloatArray:
    """Return the sample deviation of session returns times the square root of 252, as ``empyrical.annual_volatility``.

    Examples
    --------
    >>> float(annualised_volatility([0.01, -0.01]).round(4))
    0.2245
    """
    return deviation_of(returns) * ROOT_OF_YEAR


@per_series(least=1)
def downside_risk(returns: FloatArray, required_return: float = 0.0) -> FloatArray:
    """Return the root of the mean square of what returns lack to ``required_return``, times the square root of 252.

    The mean is over all sessions, not over the losses alone. As ``empyrical.downside_risk``.

    Examples
    --------
    >>> float(downside_risk([0.01, -0.01]).round(4))
    0.1122
    """
    short = np.minimum(returns - required_return, 0.0)
    np.square(short, out=short)
    return np.sqrt(mean_of(short)) * ROOT_OF_YEAR


@per_series(least=2)
def sharpe_ratio(returns: FloatArray, risk_free: float = 0.0) -> FloatArray:
    """Return the mean excess over ``risk_free`` (a session) over the sample deviation, times the square root of 252.

    As ``empyrical.sharpe_ratio``; NaN where all returns are equal.

    Examples
    --------
    >>> float(sharpe_ratio([0.02, -0.01]).round(4))
    3.7417
    """
    return (mean_of(returns) - risk_free) / deviation_of(returns) * ROOT_OF_YEAR


@per_series(least=2)
def sortino_ratio(returns: FloatArray, required_return: float = 0.0) -> FloatArray:
    """Return the mean excess over ``required_return`` times 252, over ``downside_risk``; NaN without a shortfall.

    As ``empyrical.sortino_ratio``.

    Examples
    --------
    >>> float(sortino_ratio([0.02, -0.01]).round(4))
    11.225
    """
    return (mean_of(returns) - required_return) * SESSIONS_PER_YEAR / downside_risk(returns, required_return)


@per_series(least=1)
def calmar_ratio(returns: FloatArray) -> FloatArray:
    """Return ``annual_return`` over the size of ``max_drawdown``; NaN without a drawdown. As ``empyrical.calmar_ratio``.

    Examples
    --------
    >>> float(calmar_ratio([0.02, -0.01, 0.02]).round(0))
    1097.0
    """
    return annual_return(returns) / np.abs(max_drawdown(returns))


@per_series(least=2)
def omega_ratio(returns: FloatArray, required_return: float = 0.0) -> FloatArray:
    """Return the sum of gains over the sum of losses, both against ``required_return`` (a session); NaN without a loss.

    As ``empyrical.omega_ratio``, whose required return is of a year.

    Examples
    --------
    >>> float(omega_ratio([0.03, -0.02]).round(4))
    1.5
    """
    excess = returns - required_return
    gains = total_of(np.maximum(excess, 0.0))
    losses = -total_of(np.minimum(excess, 0.0))
    return gains / losses


@per_series(least=2)
def stability(returns: FloatArray) -> FloatArray:
    """Return the R-squared of a straight line through the cumulative log returns; NaN where they do not move.

    As ``empyrical.stability_of_timeseries``.

    Examples
    --------
    >>> float(stability([0.01, 0.01, 0.01]).round(4))
    1.0
    """
    known = ~np.isnan(returns)
    growth = np.where(known, np.cumsum(np.log1p(np.where(known, returns, 0.0)), axis=0), np.nan)
    order = np.where(known, np.cumsum(known, axis=0, dtype=np.float64), np.nan)
    growth = np.where(deviation_of(growth) == 0, np.nan, growth)
    x, y = order - mean_of(order), growth - mean_of(growth)
    fit: FloatArray = total_of(x * y) ** 2 / (total_of(x * x) * total_of(y * y))
    best: FloatArray = np.minimum(fit, 1.0)
    return best


@per_series(least=1)
def tail_ratio(returns: FloatArray) -> FloatArray:
    """Return the size of the 95th percentile over that of the 5th; NaN where the 5th is 0. As ``empyrical.tail_ratio``.

    Examples
    --------
    >>> float(tail_ratio([-0.02, 0.0, 0.04]).round(4))
    2.0
    """
    return np.abs(quantile_of(returns, 0.95)) / np.abs(quantile_of(returns, 0.05))


@per_series(least=3)
def skewness(returns: FloatArray, *, corrected: bool = False) -> FloatArray:
    """Return the third central moment over the cube of the population deviation, as ``scipy.stats.skew``.

    Parameters
    ----------
    returns
        Fractions.
    corrected
        Correct for the size of the sample (``bias=False`` in scipy, what pandas and quantstats give).

    Returns
    -------
    FloatArray
        0 for a symmetric series; NaN where all returns are equal.

    Examples
    --------
    >>> float(skewness([0.0, 0.0, 0.03]).round(4))
    0.7071
    """
    second, third = (_central_moment(returns, power) for power in (2, 3))
    skew: FloatArray = third / second**1.5
    count = present(returns)
    return skew * np.sqrt(count * (count - 1.0)) / (count - 2.0) if corrected else skew


@per_series(least=4)
def excess_kurtosis(returns: FloatArray, *, corrected: bool = False) -> FloatArray:
    """Return the fourth central moment over the squared population variance, minus 3, as ``scipy.stats.kurtosis``.

    Parameters
    ----------
    returns
        Fractions.
    corrected
        Correct for the size of the sample (``bias=False`` in scipy, what pandas and quantstats give).

    Returns
    -------
    FloatArray
        0 for a normal distribution; NaN where all returns are equal.

    Examples
    --------
    >>> float(excess_kurtosis([-0.01, 0.01, -0.01, 0.01]).round(4))
    -2.0
    """
    second, fourth = (_central_moment(returns, power) for power in (2, 4))
    excess: FloatArray = fourth / second**2 - 3.0
    count = present(returns)
    if not corrected:
        return excess
    return (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ((count + 1.0) * excess + 6.0)


def _central_moment(returns: FloatArray, power: int) -> FloatArray:
    # equal returns have no moments: those of their rounding noise would give a ratio of noise
    centred = returns - mean_of(returns)
    return np.where(deviation_of(returns) == 0, np.nan, mean_of(centred**power))
