"""Drawdowns: how far below its highest value an equity curve is, per session, and one row per drawdown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from trading_assets.statistics.series import FloatArray, IndexArray, is_complete, per_series, rows_of

ROUNDING = 1e-12
"""A depth below it is the rounding of compounded returns, not a loss."""

_MANY = 64

DRAWDOWN_SCHEMA = pl.Schema(
    {
        "peak": pl.Date(),
        "trough": pl.Date(),
        "recovery": pl.Date(),
        "depth_frac": pl.Float64(),
        "sessions_down": pl.Int64(),
        "sessions_up": pl.Int64(),
        "sessions": pl.Int64(),
        "calendar_days": pl.Int64(),
    }
)


def drawdowns(equity: ArrayLike) -> FloatArray:
    """Return equity over its running maximum minus 1, per session; 0 at a new high, negative below it, NaN until it is above 0.

    Examples
    --------
    >>> drawdowns([100.0, 110.0, 99.0]).round(4).tolist()
    [0.0, 0.0, -0.1]
    """
    curve = np.asarray(equity, dtype=np.float64)
    highest = np.fmax.accumulate(curve, axis=0)
    depth: FloatArray = curve / np.where(highest > 0, highest, np.nan) - 1.0
    return depth


def drawdown_series(returns: ArrayLike) -> FloatArray:
    """Return the drawdown at each session of the compounded curve that starts at 1 before the first return.

    As ``empyrical.drawdown_series``; the shape of ``returns``, a NaN is no move.

    Examples
    --------
    >>> drawdown_series([-0.1, 0.05, 0.2]).round(4).tolist()
    [-0.1, -0.055, 0.0]
    """
    return _depths(rows_of(returns))[1:].reshape(np.shape(returns))


@per_series(least=1)
def max_drawdown(returns: FloatArray) -> FloatArray:
    """Return the deepest drawdown of the compounded curve that starts at 1 before the first return; negative or 0.

    As ``empyrical.max_drawdown``. Returns are compounded: libraries that sum them give another figure.

    Examples
    --------
    >>> float(max_drawdown([0.1, -0.1, -0.1]).round(4))
    -0.19
    """
    if returns.shape[1] < _MANY:
        lowest: FloatArray = _depths(returns).min(axis=0)
        return lowest
    # session by session, so that the running values of all series stay in the processor's cache
    moves = returns if is_complete(returns) else np.nan_to_num(returns)
    growth, highest, deepest, now = np.ones((4, returns.shape[1]))
    for move in moves:
        np.add(move, 1.0, out=now)
        np.multiply(growth, now, out=growth)
        np.maximum(highest, growth, out=highest)
        np.divide(growth, highest, out=now)
        np.minimum(deepest, now, out=deepest)
    below: FloatArray = deepest - 1.0
    return below


@per_series(least=1)
def longest_drawdown(returns: FloatArray) -> FloatArray:
    """Count the sessions of the longest time below a high, the last session included if it is still below.

    Examples
    --------
    >>> float(longest_drawdown([0.1, -0.1, 0.05, 0.2, -0.1]))
    2.0
    """
    below = _depths(returns) < -ROUNDING
    order = np.arange(len(below), dtype=np.float64)[:, None]
    highs = np.maximum.accumulate(np.where(below, 0.0, order), axis=0)
    longest: FloatArray = (order - highs).max(axis=0)
    return longest


def drawdown_sessions(equity: ArrayLike) -> tuple[int, int]:
    """Count the sessions since the last high, and those of the longest time below a high, of one equity curve.

    Examples
    --------
    >>> drawdown_sessions([100.0, 90.0, 95.0, 100.0, 99.0])
    (1, 2)
    """
    below = drawdowns(equity) < 0
    order = np.arange(len(below))
    since = order - np.maximum.accumulate(np.where(below, -1, order))
    return (int(since[-1]), int(since.max())) if len(below) else (0, 0)


def drawdown_table(returns: ArrayLike, sessions: Sequence[date]) -> pl.DataFrame:
    """Return one row per drawdown, in order of time.

    Parameters
    ----------
    returns
        Session returns of one series; a NaN is no move.
    sessions
        Date of each return.

    Returns
    -------
    pl.DataFrame
        Rows of ``DRAWDOWN_SCHEMA``. ``peak`` is the session of the high (null: the value before the first return), ``trough`` the
        deepest session, ``recovery`` the first that is at the high again (null: not yet). ``sessions_down`` counts from peak to
        trough, ``sessions_up`` from trough to recovery, ``sessions`` those below the high, and ``calendar_days`` from the
        first session below the high to the recovery, or to the last session.

    Examples
    --------
    >>> days = [date(2024, 1, day) for day in (2, 3, 4, 5)]
    >>> drawdown_table([0.1, -0.1, -0.1, 0.3], days).row(0)[:5]
    (datetime.date(2024, 1, 2), datetime.date(2024, 1, 4), datetime.date(2024, 1, 5), -0.18999999999999995, 2)
    """
    depth = _depths(rows_of(returns))[:, 0]
    starts, ends = _runs(depth < -ROUNDING)
    rows = [_row(depth, int(start), int(end), sessions) for start, end in zip(starts, ends, strict=True)]
    return pl.DataFrame(rows, schema=DRAWDOWN_SCHEMA, orient="row")


def longest_drawdown_days(returns: ArrayLike, sessions: Sequence[date]) -> float:
    """Return the largest ``calendar_days`` of the table of drawdowns; 0 without one, NaN without returns.

    Examples
    --------
    >>> longest_drawdown_days([0.1, -0.1, 0.3], [date(2024, 1, 4), date(2024, 1, 5), date(2024, 1, 8)])
    3.0
    """
    if len(sessions) == 0:
        return float("nan")
    days = drawdown_table(returns, sessions)["calendar_days"]
    return float(max(days.to_list(), default=0))


def _depths(returns: FloatArray) -> FloatArray:
    curve = np.ones((len(returns) + 1, returns.shape[1]))
    np.add(returns, 1.0, out=curve[1:])
    if not is_complete(returns):
        curve[np.isnan(curve)] = 1.0
    np.cumprod(curve, axis=0, out=curve)
    curve /= np.maximum.accumulate(curve, axis=0)
    curve -= 1.0
    return curve


def _runs(below: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> tuple[IndexArray, IndexArray]:
    # first row of each run of True, and the row after its last
    edges = np.diff(np.r_[False, below, False].astype(np.int8))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def _row(depth: FloatArray, start: int, end: int, sessions: Sequence[date]) -> tuple[object, ...]:
    # row 0 of the depths is the value before the first session
    trough = start + int(np.argmin(depth[start:end]))
    recovered = end < len(depth)
    last = sessions[end - 1] if recovered else sessions[-1]
    return (
        sessions[start - 2] if start >= 2 else None,
        sessions[trough - 1],
        last if recovered else None,
        float(depth[trough]),
        trough - start + 1,
        end - trough if recovered else None,
        end - start,
        (last - sessions[start - 1]).days,
    )
