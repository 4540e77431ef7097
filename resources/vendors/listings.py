"""Vendor listings: the universe rows that reference sources return, one row per (symbol, session)."""

from __future__ import annotations

import polars as pl

from trading_assets.tables.listings import UNIVERSE

LISTING_COLUMNS = tuple(name for name in UNIVERSE.columns if name not in {"batch_id", "known_at"})
LISTING_SCHEMA = pl.Schema({name: UNIVERSE.schema[name] for name in LISTING_COLUMNS})
FLAG_COLUMNS = ("is_tradable", "is_shortable", "is_easy_to_borrow", "is_fractionable")
BROKER_COLUMNS = (*FLAG_COLUMNS, "asset_id")
"""What only the broker tells, and only of now."""


def finish_listings(frame: pl.DataFrame) -> pl.DataFrame:
    """Keep one row a symbol: the active one, else the one delisted last. Sorted by symbol."""
    return (
        frame.sort(
            "symbol",
            pl.col("status") != "active",
            pl.col("delisted_date"),
            descending=[False, False, True],
            nulls_last=True,
        )
        .unique("symbol", keep="first", maintain_order=True)
        .select(LISTING_COLUMNS)
    )


def with_flags(listings: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    """Join the broker's flags to listings by symbol.

    A symbol that the broker does not know gets false, not null: it knows its own list completely. Its id comes along.
    """
    known = flags.select("symbol", *BROKER_COLUMNS).unique("symbol", keep="first", maintain_order=True)
    joined = listings.drop(BROKER_COLUMNS).join(known, on="symbol", how="left", maintain_order="left")
    return joined.with_columns(pl.col(FLAG_COLUMNS).fill_null(value=False)).select(LISTING_COLUMNS)
