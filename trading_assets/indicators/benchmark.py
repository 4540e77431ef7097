"""Market: how a symbol moves with a benchmark; one value per bar of the symbol.

The shape of the arguments is the one of ``trend``: a row per bar and, for many symbols, a column per symbol.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, bars_by_symbol, compiled
from trading_assets.indicators.trend import sma
from trading_assets.indicators.workspace import like


def beta(close: FloatArray, benchmark: FloatArray, period: int) -> FloatArray:
    """Regress the symbol's returns on the benchmark's over the last ``period`` returns.

    Parameters
    ----------
    close
        Closing prices of the symbol above 0, without NaN.
    benchmark
        The benchmark's close at the same bars; NaN before its first one.
    period
        Returns in the window, each from one bar of the symbol to its next.

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
    means = _Means(close, benchmark, period)
    out = like(means.own)
    _beta(means.own, means.market, means.product, means.market_square, means.first + period - 1, out)
    return out.reshape(np.shape(close))


@compiled
def _beta(  # noqa: PLR0917 - kernels are called by position
    own: FloatArray,
    market: FloatArray,
    product: FloatArray,
    square: FloatArray,
    first: IndexArray,
    out: FloatArray,
) -> None:
    bars, symbols = own.shape
    for i in range(bars):
        for k in range(symbols):
            variance = square[i, k] - market[i, k] * market[i, k]
            value = (product[i, k] - own[i, k] * market[i, k]) / variance
            out[i, k] = value if i >= first[k] and variance > 0.0 else np.nan


def correlation(close: FloatArray, benchmark: FloatArray, period: int) -> FloatArray:
    """Correlate the symbol's returns with the benchmark's over the last ``period`` returns (Pearson).

    Parameters
    ----------
    close
        Closing prices of the symbol above 0, without NaN.
    benchmark
        The benchmark's close at the same bars; NaN before its first one.
    period
        Returns in the window, each from one bar of the symbol to its next.

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
    means = _Means(close, benchmark, period)
    own_square = sma(np.square(means.returns, out=means.returns), period)
    first, out = means.first + period - 1, like(means.own)
    _correlation(means.own, means.market, means.product, own_square, means.market_square, first, out)
    return out.reshape(np.shape(close))


@compiled
def _correlation(  # noqa: PLR0917 - kernels are called by position
    own: FloatArray,
    market: FloatArray,
    product: FloatArray,
    own_square: FloatArray,
    square: FloatArray,
    first: IndexArray,
    out: FloatArray,
) -> None:
    bars, symbols = own.shape
    for i in range(bars):
        for k in range(symbols):
            both = (own_square[i, k] - own[i, k] * own[i, k]) * (square[i, k] - market[i, k] * market[i, k])
            value = (product[i, k] - own[i, k] * market[i, k]) / np.sqrt(both)
            value = min(max(value, -1.0), 1.0)
            out[i, k] = value if i >= first[k] and both > 0.0 else np.nan


class _Means:
    # Means of the returns, of their products and squares over the last `period` returns, each correctly rounded.

    def __init__(self, close: FloatArray, benchmark: FloatArray, period: int) -> None:
        rows = bars_by_symbol(close)
        self.returns, market = like(rows), like(rows)
        self.first = np.empty(rows.shape[1], dtype=np.int64)  # the first return of both
        _returns(rows, bars_by_symbol(benchmark), self.returns, market, self.first)
        self.own, self.market = sma(self.returns, period), sma(market, period)
        self.product = sma(np.multiply(self.returns, market, out=like(rows)), period)
        self.market_square = sma(np.square(market, out=market), period)


@compiled
def _returns(
    close: FloatArray, benchmark: FloatArray, own: FloatArray, market: FloatArray, first: IndexArray
) -> None:
    # Returns are missing at the head of a symbol only: they count as 0 there, which leaves no trace in a sum.
    bars, symbols = close.shape
    for k in range(symbols):
        own[0, k] = market[0, k] = 0.0
        first[k] = 1
    missing = symbols
    for i in range(bars - 1):
        if missing == 0:
            break
        missing = 0
        for k in range(symbols):
            if np.isnan(benchmark[i, k]) and first[k] == i + 1:
                first[k] = i + 2
                missing += 1
    for i in range(1, bars):
        for k in range(symbols):
            base = benchmark[i - 1, k]
            change = (benchmark[i, k] - base) / base
            known = base == base  # noqa: PLR0124 - false for NaN
            market[i, k] = change if known else 0.0
            own[i, k] = (close[i, k] - close[i - 1, k]) / close[i - 1, k] if known else 0.0
