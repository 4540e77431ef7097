"""Momentum: oscillators that say how far prices have run; one value per bar, 0 to 100.

The shape of the arguments is the one of ``trend``: a row per bar and, for many symbols, a column per symbol.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.extremes import highest, lowest
from trading_assets.indicators.kernel import FloatArray, IndexArray, Memory, bars_by_symbol, compiled
from trading_assets.indicators.workspace import like


def rsi(close: FloatArray, period: int, *, memory: Memory | None = None) -> FloatArray:
    """Relate average gains to average gains and losses: Wilder's relative strength index.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    period
        Changes in the seed, and Wilder's smoothing.
    memory
        Two numbers: average gain and loss, before they exist their sums.

    Returns
    -------
    FloatArray
        0 (only losses) to 100 (only gains); NaN for the first ``period`` bars. A price that
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
    rows = bars_by_symbol(close)
    memory = memory or Memory.fresh(2, rows)
    out = like(rows)
    _rsi(rows, memory.age, period, memory.values[0], memory.values[1], out)
    return out.reshape(np.shape(close))


@compiled
def _rsi(  # noqa: PLR0917 - kernels are called by position
    close: FloatArray, age: IndexArray, period: int, gain: FloatArray, loss: FloatArray, out: FloatArray
) -> None:
    zero = 1e-14  # what TA-Lib takes for zero
    bars, symbols = close.shape
    share = 1.0 / period
    for k in range(symbols):
        if age[k] == 0:
            gain[0, k] = loss[0, k] = 0.0
        both = gain[0, k] + loss[0, k]
        value = 100.0 * (gain[0, k] / both) if both >= zero else 0.0
        out[0, k] = value if age[k] >= period else np.nan
    youngest = age.min()
    for i in range(1, bars):
        is_warm = youngest + i > period
        for k in range(symbols):
            bar = age[k] + i
            kept = period - 1.0 if is_warm or bar > period else 1.0
            divided = share if is_warm or bar >= period else 1.0
            change = close[i, k] - close[i - 1, k]
            gain[i, k] = (gain[i - 1, k] * kept + max(change, 0.0)) * divided
            loss[i, k] = (loss[i - 1, k] * kept - min(change, 0.0)) * divided
        for k in range(symbols):
            both = gain[i, k] + loss[i, k]
            value = 100.0 * (gain[i, k] / both)
            value = value if both >= zero else 0.0
            out[i, k] = value if age[k] + i >= period else np.nan


def stochastic(  # noqa: PLR0917 - inputs, then parameters, as every indicator
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, slowing: int, signal: int
) -> tuple[FloatArray, FloatArray]:
    """Place the close in the range of the last ``period`` bars, smoothed: the slow stochastic.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period, slowing, signal
        Bars of the range, of the average that makes %K, and of the average of %K that makes %D.

    Returns
    -------
    tuple of FloatArray
        %K and %D, 0 to 100; both NaN for the first ``period + slowing + signal - 3`` bars. A
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
    rows = bars_by_symbol(close)
    top, bottom = highest(bars_by_symbol(high), period), lowest(bars_by_symbol(low), period)
    _place(rows, top, bottom)
    k, d = like(rows), like(rows)
    _plain_mean(top, period - 1, slowing, k)
    _plain_mean(k, period + slowing - 2, signal, d)
    k[: period + slowing + signal - 3] = np.nan  # TA-Lib shows neither line before both exist
    return k.reshape(np.shape(close)), d.reshape(np.shape(close))


@compiled
def _place(close: FloatArray, top: FloatArray, bottom: FloatArray) -> None:
    # Writes where the close lies, in percent, over `top`.
    bars, symbols = close.shape
    for i in range(bars):
        for k in range(symbols):
            width = (top[i, k] - bottom[i, k]) / 100.0
            place = (close[i, k] - bottom[i, k]) / width
            top[i, k] = place if width != 0.0 else 0.0


@compiled
def _plain_mean(values: FloatArray, first: int, period: int, out: FloatArray) -> None:
    # Of a few numbers of like size: added up anew for each bar.
    bars, symbols = values.shape
    for i in range(bars):
        if i < first + period - 1:
            for k in range(symbols):
                out[i, k] = np.nan
            continue
        for k in range(symbols):
            out[i, k] = 0.0
        for j in range(i - period + 1, i + 1):
            for k in range(symbols):
                out[i, k] += values[j, k]
        for k in range(symbols):
            out[i, k] /= period
