"""Parameter plateaus: how much of its neighbourhood is nearly as good as a cell of a grid of results; a lonely peak is luck."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray


def plateau_map(scores: ArrayLike, *, within: float = 0.1, radius: int = 1) -> FloatArray:
    """Return for each cell the share of its neighbours that lack at most ``within`` of its own score.

    Parameters
    ----------
    scores
        One result per combination of parameters, a dimension per parameter, more is better. NaN (no result) is a bad neighbour.
    within
        Share of the size of the cell's own score.
    radius
        Steps to each side, diagonals included; cells beyond the edge do not count.

    Returns
    -------
    FloatArray
        The shape of ``scores``; NaN where a cell has no result or no neighbour.

    Examples
    --------
    >>> plateau_map([1.0, 0.95, 0.2]).tolist()
    [1.0, 0.5, 1.0]
    """
    grid = np.asarray(scores, dtype=np.float64)
    shape = (2 * radius + 1,) * grid.ndim
    around = sliding_window_view(np.pad(grid, radius, constant_values=np.nan), shape)
    inside = sliding_window_view(np.pad(np.ones(grid.shape, dtype=np.bool_), radius), shape)
    cells = tuple(range(grid.ndim, 2 * grid.ndim))
    least = (grid - within * np.abs(grid)).reshape(grid.shape + (1,) * grid.ndim)
    good = np.count_nonzero(around >= least, axis=cells) - 1
    neighbours = np.count_nonzero(inside, axis=cells) - 1
    with np.errstate(all="ignore"):
        share: FloatArray = np.where(np.isnan(grid), np.nan, good / neighbours)
    return np.where(neighbours > 0, share, np.nan)


def plateau_score(scores: ArrayLike, *, within: float = 0.1, radius: int = 1) -> float:
    """Return ``plateau_map`` at the best cell: 1 on a plateau, 0 on a lonely peak; NaN without a result.

    Examples
    --------
    >>> plateau_score([[1.0, 0.95], [0.99, 0.1]])
    0.6666666666666666
    """
    grid = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(grid).any():
        return math.nan
    best = np.unravel_index(np.nanargmax(grid), grid.shape)
    return float(plateau_map(grid, within=within, radius=radius)[best])
