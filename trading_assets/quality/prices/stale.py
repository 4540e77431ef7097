"""Stale prices: bars that repeat the session before, and closes that do not move although there was trade; per (symbol, session)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame

_LEAST_PRICE_USD = 1.0
"""Below it a cent is too coarse to tell a price that does not move."""
_OHLCV = ("open", "high", "low", "close", "volume")


def stale_price(checked: CheckedBars) -> Measured:
    """Find bars that repeat the one before, and closes that stay the same for many traded sessions.

    A repeated bar (same prices, same volume) stops new risk in its symbol, and the session above ``max_stale_frac``. Four
    prices that have not moved for ``unchanged_sessions`` are information. More
    than ``max_unchanged_frac`` of closes equal to the session before stop the session: the vendor repeated itself.
    """
    limits = checked.thresholds
    rows = checked.compared.filter(pl.col("volume") > 0)
    same = pl.all_horizontal([pl.col(name) == pl.col(f"previous_{name}") for name in _OHLCV])
    moved = pl.col("high") > pl.col("low")
    repeated = rows.filter(same & moved)
    unchanged = (
        rows.filter(pl.col("previous_close").is_not_null())
        .group_by("session")
        .agg(total=pl.len(), found=(pl.col("close") == pl.col("previous_close")).sum())
    )
    many = unchanged.filter(
        pl.col("found") > pl.col("total") * limits.max_unchanged_frac,
        pl.col("total") >= limits.min_symbols_for_shares // 4,
    )
    details = findings_frame(
        repeated,
        value=pl.format("close {} volume {}, all as on {}", "close", "volume", "previous_session"),
        expectation="a bar of its own each session",
    )
    return Measured(
        pl.concat([details, _unmoved(checked)]),
        "symbols repeat the bar of the session before",
        totals=checked.totals,
        counted=details,
        share=limits.max_stale_frac,
        always=findings_frame(
            many,
            value=pl.format("{} of {} closes equal the session before", "found", "total"),
            expectation=f"at most {limits.max_unchanged_frac:.0%}",
        ),
        numbers={"repeated": repeated.height},
    )


def _unmoved(checked: CheckedBars) -> pl.DataFrame:
    """Find bars whose four prices just stayed the same for too long although the volume changed; one finding a run."""
    span = checked.thresholds.unchanged_sessions
    rows = checked.history.filter(pl.col("volume") > 0)
    differs = [pl.col(name) != pl.col(name).shift(1) for name in ("symbol", *_OHLCV[:4])]
    start = pl.any_horizontal(differs).fill_null(value=True)
    runs = rows.with_columns(start=start, place=pl.int_range(pl.len()))
    first = pl.when("start").then("place").forward_fill()
    long = runs.with_columns(length=pl.col("place") - first + 1).filter(
        pl.col("length") == span,
        pl.col("session") >= checked.sessions[0],
        pl.col("high") > pl.col("low"),
        pl.col("close") >= _LEAST_PRICE_USD,
    )
    return findings_frame(
        long,
        severity="warn",
        value=pl.format("open, high, low and close {} for {} traded sessions", "close", "length"),
        expectation=f"prices move within {span} sessions",
    )
