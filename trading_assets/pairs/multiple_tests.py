"""Multiple tests: p-values corrected for how many tests were made; one number per test."""

from __future__ import annotations

import numpy as np

from trading_assets.indicators.kernel import FloatArray


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Return p-values corrected for the false discovery rate.

    Taking all tests with a corrected value up to ``q`` makes a share of at most ``q`` of the finds false ones, on average, for
    tests that are independent or depend on each other positively.

    Parameters
    ----------
    p_values
        Of all tests that were made; NaN where there was none, which then does not count.

    Returns
    -------
    FloatArray
        Probabilities in the shape and order of the p-values; NaN where they are.

    Notes
    -----
    Y. Benjamini and Y. Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> import numpy as np
    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.03, 0.5])).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    given = np.asarray(p_values, dtype=np.float64)
    out = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    values = given[known]
    order = np.argsort(values, kind="stable")
    scaled = values[order] * (len(values) / np.arange(1, len(values) + 1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    out[known] = corrected
    return out
