"""Freshness: whether what is stored is as new as it should be, and every source was asked; per (session, source)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame
from trading_assets.sessions import sessions_between

_LEAST_SHARE = 0.5


def freshness(checked: CheckedBars) -> Measured:
    """Find sources that fell behind or answered for few symbols, and stop when none was asked for a session.

    A source may be ``max_batch_age_sessions`` behind without a finding as long as another one is there.
    """
    thin = _thin_sources(checked)
    if checked.fetches is None:
        return Measured(thin, "sources are behind")
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
    late = findings_frame(
        behind.filter(pl.col("age") > limit).with_columns(session=pl.lit(last)),
        severity="warn",
        value=pl.format("newest fetch covers {}, {} sessions behind", "newest", "age"),
        expectation=f"at most {limit} behind",
    )
    return Measured(
        pl.concat([late, thin]),
        "sources are behind",
        always=findings_frame(
            wanted.join(asked, on="session", how="anti"),
            value="no source was asked for this session",
            expectation="bars come from a fetch of their session",
        ),
    )


def _thin_sources(checked: CheckedBars) -> pl.DataFrame:
    """Find sources that have less than half of a session's bars: the others stand in, unnoticed without this."""
    if checked.vendor is None:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    sources = checked.vendor_sources or checked.vendor["source"].unique().sort().to_list()
    named = pl.DataFrame({"source": list(sources)}, schema={"source": pl.String()})
    counts = checked.vendor.group_by("session", "source").agg(found=pl.len())
    every = checked.totals.join(named, how="cross").join(counts, on=["session", "source"], how="left")
    thin = every.with_columns(pl.col("found").fill_null(0)).filter(
        pl.col("found") < pl.col("total") * _LEAST_SHARE
    )
    return findings_frame(
        thin.sort("session", "source"),
        severity="warn",
        value=pl.format("{} bars, the session has {}", "found", "total"),
        expectation=f"at least {_LEAST_SHARE:.0%} of the session's bars",
    )
