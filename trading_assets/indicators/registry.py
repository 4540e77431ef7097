"""Registry: every feature of a (symbol, session), its function, inputs, warm-up, unit, range and names.

The only list of features. Table schema, feature builder, screener fields, charts and documentation are made
from it: a new indicator is one function and one entry here.
"""

from __future__ import annotations

from trading_assets.indicators import benchmark, extremes, momentum, returns, trend, volatility, volume
from trading_assets.indicators.feature import ANY, LOSS, PERCENT, POSITIVE, Feature, Indicator
from trading_assets.indicators.kernel import FloatArray


def reported(values: FloatArray) -> FloatArray:
    """Return the values as they were reported.

    Examples
    --------
    >>> import numpy as np
    >>> reported(np.array([10.0, 11.0])).tolist()
    [10.0, 11.0]
    """
    return values


# Function, inputs, parameters, source; then name, description, unit, warm-up, scale, range, names of each feature.
# A table reads better with a feature a line than with an argument a line.
# fmt: off
INDICATORS: tuple[Indicator, ...] = (
    Indicator(reported, ("raw_close",), (), "daily_bars", (
        Feature("close", "Raw close of the session", "USD", 1, "none", POSITIVE, ("price", "last price", "share price", "stock price", "closing price", "priced", "px"), pane="price"),)),
    Indicator(reported, ("raw_volume",), (), "daily_bars", (
        Feature("volume", "Shares traded in the session", "shares", 1, "none", POSITIVE, ("volume", "shares traded", "trading volume")),)),
    Indicator(trend.sma, ("close",), (20,), "TA-Lib SMA", (
        Feature("sma_20", "Simple moving average of 20 closes", "USD", 20, "price", POSITIVE, ("20-day SMA", "20 day moving average", "20 day average", "20 day simple moving average"), pane="price"),)),
    Indicator(trend.sma, ("close",), (50,), "TA-Lib SMA", (
        Feature("sma_50", "Simple moving average of 50 closes", "USD", 50, "price", POSITIVE, ("50-day SMA", "50 day moving average", "50 day average", "50 day simple moving average"), pane="price"),)),
    Indicator(trend.sma, ("close",), (200,), "TA-Lib SMA", (
        Feature("sma_200", "Simple moving average of 200 closes", "USD", 200, "price", POSITIVE, ("200-day SMA", "200 day moving average", "200 day average", "200 day simple moving average"), pane="price"),)),
    Indicator(trend.ema, ("close",), (12,), "TA-Lib EMA", (
        Feature("ema_12", "Exponential moving average, 12 sessions", "USD", 12, "price", POSITIVE, ("12-day EMA", "12 day exponential moving average", "12 day exponential average"), pane="price"),), ("average",)),
    Indicator(trend.ema, ("close",), (26,), "TA-Lib EMA", (
        Feature("ema_26", "Exponential moving average, 26 sessions", "USD", 26, "price", POSITIVE, ("26-day EMA", "26 day exponential moving average", "26 day exponential average"), pane="price"),), ("average",)),
    Indicator(trend.ema, ("close",), (50,), "TA-Lib EMA", (
        Feature("ema_50", "Exponential moving average, 50 sessions", "USD", 50, "price", POSITIVE, ("50-day EMA", "50 day exponential moving average", "50 day exponential average"), pane="price"),), ("average",)),
    Indicator(momentum.rsi, ("close",), (14,), "TA-Lib RSI", (
        Feature("rsi_14", "Relative strength index (Wilder), 14 sessions", "0-100", 15, "none", PERCENT, ("RSI", "relative strength index")),), ("gain", "loss")),
    Indicator(trend.macd, ("close",), (12, 26, 9), "TA-Lib MACD", (
        Feature("macd", "MACD line 12-26", "USD", 34, "price", ANY, ("MACD", "macd line")),
        Feature("macd_signal", "EMA 9 of the MACD line", "USD", 34, "price", ANY, ("MACD signal", "macd signal line", "signal line", "signal")),
        Feature("macd_histogram", "MACD line minus its signal", "USD", 34, "price", ANY, ("MACD histogram", "macd hist", "histogram")),), ("fast", "slow", "signal")),
    Indicator(volatility.bollinger, ("close", "sma_20"), (20, 2.0), "TA-Lib BBANDS; (close - SMA) / STDDEV", (
        Feature("bb_upper", "Upper Bollinger band, 20 sessions, 2 population deviations", "USD", 20, "price", POSITIVE, ("upper Bollinger band", "upper band", "upper bollinger", "upper bb", "bb upper"), pane="price"),
        Feature("bb_middle", "Middle Bollinger band", "USD", 20, "price", POSITIVE, ("middle Bollinger band", "middle band", "middle bb"), pane="price"),
        Feature("bb_lower", "Lower Bollinger band", "USD", 20, "price", ANY, ("lower Bollinger band", "lower band", "lower bollinger", "lower bb", "bb lower"), pane="price"),
        Feature("bb_position", "(close - lower) / (upper - lower); null where the bands coincide", "ratio", 20, "none", ANY, ("Bollinger position", "percent b", "%b")),
        Feature("zscore_20", "(close - sma_20) / population deviation of 20 closes; null where the price did not move", "deviations", 20, "none", ANY, ("z-score", "zscore")),)),
    Indicator(volatility.atr, ("high", "low", "close"), (14,), "TA-Lib ATR", (
        Feature("atr_14", "Average true range (Wilder), 14 sessions", "USD", 15, "price", POSITIVE, ("ATR", "average true range")),), ("average",)),
    Indicator(trend.adx, ("high", "low", "close"), (14,), "TA-Lib ADX", (
        Feature("adx_14", "Average directional index (Wilder), 14 sessions", "0-100", 28, "none", PERCENT, ("ADX", "average directional index", "trend strength")),), ("rises", "falls", "ranges", "index")),
    Indicator(momentum.stochastic, ("high", "low", "close"), (14, 3, 3), "TA-Lib STOCH(14, 3, 3)", (
        Feature("stoch_k", "Slow stochastic %K: 14 sessions, mean of 3", "0-100", 18, "none", PERCENT, ("stochastic %K", "stochastic", "stoch", "stochastics", "stochastic k", "%k")),
        Feature("stoch_d", "Slow stochastic %D: mean of 3 %K", "0-100", 18, "none", PERCENT, ("stochastic %D", "stochastic d", "%d")),)),
    Indicator(volatility.volatility, ("close",), (20,), "rolling sample deviation of log returns", (
        Feature("volatility_20", "Sample deviation of 20 log returns times sqrt(252)", "fraction per year", 21, "none", POSITIVE, ("volatility", "annualised volatility", "annualized volatility", "realised volatility", "realized volatility", "historical volatility"), is_annualised=True),)),
    Indicator(returns.total_return, ("close",), (1,), "TA-Lib ROCP", (
        Feature("return_1", "Total return over 1 session", "fraction", 2, "none", LOSS, ("1-day return", "daily return", "daily change", "change today", "price change today")),)),
    Indicator(returns.total_return, ("close",), (5,), "TA-Lib ROCP", (
        Feature("return_5", "Total return over 5 sessions", "fraction", 6, "none", LOSS, ("5-day return", "weekly return", "1 week return")),)),
    Indicator(returns.total_return, ("close",), (21,), "TA-Lib ROCP", (
        Feature("return_21", "Total return over 21 sessions", "fraction", 22, "none", LOSS, ("21-day return", "monthly return", "1 month return")),)),
    Indicator(returns.total_return, ("close",), (63,), "TA-Lib ROCP", (
        Feature("return_63", "Total return over 63 sessions", "fraction", 64, "none", LOSS, ("63-day return", "quarterly return", "3 month return")),)),
    Indicator(returns.total_return, ("close",), (126,), "TA-Lib ROCP", (
        Feature("return_126", "Total return over 126 sessions", "fraction", 127, "none", LOSS, ("126-day return", "6 month return", "half year return")),)),
    Indicator(returns.total_return, ("close",), (252,), "TA-Lib ROCP", (
        Feature("return_252", "Total return over 252 sessions", "fraction", 253, "none", LOSS, ("252-day return", "yearly return", "annual return", "1 year return", "12 month return")),)),
    Indicator(returns.total_return, ("close",), (252, 21), "Jegadeesh and Titman (1993), 12-1", (
        Feature("momentum_12_1", "Total return from 252 to 21 sessions ago", "fraction", 253, "none", LOSS, ("12-1 momentum", "momentum", "12 month momentum")),)),
    Indicator(trend.sma, ("volume",), (20,), "TA-Lib SMA of the volume", (
        Feature("volume_sma_20", "Mean volume of 20 sessions", "shares", 20, "shares", POSITIVE, ("20-day average volume", "average volume", "avg volume", "mean volume", "average daily volume", "average trading volume", "avg trading volume", "avg daily volume", "avg vol", "average vol", "usual volume", "normal volume", "typical volume", "usual daily volume", "20 day average daily volume", "adv")),)),
    Indicator(volume.volume_ratio, ("volume", "volume_sma_20"), (), "volume / SMA 20 of the volume", (
        Feature("volume_ratio", "Volume divided by its 20-session mean; null where nothing was traded", "ratio", 20, "none", POSITIVE, ("relative volume", "rel volume", "rvol", "volume ratio", "rel vol", "relative vol")),)),
    Indicator(trend.sma, ("traded_usd",), (20,), "TA-Lib SMA of close times volume", (
        Feature("dollar_volume_20", "Mean of raw close times raw volume over 20 sessions", "USD", 20, "none", POSITIVE, ("20-day dollar volume", "dollar volume", "average dollar volume", "turnover", "dollar vol", "avg dollar volume", "average daily dollar volume", "avg daily dollar volume", "$ volume", "avg $ volume", "average $ volume")),)),
    Indicator(extremes.highest, ("high",), (252,), "TA-Lib MAX", (
        Feature("high_252", "Highest high of 252 sessions", "USD", 252, "price", POSITIVE, ("52-week high", "52 wk high", "52 w high", "1 year high", "yearly high", "1 yr high", "12 month high"), pane="price"),)),
    Indicator(extremes.lowest, ("low",), (252,), "TA-Lib MIN", (
        Feature("low_252", "Lowest low of 252 sessions", "USD", 252, "price", POSITIVE, ("52-week low", "52 wk low", "52 w low", "1 year low", "yearly low", "1 yr low", "12 month low"), pane="price"),)),
    Indicator(extremes.distance, ("close", "high_252"), (), "close / MAX 252 of the highs - 1", (
        Feature("distance_high_252", "close / high_252 - 1", "fraction", 252, "none", (-1.0, 0.0), ("distance from 52-week high", "distance from high")),)),
    Indicator(returns.gap, ("open", "close"), (), "open / previous close - 1", (
        Feature("gap", "open / previous close - 1", "fraction", 2, "none", LOSS, ("opening gap", "overnight gap", "gap")),)),
    Indicator(benchmark.beta, ("close", "benchmark_close"), (252,), "empyrical beta", (
        Feature("beta_252", "Beta to SPY over 252 returns", "ratio", 253, "none", ANY, ("beta", "market beta")),)),
    Indicator(benchmark.correlation, ("close", "benchmark_close"), (63,), "Pearson correlation", (
        Feature("correlation_spy_63", "Correlation with SPY over 63 returns", "-1 to 1", 64, "none", (-1.0, 1.0), ("correlation with SPY", "market correlation", "correlation", "correlation to spy", "spy correlation", "correlation with market", "correlation to market")),)),
)
# fmt: on

FEATURES: dict[str, Feature] = {
    feature.name: feature for indicator in INDICATORS for feature in indicator.features
}
"""Every feature by name, in the order of the table's columns."""

CARRIED: tuple[str, ...] = tuple(
    f"{indicator.features[0].name}_{number}" for indicator in INDICATORS for number in indicator.carries
)
"""Every number that an indicator carries from bar to bar."""

WINDOW_BARS = max(feature.warm_up for feature in FEATURES.values())
"""Bars up to a row, its own included, that hold every window of the row."""
