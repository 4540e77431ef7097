"""Regimes of a market: bull or bear by trend, calm or turbulent by volatility; one row per session, known before it begins."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from trading_assets.statistics.drawdowns import max_drawdown
from trading_assets.statistics.performance import (
    annualised_volatility,
    cumulative_return,
    sharpe_ratio,
)
from trading_assets.statistics.series import SESSIONS_PER_YEAR


def regimes(
    close: ArrayLike,
    *,
    trend_window: int = 200,
    volatility_window: int = 21,
    volatility_history: int = SESSIONS_PER_YEAR,
) -> pl.DataFrame:
    """Return the regime of each session from the closes before it.

    Parameters
    ----------
    close
        Adjusted closes of a benchmark, above 0.
    trend_window
        Sessions of the average that the last close is compared with.
    volatility_window
        Sessions of the realised volatility.
    volatility_history
        Sessions whose median volatility it is compared with.

    Returns
    -------
    pl.DataFrame
        ``trend`` (``bull``: the last close is above its average, else ``bear``), ``volatility`` (``turbulent``: the last realised
        volatility is above its median, else ``calm``) and ``regime``, the two with a space between; null until there is enough
        history. Look-ahead: the close of the session before.

    Examples
    --------
    >>> regimes([1.0, 2.0, 3.0, 1.0], trend_window=2, volatility_window=2, volatility_history=1)["trend"].to_list()
    [None, None, 'bull', 'bull']
    """
    prices = pl.LazyFrame({"close": np.asarray(close, dtype=np.float64)}).with_columns(
        average=pl.col("close").rolling_mean(trend_window),
        realised=pl.col("close").pct_change().rolling_std(volatility_window),
    )
    usual = pl.col("realised").rolling_median(volatility_history)
    trend = pl.when(pl.col("close") > pl.col("average")).then(pl.lit("bull"))
    turbulence = pl.when(pl.col("realised") > usual).then(pl.lit("turbulent"))
    known = prices.select(
        trend=trend.when(pl.col("average").is_not_null()).then(pl.lit("bear")).shift(1),
        volatility=turbulence.when(usual.is_not_null()).then(pl.lit("calm")).shift(1),
    )
    both = pl.concat_str("trend", "volatility", separator=" ")
    return known.with_columns(regime=both).collect()


def by_regime(returns: ArrayLike, regime: pl.Series) -> pl.DataFrame:
    """Return one row per regime with what the returns of its sessions were; sessions without a regime are left out.

    Parameters
    ----------
    returns
        Session returns of one series.
    regime
        Regime of each session, as ``regimes`` gives them.

    Returns
    -------
    pl.DataFrame
        Columns ``regime``, ``sessions``, ``return_frac`` (compounded), ``volatility``, ``sharpe`` and ``max_drawdown`` (of its
        sessions put one after the other); null where there are too few.

    Examples
    --------
    >>> by_regime([0.1, -0.1, 0.1], pl.Series(["bull", "bear", "bull"])).rows()[1][:2]
    ('bull', 2)
    """
    values, labels = np.asarray(returns, dtype=np.float64), regime.to_numpy()
    rows = []
    for name in regime.drop_nulls().unique().sort():
        own = values[labels == name]
        figures = (cumulative_return, annualised_volatility, sharpe_ratio, max_drawdown)
        rows.append((name, len(own), *(float(figure(own)) for figure in figures)))
    names = ("return_frac", "volatility", "sharpe", "max_drawdown")
    schema = {"regime": pl.String, "sessions": pl.Int64, **dict.fromkeys(names, pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col(names).fill_nan(None))
