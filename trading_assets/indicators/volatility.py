"""Volatility: bands, true range and deviations; one value per bar.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, prepared, run_borders
from trading_assets.indicators.trend import sma

SESSIONS_PER_YEAR = 252


def bollinger(
    close: FloatArray, period: int, deviations: float, starts: IndexArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Draw bands ``deviations`` population deviations around the average close.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    period
        Bars in the window.
    deviations
        Half the width of the bands, in standard deviations.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    tuple of FloatArray
        Upper, middle and lower band in the unit of the prices, and the position of the close between
        them (0 = lower, 1 = upper; NaN where the bands coincide). NaN for the first ``period - 1`` bars.

    Notes
    -----
    TA-Lib ``BBANDS`` with a simple average. TA-Lib subtracts two large sums to get a variance; here the
    deviations are summed themselves, so that a price that did not move has bands of width 0.

    Examples
    --------
    >>> import numpy as np
    >>> upper, middle, lower, position = bollinger(np.array([1.0, 3.0, 5.0]), 2, 2.0)
    >>> upper.tolist(), lower.tolist(), position.tolist()
    ([nan, 4.0, 6.0], [nan, 0.0, 2.0], [nan, 0.75, 0.75])
    """
    middle = sma(close, period, starts)
    width = deviations * _population_deviation(close, middle, period, starts)
    upper, lower = middle + width, middle - width
    span = upper - lower
    with np.errstate(divide="ignore", invalid="ignore"):
        return upper, middle, lower, np.where(span > 0, (close - lower) / span, np.nan)


def zscore(close: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Say how many population deviations the close lies from its average.

    Parameters
    ----------
    close
        Closing prices, without NaN.
    period
        Bars in the window.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        Deviations; NaN for the first ``period - 1`` bars of a symbol and where the price did not move.

    Notes
    -----
    ``(close - SMA) / STDDEV`` of TA-Lib: the deviation is the one of the Bollinger bands.

    Examples
    --------
    >>> import numpy as np
    >>> zscore(np.array([1.0, 3.0, 3.0]), 2).tolist()
    [nan, 1.0, nan]
    """
    middle = sma(close, period, starts)
    deviation = _population_deviation(close, middle, period, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(deviation > 0, (close - middle) / deviation, np.nan)


def _population_deviation(
    close: FloatArray, mean: FloatArray, period: int, starts: IndexArray | None
) -> FloatArray:
    out = np.empty(len(close))
    _deviation(prepared(close), mean, run_borders(close, starts), period, period, out)
    return out


@compiled
def _deviation(  # noqa: PLR0917 - kernels are called by position
    values: FloatArray, mean: FloatArray, starts: IndexArray, period: int, divisor: int, out: FloatArray
) -> None:
    for run in range(len(starts) - 1):
        first = starts[run]
        for i in range(first, starts[run + 1]):
            if i - first < period - 1:
                out[i] = np.nan
                continue
            centre = mean[i]
            even = 0.0  # two sums, so that the processor need not wait for one addition to begin the next
            odd = 0.0
            for j in range(i - period + 1, i, 2):
                even += (values[j] - centre) * (values[j] - centre)
                odd += (values[j + 1] - centre) * (values[j + 1] - centre)
            if period % 2:
                even += (values[i] - centre) * (values[i] - centre)
            out[i] = np.sqrt((even + odd) / divisor)


def volatility(close: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Annualise the sample deviation of the last ``period`` log returns.

    Parameters
    ----------
    close
        Closing prices above 0, without NaN.
    period
        Returns in the window.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        Fraction per year (deviation times the root of 252); NaN for the first ``period`` bars of a symbol.

    Notes
    -----
    The deviation is pandas' and polars' ``rolling_std`` (one degree of freedom), not TA-Lib's.

    Examples
    --------
    >>> import numpy as np
    >>> volatility(np.exp([0.0, 0.01, 0.03]), 2).round(6).tolist()
    [nan, nan, 0.11225]
    """
    borders = run_borders(close, starts)
    changes = np.zeros(len(close))
    changes[1:] = np.log(close[1:] / close[:-1])
    changes[borders[:-1][borders[:-1] < len(close)]] = 0.0
    mean = sma(changes, period, borders)
    out = np.empty(len(close))
    _deviation(changes, mean, borders, period, period - 1, out)
    out *= np.sqrt(SESSIONS_PER_YEAR)
    # A symbol's first bar has no return: the window that would hold it is not complete yet.
    early = borders[:-1] + period - 1
    out[early[early < borders[1:]]] = np.nan
    return out


def atr(
    high: FloatArray, low: FloatArray, close: FloatArray, period: int, starts: IndexArray | None = None
) -> FloatArray:
    """Average the true range with Wilder's smoothing.

    Parameters
    ----------
    high, low, close
        Prices of the bars, without NaN.
    period
        Ranges in the seed, and Wilder's smoothing.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period`` bars of a symbol.

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
    out = np.empty(len(close))
    _atr(prepared(high), prepared(low), prepared(close), run_borders(close, starts), period, out)
    return out


@compiled
def _atr(  # noqa: PLR0917 - kernels are called by position
    high: FloatArray, low: FloatArray, close: FloatArray, starts: IndexArray, period: int, out: FloatArray
) -> None:
    for run in range(len(starts) - 1):
        first = starts[run]
        average = 0.0
        for i in range(first, starts[run + 1]):
            age = i - first
            out[i] = np.nan
            if age == 0:
                continue
            last = close[i - 1]
            true_range = max(high[i] - low[i], abs(high[i] - last), abs(low[i] - last))
            if age > period:
                average *= period - 1
            average += true_range
            if age < period:
                continue
            average /= period
            out[i] = average
