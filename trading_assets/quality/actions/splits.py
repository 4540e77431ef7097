"""Missing splits: prices that step like a split nobody told, and told splits that prices do not follow; per (symbol, session)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.consolidate import step_ratios
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame

SIMPLE_RATIOS = (
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    10.0,
    12.0,
    15.0,
    20.0,
    25.0,
    30.0,
    40.0,
    50.0,
    100.0,
)
_LARGEST_VOLUME_GAIN = 3.0
_LEAST_RATIO = 1.2
_LARGEST_MOVE = 1.7
_LEAST_PRICE_USD = 1.0


def missing_split(checked: CheckedBars) -> Measured:
    """Find prices that step by a simple ratio without a known split, and known splits that prices do not follow.

    A step counts when open and close are both within ``split_tolerance_frac`` of the ratio and the volume, counted in
    the old shares, stays below three times the usual: what crashes or soars trades far more. The symbol gets no new
    risk; more than ``max_unfollowed_frac`` stop the session, because then the corporate actions or the price basis of a
    vendor are wrong.
    """
    details = pl.concat([_unknown(checked), _refused(checked), _not_followed(checked)])
    return Measured(
        details.unique(["session", "symbol"], keep="first", maintain_order=True),
        "symbols step as by a split that is not known, or not at all where one is",
        totals=checked.totals,
        share=checked.thresholds.max_unfollowed_frac,
    )


def nearest_ratio(step: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
    """Return the simple ratio of shares that a price step stands for, NaN for none.

    Parameters
    ----------
    step
        Price over the price before; 0.5 stands for a split of 2 for 1, 10 for one of 1 for 10.
    tolerance
        Largest relative distance; fraction.
    """
    found = np.full(len(step), np.nan)
    for simple in SIMPLE_RATIOS:
        for shares in (simple, 1 / simple):
            with np.errstate(invalid="ignore"):
                found = np.where(np.abs(step * shares - 1) <= tolerance, shares, found)
    return found


def _steps(checked: CheckedBars) -> pl.DataFrame:
    big = (pl.col("close") / pl.col("previous_close")).log().abs() > math.log(_LEAST_RATIO)
    return checked.compared.filter(big)


def _unknown(checked: CheckedBars) -> pl.DataFrame:
    tolerance = checked.thresholds.split_tolerance_frac
    rows = _steps(checked)
    if rows.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    ratio = nearest_ratio((rows["close"] / rows["previous_close"]).to_numpy(), tolerance)
    # a cent is a simple ratio below a dollar
    rows = rows.with_columns(ratio=pl.Series(ratio)).filter(
        pl.col("ratio").is_not_nan(), pl.min_horizontal("close", "previous_close") >= _LEAST_PRICE_USD
    )
    rows = rows.filter(
        (pl.col("open") * pl.col("ratio") / pl.col("previous_close") - 1).abs() <= tolerance,
        (pl.col("volume") <= pl.col("usual_volume") * pl.col("ratio") * _LARGEST_VOLUME_GAIN).fill_null(
            value=False
        ),
    )
    known = rows.join(step_ratios(checked.actions).select("symbol", "ex_date"), on="symbol").filter(
        pl.col("ex_date") <= pl.col("session"), pl.col("ex_date") > pl.col("previous_session")
    )
    return _told(rows.join(known, on=["symbol", "session"], how="anti"), "previous_close")


def _refused(checked: CheckedBars) -> pl.DataFrame:
    rows = checked.quarantined.filter(
        pl.col("rule") == "unexplained_jump", pl.col("reference_close") > 0
    ).unique(["symbol", "session"], keep="first", maintain_order=True)
    if rows.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    tolerance = checked.thresholds.split_tolerance_frac
    close = nearest_ratio((rows["close"] / rows["reference_close"]).to_numpy(), tolerance)
    rows = rows.with_columns(ratio=pl.Series(close)).filter(
        pl.col("ratio").is_not_nan(),
        pl.min_horizontal("close", "reference_close") >= _LEAST_PRICE_USD,
        (pl.col("open") * pl.col("ratio") / pl.col("reference_close") - 1).abs() <= tolerance,
    )
    return _told(rows, "reference_close")


def _told(rows: pl.DataFrame, before: str) -> pl.DataFrame:
    return findings_frame(
        rows,
        source=pl.lit(None),
        value=pl.format("close {} after {}, as by a split of {}", "close", before, pl.col("ratio").round(4)),
        expectation="a split in corporate_actions explains a step by a simple ratio",
    )


def _not_followed(checked: CheckedBars) -> pl.DataFrame:
    if checked.actions is None:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    splits = checked.actions.filter(
        pl.col("kind") == "split",
        (pl.col("split_ratio") > 0),
        pl.col("split_ratio").log().abs() > math.log(_LEAST_RATIO),
    ).select("symbol", "ex_date", "split_ratio")
    due = checked.compared.join(splits, on="symbol").filter(
        pl.col("ex_date") <= pl.col("session"),
        pl.col("ex_date") > pl.col("previous_session"),
        pl.col("volume") > 0,
    )
    step = (pl.col("close") / pl.col("previous_close")).log()
    left = (step + pl.col("split_ratio").log()).abs()
    # off by more than a day's move can explain, or not moved at all
    odd = due.filter(
        (left > math.log(_LARGEST_MOVE))
        | ((left > pl.col("split_ratio").log().abs() / 2) & (step.abs() < left))
    )
    return findings_frame(
        odd,
        source=pl.lit(None),
        value=pl.format("close {} after {}", "close", "previous_close"),
        expectation=pl.format(
            "about {} after the split of {} on {}",
            (pl.col("previous_close") / pl.col("split_ratio")).round(4), "split_ratio", "ex_date",
        ),
    )  # fmt: skip
