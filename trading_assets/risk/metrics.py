"""Risk metrics of a book: one row per metric, from its positions, its equity history and its symbols' returns."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]

SESSIONS_PER_YEAR = 252
METRIC_SCHEMA = pl.Schema(
    {"metric": pl.String(), "value": pl.Float64(), "unit": pl.String(), "method": pl.String()}
)


def annualised_volatility(returns: Floats) -> float:
    """Return the sample deviation of session returns times the square root of 252.

    As ``empyrical.annual_volatility``. NaN for fewer than two returns.
    """
    if len(returns) < 2:
        return math.nan
    return float(np.std(returns, ddof=1) * math.sqrt(SESSIONS_PER_YEAR))


def value_at_risk(returns: Floats, confidence: float) -> float:
    """Return the historical value at risk of one session: the (1 - confidence) percentile, interpolated linearly.

    As ``empyrical.value_at_risk(cutoff=1 - confidence)``: a return, so a loss is negative. NaN without returns.
    """
    if len(returns) == 0:
        return math.nan
    # the percentage is formed first: 1 - 0.95 is not 0.05 in binary floating point
    return float(np.percentile(returns, round(100 - 100 * confidence, 9)))


def conditional_value_at_risk(returns: Floats, confidence: float) -> float:
    """Return the mean of the worst (1 - confidence) share of session returns.

    As ``empyrical.conditional_value_at_risk(cutoff=1 - confidence)``: the ``int((n - 1) * cutoff) + 1`` smallest
    returns. NaN without returns.
    """
    if len(returns) == 0:
        return math.nan
    last = int((len(returns) - 1) * round(1 - confidence, 9))
    return float(np.mean(np.partition(returns, last)[: last + 1]))


def drawdowns(equity: Floats) -> Floats:
    """Return equity over its running maximum minus 1, per session; 0 at a new high, negative below it."""
    result: Floats = equity / np.maximum.accumulate(equity) - 1.0
    return result


def max_drawdown(returns: Floats) -> float:
    """Return the deepest drawdown of the compounded curve that starts at 1 before the first return.

    As ``empyrical.max_drawdown``: negative or 0; NaN without returns.
    """
    if len(returns) == 0:
        return math.nan
    return float(drawdowns(np.r_[1.0, np.cumprod(1.0 + returns)]).min())


def drawdown_sessions(equity: Floats) -> tuple[int, int]:
    """Count the sessions since the last high, and those of the longest time below a high."""
    longest = current = 0
    for depth in drawdowns(equity):
        current = current + 1 if depth < 0 else 0
        longest = max(longest, current)
    return current, longest


def position_weighted_returns(returns: pl.DataFrame, weights: Mapping[str, float]) -> Floats:
    """Return what today's positions would have returned in each past session.

    Parameters
    ----------
    returns
        Columns ``symbol, session, return_1``: session returns of the symbols held, nulls allowed.
    weights
        Position value over equity per symbol (negative for a short); the rest is cash and returns 0.

    Returns
    -------
    numpy array
        One return per session of ``returns``, in order; a symbol without return that session counts as 0.
    """
    weight = pl.DataFrame(
        {"symbol": list(weights), "weight": list(weights.values())},
        schema={"symbol": pl.String(), "weight": pl.Float64()},
    )
    history = (
        returns.join(weight, on="symbol")
        .group_by("session")
        .agg((pl.col("return_1") * pl.col("weight")).sum().alias("value"))
        .sort("session")
    )
    return history["value"].to_numpy()


def risk_metrics(
    market_values_usd: Mapping[str, float], equity_usd: Floats, symbol_returns: pl.DataFrame
) -> pl.DataFrame:
    """Measure the book at the end of a session.

    Parameters
    ----------
    market_values_usd
        Market value per symbol held, negative for a short.
    equity_usd
        Equity at the end of each session so far, the opening equity first; the last is now.
    symbol_returns
        Columns ``symbol, session, return_1`` of the symbols held, over the history that value at risk looks at.

    Returns
    -------
    pl.DataFrame
        Rows of ``METRIC_SCHEMA``; null values where the history is too short. Fractions, never percent; losses and
        drawdowns are negative. Look-ahead: the session's close.
    """
    now = float(equity_usd[-1])
    values = np.array(list(market_values_usd.values()), dtype=np.float64)
    gross, net = float(np.abs(values).sum()), float(values.sum())
    share = 1.0 / now if now > 0 else math.nan
    weights = {symbol: value * share for symbol, value in market_values_usd.items()}
    past = position_weighted_returns(symbol_returns, weights)
    own = equity_usd[1:] / equity_usd[:-1] - 1.0
    depth = drawdowns(equity_usd)
    below, longest = drawdown_sessions(equity_usd)
    on_book = f"today's positions over {len(past)} past sessions"
    on_equity = f"equity of {len(equity_usd)} sessions"
    rows: list[tuple[str, float, str, str]] = [
        ("total_exposure_usd", gross, "USD", "sum of absolute market values"),
        ("gross_exposure_frac", gross * share, "fraction", "sum of absolute market values / equity"),
        ("net_exposure_frac", net * share, "fraction", "sum of signed market values / equity"),
        ("positions", float(np.count_nonzero(values)), "positions", "market value other than 0"),
        (
            "largest_position_frac",
            float(np.abs(values).max(initial=0.0)) * share,
            "fraction",
            "largest absolute market value / equity",
        ),
        ("volatility_book", annualised_volatility(past), "fraction per year", f"sample deviation, {on_book}"),
        (
            "volatility_equity",
            annualised_volatility(own),
            "fraction per year",
            f"sample deviation, {on_equity}",
        ),
    ]
    for confidence in (0.95, 0.99):
        name = f"{confidence * 100:.0f}"
        rows += [
            (f"var_{name}_1d", value_at_risk(past, confidence), "fraction", f"historical, {on_book}"),
            (
                f"cvar_{name}_1d",
                conditional_value_at_risk(past, confidence),
                "fraction",
                f"historical, {on_book}",
            ),
        ]
    rows += [
        ("drawdown_current", float(depth[-1]), "fraction", f"equity / highest equity - 1, {on_equity}"),
        ("drawdown_max", float(depth.min()), "fraction", on_equity),
        ("drawdown_sessions", float(below), "sessions", "sessions since the last high"),
        ("drawdown_sessions_max", float(longest), "sessions", "longest time below a high"),
    ]
    return pl.DataFrame(rows, schema=METRIC_SCHEMA, orient="row").with_columns(pl.col("value").fill_nan(None))
