"""Momentum: oscillators that say how far prices have run; one value per bar, 0 to 100.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.extremes import highest, lowest
from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, prepared, run_borders


def rsi(close: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Relate average gains to average gains and losses: Wilder's relative strength index.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    period
        Changes in the seed, and Wilder's smoothing.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        0 (only losses) to 100 (only gains); NaN for the first ``period`` bars of a symbol. A price that
        never moved has 0, as in TA-Lib.

    Notes
    -----
    TA-Lib ``RSI``: seeded with the plain averages of the first ``period`` changes.

    Examples
    --------
    >>> import numpy as np
    >>> rsi(np.array([10.0, 11.0, 10.0, 12.0]), 2).round(4).tolist()
    [nan, nan, 50.0, 83.3333]
    """
    out = np.empty(len(close))
    _rsi(prepared(close), run_borders(close, starts), period, out)
    return out


@compiled
def _rsi(close: FloatArray, starts: IndexArray, period: int, out: FloatArray) -> None:
    zero = 1e-14  # what TA-Lib takes for zero
    for run in range(len(starts) - 1):
        first = starts[run]
        gain = 0.0
        loss = 0.0
        for i in range(first, starts[run + 1]):
            age = i - first
            out[i] = np.nan
            if age == 0:
                continue
            change = close[i] - close[i - 1]
            if age > period:
                gain *= period - 1
                loss *= period - 1
            if change < 0.0:
                loss -= change
            else:
                gain += change
            if age < period:
                continue
            gain /= period
            loss /= period
            both = gain + loss
            out[i] = 100.0 * (gain / both) if both >= zero else 0.0


def stochastic(  # noqa: PLR0917 - inputs, parameters, borders, as every indicator
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    period: int,
    slowing: int,
    signal: int,
    starts: IndexArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Place the close in the range of the last ``period`` bars, smoothed: the slow stochastic.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period, slowing, signal
        Bars of the range, of the average that makes %K, and of the average of %K that makes %D.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    tuple of FloatArray
        %K and %D, 0 to 100; both NaN for the first ``period + slowing + signal - 3`` bars of a symbol. A
        range of nothing counts as 0, as in TA-Lib.

    Notes
    -----
    TA-Lib ``STOCH`` with simple averages.

    Examples
    --------
    >>> import numpy as np
    >>> close = np.array([1.0, 2.0, 3.0, 2.0, 3.0])
    >>> k, d = stochastic(close, close, close, 2, 2, 2)
    >>> k.tolist(), d.tolist()
    ([nan, nan, nan, 50.0, 50.0], [nan, nan, nan, 75.0, 50.0])
    """
    borders = run_borders(close, starts)
    top, bottom = highest(high, period, borders), lowest(low, period, borders)
    fast, k, d = (np.empty(len(close)) for _ in range(3))
    _stochastic(prepared(close), top, bottom, borders, period, slowing, signal, fast, k, d)
    return k, d


@compiled
def _stochastic(  # noqa: PLR0917 - kernels are called by position
    close: FloatArray,
    highest_high: FloatArray,
    lowest_low: FloatArray,
    starts: IndexArray,
    period: int,
    slowing: int,
    signal: int,
    fast: FloatArray,
    k: FloatArray,
    d: FloatArray,
) -> None:
    for run in range(len(starts) - 1):
        first = starts[run]
        for i in range(first, starts[run + 1]):
            age = i - first
            k[i] = d[i] = np.nan
            if age < period - 1:
                continue
            width = (highest_high[i] - lowest_low[i]) / 100.0
            fast[i] = (close[i] - lowest_low[i]) / width if width != 0.0 else 0.0
            if age < period + slowing - 2:
                continue
            total = 0.0
            for j in range(i - slowing + 1, i + 1):
                total += fast[j]
            k[i] = total / slowing
            if age < period + slowing + signal - 3:
                continue
            total = 0.0
            for j in range(i - signal + 1, i + 1):
                total += k[j]
            d[i] = total / signal
        # TA-Lib shows neither line before both exist.
        for i in range(first, min(starts[run + 1], first + period + slowing + signal - 3)):
            k[i] = np.nan
