"""Volume collapse: sessions and symbols whose volume is a small part of their usual one; per (symbol, session)."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.sessions import session_close, session_open

_FULL_SESSION = timedelta(hours=6, minutes=30)
_HALF_DAY_FACTOR = 0.5
_LEAST_COMPARED = 20
_BELOW_LEAST = 0.5


def volume_collapse(checked: CheckedBars) -> Measured:
    """Find volumes that are a small part of the median of the 20 bars before.

    Stops when the median symbol's ratio is outside ``min_session_volume_ratio`` (half of it on a half day) and
    ``max_session_volume_ratio``. A liquid symbol below ``min_symbol_volume_ratio``, and below half of the lowest of those
    bars, gets no new risk; more than ``max_quarantined_frac`` of them stop the session.
    """
    limits = checked.thresholds
    ratio = pl.col("volume") / pl.col("usual_volume")
    rows = checked.compared.filter(pl.col("usual_volume") > 0).with_columns(ratio=ratio)
    short = [day for day in checked.sessions if session_close(day) - session_open(day) < _FULL_SESSION]
    least = limits.min_session_volume_ratio
    per_session = (
        rows.group_by("session")
        .agg(median=pl.col("ratio").median(), compared=pl.len())
        .with_columns(
            least=pl.when(pl.col("session").is_in(short)).then(least * _HALF_DAY_FACTOR).otherwise(least)
        )
    )
    sick = per_session.filter(
        (pl.col("median") < pl.col("least")) | (pl.col("median") > limits.max_session_volume_ratio),
        pl.col("compared") >= _LEAST_COMPARED,
    )
    liquid = pl.col("usual_volume") * pl.col("previous_close") >= limits.liquid_volume_usd
    details = findings_frame(
        # what trades in lumps has had such days before
        rows.filter(
            liquid,
            pl.col("ratio") < limits.min_symbol_volume_ratio,
            pl.col("volume") < pl.col("least_volume") * _BELOW_LEAST,
        ),
        value=pl.format(
            "volume {} is {} of the usual {}", "volume", pl.col("ratio").round(4), "usual_volume"
        ),
        expectation=f"at least {limits.min_symbol_volume_ratio:g} of the median of 20 sessions",
    )
    return Measured(
        details,
        "symbols lost their usual volume",
        totals=checked.totals.with_columns(pl.col("total").cast(pl.Int64)),
        share=limits.max_quarantined_frac,
        always=findings_frame(
            sick,
            value=pl.format("the median symbol traded {} of its usual volume", pl.col("median").round(3)),
            expectation=pl.format("between {} and {}", "least", pl.lit(limits.max_session_volume_ratio)),
        ),
    )
