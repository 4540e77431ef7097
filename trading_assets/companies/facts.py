"""What fundamental ratios are made from: one row per version of a (symbol, snapshot), with the vendor's price at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.features.known_versions import KnownBy
from trading_assets.features.ratios import FACT_SCHEMA, OLDEST_DAYS, SOURCE_COLUMNS
from trading_assets.sessions import NEW_YORK
from trading_assets.tables.companies import KEY_STATISTICS, MARKET_DATA
from trading_assets.tables.table import Table

_SNAPSHOT = ("symbol", "session")
_QUOTE = {"price_usd": pl.col("price_usd"), "quoted_on": pl.col("quoted_at").dt.convert_time_zone(NEW_YORK.key).dt.date()}  # fmt: skip


def fundamental_facts(
    lake: Lake, first: date, last: date, *, known_by: KnownBy = "next_open", as_of: datetime | None = None
) -> pl.DataFrame:
    """Read every version of a snapshot that a row of the sessions from ``first`` to ``last`` may know.

    Versions that a newer one has replaced before the first of those rows are left out: one session reads about one
    snapshot of each symbol.

    Parameters
    ----------
    lake
        Where the snapshots are.
    first, last
        Sessions of the rows.
    known_by
        The opening by which a row must have known a version.
    as_of
        Instant: what was known then, and what stood then. Without it, what is known now.

    Returns
    -------
    pl.DataFrame
        ``FACT_SCHEMA``. The price is the one of the quote that was known with the ratios, or null.
    """
    start = first - timedelta(days=OLDEST_DAYS)
    opening = calendar.session_open(first if known_by == "open" else calendar.next_session(first))
    stored = _versions(lake, KEY_STATISTICS, SOURCE_COLUMNS, start=start, end=last, as_of=as_of)
    versions = _not_replaced_before(stored, first, opening, known_by)
    if versions.is_empty():
        return pl.DataFrame(schema=FACT_SCHEMA)
    dates: list[date] = versions["session"].unique().sort().to_list()
    quotes = _versions(
        lake, MARKET_DATA, ("price_usd", "quoted_at"), start=dates[0], end=dates[-1], as_of=as_of
    )
    return _with_quotes(versions, quotes.select("symbol", "session", "known_at", **_QUOTE)).select(
        FACT_SCHEMA.names()
    )


def _versions(
    lake: Lake, table: Table, columns: Sequence[str], *, start: date, end: date, as_of: datetime | None
) -> pl.DataFrame:
    wanted = [*_SNAPSHOT, "known_at", *columns]
    never = pl.lit(None, dtype=FACT_SCHEMA["superseded_at"]).alias("superseded_at")
    standing = lake.scan(table, start=start, end=end, columns=wanted).with_columns(never)
    gone = lake.history(table, start=start, end=end).select(*wanted, "superseded_at")
    found = pl.concat([standing, gone]).collect()
    if as_of is not None:
        instant = as_of.astimezone(UTC)
        found = found.filter(pl.col("known_at") <= instant).with_columns(
            superseded_at=pl.when(pl.col("superseded_at") <= instant).then("superseded_at")
        )
    return found


def _not_replaced_before(
    versions: pl.DataFrame, first: date, opening: datetime, known_by: KnownBy
) -> pl.DataFrame:
    is_dated = pl.col("session") < first if known_by == "open" else pl.col("session") <= first
    newest = (
        versions.lazy()
        .filter(pl.col("superseded_at").is_null(), pl.col("known_at") < opening, is_dated)
        .group_by("symbol")
        .agg(newest=pl.col("session").max())
    )
    # what stands until now and was known to the first row is newer than these for every row
    is_replaced = pl.col("session") < pl.col("newest")
    return (
        versions.lazy()
        .join(newest, on="symbol", how="left")
        .filter(~is_replaced.fill_null(value=False))
        .drop("newest")
        .collect()
    )


def _with_quotes(versions: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    # the quote of the same snapshot that was known with the ratios: both are stored in one step, and each keeps its
    # instant if the same is told again
    return versions.sort("known_at").join_asof(
        quotes.sort("known_at"),
        on="known_at",
        by=list(_SNAPSHOT),
        strategy="backward",
        check_sortedness=False,
    )
