"""Other histories that could have been: bands of an equity curve by the stationary bootstrap, one row per session.

Blocks of the past of random length are put one after the other, so that clusters of volatility stay together. Source: Politis and
Romano, The Stationary Bootstrap (1994).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from trading_assets.statistics.drawdowns import drawdowns
from trading_assets.statistics.series import FloatArray, IndexArray

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
PATHS = 1_000
MEAN_BLOCK = 21


def stationary_rows(rows: int, sessions: int, *, mean_block: float, paths: int, seed: int) -> IndexArray:
    """Return rows of the past for each path and session, (paths, sessions), in blocks of a geometric length.

    Parameters
    ----------
    rows
        Length of the past; after its last row comes its first.
    sessions
        Length of a path.
    mean_block
        Mean length of a block; 1 draws every session by itself.
    paths
        Number of paths.
    seed
        The same seed gives the same rows.

    Examples
    --------
    >>> stationary_rows(5, 4, mean_block=1e9, paths=1, seed=1).tolist()
    [[1, 2, 3, 4]]
    """
    random = np.random.default_rng(seed)
    begins = random.random((paths, sessions)) < 1.0 / mean_block
    begins[:, 0] = True
    order = np.arange(sessions)
    begun = np.maximum.accumulate(np.where(begins, order, 0), axis=1)
    starts = np.take_along_axis(random.integers(0, rows, (paths, sessions)), begun, axis=1)
    drawn: IndexArray = (starts + order - begun) % rows
    return drawn


def bootstrapped_equity(
    returns: ArrayLike, *, seed: int, paths: int = PATHS, mean_block: float = MEAN_BLOCK
) -> FloatArray:
    """Return equity curves of as many sessions as there are returns, (paths, sessions), each starting from 1.

    Sessions without a return are left out.

    Examples
    --------
    >>> bootstrapped_equity([0.1, 0.1], seed=1, paths=1).round(4).tolist()
    [[1.1, 1.21]]
    """
    known = np.asarray(returns, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return np.empty((paths, 0))
    drawn = stationary_rows(len(known), len(known), mean_block=mean_block, paths=paths, seed=seed)
    curves: FloatArray = np.cumprod(1.0 + known[drawn], axis=1, dtype=np.float64)
    return curves


def equity_bands(
    returns: ArrayLike,
    *,
    seed: int,
    paths: int = PATHS,
    mean_block: float = MEAN_BLOCK,
    quantiles: Sequence[float] = QUANTILES,
) -> pl.DataFrame:
    """Return what share of bootstrapped equity curves is below each value, session by session.

    Parameters
    ----------
    returns
        Of one series.
    seed, paths, mean_block
        As in ``stationary_rows``.
    quantiles
        Shares of the paths.

    Returns
    -------
    pl.DataFrame
        ``session_number`` from 1, and a column per quantile (``q05``, ``q50``): equity over that of the start.

    Examples
    --------
    >>> equity_bands([0.1, 0.1], seed=1, paths=3, quantiles=[0.5])["q50"].round(4).to_list()
    [1.1, 1.21]
    """
    curves = bootstrapped_equity(returns, seed=seed, paths=paths, mean_block=mean_block)
    bands = np.quantile(curves, quantiles, axis=0)
    columns = {f"q{100 * share:02.0f}": band for share, band in zip(quantiles, bands, strict=True)}
    return pl.DataFrame({"session_number": np.arange(1, curves.shape[1] + 1), **columns})


def bootstrapped_drawdowns(
    returns: ArrayLike, *, seed: int, paths: int = PATHS, mean_block: float = MEAN_BLOCK
) -> FloatArray:
    """Return the deepest drawdown of each bootstrapped equity curve; how deep it could have been with the same returns.

    Examples
    --------
    >>> bootstrapped_drawdowns([-0.1, -0.1], seed=1, paths=2).round(4).tolist()
    [-0.19, -0.19]
    """
    curves = bootstrapped_equity(returns, seed=seed, paths=paths, mean_block=mean_block)
    if not curves.shape[1]:
        return np.full(paths, np.nan)
    depths = drawdowns(np.vstack([np.ones((1, paths)), curves.T]))
    deepest: FloatArray = depths.min(axis=0)
    return deepest
