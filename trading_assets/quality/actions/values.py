"""Corporate-action checks: ratios and amounts that cannot be, and actions told twice; per (symbol, ex-date, kind)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.quality.thresholds import QualityThresholds

KINDS = ("split", "cash_dividend", "spin_off", "symbol_change", "delisting")
_TOLD_TWICE_DAYS = 5
_LEAST_RATIO = 1.05


def action_values(
    actions: pl.DataFrame, days: Sequence[date], closes: pl.DataFrame, limits: QualityThresholds
) -> Measured:
    """Find actions whose ratio or cash is impossible or implausible, and splits and spin-offs told twice within days.

    Parameters
    ----------
    actions
        Rows of ``corporate_actions`` whose ex-date is one of ``days``, or up to some days before them.
    days
        Ex-dates to judge.
    closes
        Last accepted close before them: ``symbol, close``.
    limits
        Thresholds.
    """
    told = actions.join(closes.select("symbol", "close"), on="symbol", how="left", maintain_order="left")
    ratio, cash = pl.col("split_ratio"), pl.col("cash_usd")
    is_split, is_cash = pl.col("kind") == "split", pl.col("kind") == "cash_dividend"
    is_spin_off = pl.col("kind") == "spin_off"
    span = timedelta(days=_TOLD_TWICE_DAYS)
    ordered = told.sort("symbol", "kind", "ex_date")
    again = (
        (is_spin_off | (is_split & ((ratio > _LEAST_RATIO) | (ratio < 1 / _LEAST_RATIO))))
        & (pl.col("symbol") == pl.col("symbol").shift(1))
        & (pl.col("kind") == pl.col("kind").shift(1))
        & (pl.col("ex_date") - pl.col("ex_date").shift(1) <= span)
    ).fill_null(value=False)
    largest = limits.max_split_ratio
    wrong = (
        pl.when(~pl.col("kind").is_in(KINDS))
        .then(pl.lit(f"kind is one of {', '.join(KINDS)}"))
        .when(is_split & ~((ratio > 0) & ratio.is_finite() & (ratio != 1)).fill_null(value=False))
        .then(pl.lit("a split has a ratio above 0 that is not 1"))
        .when(is_split & ((ratio > largest) | (ratio < 1 / largest)))
        .then(pl.lit(f"a split ratio lies within [1/{largest:g}, {largest:g}]"))
        .when(is_cash & ~((cash > 0) & cash.is_finite()).fill_null(value=False))
        .then(pl.lit("a dividend has an amount above 0"))
        .when(is_cash & (cash > pl.col("close") * limits.max_dividend_frac).fill_null(value=False))
        .then(
            pl.format(
                "a dividend is at most {} of the last close {}", pl.lit(limits.max_dividend_frac), "close"
            )
        )
        .when(again)
        .then(pl.format("one {} within {} days", "kind", pl.lit(_TOLD_TWICE_DAYS)))
        .when((pl.col("kind") == "symbol_change") & pl.col("new_symbol").is_null())
        .then(pl.lit("a symbol change names the new symbol"))
        .when(((pl.col("price_factor") <= 0) | (pl.col("price_factor") > 1)).fill_null(value=False))
        .then(pl.lit("a price factor lies within (0, 1]"))
    )
    judged = pl.col("ex_date").is_in(list(days))
    odd = ordered.with_columns(wrong=wrong).filter(pl.col("wrong").is_not_null(), judged)
    counts = actions.filter(judged).group_by(session="ex_date").agg(total=pl.len().cast(pl.Int64))
    return Measured(
        findings_frame(
            odd.with_columns(session=pl.col("ex_date")),
            value=pl.format("{} split_ratio {} cash_usd {}", "kind", _text("split_ratio"), _text("cash_usd")),
            expectation=pl.col("wrong"),
        ),
        "corporate actions cannot be",
        totals=counts,
        share=limits.max_bad_actions_frac,
    )


def _text(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).fill_null("none")
