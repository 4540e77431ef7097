"""Rolling statistics: one number per session and series, of the window that ends with it; NaN until the window is full."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from trading_assets.statistics.benchmark import beta
from trading_assets.statistics.performance import annualised_volatility, sharpe_ratio
from trading_assets.statistics.series import FloatArray, rows_of


def rolling_volatility(returns: ArrayLike, window: int = 63) -> FloatArray:
    """Return ``annualised_volatility`` of the last ``window`` sessions; NaN where one of them has no return.

    Examples
    --------
    >>> rolling_volatility([0.01, -0.01, 0.01], 2).round(4).tolist()
    [nan, 0.2245, 0.2245]
    """
    return _rolled(returns, window, annualised_volatility)


def rolling_sharpe(returns: ArrayLike, window: int = 63) -> FloatArray:
    """Return ``sharpe_ratio`` of the last ``window`` sessions; NaN where one has no return or all are equal.

    Examples
    --------
    >>> rolling_sharpe([0.02, -0.01, 0.02], 2).round(4).tolist()
    [nan, 3.7417, 3.7417]
    """
    return _rolled(returns, window, sharpe_ratio)


def rolling_beta(returns: ArrayLike, benchmark: ArrayLike, window: int = 63) -> FloatArray:
    """Return ``beta`` of the last ``window`` sessions; NaN where one has no return or the benchmark does not move.

    Examples
    --------
    >>> rolling_beta([0.02, -0.02, 0.04], [0.01, -0.01, 0.02], 2).round(4).tolist()
    [nan, 2.0, 2.0]
    """
    other = np.asarray(benchmark, dtype=np.float64).reshape(-1)
    windows = sliding_window_view(other, window).T if len(other) >= window else np.empty((window, 0))
    missing = np.isnan(windows).any(axis=0)
    return _rolled(returns, window, lambda rows: np.where(missing, np.nan, beta(rows, windows)))


def _rolled(returns: ArrayLike, window: int, figure: Callable[[FloatArray], FloatArray]) -> FloatArray:
    # a window is a column of the statistic; one series at a time, so that the copies stay small
    rows = rows_of(returns)
    rolled = np.full(rows.shape, np.nan)
    if len(rows) >= window:
        for column in range(rows.shape[1]):
            windows = sliding_window_view(rows[:, column], window).T
            full = ~np.isnan(windows).any(axis=0)
            rolled[window - 1 :, column] = np.where(full, figure(windows), np.nan)
    return rolled.reshape(np.shape(returns))
