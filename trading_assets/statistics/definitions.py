"""Definitions of the statistics: one entry per public function, with its unit, its formula in words and the library that agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trading_assets.statistics import (
    backtest_overfitting,
    benchmark,
    bootstrap,
    calendar_returns,
    cash_flows,
    covariance,
    drawdowns,
    performance,
    plateau,
    portfolio_risk,
    regimes,
    rolling,
    sharpe_significance,
    splits,
    stress,
    trades,
    value_at_risk,
    weights,
)

Group = Literal[
    "performance", "drawdowns", "value at risk", "beside a benchmark", "by time", "cash flows", "trades",
    "portfolio risk", "weights", "research",
]  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """What a statistic is."""

    function: Callable[..., Any]
    group: Group
    unit: str
    formula: str
    source: str
    """Library whose figures it has in the tests, or where it comes from."""


_EMPYRICAL, _NONE = "empyrical-reloaded", ""
_MLDP = "purgedcv"

# fmt: off
_ALL: tuple[Definition, ...] = (
    Definition(performance.cumulative_return, "performance", "fraction", "product of (1 + return), minus 1", _EMPYRICAL),
    Definition(performance.cumulative_returns, "performance", "fraction", "the same up to each session", _EMPYRICAL),
    Definition(performance.annual_return, "performance", "fraction per year", "CAGR: (1 + cumulative return) ^ (252 / sessions) - 1; not by years of the calendar", _EMPYRICAL),
    Definition(performance.annualised_volatility, "performance", "fraction per year", "sample deviation (n - 1) x root of 252", _EMPYRICAL),
    Definition(performance.downside_risk, "performance", "fraction per year", "root of the mean over all sessions of min(return - required, 0) squared, x root of 252", _EMPYRICAL),
    Definition(performance.sharpe_ratio, "performance", "ratio per year", "mean (return - risk-free) / sample deviation x root of 252", _EMPYRICAL),
    Definition(performance.sortino_ratio, "performance", "ratio per year", "mean (return - required) x 252 / downside risk; not the semideviation around the mean", _EMPYRICAL),
    Definition(performance.calmar_ratio, "performance", "ratio per year", "annual return / size of the maximum drawdown", _EMPYRICAL),
    Definition(performance.omega_ratio, "performance", "ratio", "sum of gains / sum of losses, both against the required return of a session", _EMPYRICAL),
    Definition(performance.stability, "performance", "0 to 1", "R-squared of a line through the cumulative log returns", _EMPYRICAL),
    Definition(performance.tail_ratio, "performance", "ratio", "size of the 95th percentile / size of the 5th", _EMPYRICAL),
    Definition(performance.skewness, "performance", "ratio", "third central moment / population deviation cubed; corrected for the sample on request", "scipy"),
    Definition(performance.excess_kurtosis, "performance", "ratio", "fourth central moment / population variance squared - 3; corrected for the sample on request", "scipy"),
    Definition(drawdowns.drawdowns, "drawdowns", "fraction", "equity / highest equity so far - 1", _EMPYRICAL),
    Definition(drawdowns.drawdown_series, "drawdowns", "fraction", "the same of compounded returns, from 1 before the first", _EMPYRICAL),
    Definition(drawdowns.max_drawdown, "drawdowns", "fraction", "least of the drawdown series; returns are compounded, not summed", _EMPYRICAL),
    Definition(drawdowns.drawdown_table, "drawdowns", "table", "a row per stretch below a high: peak, trough, recovery, depth, sessions down and up, calendar days", _NONE),
    Definition(drawdowns.longest_drawdown, "drawdowns", "sessions", "most sessions in a row below a high", _NONE),
    Definition(drawdowns.longest_drawdown_days, "drawdowns", "calendar days", "from the first session below the high to the recovery, or to the last session", "quantstats and ffn, for SPY"),
    Definition(drawdowns.drawdown_sessions, "drawdowns", "sessions", "since the last high, and most in a row below one, of an equity curve", _NONE),
    Definition(value_at_risk.value_at_risk, "value at risk", "fraction", "historical: (1 - confidence) quantile, interpolated linearly, of overlapping compounded returns of the horizon; a loss is negative", _EMPYRICAL),
    Definition(value_at_risk.conditional_value_at_risk, "value at risk", "fraction", "mean of the int((n - 1) x (1 - confidence)) + 1 worst of them", _EMPYRICAL),
    Definition(value_at_risk.parametric_value_at_risk, "value at risk", "fraction", "normal: mean x horizon + quantile x sample deviation x root of the horizon", "scipy"),
    Definition(value_at_risk.parametric_conditional_value_at_risk, "value at risk", "fraction", "mean of that normal distribution below it", "scipy"),
    Definition(value_at_risk.monte_carlo_value_at_risk, "value at risk", "fraction", "quantile of futures made of past sessions drawn with replacement, by a seed", _NONE),
    Definition(value_at_risk.monte_carlo_conditional_value_at_risk, "value at risk", "fraction", "mean of the worst (1 - confidence) share of them", _NONE),
    Definition(value_at_risk.horizon_returns, "value at risk", "fraction", "compounded returns of each so many sessions in a row", "pandas"),
    Definition(value_at_risk.drawn_returns, "value at risk", "fraction", "compounded returns of futures made of past sessions drawn with replacement", _NONE),
    Definition(benchmark.alpha, "beside a benchmark", "fraction per year", "(1 + mean of (return - beta x benchmark)) ^ 252 - 1", _EMPYRICAL),
    Definition(benchmark.beta, "beside a benchmark", "ratio", "covariance with the benchmark / its variance", _EMPYRICAL),
    Definition(benchmark.correlation, "beside a benchmark", "-1 to 1", "Pearson's correlation", "numpy"),
    Definition(benchmark.tracking_error, "beside a benchmark", "fraction per year", "sample deviation of (return - benchmark) x root of 252", _EMPYRICAL),
    Definition(benchmark.information_ratio, "beside a benchmark", "ratio per year", "mean (return - benchmark) / their sample deviation x root of 252", _EMPYRICAL),
    Definition(benchmark.up_capture, "beside a benchmark", "ratio", "annual return / the benchmark's, of the sessions in which it rose", _EMPYRICAL),
    Definition(benchmark.down_capture, "beside a benchmark", "ratio", "annual return / the benchmark's, of the sessions in which it fell", _EMPYRICAL),
    Definition(calendar_returns.period_returns, "by time", "table", "compounded return of each month, quarter or year", _EMPYRICAL),
    Definition(calendar_returns.month_table, "by time", "table", "a row per year, a column per month", _EMPYRICAL),
    Definition(rolling.rolling_volatility, "by time", "fraction per year", "annualised volatility of the last sessions", _EMPYRICAL),
    Definition(rolling.rolling_sharpe, "by time", "ratio per year", "Sharpe ratio of the last sessions", _EMPYRICAL),
    Definition(rolling.rolling_beta, "by time", "ratio", "beta of the last sessions", _EMPYRICAL),
    Definition(regimes.regimes, "by time", "table", "bull above the average close, turbulent above the median volatility; known before the session", "numpy"),
    Definition(regimes.by_regime, "by time", "table", "return, volatility, Sharpe ratio and drawdown of the sessions of each regime", _NONE),
    Definition(cash_flows.time_weighted_returns, "cash flows", "fraction", "equity / (equity before + deposit) - 1 a session", _NONE),
    Definition(cash_flows.time_weighted_return, "cash flows", "fraction", "product of (1 + time-weighted return), minus 1", _NONE),
    Definition(cash_flows.money_weighted_return, "cash flows", "fraction per year", "XIRR: rate at which all deposits grow to the final value, actual days / 365", "scipy, Excel"),
    Definition(trades.win_rate, "trades", "fraction", "trades with a profit above 0 / all trades", _NONE),
    Definition(trades.profit_factor, "trades", "ratio", "sum of profits / sum of losses", _NONE),
    Definition(trades.expectancy, "trades", "of the profits", "mean profit of a trade", _NONE),
    Definition(trades.payoff_ratio, "trades", "ratio", "mean profit of winners / mean loss of losers", _NONE),
    Definition(trades.excursions, "trades", "fraction", "MAE and MFE: furthest price against and for the trade, from its entry's bar to its exit's / entry price - 1", "numpy"),
    Definition(covariance.sample_covariance, "portfolio risk", "fraction squared", "sample covariance (n - 1) of the sessions in which all have a return", "numpy"),
    Definition(covariance.ewma_covariance, "portfolio risk", "fraction squared", "weights 0.94 ^ age, around a mean of 0", "pandas"),
    Definition(covariance.ledoit_wolf_covariance, "portfolio risk", "fraction squared", "shrunk towards the mean variance without correlation", "scikit-learn"),
    Definition(covariance.correlation_matrix, "portfolio risk", "-1 to 1", "covariance / both deviations", "pandas"),
    Definition(portfolio_risk.portfolio_volatility, "portfolio risk", "fraction per year", "root of (w' C w x 252)", "numpy"),
    Definition(portfolio_risk.marginal_contributions, "portfolio risk", "fraction per year", "C w x 252 / volatility", "scipy"),
    Definition(portfolio_risk.component_contributions, "portfolio risk", "fraction per year", "weight x marginal contribution; they sum to the volatility", "scipy"),
    Definition(portfolio_risk.concentration, "portfolio risk", "0 to 1", "Herfindahl: sum of squared shares of the gross exposure", _NONE),
    Definition(portfolio_risk.effective_positions, "portfolio risk", "positions", "1 / concentration", _NONE),
    Definition(portfolio_risk.mean_pair_correlation, "portfolio risk", "-1 to 1", "mean correlation of all pairs", "pandas"),
    Definition(portfolio_risk.diversification_ratio, "portfolio risk", "ratio", "sum of the positions' own volatilities / portfolio volatility", _NONE),
    Definition(stress.stress, "portfolio risk", "USD", "market value x move of its symbol, else of its sector, else of the market", _NONE),
    Definition(weights.equal_weights, "weights", "fraction", "1 / number of series", _NONE),
    Definition(weights.inverse_volatility_weights, "weights", "fraction", "proportional to 1 / volatility", _NONE),
    Definition(weights.risk_parity_weights, "weights", "fraction", "positive weights with equal (or given) contributions to risk", "scipy"),
    Definition(weights.volatility_target_scale, "weights", "ratio", "target / portfolio volatility, within a gross exposure", _NONE),
    Definition(sharpe_significance.session_sharpe, "research", "ratio per session", "mean / population deviation, not annualised", _MLDP),
    Definition(sharpe_significance.probabilistic_sharpe, "research", "probability", "normal probability that the true session Sharpe ratio is above a benchmark, given skew and tails", _MLDP),
    Definition(sharpe_significance.deflated_sharpe, "research", "probability", "the same against the expected maximum of the trials", _MLDP),
    Definition(sharpe_significance.expected_maximum_sharpe, "research", "ratio per session", "best Sharpe ratio that chance gives among so many trials of that variance", _MLDP),
    Definition(sharpe_significance.minimum_track_record, "research", "sessions", "length at which the probabilistic Sharpe ratio reaches the confidence", _MLDP),
    Definition(sharpe_significance.trial_variance, "research", "ratio squared", "sample variance of the trials' session Sharpe ratios", "numpy"),
    Definition(splits.purged_folds, "research", "rows", "k runs, each tested once; labels that overlap and an embargo after it are not learned from", _MLDP),
    Definition(splits.combinatorial_folds, "research", "rows", "a split for every choice of test runs, purged", _MLDP),
    Definition(splits.combinatorial_paths, "research", "of the results", "whole histories out of the results of the splits", _MLDP),
    Definition(splits.walk_forward, "research", "rows", "tests the end piece by piece, learns from what came before: all or a window of it", _MLDP),
    Definition(splits.blocks, "research", "rows", "runs of rows in order, whose lengths differ by one at most", _MLDP),
    Definition(backtest_overfitting.backtest_overfitting, "research", "probability", "share of halves of the past whose best trial is below the median on the other half", _MLDP),
    Definition(bootstrap.stationary_rows, "research", "rows", "blocks of the past of geometric length, by a seed", _NONE),
    Definition(bootstrap.bootstrapped_equity, "research", "of the start", "equity curves of such histories", _NONE),
    Definition(bootstrap.equity_bands, "research", "of the start", "quantiles of those curves, session by session", _NONE),
    Definition(bootstrap.bootstrapped_drawdowns, "research", "fraction", "deepest drawdown of each of them", _NONE),
    Definition(plateau.plateau_map, "research", "fraction", "share of a cell's neighbours that lack at most 10 % of its score", _NONE),
    Definition(plateau.plateau_score, "research", "fraction", "the same at the best cell", _NONE),
)
# fmt: on

DEFINITIONS: dict[str, Definition] = {one.function.__name__: one for one in _ALL}
"""Definition of every public statistic by its name."""
