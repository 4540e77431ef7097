"""Series: every registered indicator of one symbol's bars on the prices that they show; one row per bar."""

from __future__ import annotations

import math

import polars as pl

from trading_assets.indicators.feature import HOURS_PER_YEAR
from trading_assets.indicators.kernel import FloatArray
from trading_assets.indicators.registry import INDICATORS, reported
from trading_assets.indicators.volatility import SESSIONS_PER_YEAR

_PRICES = ("open", "high", "low", "close")


def with_indicators(bars: pl.DataFrame, benchmark_close: pl.Series, *, hourly: bool = False) -> pl.DataFrame:
    """Add every registered feature but the bars' own close and volume.

    Input: one symbol's bars, oldest first, in whatever scale they are to be looked at: ``open``, ``high``, ``low``,
    ``close``, ``volume``, and the ``price_scale`` and ``share_scale`` that made them from the raw ones. No nulls.

    Output: the bars with a column for each feature, prices and shares in the scale of the bars.

    Nulls: until the feature has its ``warm_up`` bars, and where a value is not defined.

    Look-ahead: a row knows bars up to its own; whoever scaled the bars answers for what their scale knows.

    Parameters
    ----------
    bars
        Daily bars, or hourly ones.
    benchmark_close
        The benchmark's close at each bar, in any one scale; null where there is none.
    hourly
        The bars are hours: annualised values count ``HOURS_PER_YEAR`` bars a year.

    Returns
    -------
    pl.DataFrame
        One row per bar.

    Examples
    --------
    >>> bars = pl.DataFrame({name: [10.0, 11.0] for name in ("open", "high", "low", "close", "volume")})
    >>> scaled = bars.with_columns(price_scale=1.0, share_scale=1.0)
    >>> with_indicators(scaled, bars["close"])["return_1"].to_list()
    [None, 0.1]
    """
    if bars.is_empty():
        shown = [item for item in INDICATORS if item.function is not reported]
        nothing = (pl.Series(feature.name, dtype=pl.Float64) for item in shown for feature in item.features)
        return bars.with_columns(nothing)
    values = _inputs(bars, benchmark_close)
    own = set(values)
    annual = math.sqrt(HOURS_PER_YEAR / SESSIONS_PER_YEAR) if hourly else 1.0
    columns = []
    for indicator in INDICATORS:
        if indicator.function is reported:
            continue
        result = indicator.function(*(values[name] for name in indicator.inputs), *indicator.parameters)
        outputs = result if isinstance(result, tuple) else (result,)
        for feature, output in zip(indicator.features, outputs, strict=True):
            if feature.name not in own:  # a feature may share its name with what it is made from
                values[feature.name] = output
            shown = output * annual if feature.is_annualised else output
            columns.append(pl.Series(feature.name, shown, dtype=pl.Float64, nan_to_null=True))
    return bars.with_columns(columns)


def _inputs(bars: pl.DataFrame, benchmark_close: pl.Series) -> dict[str, FloatArray]:
    raw = bars.select(
        *(pl.col(name).cast(pl.Float64) for name in (*_PRICES, "volume")),
        raw_close=pl.col("close") / pl.col("price_scale"),
        raw_volume=pl.col("volume") / pl.col("share_scale"),
    ).with_columns(traded_usd=pl.col("raw_close") * pl.col("raw_volume"))
    benchmark = benchmark_close.cast(pl.Float64).fill_null(math.nan)
    return {**{name: raw[name].to_numpy() for name in raw.columns}, "benchmark_close": benchmark.to_numpy()}
