"""Trend: moving averages, MACD and ADX; one value per bar, in the unit of the prices (ADX: 0 to 100).

All functions take an array with one row per bar, oldest first, and, for many symbols at once, one column per symbol;
they return arrays of the same shape. A value knows the rows up to its own, of its own column. Values are NaN until the
warm-up is complete. What never forgets (``ema``, ``macd``, ``adx``) goes on from a ``Memory``, if it is given one.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, Memory, bars_by_symbol, compiled
from trading_assets.indicators.workspace import like


def sma(values: FloatArray, period: int) -> FloatArray:
    """Average the last ``period`` values.

    The window's sum is carried in two floats, so that each average is the correctly rounded mean of its
    own window, whatever came before: a flat series averages to itself, and a corrected bar changes the
    windows that hold it and no other. That holds as long as no value is more than 1e14 times another one.

    Parameters
    ----------
    values
        Prices or volumes, without NaN.
    period
        Bars in the window.

    Returns
    -------
    FloatArray
        As ``values``, in their unit; NaN for the first ``period - 1`` bars.

    Notes
    -----
    Equal to TA-Lib ``SMA`` up to its rounding.

    Examples
    --------
    >>> import numpy as np
    >>> sma(np.array([1.0, 2.0, 3.0, 7.0]), 3).tolist()
    [nan, nan, 2.0, 4.0]
    """
    rows = bars_by_symbol(values)
    out = like(rows)
    _sma(rows, period, np.zeros(rows.shape[1]), np.zeros(rows.shape[1]), out)
    return out.reshape(np.shape(values))


@compiled
def _sma(values: FloatArray, period: int, high: FloatArray, low: FloatArray, out: FloatArray) -> None:
    # The window's sum is high + low, exactly but for the last bits of low.
    bars, symbols = values.shape
    share = 1.0 / period
    for i in range(min(period, bars)):
        for k in range(symbols):
            added = values[i, k]
            total = high[k] + added
            part = total - high[k]
            low[k] += (high[k] - (total - part)) + (added - part)
            high[k] = total
            out[i, k] = np.nan
    for i in range(period - 1, bars):
        for k in range(symbols):
            sum_high = high[k]
            sum_low = low[k]
            if i >= period:
                # one step: what enters less what leaves, with the bits that the difference lost
                entered = values[i, k]
                left = values[i - period, k]
                step = entered - left
                part = step - entered
                lost = (entered - (step - part)) - (left + part)
                total = sum_high + step
                part = total - sum_high
                sum_low += ((sum_high - (total - part)) + (step - part)) + lost
                sum_high = total
                high[k] = sum_high
                low[k] = sum_low
            mean = (sum_high + sum_low) * share
            # What the product lost: mean is split in two halves whose products with period are exact.
            wide = 134217729.0 * mean
            upper = wide - (wide - mean)
            rest = ((sum_high - upper * period) - (mean - upper) * period) + sum_low
            out[i, k] = mean + rest * share


def ema(values: FloatArray, period: int, *, memory: Memory | None = None) -> FloatArray:
    """Average all values with weights that fall by ``1 - 2 / (period + 1)`` a bar.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Sets the weight of the newest value, ``2 / (period + 1)``, and the length of the seed.
    memory
        One number: the average, before it exists the sum.

    Returns
    -------
    FloatArray
        As ``values``, in their unit; NaN for the first ``period - 1`` bars, then the simple average of the first
        ``period`` values, then the recursion.

    Notes
    -----
    TA-Lib ``EMA``.

    Examples
    --------
    >>> import numpy as np
    >>> ema(np.array([1.0, 2.0, 3.0, 6.0]), 3).tolist()
    [nan, nan, 2.0, 4.0]
    """
    rows = bars_by_symbol(values)
    memory = memory or Memory.fresh(1, rows)
    out = like(rows)
    _ema(rows, memory.age, 0, period, memory.values[0], out)
    return out.reshape(np.shape(values))


@compiled
def _ema(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray, age: IndexArray, skipped: int, period: int, average: FloatArray, out: FloatArray
) -> None:
    # The seed is the mean of the `period` values after the first `skipped`.
    bars, symbols = values.shape
    weight = 2.0 / (period + 1)
    warm = skipped + period
    youngest = age.min()
    for k in range(symbols):
        if age[k] == 0:
            average[0, k] = values[0, k] / period if warm == 1 else (values[0, k] if skipped == 0 else 0.0)
        out[0, k] = average[0, k] if age[k] >= warm - 1 else np.nan
    for i in range(1, bars):
        if youngest + i >= warm:
            for k in range(symbols):
                last = average[i - 1, k]
                now = last + (values[i, k] - last) * weight
                average[i, k] = now
                out[i, k] = now
            continue
        for k in range(symbols):
            bar = age[k] + i
            last = average[i - 1, k]
            if bar >= warm:
                now = last + (values[i, k] - last) * weight
            else:
                now = last + values[i, k] if bar >= skipped else 0.0
                if bar == warm - 1:
                    now /= period
            average[i, k] = now
            out[i, k] = now if bar >= warm - 1 else np.nan


def macd(
    close: FloatArray, fast: int, slow: int, signal: int, *, memory: Memory | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compare a fast with a slow exponential average, and that difference with its own average.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    fast, slow, signal
        Periods of the two averages and of the signal line; ``fast < slow``.
    memory
        Three numbers: the two averages and the signal line, before they exist their sums.

    Returns
    -------
    tuple of FloatArray
        Line, signal and histogram (line - signal), in the unit of the prices; all three are NaN for the
        first ``slow + signal - 2`` bars.

    Notes
    -----
    TA-Lib ``MACD``: the fast average is seeded with the last ``fast`` of the first ``slow`` closes, so that
    both averages begin on the same bar.

    Examples
    --------
    >>> import numpy as np
    >>> line, signal, histogram = macd(np.array([1.0, 2.0, 3.0, 5.0, 8.0]), 2, 3, 2)
    >>> line.round(4).tolist()
    [nan, nan, nan, 0.6667, 0.9722]
    >>> signal.round(4).tolist(), histogram.round(4).tolist()
    ([nan, nan, nan, 0.5833, 0.8426], [nan, nan, nan, 0.0833, 0.1296])
    """
    rows = bars_by_symbol(close)
    memory = memory or Memory.fresh(3, rows)
    line, average, slow_average = (like(rows) for _ in range(3))
    _ema(rows, memory.age, slow - fast, fast, memory.values[0], line)
    _ema(rows, memory.age, 0, slow, memory.values[1], slow_average)
    line -= slow_average
    _ema(line, memory.age, slow - 1, signal, memory.values[2], average)
    histogram = np.subtract(line, average, out=slow_average)
    _blank_before(memory.age, slow + signal - 2, line)
    shape = np.shape(close)
    return line.reshape(shape), average.reshape(shape), histogram.reshape(shape)


