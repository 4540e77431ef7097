"""Returns of an account with deposits and withdrawals: time-weighted (of the strategy) and money-weighted (of the owner)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray

DAYS_PER_YEAR = 365
_BISECTIONS = 100
_STEEPEST = 40.0
"""Growth of e to the 40 a year, beyond which no account is."""


def time_weighted_returns(
    equity_usd: ArrayLike, deposits_usd: ArrayLike, *, at: Literal["start", "end"] = "start"
) -> FloatArray:
    """Return the session returns without what was put in or taken out.

    Parameters
    ----------
    equity_usd
        Equity at the end of each session, what was put in included; the first is the opening.
    deposits_usd
        What was put in during each session, negative for a withdrawal; the first is of no interest.
    at
        ``start``: the money worked in its session; ``end``: it came after it.

    Returns
    -------
    FloatArray
        One return per session after the first; NaN where there was nothing to earn with.

    Examples
    --------
    >>> time_weighted_returns([100.0, 220.0], [0.0, 100.0]).round(4).tolist()
    [0.1]
    """
    equity, deposits = (np.asarray(values, dtype=np.float64) for values in (equity_usd, deposits_usd))
    begun = equity[:-1] + (deposits[1:] if at == "start" else 0.0)
    ended = equity[1:] - (0.0 if at == "start" else deposits[1:])
    with np.errstate(all="ignore"):
        growth: FloatArray = np.where(begun > 0, ended / begun - 1.0, np.nan)
    return growth


def time_weighted_return(
    equity_usd: ArrayLike, deposits_usd: ArrayLike, *, at: Literal["start", "end"] = "start"
) -> float:
    """Return the compounded ``time_weighted_returns``; NaN without any.

    Examples
    --------
    >>> round(time_weighted_return([100.0, 220.0, 198.0], [0.0, 100.0, 0.0]), 4)
    -0.01
    """
    growth = time_weighted_returns(equity_usd, deposits_usd, at=at)
    return float(np.nanprod(1.0 + growth) - 1.0) if np.isfinite(growth).any() else math.nan


def money_weighted_return(
    deposits_usd: ArrayLike, days: Sequence[date], final_usd: float, final_day: date
) -> float:
    """Return the annual rate at which the deposits grow to the final value: the XIRR of spreadsheets.

    Parameters
    ----------
    deposits_usd
        What was put in, negative for a withdrawal; the opening equity is the first.
    days
        Date of each; interest is compounded over actual days of 365 a year.
    final_usd
        Value at the end.
    final_day
        Date of the end.

    Returns
    -------
    float
        Fraction per year; NaN where no rate above -1 explains the value.

    Examples
    --------
    >>> round(money_weighted_return([100.0], [date(2023, 1, 1)], 110.0, date(2024, 1, 1)), 4)
    0.1
    """
    deposits = np.asarray(deposits_usd, dtype=np.float64)
    years = np.array([(final_day - day).days / DAYS_PER_YEAR for day in days])

    def missing(rate: float) -> float:
        # in the money of the end for losses, of the beginning for gains: neither overflows
        scale = years.max(initial=0.0) if rate > 0 else 0.0
        grown = deposits * np.exp(rate * (years - scale))
        return float(grown.sum() - final_usd * math.exp(-rate * scale))

    return math.expm1(_root(missing)) if years.max(initial=0.0) > 0 else math.nan


def _root(missing: Callable[[float], float]) -> float:
    # the rate next to 0 at which the sign changes, as several withdrawals may allow several
    grid = np.linspace(-_STEEPEST, _STEEPEST, 1601)
    signs = np.sign([missing(rate) for rate in grid])
    changes = np.flatnonzero(signs[1:] * signs[:-1] <= 0)
    if not len(changes) or not signs.any():
        return math.nan
    at = changes[np.argmin(np.abs(grid[changes] + grid[changes + 1]))]
    low, high = float(grid[at]), float(grid[at + 1])
    rising = missing(high) > missing(low)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if (missing(middle) > 0) == rising else (middle, high)
    return (low + high) / 2
