"""Statistics of trades: one number from the profits of all trades, and how far each went for and against."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from trading_assets.statistics.series import FloatArray, mean_of, per_series, present, rows_of, total_of


@per_series(least=1)
def win_rate(profits: FloatArray) -> FloatArray:
    """Return the share of trades with a profit above 0.

    Examples
    --------
    >>> float(win_rate([10.0, -5.0, 0.0, 10.0]))
    0.5
    """
    share: FloatArray = np.count_nonzero(profits > 0, axis=0) / present(profits)
    return share


@per_series(least=1)
def profit_factor(profits: FloatArray) -> FloatArray:
    """Return the sum of profits over the sum of losses; NaN without a loss.

    Examples
    --------
    >>> float(profit_factor([10.0, -5.0]))
    2.0
    """
    gains = total_of(np.maximum(profits, 0.0))
    losses = -total_of(np.minimum(profits, 0.0))
    return gains / losses


@per_series(least=1)
def expectancy(profits: FloatArray) -> FloatArray:
    """Return the mean profit of a trade, in the unit of ``profits``.

    Examples
    --------
    >>> float(expectancy([10.0, -5.0]))
    2.5
    """
    return mean_of(profits)


@per_series(least=1)
def payoff_ratio(profits: FloatArray) -> FloatArray:
    """Return the mean profit of winners over the mean loss of losers; NaN without either.

    Examples
    --------
    >>> float(payoff_ratio([10.0, 20.0, -5.0]))
    3.0
    """
    winners, losers = np.where(profits > 0, profits, np.nan), np.where(profits < 0, profits, np.nan)
    return mean_of(winners) / -mean_of(losers)


def excursions(
    high: ArrayLike,
    low: ArrayLike,
    *,
    entry_row: ArrayLike,
    exit_row: ArrayLike,
    entry_price: ArrayLike,
    side: ArrayLike,
    column: ArrayLike = 0,
) -> tuple[FloatArray, FloatArray]:
    """Return how far each trade went against and for it, from its entry's bar to its exit's, both included.

    Parameters
    ----------
    high, low
        Prices of shape (bars,) or (bars, symbols); bars with NaN are passed over.
    entry_row, exit_row
        Bars of the trades; ``entry_row <= exit_row``.
    entry_price
        Price of the entry, above 0.
    side
        1 for a long trade, -1 for a short one.
    column
        Symbol of the trades, as column of the prices.

    Returns
    -------
    tuple
        Maximum adverse excursion (0 or negative) and maximum favourable excursion (0 or positive), as fractions of the
        entry's price; look-ahead: the exit's bar.

    Examples
    --------
    >>> against, towards = excursions(
    ...     [11.0, 12.0, 13.0], [9.0, 8.0, 11.0], entry_row=[0], exit_row=[1], entry_price=[10.0], side=[1])
    >>> against.round(4).tolist(), towards.round(4).tolist()
    ([-0.2], [0.2])
    """
    entries, exits = np.asarray(entry_row, np.int64), np.asarray(exit_row, np.int64)
    price = np.asarray(entry_price, dtype=np.float64)
    if not len(entries):
        return np.array([]), np.array([])
    bars = len(rows_of(high))
    offset = np.broadcast_to(np.asarray(column, np.int64), entries.shape) * bars
    bounds = np.stack([entries + offset, exits + offset + 1], axis=1).ravel()
    highest = _extreme(np.fmax, rows_of(high), bounds) / price - 1.0
    lowest = _extreme(np.fmin, rows_of(low), bounds) / price - 1.0
    long: NDArray[np.bool_] = np.asarray(side) > 0
    against = np.where(long, lowest, -highest)
    towards = np.where(long, highest, -lowest)
    return np.fmin(against, 0.0), np.fmax(towards, 0.0)


def _extreme(extreme: np.ufunc, rows: FloatArray, bounds: NDArray[np.int64]) -> FloatArray:
    # one symbol after the other; the pad lets a trade end with the last bar
    flat = np.r_[rows.T.ravel(), np.nan]
    found: FloatArray = extreme.reduceat(flat, bounds)[::2]
    return found
