"""Market: how a symbol moves with a benchmark; one value per bar of the symbol.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, run_borders


def beta(
    close: FloatArray, benchmark: FloatArray, period: int, starts: IndexArray | None = None
) -> FloatArray:
    """Regress the symbol's returns on the benchmark's over the last ``period`` returns.

    Parameters
    ----------
    close
        Closing prices of the symbol above 0, without NaN.
    benchmark
        The benchmark's close at the same bars; NaN before its first one.
    period
        Returns in the window, each from one bar of the symbol to its next.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        Covariance over variance; NaN for the first ``period`` bars for which both prices exist, and where
        the benchmark did not move.

    Notes
    -----
    ``empyrical.beta`` of simple returns without a risk-free rate.

    Examples
    --------
    >>> import numpy as np
    >>> benchmark = np.array([100.0, 101.0, 100.0, 102.0])
    >>> beta(benchmark * 3, benchmark, 3).round(4).tolist()
    [nan, nan, nan, 1.0]
    """
    covariance, _, variance = _moments(close, benchmark, period, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, covariance / variance, np.nan)


def correlation(
    close: FloatArray, benchmark: FloatArray, period: int, starts: IndexArray | None = None
) -> FloatArray:
    """Correlate the symbol's returns with the benchmark's over the last ``period`` returns (Pearson).

    Parameters
    ----------
    close
        Closing prices of the symbol above 0, without NaN.
    benchmark
        The benchmark's close at the same bars; NaN before its first one.
    period
        Returns in the window, each from one bar of the symbol to its next.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        -1 to 1; NaN for the first ``period`` bars for which both prices exist, and where either did not move.

    Examples
    --------
    >>> import numpy as np
    >>> benchmark = np.array([100.0, 101.0, 100.0, 102.0])
    >>> correlation(1 / benchmark, benchmark, 3).round(3).tolist()
    [nan, nan, nan, -1.0]
    """
    covariance, variance, benchmark_variance = _moments(close, benchmark, period, starts)
    product = variance * benchmark_variance
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(product > 0, covariance / np.sqrt(product), np.nan)
    return np.clip(value, -1.0, 1.0)


def _moments(
    close: FloatArray, benchmark: FloatArray, period: int, starts: IndexArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    borders = run_borders(close, starts)
    covariance, variance, market_variance = (np.empty(len(close)) for _ in range(3))
    own, market = _returns(close, borders), _returns(benchmark, borders)
    _comoments(own, market, borders, period, covariance, variance, market_variance)
    return covariance, variance, market_variance


@compiled
def _comoments(  # noqa: PLR0917 - kernels are called by position
    own: FloatArray,
    market: FloatArray,
    starts: IndexArray,
    period: int,
    covariance: FloatArray,
    variance: FloatArray,
    market_variance: FloatArray,
) -> None:
    # Sums are carried in two floats each, as in `trend.sma`: what leaves a window leaves it without a trace.
    def add(high: float, low: float, value: float) -> tuple[float, float]:
        total = high + value
        part = total - high
        return total, low + ((high - (total - part)) + (value - part))

    for run in range(len(starts) - 1):
        x = y = xy = xx = yy = 0.0
        x_low = y_low = xy_low = xx_low = yy_low = 0.0
        returns = 0  # returns are missing at the head of a symbol only
        for i in range(starts[run], starts[run + 1]):
            covariance[i] = variance[i] = market_variance[i] = np.nan
            a, b = own[i], market[i]
            if np.isnan(a) or np.isnan(b):
                continue
            x, x_low = add(x, x_low, a)
            y, y_low = add(y, y_low, b)
            xy, xy_low = add(xy, xy_low, a * b)
            xx, xx_low = add(xx, xx_low, a * a)
            yy, yy_low = add(yy, yy_low, b * b)
            returns += 1
            if returns > period:
                a, b = own[i - period], market[i - period]
                x, x_low = add(x, x_low, -a)
                y, y_low = add(y, y_low, -b)
                xy, xy_low = add(xy, xy_low, -a * b)
                xx, xx_low = add(xx, xx_low, -a * a)
                yy, yy_low = add(yy, yy_low, -b * b)
            if returns >= period:
                mean = (x + x_low) / period
                market_mean = (y + y_low) / period
                covariance[i] = (xy + xy_low) / period - mean * market_mean
                variance[i] = (xx + xx_low) / period - mean * mean
                market_variance[i] = (yy + yy_low) / period - market_mean * market_mean


def _returns(values: FloatArray, borders: IndexArray) -> FloatArray:
    out = np.full(len(values), np.nan)
    out[1:] = (values[1:] - values[:-1]) / values[:-1]
    out[borders[:-1][borders[:-1] < len(values)]] = np.nan
    return out
