"""Returns: relative changes between bars of one symbol; one fraction per bar.

The shape of the arguments is the one of ``trend``: one symbol, or many with ``starts``.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, IndexArray, compiled, prepared, run_borders


def total_return(
    close: FloatArray, since: int, until: int = 0, starts: IndexArray | None = None
) -> FloatArray:
    """Return the gain from the close ``since`` bars ago to the close ``until`` bars ago.

    Parameters
    ----------
    close
        Closing prices above 0, without NaN; adjusted ones give total returns.
    since, until
        Bars back; ``since > until >= 0``. ``(252, 21)`` is the 12-1 momentum.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        Fractions; NaN for the first ``since`` bars of a symbol.

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
    out = np.empty(len(close))
    prices = prepared(close)
    _ratio(prices, prices, run_borders(close, starts), until, since, out)
    return out


def gap(open_: FloatArray, close: FloatArray, starts: IndexArray | None = None) -> FloatArray:
    """Return the change from the previous close to this open.

    Parameters
    ----------
    open_, close
        Prices above 0, without NaN.
    starts
        Borders of the symbols; one symbol if not given.

    Returns
    -------
    FloatArray
        Fractions; NaN for the first bar of a symbol.

    Examples
    --------
    >>> import numpy as np
    >>> gap(np.array([9.0, 11.0]), np.array([10.0, 12.0])).round(4).tolist()
    [nan, 0.1]
    """
    out = np.empty(len(close))
    _ratio(prepared(open_), prepared(close), run_borders(close, starts), 0, 1, out)
    return out


@compiled
def _ratio(  # noqa: PLR0917 - kernels are called by position
    above: FloatArray, below: FloatArray, starts: IndexArray, until: int, since: int, out: FloatArray
) -> None:
    for run in range(len(starts) - 1):
        first = starts[run]
        for i in range(first, starts[run + 1]):
            if i - first < since:
                out[i] = np.nan
                continue
            base = below[i - since]
            out[i] = (
                above[i - until] - base
            ) / base  # the quotient minus 1 would lose the digits of small moves
