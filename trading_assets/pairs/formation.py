"""Formation: which symbols are paired at the first session of a month, and over which sessions; one row per symbol."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import polars as pl

from trading_assets.sessions import shift

FORMATION_SESSIONS = 252
"""Sessions that a pair is judged by, the last one being the session before."""
SYMBOLS_A_SECTOR = 40
"""The symbols of a sector with the largest dollar volume, so many at most: 780 pairs a sector."""
LEAST_DOLLAR_VOLUME_USD = 5_000_000.0
"""Mean of 20 sessions at the end of the formation, at least."""


@dataclass(frozen=True)
class Formation:
    """A session at which pairs are formed, and the sessions that they are formed from: none of them is its own."""

    session: date
    first_session: date
    last_session: date


def formation_at(session: date) -> Formation | None:
    """Return the formation of the first session of a month; None for any other session.

    Examples
    --------
    >>> from datetime import date
    >>> formation_at(date(2024, 5, 1))
    Formation(session=datetime.date(2024, 5, 1), first_session=datetime.date(2023, 5, 1), last_session=datetime.date(2024, 4, 30))
    >>> formation_at(date(2024, 5, 2)) is None
    True
    """
    last = shift(session, -1)
    if (last.year, last.month) == (session.year, session.month):
        return None
    return Formation(session, shift(session, -FORMATION_SESSIONS), last)


@dataclass(frozen=True)
class Paired:
    """Symbols to be paired, ``symbol, sector, sector_session``, sorted; and how many were left out, by reason."""

    symbols: pl.DataFrame
    left_out: dict[str, int]


def liquid_symbols(listed: pl.DataFrame, traded: pl.DataFrame, told_later: pl.DataFrame) -> pl.DataFrame:
    """Return the symbols that may be paired at all: active, tradable, of a known sector, liquid.

    Parameters
    ----------
    listed
        ``symbol, session, sector, status, is_tradable`` at the end of the formation.
    traded
        ``symbol`` and ``dollar_volume_20`` (USD) of the same session.
    told_later
        ``symbol, session, sector`` of later company snapshots: the first one tells the sector of a symbol that had none yet.

    Returns
    -------
    pl.DataFrame
        ``symbol, sector, sector_session, dollar_volume_20``. Look-ahead: where ``sector_session`` is later than that of the
        listing, the sector was not known then; of everything else nothing later is read.
    """
    first_told = told_later.drop_nulls("sector").sort("session").unique("symbol", keep="first")
    later = first_told.select("symbol", later_sector="sector", later_session="session")
    is_known = pl.col("sector").is_not_null()
    listed = listed.join(later, on="symbol", how="left").with_columns(
        sector=pl.coalesce("sector", "later_sector"),
        sector_session=pl.when(is_known).then("session").otherwise("later_session"),
    )
    may_be = (
        (pl.col("status") == "active")
        & pl.col("is_tradable").fill_null(value=True)
        & pl.col("sector").is_not_null()
        & (pl.col("dollar_volume_20") >= LEAST_DOLLAR_VOLUME_USD)
    )
    return (
        listed.join(traded, on="symbol")
        .filter(may_be)
        .select("symbol", "sector", "sector_session", "dollar_volume_20")
    )


def choose_symbols(
    liquid: pl.DataFrame, rows: pl.DataFrame, *, renewed: Collection[str], doubtful: Collection[str]
) -> Paired:
    """Leave out symbols that are not one and the same thing throughout the formation, and take the largest of each sector.

    Parameters
    ----------
    liquid
        As ``liquid_symbols``.
    rows
        ``symbol, session, close, price_factor`` of the formation's sessions. A symbol without a row for each of them is left out:
        it was not listed yet, was silent, or its bar was refused.
    renewed
        Symbols that became another instrument since the formation's first session.
    doubtful
        Symbols with open findings that their prices of these sessions may not compare.

    Returns
    -------
    Paired
        At most ``SYMBOLS_A_SECTOR`` of a sector; of sectors with two or more.
    """
    price = pl.col("close") / pl.col("price_factor")
    bars = rows.group_by("symbol").agg(bars=pl.len(), moves=price.max() > price.min())
    judged = liquid.join(bars, on="symbol", how="left").with_columns(
        reason=pl.when(pl.col("bars").fill_null(0) < FORMATION_SESSIONS)
        .then(pl.lit("bars missing"))
        .when(pl.col("symbol").is_in(list(renewed)))
        .then(pl.lit("another instrument"))
        .when(pl.col("symbol").is_in(list(doubtful)))
        .then(pl.lit("prices in doubt"))
        .when(~pl.col("moves"))
        .then(pl.lit("price never moves"))
    )
    whole = judged.filter(pl.col("reason").is_null()).sort(
        "sector", "dollar_volume_20", "symbol", descending=[False, True, False]
    )
    largest = whole.group_by("sector", maintain_order=True).head(SYMBOLS_A_SECTOR)
    paired = largest.filter(pl.len().over("sector") > 1)
    left_out = dict(judged.drop_nulls("reason").group_by("reason").len().sort("reason").iter_rows())
    beyond = {
        "smaller ones of a sector": whole.height - largest.height,
        "alone in a sector": largest.height - paired.height,
    }
    counted = left_out | {reason: count for reason, count in beyond.items() if count}
    return Paired(paired.select("symbol", "sector", "sector_session").sort("symbol"), counted)


def adjusted_closes(rows: pl.DataFrame, last_session: date) -> pl.DataFrame:
    """Return closes in the price scale of one session.

    Parameters
    ----------
    rows
        ``symbol, session, close, price_factor`` of ``daily_features``, before and after that session.
    last_session
        Session in whose scale prices are; symbols without a row there have no price.

    Returns
    -------
    pl.DataFrame
        ``symbol, session, price`` (USD of ``last_session``). Look-ahead: a row reads itself and ``last_session``.
    """
    scale = rows.filter(pl.col("session") == last_session).select("symbol", scale="price_factor")
    price = pl.col("close") / pl.col("price_factor") * pl.col("scale")
    return rows.join(scale, on="symbol").select("symbol", "session", price=price)
