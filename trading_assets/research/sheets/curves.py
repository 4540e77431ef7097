"""Curves of a tear sheet: one value per session and column, rounded to what a reader can see; null where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from trading_assets.backtest.summary import Curves
from trading_assets.indicators.kernel import FloatArray
from trading_assets.statistics.drawdowns import drawdown_series
from trading_assets.statistics.performance import cumulative_returns
from trading_assets.statistics.rolling import rolling_beta, rolling_sharpe, rolling_volatility

WINDOW = 126
"""Sessions of the rolling statistics: half a year."""
BAND_COLUMNS = ("q05", "q25", "q50", "q75", "q95")
BINS = 41
Columns = dict[str, list[float | None]]
_EPOCH = date(1970, 1, 1)


def has_benchmark(curves: Curves) -> bool:
    """Return whether the benchmark has a return of any session."""
    return bool(np.isfinite(curves.benchmark_returns).any())


def opening_usd(curves: Curves) -> float:
    """Return the equity before the first session."""
    return float(curves.equity_usd[0] / (1.0 + curves.returns[0])) if len(curves.equity_usd) else 0.0


def columns_of(curves: Curves, bands: pl.DataFrame | None = None) -> Columns:
    """Return the columns of the charts over time, by name; ``session`` is in days since 1970-01-01.

    Output: ``net``, ``gross`` and ``benchmark`` are equity in USD (the benchmark begins with the same opening); drawdowns and
    exposure fractions; rolling statistics of the last ``WINDOW`` sessions.
    """
    opening, known = opening_usd(curves), has_benchmark(curves)
    digits = 0 if opening >= 10_000 else 2
    columns: Columns = {
        "session": [(day - _EPOCH).days for day in curves.sessions],
        "net": rounded(curves.equity_usd, digits),
        "gross": rounded(opening * (1.0 + cumulative_returns(curves.gross_returns)), digits),
        "drawdown": rounded(drawdown_series(curves.returns), 4),
        "exposure": rounded(curves.exposure_frac, 4),
        "positions": rounded(curves.positions, 0),
        "sharpe": rounded(rolling_sharpe(curves.returns, WINDOW), 2),
        "volatility": rounded(rolling_volatility(curves.returns, WINDOW), 4),
    }
    if known:
        columns["benchmark"] = rounded(opening * (1.0 + cumulative_returns(curves.benchmark_returns)), digits)
        columns["benchmark_drawdown"] = rounded(drawdown_series(curves.benchmark_returns), 4)
        columns["beta"] = rounded(rolling_beta(curves.returns, curves.benchmark_returns, WINDOW), 2)
    if bands is not None and bands.height == len(curves.sessions) and {*BAND_COLUMNS} <= {*bands.columns}:
        for name in BAND_COLUMNS:
            columns[name] = rounded(opening * bands[name].to_numpy(), digits)
    return columns


def spans(columns: Columns, names: Sequence[str] = ("net", "gross", "benchmark")) -> float:
    """Return how many times the smallest value of some columns the largest is; infinite where one is not above 0."""
    drawn = [value for name in names for value in columns.get(name, ()) if value is not None]
    if not drawn:
        return 1.0
    return max(drawn) / min(drawn) if min(drawn) > 0 else float("inf")


def distribution(returns: FloatArray) -> list[dict[str, float]]:
    """Return the bins of the session returns: ``low``, ``high`` and ``sessions``; one of them begins at 0."""
    known = returns[np.isfinite(returns)]
    if len(known) < 2 or known.min() == known.max():
        return []
    # of fat tails, bins as wide as the range would be three bars: the outermost bins hold what is beyond 5 deviations
    reach = min(float(np.abs(known).max()), 5.0 * float(known.std()) + abs(float(known.mean())))
    width = 2.0 * reach / (BINS - 1)
    edges = np.arange(-(BINS // 2), BINS // 2 + 1) * width
    counts, _ = np.histogram(np.clip(known, edges[0], np.nextafter(edges[-1], 0)), edges)
    return [
        {"low": round(float(low), 5), "high": round(float(high), 5), "sessions": int(count)}
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]


def costs_by_year(curves: Curves) -> list[dict[str, float | str]]:
    """Return fees and slippage of each year: ``name`` and ``usd``."""
    frame = pl.DataFrame(
        {"session": list(curves.sessions), "usd": curves.costs_usd},
        schema={"session": pl.Date, "usd": pl.Float64},
    )
    years = frame.group_by(name=pl.col("session").dt.year().cast(pl.String)).agg(pl.col("usd").sum().round(2))
    return years.sort("name").to_dicts()


def rounded(values: Sequence[float] | FloatArray, digits: int) -> list[float | None]:
    """Return numbers that are short in JSON; null for what is not finite."""
    numbers = np.round(np.asarray(values, dtype=np.float64), digits)
    plain = (
        numbers.astype(np.int64).tolist() if digits == 0 and np.isfinite(numbers).all() else numbers.tolist()
    )
    return [value if np.isfinite(value) else None for value in plain]
