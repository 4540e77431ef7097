"""Volumes that are a small part or a multiple of the usual ones, of sessions and of symbols; per (symbol, session)."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.moves import trailing_median
from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.sessions import session_close, session_open

_FULL_SESSION = timedelta(hours=6, minutes=30)
_HALF_DAY_FACTOR = 0.5
_YEAR_END_FACTOR = 0.7
"""Full sessions from Christmas to the end of the year had 0.47 to 0.72 of their usual volume in 2015 and 2016."""
_LEAST_COMPARED = 20
_BELOW_LEAST = 0.5
_CALM = 2.0


def volume_collapse(checked: CheckedBars) -> Measured:
    """Find volumes that are a small part of the median of the 20 bars before.

    Stops when the median symbol's ratio is outside ``min_session_volume_ratio`` and ``max_session_volume_ratio``: the bars
    were fetched before the session ended, or are in another unit. Half of it is enough on a half day, and 0.7 of it in the
    last days of the year. A liquid symbol below ``min_symbol_volume_ratio``, and below half of the lowest of those
    bars, gets no new risk; more than ``max_quarantined_frac`` of them stop the session.
    """
    limits = checked.thresholds
    ratio = pl.col("volume") / pl.col("usual_volume")
    rows = checked.compared.filter(pl.col("usual_volume") > 0).with_columns(ratio=ratio)
    per_session = (
        rows.group_by("session")
        .agg(median=pl.col("ratio").median(), compared=pl.len())
        .with_columns(
            least=pl.col("session").replace_strict(
                {day: _least(day, limits.min_session_volume_ratio) for day in checked.sessions},
                return_dtype=pl.Float64,
            )
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
        totals=checked.totals,
        share=limits.max_quarantined_frac,
        always=findings_frame(
            sick,
            value=pl.format(
                "the median symbol traded {} of its usual volume{}",
                pl.col("median").round(3),
                pl.when(pl.col("median") < pl.col("least"))
                .then(pl.lit(": fetched before the session ended?"))
                .otherwise(pl.lit("")),
            ),
            expectation=pl.format(
                "between {} and {}; run the session again when it is over",
                pl.col("least").round(3),
                pl.lit(limits.max_session_volume_ratio),
            ),
        ),
    )


def volume_surge(checked: CheckedBars) -> Measured:
    """Find volumes that are many times the usual one on a session on which the price hardly moved.

    News trades much and moves the price, and additions to an index trade up to thirty times the usual volume; a unit error
    does neither. A liquid symbol gets no new risk; more than ``max_quarantined_frac`` of them stop the session.
    """
    limits = checked.thresholds
    is_high = pl.col("volume") > limits.max_symbol_volume_ratio * pl.col("usual_volume")
    is_liquid = pl.col("usual_volume") * pl.col("previous_close") >= limits.liquid_volume_usd
    rows = checked.compared.filter(is_high, is_liquid)
    details = findings_frame(
        _calm(checked, rows),
        value=pl.format(
            "volume {} is {} of the usual {}",
            "volume", (pl.col("volume") / pl.col("usual_volume")).round(1), "usual_volume",
        ),
        expectation=f"at most {limits.max_symbol_volume_ratio:g} of the median of 20 sessions on a calm one",
    )  # fmt: skip
    return Measured(
        details,
        "symbols have a multiple of their usual volume",
        totals=checked.totals,
        share=limits.max_quarantined_frac,
    )


def _calm(checked: CheckedBars, rows: pl.DataFrame) -> pl.DataFrame:
    """Keep bars whose range, the gap before it included, is less than twice the usual one."""
    if rows.is_empty():
        return rows
    history = checked.history.filter(pl.col("symbol").is_in(rows["symbol"].unique().implode()))
    before = pl.col("previous_close").fill_null(pl.col("close"))
    span = (pl.max_horizontal("high", before) / pl.min_horizontal("low", before)).log()
    spans = history.select(span.alias("span"))["span"].to_numpy()
    usual = trailing_median(history, spans, np.arange(history.height))
    calm = history.select("symbol", "session").filter(pl.Series(spans < _CALM * usual))
    return rows.join(calm, on=["symbol", "session"], how="semi")


def _least(day: date, full: float) -> float:
    if session_close(day) - session_open(day) < _FULL_SESSION:
        return full * _HALF_DAY_FACTOR
    is_year_end = (day.month, day.day) >= (12, 23)
    return full * _YEAR_END_FACTOR if is_year_end else full
