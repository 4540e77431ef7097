"""Checks that only hours need: is each finished one there, and do a session's hours agree with its day; per (symbol, bar)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.tables.table import UTC_INSTANT

HOURS_SCHEMA = pl.Schema({"session": pl.Date(), "bar_start": UTC_INSTANT})


def hours_missing(
    checked: CheckedBars, due: Mapping[date, Sequence[datetime]], expected: pl.DataFrame
) -> Measured:
    """Find finished hours without any bar, and expected symbols without a bar in one of them.

    Stops at an hour without any bar, and above ``max_missing_frac`` of the expected bars: a symbol may not trade in
    an hour, most of the market does.

    Parameters
    ----------
    checked
        Hourly bars of the range.
    due
        By session, the starts of the hours that were finished when the bars were fetched.
    expected
        Symbols that should have bars: ``session, symbol``.
    """
    hours = pl.DataFrame(
        [(session, start) for session, starts in due.items() for start in starts],
        schema=HOURS_SCHEMA,
        orient="row",
    )
    traded = checked.bars.select("session", "bar_start").unique()
    empty = hours.join(traded, on=["session", "bar_start"], how="anti")
    pairs = hours.join(traded, on=["session", "bar_start"]).join(expected, on="session")
    missing = pairs.join(checked.bars, on=["symbol", "bar_start"], how="anti").sort("bar_start", "symbol")
    return Measured(
        findings_frame(
            missing, severity="warn", value="no accepted bar", expectation="a bar, as in the session before"
        ),
        "expected hourly bars are missing",
        totals=pairs.group_by("session").agg(total=pl.len().cast(pl.Int64)),
        share=checked.thresholds.max_missing_frac,
        always=findings_frame(
            empty, value="no bar of any symbol", expectation="every finished hour of a session has bars"
        ),
        numbers={"hours": hours.height, "missing": missing.height},
    )


def unfinished_hour(checked: CheckedBars, delay: timedelta) -> Measured:
    """Find hours that were stored before they were final; stops at the first one.

    Parameters
    ----------
    checked
        Hourly bars of the range, with ``known_at``.
    delay
        How long after its end a bar is final.
    """
    early = checked.bars.filter(pl.col("bar_end") + delay > pl.col("known_at"))
    details = findings_frame(
        early,
        value=pl.format("known at {}", pl.col("known_at").dt.to_string("%Y-%m-%d %H:%M:%SZ")),
        expectation=f"final {delay.total_seconds() / 60:.0f} minutes after the end of the bar",
    )
    always = early.group_by("session", "bar_start").agg(pl.len()).sort("bar_start")
    return Measured(
        details,
        "hours were stored too early",
        always=findings_frame(
            always,
            value=pl.format("{} bars stored before they were final", "len"),
            expectation="no bar before its end and the vendor's delay",
        ),
    )


def hourly_matches_daily(
    checked: CheckedBars, over: Mapping[date, Sequence[datetime]], daily: pl.DataFrame
) -> Measured:
    """Compare the hours of each session that is over with its daily bar; information, it stops nothing.

    High, low and close agree within ``close_difference_frac``. The hours' volume is at most the day's, by
    ``volume_difference_frac``, and at least ``min_hours_volume_ratio`` of it: the day also counts the closing auction
    and what is traded before and after the session.

    Parameters
    ----------
    checked
        Hourly bars of the range.
    over
        By session that is over, the starts of the hours that have to be there.
    daily
        Rows of ``daily_bars`` of the same sessions.
    """
    limits = checked.thresholds
    complete = pl.DataFrame(
        [(session, len(starts)) for session, starts in over.items()],
        schema={"session": pl.Date(), "hours": pl.UInt32()},
        orient="row",
    )
    summed = (
        checked.bars.sort("symbol", "bar_start")
        .group_by("symbol", "session", maintain_order=True)
        .agg(
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
            pl.col("source").last(),
            hours=pl.len(),
        )
        .join(complete, on=["session", "hours"], how="semi")
    )
    both = summed.join(daily, on=["symbol", "session"], suffix="_day")
    prices = [
        ((pl.col(name) / pl.col(f"{name}_day") - 1).abs() > limits.close_difference_frac).alias(name)
        for name in ("high", "low", "close")
    ]
    ratio = pl.col("volume") / pl.col("volume_day")
    whole = ~pl.col("source").is_in(list(checked.partial_volume)) & (pl.col("volume_day") > 0)
    volume = whole & ((ratio > 1 + limits.volume_difference_frac) | (ratio < limits.min_hours_volume_ratio))
    differing = both.filter(pl.any_horizontal(*prices, volume)).sort("session", "symbol")
    text = pl.format(
        "high {} ({}), low {} ({}), close {} ({}), volume {} ({})",
        *(pl.col(name) for kind in ("high", "low", "close", "volume") for name in (kind, f"{kind}_day")),
    )
    return Measured(
        findings_frame(
            differing,
            severity="warn",
            value=text,
            expectation=(
                f"hours and day (in brackets) within {limits.close_difference_frac:.1%} in price, their volume "
                f"from {limits.min_hours_volume_ratio:.0%} to {1 + limits.volume_difference_frac:.0%} of the day's"
            ),
        ),
        "symbols differ from their daily bar",
        numbers={"compared": both.height},
    )
