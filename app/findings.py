"""Findings over time: how many each check found in a session, week or month, as the cells of a heatmap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from app.bar_grid import columns

STATES = ("blocks the session", "stops new risk in symbols", "10 or more", "under 10", "all accepted")

MANY = 10


def tally_cells(tally: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Sum findings into cells.

    Parameters
    ----------
    tally
        ``check_name``, ``session``, ``found``, ``accepted``, and of those not accepted ``blocking`` and ``stopping``.
    sessions
        Sessions of the heatmap, oldest first; findings on a day without a session count for the next one.

    Returns
    -------
    pl.DataFrame
        One row per check and column with findings: ``row`` (the check), ``first``, ``last``, the sums and
        ``state`` (one of ``STATES``).
    """
    schema = {
        "row": pl.String, "first": pl.Date, "last": pl.Date, "found": pl.Int64, "blocking": pl.Int64, "stopping": pl.Int64, "accepted": pl.Int64,
        "state": pl.String,
    }  # fmt: skip
    if tally.is_empty() or not sessions:
        return pl.DataFrame(schema=schema)
    spans = pl.DataFrame(columns(sessions), schema={"first": pl.Date, "last": pl.Date}, orient="row")
    placed = tally.sort("session").join_asof(
        spans.sort("last"), left_on="session", right_on="last", strategy="forward", coalesce=False
    )
    sums = placed.filter(pl.col("first").is_not_null()).group_by(pl.col("check_name").alias("row"), "first", "last").agg(
        pl.col("found", "blocking", "stopping", "accepted").sum()
    )  # fmt: skip
    state = (
        pl.when(pl.col("blocking") > 0).then(pl.lit(STATES[0]))
        .when(pl.col("stopping") > 0).then(pl.lit(STATES[1]))
        .when(pl.col("accepted") == pl.col("found")).then(pl.lit(STATES[4]))
        .when(pl.col("found") >= MANY).then(pl.lit(STATES[2]))
        .otherwise(pl.lit(STATES[3]))
    )  # fmt: skip
    return sums.with_columns(state=state).sort("row", "first").select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )  # fmt: skip
