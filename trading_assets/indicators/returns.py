"""Returns: relative changes between bars of one symbol; one fraction per bar.

The shape of the arguments is the one of ``trend``: a row per bar and, for many symbols, a column per symbol.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, bars_by_symbol, compiled
from trading_assets.indicators.workspace import like


def total_return(close: FloatArray, since: int, until: int = 0) -> FloatArray:
    """Return the gain from the close ``since`` bars ago to the close ``until`` bars ago.

    Parameters
    ----------
    close
        Closing prices above 0, without NaN; adjusted ones give total returns.
    since, until
        Bars back; ``since > until >= 0``. ``(252, 21)`` is the 12-1 momentum.

    Returns
    -------
    FloatArray
        Fractions; NaN for the first ``since`` bars.

    Notes
    -----
    With ``until = 0`` it is TA-Lib ``ROCP``.

    Examples
    --------
    >>> import numpy as np
    >>> total_return(np.array([100.0, 110.0, 99.0]), 1).round(4).tolist()
    [nan, 0.1, -0.1]
    >>> total_return(np.array([100.0, 110.0, 99.0]), 2, 1).round(4).tolist()
    [nan, nan, 0.1]
    """
    rows = bars_by_symbol(close)
    out = like(rows)
    _ratio(rows, rows, until, since, out)
    return out.reshape(np.shape(close))


def gap(open_: FloatArray, close: FloatArray) -> FloatArray:
    """Return the change from the previous close to this open.

    Parameters
    ----------
    open_, close
        Prices above 0, without NaN.

    Returns
    -------
    FloatArray
        Fractions; NaN for the first bar.

    Examples
    --------
    >>> import numpy as np
    >>> gap(np.array([9.0, 11.0]), np.array([10.0, 12.0])).round(4).tolist()
    [nan, 0.1]
    """
    rows = bars_by_symbol(close)
    out = like(rows)
    _ratio(bars_by_symbol(open_), rows, 0, 1, out)
    return out.reshape(np.shape(close))


@compiled
def _ratio(above: FloatArray, below: FloatArray, until: int, since: int, out: FloatArray) -> None:
    bars, symbols = above.shape
    for i in range(min(since, bars)):
        for k in range(symbols):
            out[i, k] = np.nan
    for i in range(since, bars):
        for k in range(symbols):
            base = below[i - since, k]
            # the quotient minus 1 would lose the digits of small moves
            out[i, k] = (above[i - until, k] - base) / base
