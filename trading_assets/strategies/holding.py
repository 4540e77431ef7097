"""Holding: which rows of a symbol belong to a holding, read from its last sessions alone; one row per (symbol, session)."""

from __future__ import annotations

import polars as pl


def held_rows(rows: pl.DataFrame, *, max_sessions: int) -> pl.DataFrame:
    """Follow each symbol from its newest entry until it leaves or the time is up.

    A symbol is held from a row that ``enters`` up to the first row after it that ``leaves``, or to ``max_sessions`` after
    the newest row that enters. What is held follows from the last ``max_sessions`` sessions, so that a row is the same
    whenever it is made.

    Parameters
    ----------
    rows
        ``symbol``, ``session`` and the Booleans ``enters`` and ``leaves``, never both; the sessions must follow each other.
    max_sessions
        Longest holding after the newest entry.

    Returns
    -------
    pl.DataFrame
        The rows of holdings with ``age`` (sessions since the newest entry) and ``side``. Look-ahead: a row reads its own
        session and those before.
    """
    followed = (
        rows.with_columns(order=pl.col("session").rank("dense").cast(pl.Int32))
        .sort("symbol", "order")
        .with_columns(
            entered=pl.when("enters").then("order").forward_fill().over("symbol"),
            # the newest exit before this row: an entry from before it is history
            left_before=pl.when("leaves").then("order").forward_fill().shift(1).over("symbol"),
        )
    )
    age = pl.col("order") - pl.col("entered")
    is_held = (
        pl.col("entered").is_not_null()
        & (age <= max_sessions)
        & (pl.col("left_before").is_null() | (pl.col("left_before") < pl.col("entered")))
    )
    side = (
        pl.when("enters")
        .then(pl.lit("enter_long"))
        .when(pl.col("leaves") | (age == max_sessions))
        .then(pl.lit("exit_long"))
        .otherwise(pl.lit("hold_long"))
    )
    return followed.with_columns(age=age, side=side).filter(is_held).drop("order", "entered", "left_before")
