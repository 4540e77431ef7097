"""Null rates: columns whose share of nulls rises from one session or snapshot to the next; per (column, session)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, Severity, findings_frame

BAR_COLUMNS = ("vwap", "trade_count")
_LEAST_ROWS = 20


def bar_null_rate(checked: CheckedBars) -> Measured:
    """Find columns of a source that suddenly have no values. Nothing decides on them, so it warns."""
    columns = ["symbol", "session", "source", *BAR_COLUMNS]
    frames = [checked.bars.select(columns)]
    if checked.before is not None and {*columns} <= {*checked.before.columns}:
        frames.insert(0, checked.before.select(columns))
    rows = pl.concat(frames)
    found = [
        null_rises(
            rows.filter(pl.col("source") == source),
            BAR_COLUMNS,
            checked.sessions,
            limit=checked.thresholds.max_null_rise_frac,
            severity="warn",
        ).with_columns(source=pl.lit(source))
        for source in rows["source"].unique().sort()
    ]
    details = pl.concat(found) if found else pl.DataFrame(schema=FINDING_SCHEMA)
    return Measured(details, "columns lost their values")


def null_rises(
    rows: pl.DataFrame,
    columns: Sequence[str],
    sessions: Sequence[object],
    *,
    limit: float,
    severity: Severity = "error",
) -> pl.DataFrame:
    """Find columns whose share of nulls rises by more than ``limit`` against the session before.

    Parameters
    ----------
    rows
        Rows of ``sessions`` and of the session before them.
    columns
        Columns to look at.
    sessions
        Sessions to judge.
    limit
        Largest rise; fraction.
    severity
        Severity of the findings.

    Returns
    -------
    pl.DataFrame
        Findings without symbol, one per (column, session). Look-ahead: none.
    """
    counts = (
        rows.group_by("session")
        .agg(pl.len().alias("rows"), *(pl.col(name).null_count() for name in columns))
        .sort("session")
    )
    found = []
    for name in columns:
        share = counts.select("session", "rows", share=pl.col(name) / pl.col("rows")).with_columns(
            before=pl.col("share").shift(1)
        )
        risen = share.filter(
            pl.col("session").is_in(list(sessions)),
            pl.col("share") - pl.col("before") > limit,
            pl.col("rows") >= _LEAST_ROWS,
        )
        found.append(
            findings_frame(
                risen,
                severity=severity,
                value=pl.format("{} is null in {} % of the rows, {} % before", pl.lit(name), (pl.col("share") * 100).round(1), (pl.col("before") * 100).round(1)),
                expectation=f"a rise of at most {limit:.0%}",
            )
        )  # fmt: skip
    return pl.concat(found)
