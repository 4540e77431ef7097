"""Volume: today's shares against the usual; one ratio per bar.

Averages of volume and of traded dollars are ``trend.sma`` of those series.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray, bars_by_symbol, compiled
from trading_assets.indicators.workspace import like


def volume_ratio(volume: FloatArray, average: FloatArray) -> FloatArray:
    """Divide the volume by its average.

    Parameters
    ----------
    volume, average
        Shares; a NaN average (warm-up) gives NaN.

    Returns
    -------
    FloatArray
        1 = as usual; NaN where nothing was traded in the whole window.

    Examples
    --------
    >>> import numpy as np
    >>> volume_ratio(np.array([300.0, 0.0]), np.array([200.0, 0.0])).tolist()
    [1.5, nan]
    """
    rows = bars_by_symbol(volume)
    out = like(rows)
    _ratio(rows, bars_by_symbol(average), out)
    return out.reshape(np.shape(volume))


@compiled
def _ratio(volume: FloatArray, average: FloatArray, out: FloatArray) -> None:
    bars, symbols = volume.shape
    for i in range(bars):
        for k in range(symbols):
            ratio = volume[i, k] / average[i, k]
            out[i, k] = ratio if average[i, k] > 0.0 else np.nan
