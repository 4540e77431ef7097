"""Known splits: new shares per old share by (symbol, ex-date), as the books and the market of a decision take them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import polars as pl

from resources.lake.lake import Lake
from trading_assets.books.holdings import Split
from trading_assets.tables.listings import CORPORATE_ACTIONS


def known_splits(lake: Lake, symbols: Collection[str] | None, start: date, end: date) -> list[Split]:
    """Read the splits of symbols, or of all, with ex-dates in a range."""
    if symbols is not None and not symbols:
        return []
    frame = (
        lake.scan(
            CORPORATE_ACTIONS, start=start, end=end, symbols=None if symbols is None else sorted(symbols)
        )
        .filter((pl.col("kind") == "split") & (pl.col("split_ratio") > 0))
        .select("symbol", "ex_date", "split_ratio")
        .sort("ex_date", "symbol")
        .collect()
    )
    return [Split(*row) for row in frame.iter_rows()]
