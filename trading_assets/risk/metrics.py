"""Risk metrics of a book: one row per metric, from its positions, its equity history and its symbols' returns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.statistics.benchmark import beta
from trading_assets.statistics.covariance import sample_covariance
from trading_assets.statistics.drawdowns import drawdown_sessions, drawdowns
from trading_assets.statistics.performance import (
    annualised_volatility,
    calmar_ratio,
    sharpe_ratio,
    sortino_ratio,
)
from trading_assets.statistics.portfolio_risk import (
    component_contributions,
    concentration,
    effective_positions,
    marginal_contributions,
    mean_pair_correlation,
)
from trading_assets.statistics.stress import stress
from trading_assets.statistics.value_at_risk import (
    conditional_value_at_risk,
    monte_carlo_conditional_value_at_risk,
    monte_carlo_value_at_risk,
    parametric_conditional_value_at_risk,
    parametric_value_at_risk,
    value_at_risk,
)

Floats = npt.NDArray[np.float64]
Row = tuple[str, float, str, str]

CONFIDENCES = (0.95, 0.99)
HORIZONS = (1, 5, 21)
"""Sessions: a day, a week and a month."""
SEED = 1
"""Of the Monte Carlo figures: the same book has the same ones."""
METRIC_SCHEMA = pl.Schema(
    {"metric": pl.String(), "value": pl.Float64(), "unit": pl.String(), "method": pl.String()}
)
RETURN_SCHEMA = pl.Schema({"session": pl.Date(), "return_1": pl.Float64()})


@dataclass(frozen=True)
class Surroundings:
    """What is around a book."""

    benchmark_returns: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=RETURN_SCHEMA))
    """Columns ``session, return_1`` of the benchmark."""
    benchmark: str = "SPY"
    sectors: Mapping[str, str | None] = field(default_factory=dict)
    """Sector of each symbol held, where a source knows it."""


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
    return _by_session(returns, weights)["value"].to_numpy()


def risk_metrics(
    market_values_usd: Mapping[str, float],
    equity_usd: Floats,
    symbol_returns: pl.DataFrame,
    around: Surroundings | None = None,
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
    around
        Benchmark and sectors.

    Returns
    -------
    pl.DataFrame
        Rows of ``METRIC_SCHEMA``; null values where the history is too short. Fractions, never percent; losses and
        drawdowns are negative. Definitions as in ``trading_assets.statistics``, which are empyrical's where it has them.
        Look-ahead: the session's close.
    """
    around = around or Surroundings()
    now = float(equity_usd[-1])
    share = 1.0 / now if now > 0 else math.nan
    weights = {symbol: value * share for symbol, value in market_values_usd.items()}
    past = _by_session(symbol_returns, weights)
    rows = [
        *_exposures(market_values_usd, share, around),
        *_volatilities(past["value"].to_numpy(), equity_usd),
        *_at_risk(past["value"].to_numpy()),
        *_beside(past, around),
        *_contributions(symbol_returns, weights),
        *_drawdowns(equity_usd),
        *_stress(market_values_usd, share, around),
    ]
    return pl.DataFrame(rows, schema=METRIC_SCHEMA, orient="row").with_columns(pl.col("value").fill_nan(None))


def _by_session(returns: pl.DataFrame, weights: Mapping[str, float]) -> pl.DataFrame:
    weight = pl.DataFrame(
        {"symbol": list(weights), "weight": list(weights.values())},
        schema={"symbol": pl.String(), "weight": pl.Float64()},
    )
    value = (pl.col("return_1") * pl.col("weight")).sum().alias("value")
    return returns.join(weight, on="symbol").group_by("session").agg(value).sort("session")


def _exposures(values_usd: Mapping[str, float], share: float, around: Surroundings) -> Iterator[Row]:
    values = np.array(list(values_usd.values()), dtype=np.float64)
    gross, net = float(np.abs(values).sum()), float(values.sum())
    largest = float(np.abs(values).max(initial=0.0)) * share
    of_gross = "squared shares of the gross exposure, summed"
    yield "total_exposure_usd", gross, "USD", "sum of absolute market values"
    yield "gross_exposure_frac", gross * share, "fraction", "sum of absolute market values / equity"
    yield "net_exposure_frac", net * share, "fraction", "sum of signed market values / equity"
    yield "positions", float(np.count_nonzero(values)), "positions", "market value other than 0"
    yield "largest_position_frac", largest, "fraction", "largest absolute market value / equity"
    yield "concentration", concentration(values), "0 to 1", f"Herfindahl index: {of_gross}"
    yield "effective_positions", effective_positions(values), "equal positions", "1 / concentration"
    sectors: dict[str, float] = {}
    for symbol, value in values_usd.items():
        sector = around.sectors.get(symbol) or "unknown"
        sectors[sector] = sectors.get(sector, 0.0) + value
    for sector, value in sorted(sectors.items()):
        yield f"exposure {sector}", value * share, "fraction", "signed market values of the sector / equity"


