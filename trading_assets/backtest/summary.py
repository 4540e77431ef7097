"""Summary: a backtest in figures, each with its definition; the same table feeds the terminal, JSON and the tear sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from trading_assets.backtest.replay import Replay
from trading_assets.indicators.kernel import FloatArray
from trading_assets.statistics import benchmark as against
from trading_assets.statistics import drawdowns, performance, sharpe_significance, trades, value_at_risk


@dataclass(frozen=True)
class Figure:
    """One number; NaN where there is too little to say. ``unit`` is frac, usd, ratio, count or sessions."""

    name: str
    group: str
    value: float
    unit: str
    definition: str


@dataclass(frozen=True)
class Curves:
    """What a backtest earned, session by session.

    ``gross_returns`` are before fees and slippage. ``benchmark_returns`` are NaN where the benchmark has none, and on the first
    session: the account decides at its close for the first time.
    """

    sessions: Sequence[date]
    equity_usd: FloatArray
    returns: FloatArray
    gross_returns: FloatArray
    benchmark_returns: FloatArray
    exposure_frac: FloatArray
    positions: FloatArray
    costs_usd: FloatArray


def curves_of(result: Replay, benchmark: pl.DataFrame) -> Curves:
    """Return the curves of a replay.

    Parameters
    ----------
    benchmark
        ``session`` and ``return_1``, the benchmark's adjusted return of each session.
    """
    opening = float(result.opening_cash_usd)
    before = np.concatenate([[opening], result.equity_usd[:-1]])
    places = {session: place for place, session in enumerate(result.sessions)}
    paid = np.zeros(len(result.sessions))
    for fill in result.portfolio.fills:
        paid[places[fill.session]] += float(fill.fees_usd + fill.slippage_usd)
    returns = result.equity_usd / before - 1.0
    known = dict(benchmark.select("session", "return_1").iter_rows())
    return Curves(
        sessions=result.sessions,
        equity_usd=result.equity_usd,
        returns=returns,
        gross_returns=returns + paid / before,
        benchmark_returns=np.array([np.nan, *(_number(known.get(day)) for day in result.sessions[1:])]),
        exposure_frac=result.gross_usd / result.equity_usd,
        positions=result.positions,
        costs_usd=paid,
    )


def figures(result: Replay, curves: Curves, trips: pl.DataFrame) -> list[Figure]:
    """Return the figures of a backtest, in the order in which they are shown.

    Parameters
    ----------
    trips
        Rows of ``ROUND_TRIP_SCHEMA``.
    """
    closed = trips.filter(pl.col("exit_session").is_not_null())
    profits = closed["profit_usd"].to_numpy()
    known: dict[str, float] = {
        "final_equity_usd": float(curves.equity_usd[-1]),
        "trades": closed.height,
        "open_trades": trips.height - closed.height,
        "mean_holding_sessions": _mean_holding(closed, curves.sessions),
        "fees_usd": float(result.portfolio.fees_usd),
        "slippage_usd": float(result.portfolio.slippage_usd),
        "interest_usd": float(result.portfolio.interest_usd),
        "income_usd": float(result.portfolio.income_usd),
        "turnover_frac": _turnover(result, curves),
        "mean_exposure_frac": float(curves.exposure_frac.mean()),
        "unfilled_orders": result.unfilled,
        "cut_fills": result.cut,
    }
    of_returns: dict[str, Callable[[FloatArray], object]] = {
        "total_return_frac": performance.cumulative_return,
        "annual_return_frac": performance.annual_return,
        "volatility_frac": performance.annualised_volatility,
        "sharpe": performance.sharpe_ratio,
        "sortino": performance.sortino_ratio,
        "calmar": performance.calmar_ratio,
        "max_drawdown_frac": drawdowns.max_drawdown,
        "longest_drawdown_sessions": drawdowns.longest_drawdown,
        "value_at_risk_95_frac": value_at_risk.value_at_risk,
        "conditional_value_at_risk_95_frac": value_at_risk.conditional_value_at_risk,
        "probabilistic_sharpe": sharpe_significance.probabilistic_sharpe,
    }
    of_both = {
        "beta": against.beta,
        "alpha_frac": against.alpha,
        "information_ratio": against.information_ratio,
        "correlation": against.correlation,
    }
    of_trades: dict[str, Callable[[FloatArray], object]] = {
        "win_rate_frac": trades.win_rate,
        "profit_factor": trades.profit_factor,
        "expectancy_usd": trades.expectancy,
    }
    known |= {name: _number(figure(curves.returns)) for name, figure in of_returns.items()}
    known |= {
        name: _number(figure(curves.returns, curves.benchmark_returns)) for name, figure in of_both.items()
    }
    known |= {name: _number(figure(profits)) for name, figure in of_trades.items()}
    known["gross_return_frac"] = _number(performance.cumulative_return(curves.gross_returns))
    known["benchmark_return_frac"] = _number(performance.cumulative_return(curves.benchmark_returns))
    return [
        Figure(name, group, known[name], unit, words) for name, (group, unit, words) in DEFINITIONS.items()
    ]


DEFINITIONS: dict[str, tuple[str, str, str]] = {
    "final_equity_usd": ("return", "usd", "cash and shares at the last close"),
    "total_return_frac": ("return", "frac", "net of all costs, compounded"),
    "gross_return_frac": ("return", "frac", "the same before fees and slippage"),
    "benchmark_return_frac": ("return", "frac", "SPY with dividends, from the close of the first session on"),
    "annual_return_frac": ("return", "frac", "compounded, by 252 sessions a year"),
    "volatility_frac": ("risk", "frac", "sample deviation of session returns x root of 252"),
    "sharpe": ("risk", "ratio", "mean / deviation of session returns x root of 252, no risk-free rate"),
    "sortino": ("risk", "ratio", "mean return / root mean square of losses, x root of 252"),
    "calmar": ("risk", "ratio", "annual return / largest drawdown"),
    "max_drawdown_frac": ("risk", "frac", "largest fall of the equity from its highest close"),
    "longest_drawdown_sessions": ("risk", "sessions", "longest time below an earlier highest close"),
    "value_at_risk_95_frac": ("risk", "frac", "5 % quantile of session returns"),
    "conditional_value_at_risk_95_frac": ("risk", "frac", "mean of the worst 5 % of session returns"),
    "beta": ("benchmark", "ratio", "covariance with SPY / its variance"),
    "alpha_frac": ("benchmark", "frac", "annual return that beta does not explain"),
    "information_ratio": ("benchmark", "ratio", "mean return above SPY's / its deviation"),
    "correlation": ("benchmark", "ratio", "of session returns with SPY's"),
    "trades": ("trades", "count", "round trips, first in first out"),
    "open_trades": ("trades", "count", "still held, valued at the last close"),
    "win_rate_frac": ("trades", "frac", "round trips with a profit, net"),
    "profit_factor": ("trades", "ratio", "sum of profits / sum of losses"),
    "expectancy_usd": ("trades", "usd", "mean profit of a round trip"),
    "mean_holding_sessions": ("trades", "sessions", "from the entry's session to the exit's"),
    "turnover_frac": ("trades", "frac", "bought and sold / 2 / mean equity, a year"),
    "mean_exposure_frac": ("trades", "frac", "value of the shares / equity, mean of the closes"),
    "fees_usd": ("costs", "usd", "of the broker and the regulators"),
    "slippage_usd": ("costs", "usd", "paid beyond the open's price"),
    "interest_usd": ("costs", "usd", "on negative cash"),
    "income_usd": ("costs", "usd", "dividends and cash for fractions of shares, received"),
    "unfilled_orders": ("caveats", "count", "expired, because the symbol did not open"),
    "cut_fills": ("caveats", "count", "cut to the allowed part of the bar's volume"),
    "probabilistic_sharpe": ("caveats", "frac", "probability that the true Sharpe ratio is above 0"),
}


def _number(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type] # a float or an array of one


def _mean_holding(closed: pl.DataFrame, sessions: Sequence[date]) -> float:
    if closed.is_empty():
        return float("nan")
    place = {day: number for number, day in enumerate(sessions)}
    held = [
        place[left] - place[came] for came, left in closed.select("entry_session", "exit_session").iter_rows()
    ]
    return float(np.mean(held))


def _turnover(result: Replay, curves: Curves) -> float:
    traded = sum(float(abs(fill.quantity) * fill.price_usd) for fill in result.portfolio.fills)
    years = len(curves.sessions) / 252
    return traded / 2 / float(curves.equity_usd.mean()) / years
