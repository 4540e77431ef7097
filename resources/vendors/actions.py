"""Vendor corporate actions: the frame that all sources of actions return, one row per (symbol, ex-date, kind)."""

from __future__ import annotations

from datetime import date

import polars as pl

from trading_assets.tables.listings import VENDOR_ACTIONS

KEY = ("symbol", "ex_date", "kind")
_TABLE = next(iter(VENDOR_ACTIONS.values()))
ACTION_COLUMNS = tuple(name for name in _TABLE.columns if name not in {"batch_id", "known_at"})
ACTION_SCHEMA = pl.Schema({name: _TABLE.schema[name] for name in ACTION_COLUMNS if name != "reports"})
ACTION_SCHEMA["detail"] = pl.String()
"""``detail`` tells two payments of one day apart (regular and special) and does not leave this module."""
_VALUES = ("new_symbol", "share_ratio", "price_factor")


def finish_actions(frame: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Keep ex-dates from ``start`` to ``end``, drop exact repeats, and add up what one day pays.

    Input: `ACTION_SCHEMA`. Output: columns of the table of a vendor's actions without batch and known_at, one row a
    key, sorted. Two dividends of one day (regular and special) become one row with their sum. Of splits and others
    that contradict each other the first one stays, and ``reports`` counts them. A number that is none is null: the checks name it.
    """
    figures = pl.selectors.float()
    frame = frame.with_columns(pl.when(figures.is_finite()).then(figures))
    rows = frame.filter(pl.col("ex_date").is_between(start, end)).unique(maintain_order=True)
    paid = pl.col("kind") == "cash_dividend"
    dividends = (
        rows.filter(paid)
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("split_ratio").first(),
            # a payment without an amount makes the day's sum unknown
            pl.when(pl.col("cash_usd").is_not_null().all()).then(pl.col("cash_usd").sum()),
            pl.col(_VALUES).first(),
            reports=pl.lit(1, dtype=pl.Int32),
        )
    )
    others = rows.filter(~paid).drop("detail").unique(maintain_order=True)
    counted = others.with_columns(reports=pl.len().over(KEY).cast(pl.Int32))
    once = counted.unique(KEY, keep="first", maintain_order=True)
    return pl.concat([once.select(ACTION_COLUMNS), dividends.select(ACTION_COLUMNS)]).sort(
        KEY, maintain_order=True
    )