def _volatilities(past: Floats, equity_usd: Floats) -> Iterator[Row]:
    own = equity_usd[1:] / equity_usd[:-1] - 1.0
    on_equity = f"equity of {len(equity_usd)} sessions"
    a_year = "fraction per year"
    yield "volatility_book", float(annualised_volatility(past)), a_year, f"sample deviation, {_on_book(past)}"
    yield "volatility_equity", float(annualised_volatility(own)), a_year, f"sample deviation, {on_equity}"
    yield "sharpe", float(sharpe_ratio(own)), "ratio", f"mean / deviation a year, no interest, {on_equity}"
    yield "sortino", float(sortino_ratio(own)), "ratio", f"mean / downside deviation a year, {on_equity}"
    yield "calmar", float(calmar_ratio(own)), "ratio", f"annual return / deepest drawdown, {on_equity}"


def _at_risk(past: Floats) -> Iterator[Row]:
    methods: tuple[tuple[str, str, Callable[..., Floats], Callable[..., Floats], dict[str, int]], ...] = (
        ("", "historical", value_at_risk, conditional_value_at_risk, {}),
        ("_normal", "normal", parametric_value_at_risk, parametric_conditional_value_at_risk, {}),
        (
            "_monte_carlo",
            "sessions drawn with replacement",
            monte_carlo_value_at_risk,
            monte_carlo_conditional_value_at_risk,
            {"seed": SEED},
        ),
    )
    for suffix, method, at_risk, beyond, chance in methods:
        for confidence in CONFIDENCES:
            for horizon in HORIZONS:
                name = f"{confidence * 100:.0f}_{horizon}d{suffix}"
                how = f"{method}, {_on_book(past)}"
                value, lost = (float(f(past, confidence, horizon, **chance)) for f in (at_risk, beyond))
                yield f"var_{name}", value, "fraction", how
                yield f"cvar_{name}", lost, "fraction", how


def _beside(past: pl.DataFrame, around: Surroundings) -> Iterator[Row]:
    both = past.join(around.benchmark_returns, on="session").drop_nulls()
    value = float(beta(both["value"].to_numpy(), both["return_1"].to_numpy()))
    how = f"to {around.benchmark}, today's positions over {both.height} past sessions"
    yield "beta", value, "ratio", how


def _contributions(returns: pl.DataFrame, weights: Mapping[str, float]) -> Iterator[Row]:
    wide = returns.filter(pl.col("symbol").is_in(list(weights))).pivot(
        on="symbol", index="session", values="return_1"
    )
    symbols = sorted(set(wide.columns) & set(weights))
    history = wide.select(symbols).cast(pl.Float64)
    # a symbol without return counts as 0, as in the volatility of the book, to which the parts sum
    filled = history.fill_null(0.0).to_numpy()
    covariance = sample_covariance(filled)
    held = np.array([weights[symbol] for symbol in symbols])
    whole = history.drop_nulls()
    pairs = mean_pair_correlation(sample_covariance(whole.to_numpy())) if symbols else math.nan
    how = f"mean of all pairs, over {whole.height} past sessions in which each has a return"
    yield "pair_correlation", pairs, "-1 to 1", how
    marginal = marginal_contributions(held, covariance)
    parts = component_contributions(held, covariance)
    for symbol, more, part in zip(symbols, marginal, parts, strict=True):
        grows = "what volatility_book grows by with a weight of 1 more"
        yield f"marginal_risk {symbol}", float(more), "fraction per year", grows
        yield f"risk {symbol}", float(part), "fraction per year", "its part of volatility_book"


def _drawdowns(equity_usd: Floats) -> Iterator[Row]:
    depth = drawdowns(equity_usd)
    below, longest = drawdown_sessions(equity_usd)
    on_equity = f"equity of {len(equity_usd)} sessions"
    now = float(depth[-1])
    recovery = -now / (1.0 + now) if now > -1.0 else math.nan
    yield "drawdown_current", now, "fraction", f"equity / highest equity - 1, {on_equity}"
    yield "drawdown_max", float(depth.min()), "fraction", on_equity
    yield "drawdown_recovery", recovery, "fraction", "gain that leads back to the high"
    yield "drawdown_sessions", float(below), "sessions", "sessions since the last high"
    yield "drawdown_sessions_max", float(longest), "sessions", "longest time below a high"


def _stress(values_usd: Mapping[str, float], share: float, around: Surroundings) -> Iterator[Row]:
    for row in stress(values_usd, around.sectors).iter_rows(named=True):
        how = f"{row['description']}, by sector"
        yield f"stress_{row['scenario'].removeprefix('crash_')}", row["profit_usd"] * share, "fraction", how


def _on_book(past: Floats) -> str:
    return f"today's positions over {len(past)} past sessions"
