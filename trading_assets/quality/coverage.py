"""Coverage: symbols that one source has had no bar of for many sessions while others have; told once, per (session, source)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame

LACKING_SESSIONS = 20
"""A source that answered for others, and not for a symbol, on so many sessions on which another source had it, lacks it."""
COVERAGE_LOOK_BACK = 60
"""Sessions in which they are counted."""
_DENSE = 30  # sessions within which they lie: a symbol that hardly trades says nothing about a source
_NAMED = 200
_WHAT = "symbols are not known to every source"


def source_coverage(checked: CheckedBars) -> Measured:
    """Find symbols that a source does not have; told on the session on which that is certain, not again each day.

    Such a symbol is checked against fewer sources than the settings name: the finding says against how many. A spelling that the
    vendor does not know, a kind of share that it leaves out, or a ticker that it lost are the usual reasons.
    """
    if checked.answers is None or checked.answers.is_empty():
        return Measured(pl.DataFrame(schema=FINDING_SCHEMA), _WHAT, numbers=_source_counts(checked.bars))
    answered = checked.answers.select("source", "session").unique()
    days = answered.select("session").unique().sort("session").with_row_index("day")
    answers = _of_few_sources(checked.answers, len(checked.vendor_sources), days.height).join(
        days, on="session"
    )
    found = [
        _lacking(answers, answered.filter(pl.col("source") == source), checked.sessions)
        for source in checked.vendor_sources
    ]
    details = pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *found])
    return Measured(details, _WHAT, numbers=_source_counts(checked.bars))


def _source_counts(bars: pl.DataFrame) -> dict[str, int | float | str]:
    if "source_count" not in bars.columns:
        return {}
    counts = bars.group_by("source_count").len().sort("source_count")
    return {f"bars_of_{count}_sources": bars_of for count, bars_of in counts.iter_rows()}


def _of_few_sources(answers: pl.DataFrame, sources: int, sessions: int) -> pl.DataFrame:
    # Answers about symbols that some source can have missed so often: most of the market need not be looked at.
    counts = answers.group_by("symbol", "source").len()
    fewest = counts.group_by("symbol").agg(sources=pl.len(), fewest=pl.col("len").min())
    lacking = (pl.col("sources") < sources) | (pl.col("fewest") <= sessions - LACKING_SESSIONS)
    return answers.join(fewest.filter(lacking), on="symbol", how="semi")


def _lacking(answers: pl.DataFrame, answered: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Find what one source lacks; ``answered`` are the sessions on which it had a bar of anything."""
    if answered.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    source: str = answered["source"][0]
    is_own = pl.col("source") == source
    own = answers.filter(is_own)
    missed = (
        answers.filter(~is_own)
        .select("symbol", "session", "day")
        .unique()
        .join(answered, on="session", how="semi")
        .join(own, on=["symbol", "session"], how="anti")
    )
    named = _certain(missed, own).filter(pl.col("session").is_in(list(sessions)))
    return pl.DataFrame(schema=FINDING_SCHEMA) if named.is_empty() else _told(named, answers, source)


def _certain(missed: pl.DataFrame, own: pl.DataFrame) -> pl.DataFrame:
    """Select the session on which a symbol was missed for the last of so many times, counted since the source had it."""
    before = own.select("symbol", "day", last_answer="day").sort("day")
    rows = missed.sort("day").join_asof(before, on="day", by="symbol", check_sortedness=False)
    rows = rows.sort("symbol", "day")
    first, earlier = (
        (pl.col("symbol") == pl.col("symbol").shift(back))
        & pl.col("last_answer").eq_missing(pl.col("last_answer").shift(back))
        & (pl.col("day").cast(pl.Int64) - pl.col("day").cast(pl.Int64).shift(back) < within)
        for back, within in ((LACKING_SESSIONS - 1, _DENSE), (LACKING_SESSIONS, COVERAGE_LOOK_BACK))
    )
    return rows.filter(first.fill_null(value=False) & ~earlier.fill_null(value=False))


def _told(named: pl.DataFrame, answers: pl.DataFrame, source: str) -> pl.DataFrame:
    recent = answers.join(named.select("symbol", "session", until="day"), on="symbol", suffix="_told")
    recent = recent.filter(
        pl.col("day") <= pl.col("until"), pl.col("day") + LACKING_SESSIONS > pl.col("until")
    )
    left = recent.group_by("symbol", session="session_told").agg(sources=pl.col("source").n_unique())
    listed = (
        left.sort("session", "sources", "symbol")
        .group_by("session", "sources", maintain_order=True)
        .agg(names=pl.col("symbol").head(_NAMED).str.join(", "), count=pl.len().cast(pl.Int64))
        .with_columns(more=pl.col("count") - _NAMED)
    )
    words = pl.format(
        "{} with {} left: {}{}",
        "count",
        pl.when(pl.col("sources") == 1)
        .then(pl.lit("1 source"))
        .otherwise(pl.format("{} sources", "sources")),
        "names",
        pl.when(pl.col("more") > 0).then(pl.format(" and {} more", "more")).otherwise(pl.lit("")),
    )
    rows = listed.group_by("session", maintain_order=True).agg(value=words.str.join("; "))
    return findings_frame(
        rows,
        severity="warn",
        source=pl.lit(source),
        value=pl.format("no bar of symbols in {} sessions; {}", pl.lit(LACKING_SESSIONS), "value"),
        expectation="a bar of what the other sources have; these symbols are compared with fewer sources from here on",
    )
