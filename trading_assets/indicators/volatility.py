"""Volatility: bands, true range and deviations; one value per bar.

The shape of the arguments is the one of ``trend``: a row per bar and, for many symbols, a column per symbol.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, Memory, bars_by_symbol, compiled
from trading_assets.indicators.trend import sma
from trading_assets.indicators.workspace import like

SESSIONS_PER_YEAR = 252


def bollinger(
    close: FloatArray, middle: FloatArray, period: int, deviations: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Draw bands ``deviations`` population deviations around the average close, and place the close in them.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    middle
        Their simple average over ``period`` bars.
    period
        Bars in the window.
    deviations
        Half the width of the bands, in standard deviations.

    Returns
    -------
    tuple of FloatArray
        Upper, middle and lower band in the unit of the prices; the position of the close between them (0 = lower,
        1 = upper; NaN where the bands coincide); and how many deviations the close lies from the middle (NaN where
        the price did not move). NaN for the first ``period - 1`` bars.

    Notes
    -----
    TA-Lib ``BBANDS`` with a simple average, and ``(close - SMA) / STDDEV``. TA-Lib subtracts two large sums to get a
    variance; here the deviations are summed themselves, so that a price that did not move has bands of width 0.

    Examples
    --------
    >>> import numpy as np
    >>> close = np.array([1.0, 3.0, 5.0])
    >>> upper, middle, lower, position, zscore = bollinger(close, np.array([np.nan, 2.0, 4.0]), 2, 2.0)
    >>> upper.tolist(), lower.tolist(), position.tolist(), zscore.tolist()
    ([nan, 4.0, 6.0], [nan, 0.0, 2.0], [nan, 0.75, 0.75], [nan, 1.0, 1.0])
    """
    rows, mean = bars_by_symbol(close), bars_by_symbol(middle)
    deviation, upper, lower, position = (like(rows) for _ in range(4))
    _deviation(rows, mean, period, period - 1, 1.0 / period, deviation)
    _bands(mean, deviation, deviations, upper, lower)
    _position(rows, upper, lower, position)
    _zscore(rows, mean, deviation)
    shape = np.shape(close)
    return (
        upper.reshape(shape),
        middle,
        lower.reshape(shape),
        position.reshape(shape),
        deviation.reshape(shape),
    )


@compiled
def _bands(
    middle: FloatArray, deviation: FloatArray, deviations: float, upper: FloatArray, lower: FloatArray
) -> None:
    bars, symbols = middle.shape
    for i in range(bars):
        for k in range(symbols):
            width = deviations * deviation[i, k]
            upper[i, k] = middle[i, k] + width
            lower[i, k] = middle[i, k] - width


@compiled
def _position(close: FloatArray, upper: FloatArray, lower: FloatArray, out: FloatArray) -> None:
    bars, symbols = close.shape
    for i in range(bars):
        for k in range(symbols):
            span = upper[i, k] - lower[i, k]
            place = (close[i, k] - lower[i, k]) / span
            out[i, k] = place if span > 0.0 else np.nan


@compiled
def _zscore(close: FloatArray, middle: FloatArray, deviation: FloatArray) -> None:
    # Over the deviation: it is not needed any more.
    bars, symbols = close.shape
    for i in range(bars):
        for k in range(symbols):
            score = (close[i, k] - middle[i, k]) / deviation[i, k]
            deviation[i, k] = score if deviation[i, k] > 0.0 else np.nan


@compiled
def _deviation(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray, mean: FloatArray, period: int, first: int, weight: float, out: FloatArray
) -> None:
    # From the first bar that has one: the root of `weight` times the squares around the mean, four at a time.
    bars, symbols = values.shape
    for i in range(bars):
        if i < first:
            for k in range(symbols):
                out[i, k] = np.nan
            continue
        for k in range(symbols):
            out[i, k] = 0.0
        oldest = i - period + 1
        single = oldest + period % 4
        for j in range(oldest, single):
            for k in range(symbols):
                a = values[j, k] - mean[i, k]
                out[i, k] += a * a
        for j in range(single, i + 1, 4):
            for k in range(symbols):
                centre = mean[i, k]
                a = values[j, k] - centre
                b = values[j + 1, k] - centre
                c = values[j + 2, k] - centre
                d = values[j + 3, k] - centre
                out[i, k] += (a * a + b * b) + (c * c + d * d)
        for k in range(symbols):
            out[i, k] = np.sqrt(out[i, k] * weight)


def volatility(close: FloatArray, period: int) -> FloatArray:
    """Annualise the sample deviation of the last ``period`` log returns.

    Parameters
    ----------
    close
        Closing prices above 0, without NaN.
    period
        Returns in the window.

    Returns
    -------
    FloatArray
        Fraction per year (deviation times the root of 252); NaN for the first ``period`` bars.

    Notes
    -----
    The deviation is pandas' and polars' ``rolling_std`` (one degree of freedom), not TA-Lib's.

    Examples
    --------
    >>> import numpy as np
    >>> volatility(np.exp([0.0, 0.01, 0.03]), 2).round(6).tolist()
    [nan, nan, 0.11225]
    """
    rows = bars_by_symbol(close)
    changes = like(rows)
    changes[:1] = 0.0  # a first bar has no return, and no window that is complete holds it
    np.divide(rows[1:], rows[:-1], out=changes[1:])
    np.log(changes[1:], out=changes[1:])
    out = like(rows)
    _deviation(changes, sma(changes, period), period, period, SESSIONS_PER_YEAR / (period - 1), out)
    return out.reshape(np.shape(close))


def atr(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, *, memory: Memory | None = None
) -> FloatArray:
    """Average the true range with Wilder's smoothing.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period
        Ranges in the seed, and Wilder's smoothing.
    memory
        One number: the average, before it exists the sum.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period`` bars.

    Notes
    -----
    TA-Lib ``ATR``: the range of a symbol's first bar, which has no close before it, is left out.

    Examples
    --------
    >>> import numpy as np
    >>> close = np.array([10.0, 11.0, 12.0, 11.0])
    >>> atr(close + 1, close - 1, close, 2).tolist()
    [nan, nan, 2.0, 2.0]
    """
    rows = bars_by_symbol(close)
    memory = memory or Memory.fresh(1, rows)
    out = like(rows)
    _atr(bars_by_symbol(high), bars_by_symbol(low), rows, memory.age, period, memory.values[0], out)
    return out.reshape(np.shape(close))


@compiled
def _atr(  # noqa: PLR0917 - kernels are called by position
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    age: IndexArray,
    period: int,
    average: FloatArray,
    out: FloatArray,
) -> None:
    bars, symbols = close.shape
    share = 1.0 / period
    for k in range(symbols):
        if age[k] == 0:
            average[0, k] = 0.0
        out[0, k] = average[0, k] if age[k] >= period else np.nan
    for i in range(1, bars):
        for k in range(symbols):
            bar = age[k] + i
            last = close[i - 1, k]
            top = max(last, high[i, k])
            bottom = min(last, low[i, k])
            kept = period - 1.0 if bar > period else 1.0
            divided = share if bar >= period else 1.0
            now = (average[i - 1, k] * kept + (top - bottom)) * divided
            average[i, k] = now
            out[i, k] = now if bar >= period else np.nan
