"""Check of what is held: a name that does not trade any more is never carried at its last price without a word."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.quality.thresholds import QualityThresholds


def held_without_bar(held: pl.DataFrame, limits: QualityThresholds) -> Measured:
    """Find names that are held and have not traded for ``held_silent_sessions`` sessions, or are not listed any more.

    They are valued at their last close until the broker books their end, or they are sold. Nothing is bought of them.

    Parameters
    ----------
    held
        ``session, symbol, quantity``; ``last_bar``: session of its last accepted bar, null if there never was one;
        ``silent_sessions``: sessions since; ``status``: its listing at the session, null if it has none.
    """
    is_gone = (pl.col("status") != "active").fill_null(value=True) & (pl.col("silent_sessions") > 0)
    found = held.filter((pl.col("silent_sessions") >= limits.held_silent_sessions) | is_gone)
    listing = pl.when(is_gone).then(pl.lit(", not listed any more")).otherwise(pl.lit(""))
    value = pl.format(
        "{} shares held, no bar since {}{}",
        pl.col("quantity").cast(pl.Float64),
        pl.col("last_bar").cast(pl.String).fill_null("ever"),
        listing,
    )
    choices = (
        "a bar each session; it is valued at its last close: wait until the broker books its end, sell it there, or ask the "
        "broker what became of it"
    )
    return Measured(
        findings_frame(found.with_columns(value=value), expectation=choices), "held names do not trade"
    )
