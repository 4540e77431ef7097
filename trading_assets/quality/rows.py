"""Row rules: which single bars are impossible; one row per (symbol, bar, source) judged without its neighbours."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import polars as pl

from trading_assets.quality.thresholds import QualityThresholds

PRICES = ("open", "high", "low", "close")

RULES: tuple[str, ...] = (
    "phantom_session",
    "unfinished_bar",
    "null_price",
    "null_volume",
    "non_positive_price",
    "negative_volume",
    "high_below_low",
    "outside_range",
    "absurd_price",
    "duplicate",
    "unexplained_jump",
)
"""All row rules, in the order in which they are asked; a bar is refused by the first that it breaks."""

DISPUTABLE_RULES = frozenset({"absurd_price", "unexplained_jump"})
"""Rules that a real bar can break: a person may accept its values. What breaks any other rule is impossible."""


def values_text() -> pl.Expr:
    """Write the bar's numbers as findings show them and acceptances name them."""
    names = (*PRICES, "volume")
    numbers = [pl.col(name).cast(pl.Float64).cast(pl.String).fill_null("none") for name in names]
    return pl.format("open {} high {} low {} close {} volume {}", *numbers)


def rule_expression(
    sessions: Collection[date],
    thresholds: QualityThresholds,
    *,
    bar_starts: Collection[datetime] | None = None,
) -> pl.Expr:
    """Name the first rule that a bar breaks on its own.

    Parameters
    ----------
    sessions
        Exchange sessions of the range; a bar dated otherwise is a phantom.
    thresholds
        Limits of the rules.
    bar_starts
        Of bars within a session: where those of the sessions begin; a bar that begins elsewhere is a phantom.

    Returns
    -------
    pl.Expr
        String: the rule, or null for a bar that is possible. Look-ahead: none, it reads one row.
    """
    prices = [pl.col(name) for name in PRICES]
    close = pl.col("close")
    outside = pl.max_horizontal(
        pl.col("low") - pl.min_horizontal("open", "close"),
        pl.max_horizontal("open", "close") - pl.col("high"),
    )
    slack = pl.max_horizontal(
        pl.min_horizontal(pl.lit(thresholds.rounding_usd), close * thresholds.penny_rounding_frac),
        close * thresholds.rounding_frac,
    )
    rounding_error = 1e-9  # binary floating point: 0.50 - 0.49 must still count as one cent
    is_phantom = ~pl.col("session").is_in(sorted(sessions))
    if bar_starts is not None:
        is_phantom |= ~pl.col("bar_start").is_in(sorted(bar_starts))
    return (
        pl.when(is_phantom)
        .then(pl.lit("phantom_session"))
        .when(pl.any_horizontal([~price.is_finite().fill_null(value=False) for price in prices]))
        .then(pl.lit("null_price"))
        .when(~pl.col("volume").is_finite().fill_null(value=False))
        .then(pl.lit("null_volume"))
        .when(pl.min_horizontal(prices) <= 0)
        .then(pl.lit("non_positive_price"))
        .when(pl.col("volume") < 0)
        .then(pl.lit("negative_volume"))
        .when(pl.col("high") < pl.col("low"))
        .then(pl.lit("high_below_low"))
        .when(outside > slack + rounding_error)
        .then(pl.lit("outside_range"))
        .when(
            (pl.max_horizontal(prices) > thresholds.absurd_price_usd)
            & ~pl.col("symbol").is_in(sorted(thresholds.absurd_price_exempt))
        )
        .then(pl.lit("absurd_price"))
        .otherwise(pl.lit(None, dtype=pl.String))
    )


def expectation_expression(thresholds: QualityThresholds) -> pl.Expr:
    """Say in words what the rule in column ``rule`` expected of the bar."""
    ratio = thresholds.jump_ratio
    words = {
        "phantom_session": "the exchange is open at that time",
        "unfinished_bar": "the bar was fetched after the session's close and the vendor's delay",
        "null_price": "open, high, low and close are numbers",
        "null_volume": "the volume is a number",
        "non_positive_price": "open, high, low and close are above 0",
        "negative_volume": "the volume is 0 or more",
        "high_below_low": "the high is at least the low",
        "outside_range": "open and close lie within [low, high], up to rounding",
        "absurd_price": f"no price is above ${thresholds.absurd_price_usd:,.0f}",
        "duplicate": "one row per symbol, session and source",
        "unexplained_jump": (
            f"the close is within [1/{ratio:g}, {ratio:g}] times the last accepted close after known splits, "
            "or a traded bar confirms the step a bar later"
        ),
    }
    return pl.col("rule").replace_strict(words, return_dtype=pl.String)
