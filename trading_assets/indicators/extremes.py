"""Extremes: highest highs and lowest lows of a window; one price per bar.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, prepared, run_borders


def highest(values: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Return the highest of the last ``period`` values.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Bars in the window.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period - 1`` bars of a symbol.

    Notes
    -----
    TA-Lib ``MAX``.

    Examples
    --------
    >>> import numpy as np
    >>> highest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 3.0, 2.0]
    """
    out = np.empty(len(values))
    _highest(prepared(values), run_borders(values, starts), period, out)
    return out


def lowest(values: FloatArray, period: int, starts: IndexArray | None = None) -> FloatArray:
    """Return the lowest of the last ``period`` values.

    Parameters
    ----------
    values
        Prices, without NaN.
    period
        Bars in the window.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        In the unit of the prices; NaN for the first ``period - 1`` bars of a symbol.

    Notes
    -----
    TA-Lib ``MIN``.

    Examples
    --------
    >>> import numpy as np
    >>> lowest(np.array([3.0, 1.0, 2.0]), 2).tolist()
    [nan, 1.0, 1.0]
    """
    return -highest(-values, period, starts)


@compiled
def _highest(values: FloatArray, starts: IndexArray, period: int, out: FloatArray) -> None:
    # A window is the end of one block of `period` bars and the beginning of the next: the highest since each
    # block began and until each block ends give every window's highest without a search (van Herk, 1992).
    until_end = np.empty(len(values))
    for run in range(len(starts) - 1):
        first = starts[run]
        last = starts[run + 1]
        for block in range(first, last, period):
            end = min(block + period, last)
            best = values[end - 1]
            for i in range(end - 1, block - 1, -1):
                best = max(best, values[i])
                until_end[i] = best
            best = values[block]
            for i in range(block, end):
                best = max(best, values[i])
                oldest = i - period + 1
                if oldest < first:
                    out[i] = np.nan
                else:
                    out[i] = max(best, until_end[oldest])


def distance(values: FloatArray, reference: FloatArray, starts: IndexArray | None = None) -> FloatArray:  # noqa: ARG001 - every indicator can be called with the borders
    """Return how far ``values`` lie from ``reference``, relative to it.

    Parameters
    ----------
    values, reference
        Prices; NaN gives NaN.
    starts
        Not needed: a bar is compared with itself only.

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
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(reference != 0, (values - reference) / reference, np.nan)
