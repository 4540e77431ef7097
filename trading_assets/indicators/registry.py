"""Registry: every feature of a (symbol, session), its function, inputs, warm-up, unit, range and names.

The only list of features. Table schema, feature builder, screener fields, charts and documentation are made
from it: a new indicator is one function and one entry here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trading_assets.indicators import extremes, market, momentum, returns, trend, volatility, volume
from trading_assets.indicators.kernel import FloatArray
from trading_assets.indicators.volatility import SESSIONS_PER_YEAR

Scale = Literal["price", "shares", "none"]
Range = tuple[float | None, float | None]

HOURS_PER_SESSION = 7
"""Hourly bars of a full session: six hours and the half hour after the open."""
HOURS_PER_YEAR = SESSIONS_PER_YEAR * HOURS_PER_SESSION

POSITIVE: Range = (0.0, None)
ANY: Range = (None, None)
LOSS: Range = (-1.0, None)


@dataclass(frozen=True)
class Feature:
    """One column of ``daily_features`` and of ``hourly_features``.

    ``warm_up`` counts the bars of a symbol before the first value (that bar included). ``scale`` says which
    adjustment factor brings the value into its session's own scale. ``aliases`` are what people call it.
    ``is_annualised`` values are computed for ``SESSIONS_PER_YEAR`` bars a year and grow with the root of their number.
    """

    name: str
    description: str
    unit: str
    warm_up: int
    scale: Scale = "none"
    valid_range: Range = ANY
    aliases: tuple[str, ...] = ()
    is_annualised: bool = False

    @property
    def hourly_description(self) -> str:
        """What the column means in ``hourly_features``: the same, with bars for sessions."""
        words = self.description.replace("session", "bar")
        return words.replace(
            f"sqrt({SESSIONS_PER_YEAR})", f"sqrt({HOURS_PER_YEAR}): {HOURS_PER_SESSION} bars a session"
        )


@dataclass(frozen=True)
class Indicator:
    """One function with its arguments, and the features that it returns, in order.

    ``inputs`` name columns of the adjusted bars (``open``, ``high``, ``low``, ``close``, ``volume``), raw
    ones (``raw_close``, ``raw_volume``, ``traded_usd``), the benchmark (``benchmark_close``) or features of
    an earlier entry. ``source`` says whose definition it is.
    """

    function: Callable[..., Any]
    inputs: tuple[str, ...]
    parameters: tuple[float, ...]
    features: tuple[Feature, ...]
    source: str


def reported(values: FloatArray, starts: object = None) -> FloatArray:  # noqa: ARG001 - every indicator can be called with the borders
    """Return the values as they were reported.

    Examples
    --------
    >>> import numpy as np
    >>> reported(np.array([10.0, 11.0])).tolist()
    [10.0, 11.0]
    """
    return values


def _sma(period: int) -> Indicator:
    feature = Feature(
        f"sma_{period}",
        f"Simple moving average of {period} closes",
        "USD",
        period,
        "price",
        POSITIVE,
        (f"{period} sma", f"sma {period}", f"{period} day moving average", f"{period} day average"),
    )
    return Indicator(trend.sma, ("close",), (period,), (feature,), "TA-Lib SMA")


def _ema(period: int) -> Indicator:
    feature = Feature(
        f"ema_{period}",
        f"Exponential moving average, {period} sessions",
        "USD",
        period,
        "price",
        POSITIVE,
        (f"{period} ema", f"ema {period}", f"{period} day exponential average"),
    )
    return Indicator(trend.ema, ("close",), (period,), (feature,), "TA-Lib EMA")


def _return(sessions: int, *aliases: str) -> Indicator:
    feature = Feature(
        f"return_{sessions}",
        f"Total return over {sessions} session{'s' if sessions > 1 else ''}",
        "fraction",
        sessions + 1,
        "none",
        LOSS,
        (f"{sessions} day return", *aliases),
    )
    return Indicator(returns.total_return, ("close",), (sessions,), (feature,), "TA-Lib ROCP")


INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        reported,
        ("raw_close",),
        (),
        (Feature("close", "Raw close of the session", "USD", 1, "none", POSITIVE, ("price", "last price")),),
        "daily_bars",
    ),
    Indicator(
        reported,
        ("raw_volume",),
        (),
        (
            Feature(
                "volume", "Shares traded in the session", "shares", 1, "none", POSITIVE, ("shares traded",)
            ),
        ),
        "daily_bars",
    ),
    *(_sma(period) for period in (20, 50, 200)),
    *(_ema(period) for period in (12, 26, 50)),
    Indicator(
        momentum.rsi,
        ("close",),
        (14,),
        (
            Feature(
                "rsi_14",
                "Relative strength index (Wilder), 14 sessions",
                "0-100",
                15,
                "none",
                (0.0, 100.0),
                ("rsi", "relative strength", "relative strength index"),
            ),
        ),
        "TA-Lib RSI",
    ),
    Indicator(
        trend.macd,
        ("close",),
        (12, 26, 9),
        (
            Feature("macd", "MACD line 12-26", "USD", 34, "price", ANY, ("macd line",)),
            Feature("macd_signal", "EMA 9 of the MACD line", "USD", 34, "price", ANY, ("macd signal line",)),
            Feature("macd_histogram", "MACD line minus its signal", "USD", 34, "price", ANY, ("macd hist",)),
        ),
        "TA-Lib MACD",
    ),
    Indicator(
        volatility.bollinger,
        ("close",),
        (20, 2.0),
        (
            Feature(
                "bb_upper",
                "Upper Bollinger band, 20 sessions, 2 population deviations",
                "USD",
                20,
                "price",
                POSITIVE,
                ("upper bollinger band", "upper band"),
            ),
            Feature(
                "bb_middle", "Middle Bollinger band", "USD", 20, "price", POSITIVE, ("middle bollinger band",)
            ),
            Feature(
                "bb_lower",
                "Lower Bollinger band",
                "USD",
                20,
                "price",
                ANY,
                ("lower bollinger band", "lower band"),
            ),
            Feature(
                "bb_position",
                "(close - lower) / (upper - lower); null where the bands coincide",
                "fraction",
                20,
                "none",
                ANY,
                ("bollinger position", "percent b"),
            ),
        ),
        "TA-Lib BBANDS",
    ),
    Indicator(
        volatility.atr,
        ("high", "low", "close"),
        (14,),
        (
            Feature(
                "atr_14",
                "Average true range (Wilder), 14 sessions",
                "USD",
                15,
                "price",
                POSITIVE,
                ("atr", "average true range"),
            ),
        ),
        "TA-Lib ATR",
    ),
    Indicator(
        trend.adx,
        ("high", "low", "close"),
        (14,),
        (
            Feature(
                "adx_14",
                "Average directional index (Wilder), 14 sessions",
                "0-100",
                28,
                "none",
                (0.0, 100.0),
                ("adx", "trend strength"),
            ),
        ),
        "TA-Lib ADX",
    ),
    Indicator(
        momentum.stochastic,
        ("high", "low", "close"),
        (14, 3, 3),
        (
            Feature(
                "stoch_k",
                "Slow stochastic %K: 14 sessions, mean of 3",
                "0-100",
                18,
                "none",
                (0.0, 100.0),
                ("stochastic", "stochastic k", "%k"),
            ),
            Feature(
                "stoch_d",
                "Slow stochastic %D: mean of 3 %K",
                "0-100",
                18,
                "none",
                (0.0, 100.0),
                ("stochastic d", "%d"),
            ),
        ),
        "TA-Lib STOCH(14, 3, 3)",
    ),
    Indicator(
        volatility.volatility,
        ("close",),
        (20,),
        (
            Feature(
                "volatility_20",
                "Sample deviation of 20 log returns times sqrt(252)",
                "fraction per year",
                21,
                "none",
                POSITIVE,
                ("volatility", "annualised volatility", "annualized volatility"),
                is_annualised=True,
            ),
        ),
        "rolling sample deviation of log returns",
    ),
    _return(1, "daily return", "change", "change today"),
    _return(5, "weekly return", "1 week return"),
    _return(21, "monthly return", "1 month return"),
    _return(63, "quarterly return", "3 month return"),
    _return(126, "6 month return", "half year return"),
    _return(252, "yearly return", "1 year return", "12 month return"),
    Indicator(
        returns.total_return,
        ("close",),
        (252, 21),
        (
            Feature(
                "momentum_12_1",
                "Total return from 252 to 21 sessions ago",
                "fraction",
                253,
                "none",
                LOSS,
                ("momentum", "12-1 momentum", "12 month momentum"),
            ),
        ),
        "Jegadeesh and Titman (1993), 12-1",
    ),
    Indicator(
        trend.sma,
        ("volume",),
        (20,),
        (
            Feature(
                "volume_sma_20",
                "Mean volume of 20 sessions",
                "shares",
                20,
                "shares",
                POSITIVE,
                ("average volume", "avg volume"),
            ),
        ),
        "TA-Lib SMA of the volume",
    ),
    Indicator(
        volume.volume_ratio,
        ("volume", "volume_sma_20"),
        (),
        (
            Feature(
                "volume_ratio",
                "Volume divided by its 20-session mean",
                "ratio",
                20,
                "none",
                POSITIVE,
                ("relative volume", "rel volume"),
            ),
        ),
        "volume / SMA 20 of the volume",
    ),
    Indicator(
        trend.sma,
        ("traded_usd",),
        (20,),
        (
            Feature(
                "dollar_volume_20",
                "Mean of raw close times raw volume over 20 sessions",
                "USD",
                20,
                "none",
                POSITIVE,
                ("dollar volume", "average dollar volume", "turnover"),
            ),
        ),
        "TA-Lib SMA of close times volume",
    ),
    Indicator(
        extremes.highest,
        ("high",),
        (252,),
        (
            Feature(
                "high_252",
                "Highest high of 252 sessions",
                "USD",
                252,
                "price",
                POSITIVE,
                ("52 week high", "52-week high", "yearly high"),
            ),
        ),
        "TA-Lib MAX",
    ),
    Indicator(
        extremes.lowest,
        ("low",),
        (252,),
        (
            Feature(
                "low_252",
                "Lowest low of 252 sessions",
                "USD",
                252,
                "price",
                POSITIVE,
                ("52 week low", "52-week low", "yearly low"),
            ),
        ),
        "TA-Lib MIN",
    ),
    Indicator(
        extremes.distance,
        ("close", "high_252"),
        (),
        (
            Feature(
                "distance_high_252",
                "close / high_252 - 1",
                "fraction",
                252,
                "none",
                (-1.0, 0.0),
                ("distance from 52 week high", "distance from high"),
            ),
        ),
        "close / MAX 252 of the highs - 1",
    ),
    Indicator(
        returns.gap,
        ("open", "close"),
        (),
        (
            Feature(
                "gap",
                "open / previous close - 1",
                "fraction",
                2,
                "none",
                LOSS,
                ("opening gap", "overnight gap"),
            ),
        ),
        "open / previous close - 1",
    ),
    Indicator(
        market.beta,
        ("close", "benchmark_close"),
        (252,),
        (
            Feature(
                "beta_252",
                "Beta to SPY over 252 returns",
                "ratio",
                253,
                "none",
                ANY,
                ("beta", "market beta"),
            ),
        ),
        "empyrical beta",
    ),
    Indicator(
        market.correlation,
        ("close", "benchmark_close"),
        (63,),
        (
            Feature(
                "correlation_spy_63",
                "Correlation with SPY over 63 returns",
                "-1 to 1",
                64,
                "none",
                (-1.0, 1.0),
                ("correlation with spy", "market correlation"),
            ),
        ),
        "Pearson correlation",
    ),
    Indicator(
        volatility.zscore,
        ("close",),
        (20,),
        (
            Feature(
                "zscore_20",
                "(close - sma_20) / population deviation of 20 closes; null where the price did not move",
                "deviations",
                20,
                "none",
                ANY,
                ("z score", "z-score", "zscore"),
            ),
        ),
        "(close - TA-Lib SMA) / TA-Lib STDDEV",
    ),
)

FEATURES: dict[str, Feature] = {
    feature.name: feature for indicator in INDICATORS for feature in indicator.features
}
"""Every feature by name, in the order of the table's columns."""
