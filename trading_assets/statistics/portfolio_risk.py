"""Risk of a portfolio: its volatility, who it comes from, and how concentrated it is; weights are values over equity, signed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.covariance import correlation_matrix
from trading_assets.statistics.series import SESSIONS_PER_YEAR, FloatArray


def portfolio_volatility(weights: ArrayLike, covariance: FloatArray) -> float:
    """Return the annual volatility of a portfolio: the root of ``w' C w`` times 252.

    Examples
    --------
    >>> round(portfolio_volatility([1.0, -1.0], np.eye(2) * 0.0001), 4)
    0.2245
    """
    held = np.asarray(weights, dtype=np.float64)
    variance = float(held @ covariance @ held)
    return math.sqrt(max(variance, 0.0) * SESSIONS_PER_YEAR)


def marginal_contributions(weights: ArrayLike, covariance: FloatArray) -> FloatArray:
    """Return by how much the annual volatility grows with each weight: ``C w`` over the volatility; NaN where that is 0.

    Examples
    --------
    >>> marginal_contributions([1.0, 0.0], np.eye(2) * 0.0001).round(4).tolist()
    [0.1587, 0.0]
    """
    volatility = portfolio_volatility(weights, covariance)
    slope: FloatArray = covariance @ np.asarray(weights, dtype=np.float64) * SESSIONS_PER_YEAR
    return slope / volatility if volatility > 0 else np.full(len(slope), np.nan)


def component_contributions(weights: ArrayLike, covariance: FloatArray) -> FloatArray:
    """Return each weight times its marginal contribution: the parts sum to the volatility; 0 where that is 0.

    Examples
    --------
    >>> component_contributions([0.5, 0.5], np.eye(2) * 0.0001).round(4).tolist()
    [0.0561, 0.0561]
    """
    held = np.asarray(weights, dtype=np.float64)
    parts: FloatArray = held * marginal_contributions(held, covariance)
    return parts if portfolio_volatility(held, covariance) > 0 else np.zeros(len(held))


def concentration(weights: ArrayLike) -> float:
    """Return the Herfindahl index: the sum of the squared shares of the gross exposure; 1 for one position, NaN for none.

    Examples
    --------
    >>> concentration([0.25, -0.25])
    0.5
    """
    gross = np.abs(np.asarray(weights, dtype=np.float64))
    largest = float(gross.max(initial=0.0))
    if not largest > 0:
        return math.nan
    shares = gross / largest  # tiny values would vanish when squared
    return float(np.sum(shares * shares) / np.sum(shares) ** 2)


def effective_positions(weights: ArrayLike) -> float:
    """Return the number of equal positions that would be as concentrated: 1 over ``concentration``.

    Examples
    --------
    >>> effective_positions([0.25, -0.25])
    2.0
    """
    return 1.0 / concentration(weights)


def mean_pair_correlation(covariance: FloatArray) -> float:
    """Return the mean correlation of all pairs of series that move; NaN without a pair.

    Examples
    --------
    >>> mean_pair_correlation(np.array([[1.0, 0.5], [0.5, 1.0]]))
    0.5
    """
    pairs = correlation_matrix(covariance)[np.triu_indices(len(covariance), 1)]
    known = pairs[~np.isnan(pairs)]
    return float(known.mean()) if len(known) else math.nan


def diversification_ratio(weights: ArrayLike, covariance: FloatArray) -> float:
    """Return the sum of the positions' own volatilities over the portfolio's; 1 for one position, NaN without risk.

    Examples
    --------
    >>> round(diversification_ratio([0.5, 0.5], np.eye(2)), 4)
    1.4142
    """
    alone = np.abs(np.asarray(weights)) @ np.sqrt(np.diag(covariance)) * math.sqrt(SESSIONS_PER_YEAR)
    volatility = portfolio_volatility(weights, covariance)
    return float(alone / volatility) if volatility > 0 else math.nan
