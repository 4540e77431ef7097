"""Freshness: whether what is stored is as new as it should be, and every source was asked; per (session, source)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame
from trading_assets.sessions import sessions_between


def freshness(checked: CheckedBars) -> Measured:
    """Find sources whose newest fetch does not cover a session, and stop when none covers it.

    A source may be ``max_batch_age_sessions`` behind without a finding as long as another one is there.
    """
    if checked.fetches is None:
        return Measured(pl.DataFrame(schema=FINDING_SCHEMA), "sources are behind")
    limit = checked.thresholds.max_batch_age_sessions
    last = checked.sessions[-1]
    newest = (
        checked.fetches.filter(pl.col("session") <= last)
        .group_by("source")
        .agg(newest=pl.col("session").max())
    )
    behind = newest.with_columns(
        age=pl.col("newest").map_elements(
            lambda day: len(sessions_between(day, last)) - 1, return_dtype=pl.Int64
        )
    )
    asked = checked.fetches.select("session").unique()
    wanted = pl.DataFrame({"session": checked.sessions}, schema={"session": pl.Date()})
    return Measured(
        findings_frame(
            behind.filter(pl.col("age") > limit).with_columns(session=pl.lit(last)),
            severity="warn",
            value=pl.format("newest fetch covers {}, {} sessions behind", "newest", "age"),
            expectation=f"at most {limit} behind",
        ),
        "sources are behind",
        always=findings_frame(
            wanted.join(asked, on="session", how="anti"),
            value="no source was asked for this session",
            expectation="bars come from a fetch of their session",
        ),
    )
