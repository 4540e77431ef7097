"""Completeness: which symbols of the universe and which sessions of the calendar have no bar; per (symbol, session)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame

_GONE = ("delisting", "symbol_change")


def completeness(checked: CheckedBars) -> Measured:
    """Find symbols and sessions without a bar.

    A symbol is expected when it had a bar within ``expected_after_sessions`` and is still listed. Stops above
    ``max_missing_frac`` of them, above ``max_unpriced_frac`` of the universe, at an empty session, and at a hole before
    the range.
    """
    limits = checked.thresholds
    missing = _missing(checked)
    always = pl.concat([_empty(checked), _hole(checked), _unpriced(checked)])
    expected = pl.concat([checked.totals, missing.group_by("session").agg(total=pl.len().cast(pl.Int64))])
    details = findings_frame(
        missing.join(_empty(checked), on="session", how="anti"),
        value="no accepted bar",
        expectation=pl.format("a bar, as on {}", "last_session"),
    )
    return Measured(
        pl.concat([details, _new_listings(checked)]),
        "expected symbols have no accepted bar",
        totals=expected.group_by("session").agg(pl.col("total").sum()),
        counted=details,
        share=limits.max_missing_frac,
        always=always,
    )


def _missing(checked: CheckedBars) -> pl.DataFrame:
    """List expected bars that are not there, with the session on which the symbol had its last one."""
    span = checked.thresholds.expected_after_sessions
    rows = checked.history.select("symbol", "session").join(checked.days, on="session", maintain_order="left")
    same = pl.col("symbol") == pl.col("symbol").shift(-1)
    until = pl.when(same).then(pl.col("day").shift(-1)).otherwise(checked.days.height)
    gaps = rows.with_columns(until=pl.min_horizontal(until, pl.col("day") + 1 + span)).filter(
        pl.col("until") > pl.col("day") + 1
    )
    missing = (
        gaps.select("symbol", last_session="session", day=pl.int_ranges(pl.col("day") + 1, "until"))
        .explode("day", empty_as_null=False)
        .join(checked.days, on="day")
        .filter(pl.col("session").is_in(list(checked.sessions)))
    )
    if checked.actions is not None:
        gone = checked.actions.filter(pl.col("kind").is_in(_GONE)).select("symbol", "ex_date")
        left = missing.join(gone, on="symbol").filter(
            pl.col("ex_date") <= pl.col("session"), pl.col("ex_date") > pl.col("last_session")
        )
        missing = missing.join(left, on=["symbol", "session"], how="anti")
    listed = _listed(checked)
    if listed is not None:
        unknown = missing.join(listed, on="session", how="anti")
        missing = pl.concat([missing.join(listed, on=["symbol", "session"], how="semi"), unknown])
    return missing.select("symbol", "session", "last_session").sort("session", "symbol")


def _listed(checked: CheckedBars) -> pl.DataFrame | None:
    if checked.universe is None:
        return None
    here = pl.col("delisted_date").is_null() | (pl.col("delisted_date") > pl.col("session"))
    return checked.universe.filter(here, pl.col("status") != "delisted").select(
        "symbol", "session", "listed_date"
    )


def _empty(checked: CheckedBars) -> pl.DataFrame:
    wanted = pl.DataFrame({"session": checked.sessions}, schema={"session": pl.Date()})
    return findings_frame(
        wanted.join(checked.bars, on="session", how="anti"),
        value="no bar at all",
        expectation="every exchange session has bars",
    )


def _hole(checked: CheckedBars) -> pl.DataFrame:
    if not checked.hole:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    first, last = checked.hole[0], checked.hole[-1]
    start = pl.DataFrame({"session": [min(checked.sessions)]}, schema={"session": pl.Date()})
    return findings_frame(
        start,
        value=f"no bars on {len(checked.hole)} sessions before it, from {first} to {last}",
        expectation=(
            f"no hole in what features look back on: trading-assets backfill --start {first} --end {last}"
        ),
    )


def _unpriced(checked: CheckedBars) -> pl.DataFrame:
    """Sessions on which most of the universe has no bar."""
    listed = _listed(checked)
    if listed is None:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    limit = checked.thresholds.max_unpriced_frac
    without = listed.join(checked.bars, on=["symbol", "session"], how="anti")
    counts = (
        listed.group_by("session")
        .agg(total=pl.len())
        .join(without.group_by("session").agg(found=pl.len()), on="session")
        .join(checked.bars, on="session", how="semi")
        .filter(pl.col("found") > pl.col("total") * limit)
    )
    return findings_frame(
        counts,
        value=pl.format("{} of {} listed symbols have no bar", "found", "total"),
        expectation=f"at most {limit:.0%} of the universe",
    )


def _new_listings(checked: CheckedBars) -> pl.DataFrame:
    """Symbols listed a few sessions ago that never had a bar; not counted, they may not trade yet."""
    listed = _listed(checked)
    if listed is None:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    span = checked.thresholds.expected_after_sessions
    due = (
        listed.filter(pl.col("listed_date") <= pl.col("session"))
        .join(checked.history, on="symbol", how="anti")
        .join(checked.days, on="session")
        .join(checked.days.select(listed_date="session", listed_day="day"), on="listed_date")
        .filter(pl.col("day") < pl.col("listed_day") + span)
    )
    return findings_frame(
        due,
        severity="warn",
        value="no bar yet",
        expectation=pl.format("a bar soon: listed since {}", "listed_date"),
    )
