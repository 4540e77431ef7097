"""Compile ahead: the machine code of the kernels of the pairs, stored on disk, so that no session waits for it."""

from __future__ import annotations

import numpy as np

from trading_assets.pairs.engle_granger import engle_granger
from trading_assets.pairs.mackinnon import p_values


def warm() -> None:
    """Test one made-up pair, so that every kernel has run once; see ``features.compile``.

    Examples
    --------
    >>> warm()
    """
    series = np.random.default_rng(0).normal(size=(2, 60)).cumsum(axis=1)
    p_values(engle_granger(series, np.array([0]), np.array([1])).statistic)


if __name__ == "__main__":
    warm()
