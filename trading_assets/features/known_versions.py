"""Which version of a dated fact a row may know: one entry per (symbol, session from which a version is the newest).

A snapshot is dated by the newest session that was closed when it was taken, and known from the instant at which it was
stored. It can be taken again, which replaces it, or withdrawn, from an instant on. Neither the date nor the instant is
enough alone: one that is taken on Monday at noon is dated Friday, and nobody could trade on it at Monday's open.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal

import polars as pl

from trading_assets import sessions as calendar
from trading_assets.tables.table import UTC_INSTANT

KnownBy = Literal["next_open", "open"]
"""When what a row of a session may know must have been known: before the next session opens, at which orders from the row
are placed, or before its own session opens, for rows made while it goes on."""

VERSION_SCHEMA = pl.Schema(
    {"symbol": pl.String(), "session": pl.Date(), "known_at": UTC_INSTANT, "superseded_at": UTC_INSTANT}
)
"""Columns that say which version a row of facts is; ``superseded_at`` is null while it stands."""

_PLACE = "place"


def newest_known(rows: pl.DataFrame, versions: pl.DataFrame, *, known_by: KnownBy = "next_open") -> pl.Series:
    """Return the place in ``versions`` of what each row may know.

    Input: rows with ``symbol`` and ``session``, fastest if they are sorted by them; versions with ``VERSION_SCHEMA``, in any
    order.

    Output: one UInt32 a row. Of the versions that stood just before the row's opening (``known_by``) the one with the newest
    date is taken, and of that date the one known last: a snapshot that was taken again is seen in its first version
    until the first opening after the second one was stored, and one that was withdrawn gives way to the one before it.

    Nulls: where no version was known, or none of a session at or before the row's (before it, if ``known_by`` is
    ``open``).

    Look-ahead: nothing that was stored at or after that opening changes the row.

    Parameters
    ----------
    rows, versions
        As above.
    known_by
        The opening that counts.

    Returns
    -------
    pl.Series
        Of the length of ``rows``, named ``place``.
    """
    entries = _entries(_spans(versions.select(VERSION_SCHEMA.names()), known_by))
    asked = rows.select("symbol", "session")
    order = None if _is_in_order(asked) else asked.select(pl.arg_sort_by("symbol", "session"))["symbol"]
    found = (asked if order is None else asked[order]).join_asof(
        entries,
        left_on="session",
        right_on="since",
        by="symbol",
        strategy="backward",
        check_sortedness=False,
    )[_PLACE]
    return found if order is None else found.gather(order.arg_sort())


def _is_in_order(asked: pl.DataFrame) -> bool:
    same = pl.col("symbol") == pl.col("symbol").shift()
    is_behind = same & (pl.col("session") < pl.col("session").shift())
    is_apart = ~same & (pl.col("symbol") < pl.col("symbol").shift())
    return not asked.select((is_behind | is_apart).any()).item()


def _spans(versions: pl.DataFrame, known_by: KnownBy) -> pl.DataFrame:
    # The sessions of which each version is known: from `since` up to the one before `until`; null `until` is for ever.
    from_then = _of_each(versions, "known_at", lambda instant: _first_row(instant, known_by))
    until = _of_each(versions, "superseded_at", lambda instant: _first_row(instant, known_by))
    dated = pl.col("session")
    if known_by == "open":
        dated = dated.replace_strict(
            {day: calendar.next_session(day) for day in versions["session"].unique()}, return_dtype=pl.Date()
        )
    return (
        versions.with_columns(since=pl.max_horizontal(from_then, dated), until=until)
        .with_row_index(_PLACE)
        .filter(pl.col("until").is_null() | (pl.col("until") > pl.col("since")))
    )


def _first_row(instant: datetime, known_by: KnownBy) -> date:
    # The first session whose rows may know what was stored at the instant.
    opening = calendar.first_opening_after(instant)
    return opening if known_by == "open" else calendar.shift(opening, -1)


def _of_each(versions: pl.DataFrame, column: str, of: Callable[[datetime], date]) -> pl.Expr:
    found = {instant: of(instant) for instant in versions[column].drop_nulls().unique()}
    return pl.col(column).replace_strict(found, default=None, return_dtype=pl.Date())


def _entries(spans: pl.DataFrame) -> pl.DataFrame:
    # What becomes the newest of a symbol, and from which session on: (symbol, since, place), sorted by them.
    ordered = spans.sort("symbol", "since", "session", "known_at")
    moments = _turning_points(ordered)
    found = ordered.select("symbol", "since", _PLACE)
    if moments.height:
        found = pl.concat([found, _standing(ordered, moments)]).sort("symbol", "since", maintain_order=True)
    is_replaced = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in ("symbol", "since"))
    return found.filter(~is_replaced.fill_null(value=False))


def _turning_points(ordered: pl.DataFrame) -> pl.DataFrame:
    # (symbol, moment) at which the newest is not simply the one that begins: where one ends, or an older one is stored
    # after a newer one.
    ends = ordered.filter(pl.col("until").is_not_null()).select("symbol", moment="until")
    is_older = (pl.col("symbol") == pl.col("symbol").shift()) & (
        pl.col("session") < pl.col("session").shift()
    )
    if not ordered.select(is_older.any()).item():
        return ends.unique()
    is_late = pl.col("session") < pl.col("session").cum_max().over("symbol")
    return pl.concat([ends, ordered.filter(is_late).select("symbol", moment="since")]).unique()


def _standing(ordered: pl.DataFrame, moments: pl.DataFrame) -> pl.DataFrame:
    # The newest version that stands at each moment; none is an entry too.
    stands = (pl.col("since") <= pl.col("moment")) & (pl.col("until") > pl.col("moment")).fill_null(
        value=True
    )
    newest = (
        moments.join(ordered, on="symbol")
        .filter(stands)
        .sort("session", "known_at")
        .group_by("symbol", "moment")
        .agg(pl.col(_PLACE).last())
    )
    taken = moments.join(newest, on=["symbol", "moment"], how="left")
    return taken.select("symbol", pl.col("moment").alias("since"), _PLACE)
