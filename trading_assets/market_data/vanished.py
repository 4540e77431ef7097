"""Vanished rows: a fetch that brings next to nothing where the same vendor had sent rows is not believed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from resources.lake.lake import Lake
from trading_assets import sessions as calendar
from trading_assets.errors import VendorDataError
from trading_assets.tables.table import Table

FEWEST_ROWS = 5
"""Fewer stored rows than this prove nothing."""
LEAST_SHARE = 0.1


def require_not_vanished(
    lake: Lake,
    table: Table,
    frame: pl.DataFrame,
    dates: Sequence[date],
    *,
    vendor: str,
    batch_id: str,
    asked: pl.DataFrame | None = None,
) -> None:
    """Refuse to replace stored rows by an answer that has lost nearly all of them, on one session or altogether.

    An answer without rows is well-formed, and a vendor in trouble sends it; a real correction changes rows or
    takes out a few. Days on which the exchange was closed are left out: rows there are mistakes, which a
    vendor may well take back. With ``asked`` (``session, symbol``) only stored rows of what was asked for count.

    Raises
    ------
    VendorDataError
        Names the sessions; the stored rows stay, and the answer can be looked at by its batch.
    """
    column = table.partition_by
    rows = lake.scan(table, start=dates[0], end=dates[-1], columns=[column, "symbol"])
    if asked is not None:
        rows = rows.join(asked.lazy(), on=["session", "symbol"], how="semi")
    stored = rows.group_by(column).agg(before=pl.len()).collect()
    if stored.is_empty():
        return
    sent = frame.group_by(column).agg(now=pl.len())
    compared = (
        stored.join(sent, on=column, how="left", coalesce=True)
        .with_columns(pl.col("now").fill_null(0))
        .filter(pl.col(column).is_in([day for day in dates if calendar.is_session(day)]))
        .sort(column)
    )
    gone = compared.filter(
        (pl.col("before") >= FEWEST_ROWS) & (pl.col("now") < pl.col("before") * LEAST_SHARE)
    )
    before, now = int(compared["before"].sum()), int(compared["now"].sum())
    if gone.is_empty() and (before < FEWEST_ROWS or now >= before * LEAST_SHARE):
        return
    lost = gone if gone.height else compared
    raise VendorDataError(
        "The vendor sends next to nothing where it had sent rows before. Nothing was replaced: try again, and look at its "
        "answer with `trading-assets raw show`. If the data folder was filled from another replay or simulator than the "
        "one that answers now, start that one again, or give this one a folder of its own with TRADING_DATA",
        vendor=vendor,
        table=table.name,
        sessions=", ".join(str(day) for day in lost[column].head(5)),
        rows_before=before,
        rows_now=now,
        batch_id=batch_id,
    )
