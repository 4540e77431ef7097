"""Probability of backtest overfitting: how often the best of many trials, chosen on one half of the past, is poor on the other.

Combinatorially symmetric cross-validation: the sessions are cut into blocks, and every half of the blocks is the past once. Source:
Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting (2017).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray, rows_of
from trading_assets.statistics.splits import blocks

_AT_ONCE = 1_024
_STILL = 1e-12
"""A variance below this share of the mean square is rounding: the trial did not move."""
_ROUNDING = 1e-12
"""Ratios that differ by less, relatively, are equal: trials with the same orders have the same rank."""


@dataclass(frozen=True, eq=False)
class Overfitting:
    """What the trial that was best in sample did out of sample, one value per combination of blocks."""

    probability: float
    """Share of combinations in which it was below the median out of sample; NaN for fewer than two trials."""
    logits: FloatArray
    """Logit of its rank out of sample; negative below the median."""
    in_sample: FloatArray
    """Its session Sharpe ratio in sample."""
    out_of_sample: FloatArray
    """Its session Sharpe ratio out of sample."""
    slope: float
    """Slope of out-of-sample on in-sample ratios; NaN where the latter do not differ."""
    loss_probability: float
    """Share of combinations in which it lost out of sample."""


def backtest_overfitting(trials: ArrayLike, count: int = 16) -> Overfitting:
    """Choose the best trial on every half of the blocks, and rank it on the other half.

    Parameters
    ----------
    trials
        Session returns of every trial, (sessions, trials), the discarded ones included; without NaN.
    count
        Blocks, an even number; 16 give 12,870 combinations.

    Returns
    -------
    Overfitting
        Near 0 where the choice holds, near 0.5 where it is chance.

    Raises
    ------
    ValueError
        If ``count`` is odd, or there are fewer sessions than blocks.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(0, 0.01, (400, 20))
    >>> noise[:, 3] += 0.01
    >>> backtest_overfitting(noise, 8).probability
    0.0
    """
    if count % 2:
        raise ValueError(f"an even number of blocks has halves, {count} has none")
    rows = rows_of(trials)
    sums = _BlockSums(rows, count)
    chosen = np.array(list(combinations(range(count), count // 2)))
    tested = np.zeros((len(chosen), count))
    np.put_along_axis(tested, chosen, 1.0, axis=1)
    pieces = [_choice(sums, tested[at : at + _AT_ONCE]) for at in range(0, len(tested), _AT_ONCE)]
    logits, inside, outside = (np.concatenate(part) for part in zip(*pieces, strict=True))
    if rows.shape[1] < 2 or np.isnan(rows).any():
        return Overfitting(math.nan, logits * np.nan, inside, outside, math.nan, math.nan)
    spread = np.var(inside)
    slope = float(np.mean((inside - inside.mean()) * outside) / spread) if spread > 0 else math.nan
    return Overfitting(
        float(np.mean(logits < 0)), logits, inside, outside, slope, float(np.mean(outside < 0))
    )


class _BlockSums:
    # the Sharpe ratio of any set of blocks is made of each block's count, sum and sum of squares

    def __init__(self, rows: FloatArray, count: int) -> None:
        self.mean = rows.mean(axis=0)  # taken off first, or the squares lose the digits of the variance
        parts = [rows[block] - self.mean for block in blocks(len(rows), count)]
        self.counts = np.array([len(part) for part in parts], dtype=np.float64)
        self.sums = np.array([part.sum(axis=0) for part in parts])
        self.squares = np.array([(part * part).sum(axis=0) for part in parts])

    def sharpe(self, chosen: FloatArray) -> FloatArray:
        """Return the session Sharpe ratio of each set of blocks, (sets, trials); 0 for a trial that did not move."""
        sessions = (chosen @ self.counts)[:, None]
        total, squares = chosen @ self.sums, chosen @ self.squares
        deviation = squares - total * total / sessions
        moved = deviation > _STILL * squares
        variance = np.where(moved, deviation, 1.0) / np.maximum(sessions - 1.0, 1.0)
        return np.where(moved, (self.mean + total / sessions) / np.sqrt(variance), 0.0)


def _choice(sums: _BlockSums, tested: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    inside, outside = sums.sharpe(1.0 - tested), sums.sharpe(tested)
    best = np.argmax(inside, axis=1)[:, None]
    reached = np.take_along_axis(outside, best, axis=1)
    apart, alike = outside - reached, _ROUNDING * np.abs(reached)
    worse, equal = (apart < -alike).sum(axis=1), (np.abs(apart) <= alike).sum(axis=1)
    rank = (worse + (equal + 1) / 2) / (outside.shape[1] + 1)
    with np.errstate(all="ignore"):
        logits = np.log(rank / (1 - rank))
    return logits, np.take_along_axis(inside, best, axis=1)[:, 0], reached[:, 0]
