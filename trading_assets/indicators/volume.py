"""Volume: today's shares against the usual; one ratio per bar.

Averages of volume and of traded dollars are ``trend.sma`` of those series.
"""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray


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
    out = np.full(np.shape(volume), np.nan)
    np.divide(volume, average, out=out, where=average > 0)
    return out
