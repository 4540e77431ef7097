"""Membership: who entered and who left a screen, one row per (session, symbol) of either."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import polars as pl

from trading_assets.screener.evaluate import ranked
from trading_assets.screener.explain import NOT_THERE, reasons
from trading_assets.screener.filters import Query
from trading_assets.screener.market_frame import Market

_MEMBER = pl.Schema({"symbol": pl.String(), "session": pl.Date()})


def with_events(rows: pl.DataFrame, sessions: Sequence[date], before: Collection[str]) -> pl.DataFrame:
    """Add ``event`` to the rows of a screen: ``stayed`` if the symbol was in it the session before, else ``entered``.

    Parameters
    ----------
    rows
        Members with ``symbol`` and ``session``, in any order.
    sessions
        Sessions in which the screen was evaluated, ascending, whether it had members or not.
    before
        Members in the session before the first.

    Returns
    -------
    pl.DataFrame
        The rows with ``event``.
    """
    was = _a_session_later(rows, sessions, before).with_columns(event=pl.lit("stayed"))
    found = rows.join(was, on=["symbol", "session"], how="left", maintain_order="left")
    return found.with_columns(pl.col("event").fill_null("entered"))


def exits(
    query: Query, market: Market, rows: pl.DataFrame, sessions: Sequence[date], before: Collection[str]
) -> pl.DataFrame:
    """Return who left a screen: ``session``, ``symbol`` and ``reason``, sorted by them.

    The reason is the first condition that the symbol does not pass any more, with its values, or what is missing, or that
    it ranks beyond the top.

    Parameters
    ----------
    query
        What was evaluated.
    market
        Rows of the sessions.
    rows, sessions, before
        As for ``with_events``.
    """
    was = _a_session_later(rows, sessions, before)
    gone = was.join(rows, on=["symbol", "session"], how="anti").sort("session", "symbol")
    placed = gone.join(market.keys.with_row_index("place"), on=["symbol", "session"], how="left")
    there = placed.filter(pl.col("place").is_not_null())
    said = pl.Series("reason", reasons(query, market.only(there["place"].to_numpy())), dtype=pl.String)
    there = _with_rank(query, market, there.with_columns(said))
    away = placed.filter(pl.col("place").is_null()).with_columns(reason=pl.lit(NOT_THERE))
    columns = ["session", "symbol", "reason"]
    return pl.concat([there.select(columns), away.select(columns)]).sort("session", "symbol")


def _with_rank(query: Query, market: Market, there: pl.DataFrame) -> pl.DataFrame:
    if query.top is None or not there["reason"].null_count():
        return there
    everyone = ranked(query.model_copy(update={"top": None}), market).select("symbol", "session", "rank")
    beyond = pl.format("passes, but ranks {} and the screen keeps the top {}", "rank", pl.lit(query.top))
    found = there.join(everyone, on=["symbol", "session"], how="left")
    return found.with_columns(pl.col("reason").fill_null(beyond))


def _a_session_later(rows: pl.DataFrame, sessions: Sequence[date], before: Collection[str]) -> pl.DataFrame:
    # Who could have stayed: the members of each session, under the session that follows it.
    first = pl.DataFrame({"symbol": sorted(before), "session": [sessions[0]] * len(before)}, schema=_MEMBER)
    following = pl.DataFrame(
        {"session": sessions[:-1], "next": sessions[1:]}, schema={"session": pl.Date, "next": pl.Date}
    )
    later = rows.join(following, on="session").select("symbol", session="next")
    return pl.concat([first, later])
