"""Extremes: highest highs and lowest lows of a window; one price per bar.

The shape of the arguments is the one of ``trend``: a row per bar and, for many symbols, a column per symbol.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, bars_by_symbol, compiled
from trading_assets.indicators.workspace import like


def highest(values: FloatArray, period: int) -> FloatArray:
    """Return the highest of the last ``period`` values.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Bars in the window.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period - 1`` bars.

    Notes
    -----
    TA-Lib ``MAX``.

    Examples
    --------
    >>> import numpy as np
    >>> highest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 3.0, 2.0]
    """
    rows = bars_by_symbol(values)
    out = like(rows)
    _highest(rows, period, like(rows), np.empty(rows.shape[1]), out)
    return out.reshape(np.shape(values))


def lowest(values: FloatArray, period: int) -> FloatArray:
    """Return the lowest of the last ``period`` values.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Bars in the window.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period - 1`` bars.

    Notes
    -----
    TA-Lib ``MIN``.

    Examples
    --------
    >>> import numpy as np
    >>> lowest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 1.0, 1.0]
    """
    rows = bars_by_symbol(values)
    out = like(rows)
    _lowest(rows, period, like(rows), np.empty(rows.shape[1]), out)
    return out.reshape(np.shape(values))


# A window is the end of one block of `period` bars and the beginning of the next: the highest since each
# block began and until each block ends give every window's highest without a search (van Herk, 1992).
@compiled
def _highest(
    values: FloatArray, period: int, until_end: FloatArray, best: FloatArray, out: FloatArray
) -> None:
    bars, symbols = values.shape
    for block in range(0, bars, period):
        end = min(block + period, bars)
        for k in range(symbols):
            until_end[end - 1, k] = values[end - 1, k]
            best[k] = values[block, k]
        for i in range(end - 2, block - 1, -1):
            for k in range(symbols):
                later = until_end[i + 1, k]
                until_end[i, k] = max(later, values[i, k])
        for i in range(block, end):
            oldest = i - period + 1
            if oldest < 0:
                for k in range(symbols):
                    best[k] = max(best[k], values[i, k])
                    out[i, k] = np.nan
                continue
            for k in range(symbols):
                highest = max(best[k], values[i, k])
                best[k] = highest
                out[i, k] = max(until_end[oldest, k], highest)


@compiled
def _lowest(
    values: FloatArray, period: int, until_end: FloatArray, best: FloatArray, out: FloatArray
) -> None:
    bars, symbols = values.shape
    for block in range(0, bars, period):
        end = min(block + period, bars)
        for k in range(symbols):
            until_end[end - 1, k] = values[end - 1, k]
            best[k] = values[block, k]
        for i in range(end - 2, block - 1, -1):
            for k in range(symbols):
                later = until_end[i + 1, k]
                until_end[i, k] = min(later, values[i, k])
        for i in range(block, end):
            oldest = i - period + 1
            if oldest < 0:
                for k in range(symbols):
                    best[k] = min(best[k], values[i, k])
                    out[i, k] = np.nan
                continue
            for k in range(symbols):
                lowest = min(best[k], values[i, k])
                best[k] = lowest
                out[i, k] = min(until_end[oldest, k], lowest)


def distance(values: FloatArray, reference: FloatArray) -> FloatArray:
    """Return how far ``values`` lie from ``reference``, relative to it.

    Parameters
    ----------
    values, reference
        Prices; NaN gives NaN.

    Returns
    -------
    FloatArray
        Fractions, 0 where they are equal; NaN where the reference is 0.

    Examples
    --------
    >>> import numpy as np
    >>> distance(np.array([9.0, 10.0]), np.array([10.0, 10.0])).round(4).tolist()
    [-0.1, 0.0]
    """
    rows = bars_by_symbol(values)
    out = like(rows)
    _distance(rows, bars_by_symbol(reference), out)
    return out.reshape(np.shape(values))


@compiled
def _distance(values: FloatArray, reference: FloatArray, out: FloatArray) -> None:
    bars, symbols = values.shape
    for i in range(bars):
        for k in range(symbols):
            base = reference[i, k]
            away = (values[i, k] - base) / base
            out[i, k] = away if base != 0.0 else np.nan
