"""Market: how a symbol moves with a benchmark; one value per bar of the symbol.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, run_borders
from trading_assets.indicators.trend import sma


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
    own, market = _returns(close, borders), _returns(benchmark, borders)
    missing = np.isnan(own) | np.isnan(market)
    own[missing] = market[missing] = 0.0
    mean, market_mean = sma(own, period, borders), sma(market, period, borders)
    covariance = sma(own * market, period, borders) - mean * market_mean
    variance = sma(own * own, period, borders) - mean * mean
    market_variance = sma(market * market, period, borders) - market_mean * market_mean
    # Returns are missing at the head of a symbol only, so a window is whole if its oldest return is there.
    incomplete = np.ones(len(close), dtype=np.bool_)
    incomplete[period - 1 :] = missing[: max(len(close) - period + 1, 0)]
    covariance[incomplete] = np.nan
    return covariance, variance, market_variance


def _returns(values: FloatArray, borders: IndexArray) -> FloatArray:
    out = np.full(len(values), np.nan)
    out[1:] = values[1:] / values[:-1] - 1.0
    out[borders[:-1][borders[:-1] < len(values)]] = np.nan
    return out