@compiled
def _blank_before(age: IndexArray, warm: int, out: FloatArray) -> None:
    # TA-Lib shows no line before its signal exists.
    bars, symbols = out.shape
    for i in range(min(bars, warm - age.min())):
        for k in range(symbols):
            if age[k] + i < warm:
                out[i, k] = np.nan


def adx(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, *, memory: Memory | None = None
) -> FloatArray:
    """Measure how strong a trend is, up or down: Wilder's average directional index.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period
        Bars of both smoothings.
    memory
        Four numbers: smoothed rises, falls and ranges, and the index, before it exists its sum.

    Returns
    -------
    FloatArray
        0 (no trend) to 100; NaN for the first ``2 * period - 1`` bars.

    Notes
    -----
    TA-Lib ``ADX``: the first sums hold ``period - 1`` bars and are smoothed from the next bar on.

    Examples
    --------
    >>> import numpy as np
    >>> rising = np.arange(10.0, 20.0)
    >>> adx(rising + 1, rising - 1, rising, 3).tolist()
    [nan, nan, nan, nan, nan, 100.0, 100.0, 100.0, 100.0, 100.0]
    """
    tops, bottoms, closes = bars_by_symbol(high), bars_by_symbol(low), bars_by_symbol(close)
    memory = memory or Memory.fresh(4, closes)
    plus, minus, ranges, index = memory.values
    out = like(closes)
    _directions(tops, bottoms, closes, memory.age, period, plus, minus)
    _ranges(tops, bottoms, closes, memory.age, period, ranges)
    _index(plus, minus, ranges, memory.age, period, index, out)
    return out.reshape(np.shape(close))


@compiled
def _directions(  # noqa: PLR0917 - kernels are called by position
    high: FloatArray,
    low: FloatArray,
    close: FloatArray,
    age: IndexArray,
    period: int,
    plus: FloatArray,
    minus: FloatArray,
) -> None:
    bars, symbols = close.shape
    share = 1.0 / period
    for k in range(symbols):
        if age[k] == 0:
            plus[0, k] = minus[0, k] = 0.0
    for i in range(1, bars):
        for k in range(symbols):
            kept = 1.0 - share if age[k] + i >= period else 1.0
            up = high[i, k] - high[i - 1, k]
            down = low[i - 1, k] - low[i, k]
            plus[i, k] = plus[i - 1, k] * kept + (up if up > 0.0 and up > down else 0.0)
            minus[i, k] = minus[i - 1, k] * kept + (down if down > 0.0 and up < down else 0.0)


@compiled
def _ranges(  # noqa: PLR0917 - kernels are called by position
    high: FloatArray, low: FloatArray, close: FloatArray, age: IndexArray, period: int, ranges: FloatArray
) -> None:
    bars, symbols = close.shape
    share = 1.0 / period
    for k in range(symbols):
        if age[k] == 0:
            ranges[0, k] = 0.0
    for i in range(1, bars):
        for k in range(symbols):
            kept = 1.0 - share if age[k] + i >= period else 1.0
            last = close[i - 1, k]
            top = max(last, high[i, k])
            bottom = min(last, low[i, k])
            ranges[i, k] = ranges[i - 1, k] * kept + (top - bottom)


@compiled
def _index(  # noqa: PLR0917 - kernels are called by position
    plus: FloatArray,
    minus: FloatArray,
    ranges: FloatArray,
    age: IndexArray,
    period: int,
    index: FloatArray,
    out: FloatArray,
) -> None:
    zero = 1e-14  # what TA-Lib takes for zero
    bars, symbols = plus.shape
    share = 1.0 / period
    for k in range(symbols):
        if age[k] == 0:
            index[0, k] = 0.0
        out[0, k] = index[0, k] if age[k] >= 2 * period - 1 else np.nan
    for i in range(1, bars):
        for k in range(symbols):
            bar = age[k] + i
            both = plus[i, k] + minus[i, k]
            # A bar without movement leaves the index as it was.
            moved = bar >= period and ranges[i, k] >= zero and 100.0 * both >= zero * ranges[i, k]
            strength = 100.0 * (abs(minus[i, k] - plus[i, k]) / both)
            last = index[i - 1, k]
            if bar >= 2 * period:
                now = (last * (period - 1) + strength) * share if moved else last
            else:
                now = last + strength if moved else last
                if bar == 2 * period - 1:
                    now *= share
            index[i, k] = now
            out[i, k] = now if bar >= 2 * period - 1 else np.nan
