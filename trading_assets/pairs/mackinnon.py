"""MacKinnon's response surfaces of the Engle-Granger test of two series with a constant: p-values and critical values.

Sources: p-values from J. G. MacKinnon (1994), "Approximate asymptotic distribution functions for unit-root and cointegration
tests", Journal of Business & Economic Statistics 12, 167-176, tables 3 and 4, with the range of each polynomial; critical values
from J. G. MacKinnon (2010), "Critical values for cointegration tests", Queen's Economics Department Working Paper 1227, table 2.
Those of two series (N = 2) with a constant and no trend. statsmodels uses the same numbers.
"""

from __future__ import annotations

import math

import numpy as np

from trading_assets.indicators.kernel import FloatArray, compiled

LARGEST, SMALLEST = 0.92, -18.86
"""Above and below these statistics the p-value is 1 and 0: the polynomials hold between them."""
LEFT_TAIL = -2.62
"""Up to this statistic the polynomial of the left tail holds, above it the other one."""
SMALL_P = (2.92, 1.5012, 0.039796)
LARGE_P = (2.1945, 0.64695, -0.29198, -0.042377)
"""Coefficients of 1, t, t^2, ...: the p-value is the standard normal distribution at the polynomial of the statistic t."""
CRITICAL = {
    0.01: (-3.89644, -10.9519, -33.527),
    0.05: (-3.33613, -6.1101, -6.823),
    0.10: (-3.04445, -4.2412, -2.720),
}
"""By significance: coefficients of 1, 1/T, 1/T^2 where T is the number of observations less one."""


def p_values(statistics: FloatArray) -> FloatArray:
    """Return the asymptotic p-values of Engle-Granger statistics.

    Parameters
    ----------
    statistics
        t-statistics of the unit-root test on the residuals; -inf for residuals that are no more than rounding.

    Returns
    -------
    FloatArray
        Probabilities between 0 and 1, in the shape of the statistics; NaN where the statistic is.

    Examples
    --------
    >>> import numpy as np
    >>> p_values(np.array([-4.0, -3.0, 0.0, -np.inf])).round(4).tolist()
    [0.0072, 0.1102, 0.9859, 0.0]
    """
    given = np.ascontiguousarray(statistics, dtype=np.float64)
    out = np.empty(given.size)
    _p_values(given.reshape(-1).copy(), out)
    return out.reshape(given.shape)


def critical_value(significance: float, observations: int) -> float:
    """Return the statistic below which "no cointegration" is rejected.

    Parameters
    ----------
    significance
        0.01, 0.05 or 0.10.
    observations
        Observations of each series.

    Examples
    --------
    >>> round(critical_value(0.05, 252), 4)
    -3.3606
    """
    inverse = 1.0 / (observations - 1)
    constant, first, second = CRITICAL[significance]
    return constant + inverse * (first + inverse * second)


@compiled
def _p_values(statistics: FloatArray, out: FloatArray) -> None:
    for i in range(statistics.size):
        t = statistics[i]
        if math.isnan(t):
            out[i] = np.nan
        elif t > LARGEST:
            out[i] = 1.0
        elif t < SMALLEST:
            out[i] = 0.0
        else:
            if t <= LEFT_TAIL:
                point = SMALL_P[0] + t * (SMALL_P[1] + t * SMALL_P[2])
            else:
                point = LARGE_P[0] + t * (LARGE_P[1] + t * (LARGE_P[2] + t * LARGE_P[3]))
            out[i] = 0.5 * math.erfc(-point / math.sqrt(2.0))
