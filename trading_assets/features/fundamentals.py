"""Fundamental ratios: one value per (symbol, session), from the newest company snapshot that the session may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from trading_assets.indicators.feature import ANY, POSITIVE, Range


@dataclass(frozen=True)
class Fundamental:
    """One column of ``daily_features`` that comes from a column of ``key_statistics``.

    ``moves`` says how the price since the snapshot changes the value: ``with_price`` (price / earnings),
    ``against_price`` (dividend / price) or ``not``.
    """

    name: str
    description: str
    unit: str
    source_column: str
    moves: Literal["with_price", "against_price", "not"] = "not"
    valid_range: Range = ANY
    aliases: tuple[str, ...] = ()


# fmt: off
FUNDAMENTALS: dict[str, Fundamental] = {
    item.name: item
    for item in (
        Fundamental("pe", "Price / earnings per share of the last four quarters; null without earnings", "ratio", "trailing_pe", "with_price", POSITIVE, ("P/E", "p/e ratio", "pe ratio", "price to earnings", "price earnings ratio", "trailing pe")),
        Fundamental("pb", "Price / book value per share", "ratio", "price_to_book", "with_price", ANY, ("P/B", "p/b ratio", "pb ratio", "price to book", "price book ratio")),
        Fundamental("ps", "Market capitalisation / revenue of the last four quarters", "ratio", "price_to_sales", "with_price", POSITIVE, ("P/S", "p/s ratio", "ps ratio", "price to sales", "price sales ratio")),
        Fundamental("peg", "Price/earnings / expected growth in percent", "ratio", "peg_ratio", "with_price", ANY, ("PEG", "peg ratio", "price earnings to growth")),
        Fundamental("roe", "Net income of the last four quarters / average equity", "fraction", "return_on_equity_frac", "not", ANY, ("return on equity",)),
        Fundamental("debt_to_equity", "Debt / equity, last quarter", "ratio", "debt_to_equity", "not", ANY, ("debt to equity", "d/e", "debt/equity", "debt equity ratio")),
        Fundamental("dividend_yield", "Expected cash dividends of a year / price", "fraction", "dividend_yield_frac", "against_price", POSITIVE, ("dividend yield", "yield", "dividend")),
        Fundamental("market_cap", "Market capitalisation", "USD", "market_cap_usd", "with_price", POSITIVE, ("market cap", "marketcap", "market capitalisation", "market capitalization", "mcap")),
        Fundamental("revenue_growth", "Revenue of the last quarter against the same quarter a year before", "fraction", "revenue_growth_frac", "not", ANY, ("revenue growth", "sales growth", "growth of revenue")),
        Fundamental("eps_growth", "Earnings per share of the last quarter against a year before", "fraction", "earnings_growth_frac", "not", ANY, ("EPS growth", "earnings growth", "profit growth")),
        Fundamental("margin", "Net income / revenue of the last four quarters", "fraction", "profit_margin_frac", "not", ANY, ("profit margin", "net margin", "net profit margin")),
    )
}
"""Every fundamental ratio by name, in the order of the table's columns."""
# fmt: on

AGE_COLUMN = "fundamentals_age_days"
"""Calendar days from the snapshot that the ratios come from to the session; null where there is none."""


SNAPSHOT_COLUMNS = tuple(dict.fromkeys(item.source_column for item in FUNDAMENTALS.values()))
"""Columns of ``key_statistics`` that the ratios come from."""


def with_fundamentals(
    rows: pl.DataFrame, snapshots: pl.DataFrame, bars: pl.DataFrame, actions: pl.DataFrame
) -> pl.DataFrame:
    """Add the fundamental ratios to rows of features, moved with the price since the snapshot.

    Input: rows with ``symbol``, ``session`` and ``close`` (raw); snapshots with ``symbol``, ``session`` (the session that
    they are dated) and ``SNAPSHOT_COLUMNS``; raw bars with ``symbol``, ``session`` and ``close``; corporate actions, of
    which the splits are used.

    Output: the rows in their order with ``FUNDAMENTALS`` and ``fundamentals_age_days``, which replace columns of
    those names.

    A ratio of the price is the snapshot's times the change of the price since, splits undone; the others are the
    snapshot's.

    Nulls: without a snapshot dated the row's session or earlier; where the snapshot has none; and ratios of the price
    where the symbol has no bar at or before the snapshot.

    Look-ahead: a row knows snapshots dated its session or earlier (a snapshot is dated by the newest session that was
    closed when it was taken), and bars and ex-dates up to its session.

    Parameters
    ----------
    rows, snapshots, bars, actions
        As above, in any order.

    Returns
    -------
    pl.DataFrame
        One row per row.
    """
    facts = snapshots.select("symbol", "session", *SNAPSHOT_COLUMNS).with_columns(dated=pl.col("session"))
    known = _as_of(rows.select("symbol", "session", "close"), facts, "session")
    then = _as_of(
        known.select("symbol", session="dated"), bars.select("symbol", "session", then="close"), "session"
    )
    move = pl.col("close") / pl.Series("then", then["then"]) * _shares_since(known, actions)
    known = known.with_columns(move=move)
    added = known.select(
        *(_moved(item).cast(pl.Float64).alias(item.name) for item in FUNDAMENTALS.values()),
        (pl.col("session") - pl.col("dated")).dt.total_days().cast(pl.Int32).alias(AGE_COLUMN),
    )
    return rows.drop(*added.columns, strict=False).hstack(added)


def _moved(item: Fundamental) -> pl.Expr:
    value = pl.col(item.source_column)
    moved = {
        "with_price": value * pl.col("move"),
        "against_price": value / pl.col("move"),
        "not": value,
    }[item.moves]
    return moved.fill_nan(None)


def _shares_since(known: pl.DataFrame, actions: pl.DataFrame) -> pl.Series:
    # New shares per share of the snapshot, from the splits after its session up to the row's.
    splits = (
        actions.filter((pl.col("kind") == "split") & (pl.col("split_ratio") > 0))
        .sort("symbol", "ex_date")
        .select("symbol", session="ex_date", shares=pl.col("split_ratio").cum_prod().over("symbol"))
    )
    until = _as_of(known.select("symbol", "session"), splits, "session")["shares"].fill_null(1.0)
    before = _as_of(known.select("symbol", session="dated"), splits, "session")["shares"].fill_null(1.0)
    return until / before


def _as_of(rows: pl.DataFrame, facts: pl.DataFrame, on: str, by: Sequence[str] = ("symbol",)) -> pl.DataFrame:
    # The newest fact at or before each row, in the order of the rows.
    ordered = rows.with_row_index("_place").sort(on, nulls_last=True)
    joined = ordered.join_asof(
        facts.sort(on), on=on, by=list(by), strategy="backward", check_sortedness=False
    )
    return joined.sort("_place").drop("_place")
