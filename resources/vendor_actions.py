"""Vendor corporate actions: the frame that all action sources return, one row per (symbol, ex-date, kind)."""

from __future__ import annotations

from datetime import date

import polars as pl

from trading_assets.schemas import CORPORATE_ACTIONS

ACTION_COLUMNS = tuple(name for name in CORPORATE_ACTIONS.columns if name not in {"batch_id", "known_at"})
ACTION_SCHEMA = pl.Schema({name: CORPORATE_ACTIONS.schema[name] for name in ACTION_COLUMNS})
ACTION_SCHEMA["detail"] = pl.String()
"""``detail`` tells two payments of one day apart (regular and special) and does not leave this module."""


def finish_actions(frame: pl.DataFrame, start: date, end: date) -> pl.DataFrame:
    """Keep ex-dates from ``start`` to ``end``, drop exact repeats, and add up what one day pays.

    Input: `ACTION_SCHEMA`. Output: columns of the corporate actions table without batch and known_at, sorted
    by its key. Two dividends of one day (regular and special) become one row with their sum; splits that
    contradict each other both stay, for the checks to judge.
    """
    rows = frame.filter(pl.col("ex_date").is_between(start, end)).unique(maintain_order=True)
    paid = pl.col("kind") == "cash_dividend"
    dividends = (
        rows.filter(paid)
        .group_by("symbol", "ex_date", "kind", maintain_order=True)
        .agg(
            pl.col("split_ratio").first(),
            pl.col("cash_usd").sum(),
            pl.col("new_symbol", "share_ratio", "price_factor", "source").first(),
        )
        .select(ACTION_COLUMNS)
    )
    others = rows.filter(~paid).select(ACTION_COLUMNS).unique(maintain_order=True)
    return pl.concat([others, dividends]).sort("symbol", "ex_date", "kind", maintain_order=True)
