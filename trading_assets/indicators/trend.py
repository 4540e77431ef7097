"""Trend: moving averages, MACD and ADX; one value per bar, in the unit of the prices (ADX: 0 to 100).

All functions take the bars of one symbol, oldest first, or those of many symbols one after another with
``starts``, the positions where each symbol begins, followed by the total length. Values are NaN until the
warm-up of the symbol is complete.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, prepared, run_borders


def sma(values: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Average the last ``period`` values.

    The window's sum is carried in two floats, so that each average is the correctly rounded mean of its
    own window, whatever came before: a flat series averages to itself, and a corrected bar changes the
    windows that hold it and no other.

    Parameters
    ----------
    values
        Prices or volumes, without NaN.
    period
        Bars in the window.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        As long as ``values``, in their unit; NaN for the first ``period - 1`` bars of a symbol.

    Notes
    -----
    Equal to TA-Lib ``SMA`` up to its rounding.

    Examples
    --------
    >>> import numpy as np
    >>> sma(np.array([1.0, 2.0, 3.0, 7.0]), 3).tolist()
    [nan, nan, 2.0, 4.0]
    """
    out = np.empty(len(values))
    _sma(prepared(values), run_borders(values, starts), period, out)
    return out


@compiled
def _sma(values: FloatArray, starts: IndexArray, period: int, out: FloatArray) -> None:
    for run in range(len(starts) - 1):
        first = starts[run]
        high = 0.0  # the window's sum is high + low, exactly but for the last bits of low
        low = 0.0
        for i in range(first, starts[run + 1]):
            added = values[i]
            total = high + added
            part = total - high
            low += (high - (total - part)) + (added - part)
            high = total
            if i - first >= period:
                added = -values[i - period]
                total = high + added
                part = total - high
                low += (high - (total - part)) + (added - part)
                high = total
            if i - first < period - 1:
                out[i] = np.nan
                continue
            mean = (high + low) / period
            # What the division lost: mean is split in two halves whose products with period are exact.
            wide = 134217729.0 * mean
            upper = wide - (wide - mean)
            lost = ((high - upper * period) - (mean - upper) * period) + low
            out[i] = mean + lost / period


def ema(values: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Average all values with weights that fall by ``1 - 2 / (period + 1)`` a bar.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Sets the weight of the newest value, ``2 / (period + 1)``, and the length of the seed.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        As long as ``values``, in their unit; NaN for the first ``period - 1`` bars of a symbol, then the
        simple average of the first ``period`` values, then the recursion.

    Notes
    -----
    TA-Lib ``EMA``.

    Examples
    --------
    >>> import numpy as np
    >>> ema(np.array([1.0, 2.0, 3.0, 6.0]), 3).tolist()
    [nan, nan, 2.0, 4.0]
    """
    out = np.empty(len(values))
    _ema(prepared(values), run_borders(values, starts), period, out)
    return out


@compiled
def _ema(values: FloatArray, starts: IndexArray, period: int, out: FloatArray) -> None:
    weight = 2.0 / (period + 1)
    for run in range(len(starts) - 1):
        first = starts[run]
        average = 0.0
        for i in range(first, starts[run + 1]):
            age = i - first
            if age < period:
                average += values[i]
                out[i] = np.nan
                if age == period - 1:
                    average /= period
                    out[i] = average
            else:
                average += (values[i] - average) * weight
                out[i] = average


def macd(
    close: FloatArray, fast: int, slow: int, signal: int, starts: IndexArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Compare a fast with a slow exponential average, and that difference with its own average.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    fast, slow, signal
        Periods of the two averages and of the signal line; ``fast < slow``.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    tuple of FloatArray
        Line, signal and histogram (line - signal), in the unit of the prices; all three are NaN for the
        first ``slow + signal - 2`` bars of a symbol.

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
    line, average, histogram = (np.empty(len(close)) for _ in range(3))
    _macd(prepared(close), run_borders(close, starts), fast, slow, signal, line, average, histogram)
    return line, average, histogram


@compiled
def _macd(  # noqa: PLR0917 - kernels are called by position
    close: FloatArray,
    starts: IndexArray,
    fast: int,
    slow: int,
    signal: int,
    line: FloatArray,
    average: FloatArray,
    histogram: FloatArray,
) -> None:
    fast_weight = 2.0 / (fast + 1)
    slow_weight = 2.0 / (slow + 1)
    signal_weight = 2.0 / (signal + 1)
    for run in range(len(starts) - 1):
        first = starts[run]
        fast_average = 0.0
        slow_average = 0.0
        signal_average = 0.0
        for i in range(first, starts[run + 1]):
            age = i - first
            line[i] = average[i] = histogram[i] = np.nan
            if age < slow:
                slow_average += close[i]
                if age >= slow - fast:
                    fast_average += close[i]
                if age < slow - 1:
                    continue
                slow_average /= slow
                fast_average /= fast
            else:
                slow_average += (close[i] - slow_average) * slow_weight
                fast_average += (close[i] - fast_average) * fast_weight
            value = fast_average - slow_average
            warm = age - (slow - 1)
            if warm < signal:
                signal_average += value
                if warm < signal - 1:
                    continue
                signal_average /= signal
            else:
                signal_average += (value - signal_average) * signal_weight
            line[i] = value
            average[i] = signal_average
            histogram[i] = value - signal_average


def adx(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, starts: IndexArray | None = None
) -> FloatArray:
    """Measure how strong a trend is, up or down: Wilder's average directional index.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period
        Bars of both smoothings.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        0 (no trend) to 100; NaN for the first ``2 * period - 1`` bars of a symbol.

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
    out = np.empty(len(close))
    _adx(prepared(high), prepared(low), prepared(close), run_borders(close, starts), period, out)
    return out


@compiled
def _adx(  # noqa: C901, PLR0912, PLR0917 - Wilder's rules are one recursion; cut up they would be four passes
    high: FloatArray, low: FloatArray, close: FloatArray, starts: IndexArray, period: int, out: FloatArray
) -> None:
    zero = 1e-14  # what TA-Lib takes for zero
    for run in range(len(starts) - 1):
        first = starts[run]
        plus = 0.0
        minus = 0.0
        ranges = 0.0
        index = 0.0
        if starts[run + 1] > first:
            out[first] = np.nan
        for i in range(first + 1, starts[run + 1]):
            age = i - first
            out[i] = np.nan
            if age >= period:
                plus -= plus / period
                minus -= minus / period
                ranges -= ranges / period
            up = high[i] - high[i - 1]
            down = low[i - 1] - low[i]
            if down > 0.0 and up < down:
                minus += down
            elif up > 0.0 and up > down:
                plus += up
            last = close[i - 1]
            ranges += max(high[i] - low[i], abs(high[i] - last), abs(low[i] - last))
            if age < period:
                continue
            strength = np.nan
            if abs(ranges) >= zero:
                plus_share = 100.0 * (plus / ranges)
                minus_share = 100.0 * (minus / ranges)
                both = plus_share + minus_share
                if abs(both) >= zero:
                    strength = 100.0 * (abs(minus_share - plus_share) / both)
            if age < 2 * period:
                if strength == strength:  # noqa: PLR0124 - false for NaN: a bar without movement adds nothing
                    index += strength
                if age == 2 * period - 1:
                    index /= period
                    out[i] = index
            else:
                if strength == strength:  # noqa: PLR0124 - as above: it leaves the index as it was
                    index = (index * (period - 1) + strength) / period
                out[i] = index
