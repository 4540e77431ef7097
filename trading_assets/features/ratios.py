"""Fundamental ratios of rows: one value per row and ratio, from the company snapshot that the row may know."""

from __future__ import annotations

import polars as pl

from trading_assets.features.known_versions import VERSION_SCHEMA, KnownBy, newest_known
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

OLDEST_DAYS = 365
"""Days after which a snapshot counts as none: it has no quarter in common with the four newest any more."""

SOURCE_COLUMNS = tuple(dict.fromkeys(item.source_column for item in FUNDAMENTALS.values()))
"""Columns of ``key_statistics`` that the ratios come from."""

FACT_SCHEMA = pl.Schema(
    {
        **VERSION_SCHEMA,
        **dict.fromkeys(SOURCE_COLUMNS, pl.Float64()),
        "price_usd": pl.Float64(),
        "quoted_on": pl.Date(),
    }
)
"""Facts that the ratios are made from: versions of snapshots with the price that the vendor divided by, and the day on which
that was traded, which says in whose shares it is."""


def with_fundamentals(
    rows: pl.DataFrame, facts: pl.DataFrame, actions: pl.DataFrame, *, known_by: KnownBy = "next_open"
) -> pl.DataFrame:
    """Add the fundamental ratios to rows of features, moved with the price since the snapshot.

    Input: rows with ``symbol``, ``session`` and ``close`` (raw, USD), fastest if sorted by symbol and session; facts with
    ``FACT_SCHEMA``, one row per version of a (symbol, snapshot); corporate actions, of which the splits are used. A
    row's own close is the only price needed.

    Output: the rows in their order with ``FUNDAMENTALS`` and ``fundamentals_age_days``, which replace columns of
    those names.

    Which snapshot a row may know is the rule of ``known_versions.newest_known``. A ratio with the price in it is the
    snapshot's times ``close * new shares per share since / price_usd`` (divided by it for a yield), so that it equals the
    vendor's at the vendor's price, and close / (earnings / 4) after a split of four for one. The others are the snapshot's.

    Nulls: all of them without a known snapshot, or if it is more than ``OLDEST_DAYS`` old; each where the snapshot has
    none (no earnings, a fund, two currencies in one ratio); those with the price in it without a price in dollars above 0.

    Look-ahead: snapshots as above; the row's close; splits with an ex-date up to the row's session.

    Parameters
    ----------
    rows, facts, actions
        As above.
    known_by
        ``next_open`` for rows made after their session's close, ``open`` for rows made while it goes on.

    Returns
    -------
    pl.DataFrame
        One row per row.
    """
    place = newest_known(rows, facts, known_by=known_by)
    age = (rows["session"] - facts["session"].gather(place)).dt.total_days()
    place = place.zip_with(age <= OLDEST_DAYS, place.clear(len(place)))
    known = facts.select(
        *SOURCE_COLUMNS,
        price=pl.when(pl.col("price_usd") > 0).then("price_usd"),
        quoted_on=pl.coalesce("quoted_on", "session"),
    ).select(pl.all().gather(place))
    known = known.with_columns(rows["symbol"], rows["session"], rows["close"])
    known = known.with_columns(move=pl.col("close") * _shares_since_quote(known, actions) / pl.col("price"))
    added = known.select(
        *(_moved(name) for name in FUNDAMENTALS),
        pl.when(pl.lit(place.is_not_null())).then(pl.lit(age.cast(pl.Int32))).alias(AGE_COLUMN),
    )
    return rows.drop(added.columns, strict=False).hstack(added)


def _moved(name: str) -> pl.Expr:
    item = FUNDAMENTALS[name]
    value = pl.col(item.source_column)
    moved = {
        "with_price": value * pl.col("move"),
        "against_price": value / pl.col("move"),
        "not": value,
    }[item.moves]
    return pl.when(moved.is_finite()).then(moved).alias(name)


def _shares_since_quote(known: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    # New shares per share in which the vendor's price was, from the splits after its day up to the row's session.
    ones = pl.repeat(1.0, known.height, eager=True)
    first, last = known["quoted_on"].min(), known["session"].max()
    if first is None:
        return ones
    splits = actions.filter(
        (pl.col("kind") == "split") & (pl.col("split_ratio") > 0),
        (pl.col("ex_date") > first) & (pl.col("ex_date") <= last),
    ).select("symbol", "ex_date", "split_ratio")
    if splits.is_empty():
        return ones
    shares = (
        known.select("symbol", "session", "quoted_on")
        .with_row_index("row")
        .join(splits, on="symbol")
        .filter(pl.col("ex_date") > pl.col("quoted_on"), pl.col("ex_date") <= pl.col("session"))
        .group_by("row")
        .agg(pl.col("split_ratio").product())
    )
    return (
        pl.DataFrame({"row": pl.arange(known.height, dtype=pl.UInt32, eager=True)})
        .join(shares, on="row", how="left", maintain_order="left")["split_ratio"]
        .fill_null(1.0)
    )
