"""Universe checks: how much of it changed since the snapshot before, and rows that cannot be; per (symbol, session)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from trading_assets.quality.nulls import null_rises
from trading_assets.quality.outcome import Measured, findings_frame
from trading_assets.quality.thresholds import QualityThresholds

IDENTITY = ("name", "exchange", "asset_type")
FLAGS = ("is_tradable", "is_shortable")
DESCRIPTIVE = ("sector", "industry")
WATCHED = (*IDENTITY, *FLAGS, *DESCRIPTIVE)
_SYMBOL = r"^[A-Za-z0-9][A-Za-z0-9.\-/+=]*$"
_STATUSES = ("active", "delisted")


def universe_drift(rows: pl.DataFrame, sessions: Sequence[date], limits: QualityThresholds) -> Measured:
    """Compare each session's listing with the one before it; stops above ``max_universe_change_frac``.

    Findings name the symbols that came and went; they stop no symbol by themselves.
    """
    days = sorted({*rows["session"].unique().to_list(), *sessions})
    following = pl.DataFrame(
        {"session": days[:-1], "next": days[1:]}, schema={"session": pl.Date(), "next": pl.Date()}
    )
    keys = rows.filter(pl.col("status") != "delisted").select("symbol", "session").unique()
    previous = keys.join(following, on="session").select("symbol", session="next")
    judged = pl.col("session").is_in(list(sessions))
    comparable = previous.select("session").unique().filter(judged)
    gone = previous.join(keys, on=["symbol", "session"], how="anti").join(
        comparable, on="session", how="semi"
    )
    new = keys.join(previous, on=["symbol", "session"], how="anti").join(comparable, on="session", how="semi")
    totals = previous.group_by("session").agg(total=pl.len().cast(pl.Int64)).filter(judged)
    details = pl.concat(
        [
            findings_frame(gone, severity="warn", value="not listed any more", expectation="listed, as in the snapshot before"),
            findings_frame(new, severity="warn", value="newly listed", expectation="known in the snapshot before"),
        ]
    ).sort("session", "symbol")  # fmt: skip
    return Measured(details, "listed symbols changed", totals=totals, share=limits.max_universe_change_frac)


def universe_rows(rows: pl.DataFrame, sessions: Sequence[date], limits: QualityThresholds) -> Measured:
    """Find listings that cannot be: no symbol, listed twice, unknown status, delisted before listed; and an empty universe."""
    inside = rows.filter(pl.col("session").is_in(list(sessions)))
    twice = pl.struct("symbol", "session").is_duplicated()
    backwards = (pl.col("delisted_date") < pl.col("listed_date")).fill_null(value=False)
    wrong = (
        pl.when(~pl.col("symbol").str.contains(_SYMBOL))
        .then(pl.lit("a ticker: letters, digits and . - / + ="))
        .when(twice)
        .then(pl.lit("one row per symbol and session"))
        .when(~pl.col("status").is_in(_STATUSES))
        .then(pl.lit(f"status is one of {', '.join(_STATUSES)}"))
        .when(backwards)
        .then(pl.lit("delisted after it was listed"))
    )
    odd = inside.with_columns(wrong=wrong).filter(pl.col("wrong").is_not_null())
    wanted = pl.DataFrame({"session": sessions}, schema={"session": pl.Date()})
    return Measured(
        findings_frame(
            odd,
            value=pl.format(
                "status {} listed {} delisted {}",
                "status", pl.col("listed_date").cast(pl.String).fill_null("none"), pl.col("delisted_date").cast(pl.String).fill_null("none"),
            ),
            expectation=pl.col("wrong"),
        ),
        "listings cannot be",
        totals=inside.group_by("session").agg(total=pl.len().cast(pl.Int64)),
        share=limits.max_quarantined_frac,
        always=findings_frame(
            wanted.join(inside, on="session", how="anti"), value="no symbol listed", expectation="a universe"
        ),
    )  # fmt: skip


def universe_null_rate(
    rows: pl.DataFrame, sessions: Sequence[date], limits: QualityThresholds, *, newest: date | None = None
) -> Measured:
    """Find columns of the universe that suddenly lost their values: the vendor or the broker did not answer in full.

    Stops when it is one that orders depend on (name, exchange, type, the broker's flags); sector and industry are
    information. A broker only tells its flags of the ``newest`` session: an older one that was filled in later has none
    at all, and is not compared.
    """
    limit = limits.max_null_rise_frac
    told = pl.any_horizontal(pl.col(name).is_not_null() for name in FLAGS).any().over("session")
    asked = rows if newest is None else rows.filter(told | (pl.col("session") >= newest))
    return Measured(
        null_rises(rows, DESCRIPTIVE, sessions, limit=limit, severity="warn"),
        "columns lost their values",
        always=pl.concat(
            [
                null_rises(rows, IDENTITY, sessions, limit=limit),
                null_rises(asked, FLAGS, sessions, limit=limit),
            ]
        ),
    )
