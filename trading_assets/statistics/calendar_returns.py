"""Returns by month, quarter and year: one row per period of the calendar, compounded from session returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from trading_assets.statistics.series import rows_of

MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def period_returns(
    returns: ArrayLike, sessions: Sequence[date], by: Literal["month", "quarter", "year"] = "month"
) -> pl.DataFrame:
    """Return the compounded return of each period that has a session.

    Parameters
    ----------
    returns
        Session returns of one series; a NaN is no move.
    sessions
        Date of each return, in order.
    by
        Length of the periods.

    Returns
    -------
    pl.DataFrame
        Columns ``year``, ``period`` (number of the month or quarter; 1 for a year), ``return_frac`` and ``sessions``; as
        ``empyrical.aggregate_returns``.

    Examples
    --------
    >>> period_returns([0.1, 0.1, -0.1], [date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1)]).rows()[1]
    (2024, 2, -0.09999999999999998, 1)
    """
    growth = 1.0 + np.nan_to_num(rows_of(returns)[:, 0])
    length = MONTHS[by]
    keys = np.array([(day.year * 12 + day.month - 1) // length for day in sessions], dtype=np.int64)
    first = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1)) if len(keys) else np.array([], np.int64)
    periods = 12 // length
    return pl.DataFrame(
        {
            "year": keys[first] // periods,
            "period": keys[first] % periods + 1,
            "return_frac": np.multiply.reduceat(growth, first) - 1.0 if len(first) else first.astype(float),
            "sessions": np.diff(first, append=len(keys)),
        },
        schema={"year": pl.Int64, "period": pl.Int64, "return_frac": pl.Float64, "sessions": pl.Int64},
    )


def month_table(returns: ArrayLike, sessions: Sequence[date]) -> pl.DataFrame:
    """Return one row per year with a column per month (1 to 12) and the ``whole`` year; null without a session.

    Examples
    --------
    >>> month_table([0.1, 0.1], [date(2024, 1, 31), date(2024, 2, 1)]).row(0)[:3]
    (2024, 0.10000000000000009, 0.10000000000000009)
    """
    by_month = period_returns(returns, sessions).select("year", "period", "return_frac")
    whole = period_returns(returns, sessions, "year").select("year", pl.col("return_frac").alias("whole"))
    months = [
        pl.col("return_frac").filter(pl.col("period") == month).first().alias(str(month))
        for month in range(1, 13)
    ]
    table = by_month.group_by("year", maintain_order=True).agg(months)
    return table.join(whole, on="year", maintain_order="left")
