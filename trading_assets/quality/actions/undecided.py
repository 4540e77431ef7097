"""Undecided actions: what may be a stock dividend, or a spin-off that a vendor tells as a split; per (symbol, ex-date)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.actions.spin_offs import (
    NEAR,
    TELLS_SPIN_OFFS,
    Decisions,
    decision_of,
    may_be_stock_dividend,
)
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame

UNDECIDED_CHECK = "undecided_actions"
READINGS = {"stock-dividend": "split", "spin-off": "spin_off"}
"""What a person may decide, and the kind of action that it is then."""
UNDECIDED_SCHEMA = pl.Schema(
    {"session": pl.Date(), "symbol": pl.String(), "source": pl.String(), "split_ratio": pl.Float64()}
)


def undecided_splits(recognised: pl.DataFrame, decided: Decisions) -> pl.DataFrame:
    """Find splits that may be spin-offs: nobody who tells the two apart, and no person, says which.

    BD's spin-off of Embecta came as 1.025 and Zimmer's of ZimVie as 1.03, as stock dividends do. Prices step the same in both
    readings, so that they cannot tell; whoever holds shares has more of them after the one and not after the other.

    Parameters
    ----------
    recognised
        Reports after ``recognise_spin_offs``, the best source's of a day first.
    decided
        What a person decided.

    Returns
    -------
    pl.DataFrame
        ``session`` (the ex-date), ``symbol``, ``source`` and ``split_ratio``; one row an action, though several sources
        date it some days apart.
    """
    told = recognised.filter(
        ((pl.col("kind") == "split") & pl.col("source").is_in(list(TELLS_SPIN_OFFS)))
        | (pl.col("kind") == "spin_off")
    ).select("symbol", told_on="ex_date")
    splits = recognised.filter(pl.col("kind") == "split", pl.col("split_ratio") > 1)
    doubtful = [
        row
        for row in splits.select("ex_date", "symbol", "source", "split_ratio").iter_rows()
        if may_be_stock_dividend(row[3]) and decision_of(row[1], row[0], decided) is None
    ]
    found = pl.DataFrame(doubtful, schema=UNDECIDED_SCHEMA, orient="row")
    days = (pl.col("session") - pl.col("told_on")).dt.total_days().abs()
    known = found.join(told, on="symbol").filter(days <= NEAR.days)
    left = found.join(known, on=["symbol", "session"], how="anti").sort(
        "symbol", "session", maintain_order=True
    )
    again = (pl.col("symbol") == pl.col("symbol").shift()) & (
        pl.col("session") - pl.col("session").shift() <= NEAR
    )
    return left.filter(~again.fill_null(value=False))


def undecided_actions(undecided: pl.DataFrame) -> Measured:
    """Find actions that may be a stock dividend or a spin-off; the symbol gets no new risk until that is decided.

    A source that tells the two apart decides it, or a person does with `trading-assets quality decide`.

    Parameters
    ----------
    undecided
        Of ``undecided_splits``.
    """
    if undecided.is_empty():
        return Measured(pl.DataFrame(schema=FINDING_SCHEMA), "corporate actions are undecided")
    return Measured(
        findings_frame(
            undecided,
            value=pl.format("split split_ratio {}", "split_ratio"),
            expectation=pl.format(
                "either a stock dividend ({} shares for one) or a spin-off told as a split (earlier prices x {}, as many "
                "shares as before): this source has one word for both, and no other says which. A vendor that does decides it "
                "(trading-assets backfill --start {} --end {} --again), or you: trading-assets quality decide --session {} "
                "--symbol {} --as spin-off (or stock-dividend) --reason \"...\"",
                "split_ratio", (1 / pl.col("split_ratio")).round(6), *["session"] * 3, "symbol",
            ),
        ),
        "corporate actions are undecided",
    )  # fmt: skip
