"""Checks that only bars within a session need: is each finished one there, and do they agree with their day; per (symbol, bar)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.tables.table import UTC_INSTANT


def bars_missing(checked: CheckedBars) -> Measured:
    """Find finished hours without any bar, and expected symbols without a bar in one of them.

    Stops at an hour without any bar, and above ``max_missing_frac`` of the expected bars: a symbol may not trade in
    an hour, most of the market does.
    """
    unit = checked.grain.unit
    due = pl.DataFrame(
        [(session, start) for session, starts in checked.due.items() for start in starts],
        schema={"session": pl.Date(), "bar_start": UTC_INSTANT},
        orient="row",
    )
    traded = checked.bars.select("session", "bar_start").unique()
    empty = due.join(traded, on=["session", "bar_start"], how="anti")
    pairs = due.join(traded, on=["session", "bar_start"]).join(checked.expected, on="session")
    missing = pairs.join(checked.bars, on=["symbol", "bar_start"], how="anti").sort("bar_start", "symbol")
    return Measured(
        findings_frame(
            missing, severity="warn", value="no accepted bar", expectation="a bar, as in the session before"
        ),
        f"expected {checked.grain.words} are missing",
        totals=pairs.group_by("session").agg(total=pl.len().cast(pl.Int64)),
        share=checked.thresholds.max_missing_frac,
        always=findings_frame(
            empty, value="no bar of any symbol", expectation=f"every finished {unit} of a session has bars"
        ),
        numbers={f"{unit}s": due.height, "missing": missing.height},
    )


def stored_early(checked: CheckedBars) -> Measured:
    """Find hours that were stored before they were final; stops at the first one."""
    delay = checked.delay
    early = checked.bars.filter(pl.col("bar_end") + delay > pl.col("known_at"))
    details = findings_frame(
        early,
        value=pl.format("known at {}", pl.col("known_at").dt.to_string("%Y-%m-%d %H:%M:%SZ")),
        expectation=f"final {delay.total_seconds() / 60:.0f} minutes after the end of the bar",
    )
    always = early.group_by("session", "bar_start").agg(pl.len()).sort("bar_start")
    return Measured(
        details,
        f"{checked.grain.unit}s were stored too early",
        always=findings_frame(
            always,
            value=pl.format("{} bars stored before they were final", "len"),
            expectation="no bar before its end and the vendor's delay",
        ),
    )


def matches_daily(checked: CheckedBars) -> Measured:
    """Compare the hours of each session that is over with its daily bar; information, it stops nothing.

    High, low and close agree within ``close_difference_frac``. The hours' volume is at most the day's, by
    ``volume_difference_frac``, and at least ``min_hours_volume_ratio`` of it: the day also counts the closing auction
    and what is traded before and after the session.
    """
    limits = checked.thresholds
    whole = {session: len(checked.grain.periods(session)) for session in checked.due}
    over = pl.DataFrame(
        [(session, bars) for session, bars in whole.items() if bars == len(checked.due[session])],
        schema={"session": pl.Date(), "count": pl.UInt32()},
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
            count=pl.len(),
        )
        .join(over, on=["session", "count"], how="semi")
    )
    both = summed.join(checked.daily, on=["symbol", "session"], suffix="_day")
    prices = [
        ((pl.col(name) / pl.col(f"{name}_day") - 1).abs() > limits.close_difference_frac).alias(name)
        for name in ("high", "low", "close")
    ]
    ratio = pl.col("volume") / pl.col("volume_day")
    is_whole = ~pl.col("source").is_in(list(checked.partial_volume)) & (pl.col("volume_day") > 0)
    volume = is_whole & (
        (ratio > 1 + limits.volume_difference_frac) | (ratio < limits.min_hours_volume_ratio)
    )
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
                f"{checked.grain.unit}s and day (in brackets) within {limits.close_difference_frac:.1%} in price, their "
                f"volume from {limits.min_hours_volume_ratio:.0%} to {1 + limits.volume_difference_frac:.0%} of the day's"
            ),
        ),
        "symbols differ from their daily bar",
        numbers={"compared": both.height},
    )
