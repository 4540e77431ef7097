"""Corporate actions: what several vendors report becomes one row per (symbol, ex-date, kind), with their differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from trading_assets.quality.actions.spin_offs import (
    NOTHING_DECIDED,
    RATIO_TOLERANCE,
    Decisions,
    is_split_ratio,
    may_be_stock_dividend,
    recognise_spin_offs,
)
from trading_assets.quality.actions.undecided import undecided_splits
from trading_assets.quality.outcome import Measured, findings_frame

KEY = ("symbol", "ex_date", "kind")
CASH_TOLERANCE_FRAC = 0.01
CASH_TOLERANCE_USD = 0.005
NEAR_CASH_FRAC = 0.25
"""A dividend that two sources date differently is one even if they differ so much in the amount (foreign ones do)."""
NEAR_DAYS = {"split": 3, "cash_dividend": 3, "spin_off": 3, "symbol_change": 7, "delisting": 7}
"""Sources may date the same action so far apart; without it the action would count twice."""
DISAGREEMENT_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "symbol": pl.String(),
        "source": pl.String(),
        "value": pl.String(),
        "expectation": pl.String(),
    }
)
SETTLED_AFTER = timedelta(days=2 * max(NEAR_DAYS.values()))
"""Reports dated so far from an action cannot change what becomes of it (three sources, two steps)."""
_VALUES = ("split_ratio", "cash_usd", "new_symbol", "share_ratio", "price_factor")
_LIMITS = {"split_ratio": RATIO_TOLERANCE, "share_ratio": RATIO_TOLERANCE, "price_factor": RATIO_TOLERANCE}


@dataclass(frozen=True)
class MergedActions:
    """Actions, one row per (symbol, ex_date, kind), where the sources differ, and what none of them decides.

    ``disagreements`` has the columns ``session`` (the ex-date), ``symbol, source, value, expectation``; ``undecided`` is that
    of ``undecided_splits``.
    """

    actions: pl.DataFrame
    disagreements: pl.DataFrame
    undecided: pl.DataFrame

    def between(self, start: date, end: date) -> MergedActions:
        """Return what has its ex-date from ``start`` to ``end``."""
        inside = pl.col("session").is_between(start, end)
        return MergedActions(
            self.actions.filter(pl.col("ex_date").is_between(start, end)),
            self.disagreements.filter(inside),
            self.undecided.filter(inside),
        )


def merge_actions(
    reported: pl.DataFrame, priority: Sequence[str], decided: Decisions = NOTHING_DECIDED
) -> MergedActions:
    """Merge what the sources report.

    The row of the best source counts; what it leaves null (the ratio of a spin-off, the successor's symbol) is taken
    from the next. A split by a ratio that no split uses is a spin-off, see ``recognise_spin_offs``; that is a
    disagreement where splits larger than stock dividends use the ratio, or nobody else tells of either. A ratio in which stock
    dividends come is a stock dividend, and undecided, until a source that tells the two apart or a person says which. Reports
    of one action under dates that lie a few days apart count once, under the best source's date. A delisting of a symbol that
    changed at that time is none.

    Parameters
    ----------
    reported
        Rows of the table of reported actions (``known_at`` is not read), at most one per key and source.
    priority
        Sources, best first; others come after them in the order of their names.
    decided
        What a person decided.

    Returns
    -------
    MergedActions
        Actions with the columns ``symbol, ex_date, kind, split_ratio, cash_usd, new_symbol, share_ratio,
        price_factor, source, batch_id``, sorted by key. Look-ahead: none is used or avoided, actions are announced
        ahead of their ex-dates.
    """
    ordered = reported.select(*KEY, *_VALUES, "source", "reports", "batch_id").sort(
        *KEY, "source", *_VALUES, "reports", "batch_id", nulls_last=True
    )
    rows = recognise_spin_offs(ordered, decided)
    names = [*priority, *sorted({*rows["source"].unique().to_list()} - {*priority})]
    merged, found = rows.clear(), [_contradictions(rows), _taken_for_spin_offs(ordered, rows)]
    for name in names:
        own = rows.filter(source=name).sort(KEY).unique(KEY, keep="first", maintain_order=True)
        if own.is_empty() or merged.is_empty():  # nothing to compare
            merged = pl.concat([merged, own])
            continue
        same = own.join(merged, on=KEY, suffix="_best").with_columns(best_date="ex_date")
        near = _near(own, merged)
        pairs = pl.concat([same, near.select(same.columns)])
        found.append(_differences(pairs))
        merged = pl.concat(
            [
                _completed(merged, pairs),
                own.join(merged, on=KEY, how="anti").join(near, on=KEY, how="anti"),
            ]
        )
    return MergedActions(
        _without_renamed(merged).drop("reports").sort(KEY),
        pl.concat(found).sort("session", "symbol", "source").cast(DISAGREEMENT_SCHEMA),
        undecided_splits(_best_first(rows, names), decided),
    )


def _best_first(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    rank = pl.col("source").replace_strict(names, range(len(names)), return_dtype=pl.Int64)
    return rows.sort("symbol", "ex_date", rank)


def action_differences(disagreements: pl.DataFrame) -> Measured:
    """Find actions on whose date, ratio or cash the sources differ; those of splits and spin-offs stop new risk in the symbol.

    Parameters
    ----------
    disagreements
        Of ``MergedActions``.
    """
    changes_shares_or_scale = pl.col("value").str.contains(r"^(split|spin_off) ")
    severity = pl.when(changes_shares_or_scale).then(pl.lit("error")).otherwise(pl.lit("warn"))
    return Measured(
        findings_frame(disagreements, severity=severity), "corporate actions differ between the sources"
    )


def _without_renamed(merged: pl.DataFrame) -> pl.DataFrame:
    """Drop delistings of a symbol that only changed: the share trades on."""
    renamed = merged.filter(kind="symbol_change").select("symbol", renamed_on="ex_date")
    days = (pl.col("ex_date") - pl.col("renamed_on")).dt.total_days().abs()
    ended = merged.filter(kind="delisting").join(renamed, on="symbol")
    return merged.join(ended.filter(days <= NEAR_DAYS["delisting"]), on=KEY, how="anti")


def _near(own: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """Pair rows that the better sources do not have with what they have under a date nearby."""
    alone = own.join(merged, on=KEY, how="anti")
    free = merged.join(own, on=KEY, how="anti")  # what this source has under the same date is another action
    pairs = alone.join(
        free.with_columns(best_date="ex_date").rename({name: f"{name}_best" for name in (*_VALUES, "source", "reports", "batch_id")}),
        on=["symbol", "kind"],
        suffix="_other",
    )  # fmt: skip
    days = (pl.col("ex_date") - pl.col("best_date")).dt.total_days().abs()
    window = pl.col("kind").replace_strict(NEAR_DAYS, default=0, return_dtype=pl.Int64)
    cash, best_cash = pl.col("cash_usd"), pl.col("cash_usd_best")
    same_cash = ((cash / best_cash - 1).abs() <= NEAR_CASH_FRAC).fill_null(value=True) | ~_is_apart(
        "cash_usd"
    )
    alike = ~_is_apart("split_ratio") & same_cash
    ordered = pairs.filter((days <= window) & alike).with_columns(days=days).sort(*KEY, "days", "best_date")
    once = ordered.unique(KEY, keep="first", maintain_order=True)
    return once.unique(["symbol", "kind", "best_date"], keep="first", maintain_order=True)


def _is_apart(name: str) -> pl.Expr:
    value, best = pl.col(name), pl.col(f"{name}_best")
    if name == "new_symbol":
        apart = value != best
    elif name == "cash_usd":
        apart = (value - best).abs() > pl.max_horizontal(CASH_TOLERANCE_USD, best.abs() * CASH_TOLERANCE_FRAC)
    else:
        apart = (value / best - 1).abs() > _LIMITS[name]
    return apart.fill_null(value=False)


def _completed(merged: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    more = pairs.select("symbol", "kind", pl.col("best_date").alias("ex_date"), *_VALUES)
    joined = merged.join(more, on=KEY, how="left", suffix="_more", maintain_order="left")
    return joined.with_columns(pl.coalesce(name, f"{name}_more").alias(name) for name in _VALUES).select(
        merged.columns
    )


def _differences(pairs: pl.DataFrame) -> pl.DataFrame:
    parts = [
        _findings(
            pairs.filter(_is_apart(name)),
            pl.format("{} {} {}", "kind", pl.lit(name), name),
            pl.format("{}, as {} reports", f"{name}_best", "source_best"),
        )
        for name in _VALUES
    ]
    moved = pairs.filter(pl.col("ex_date") != pl.col("best_date"))
    parts.append(
        _findings(
            moved,
            pl.format("{} on {}", "kind", "ex_date"),
            pl.format("on {}, as {} reports", "best_date", "source_best"),
        )
    )
    return pl.concat(parts)


def _taken_for_spin_offs(reported: pl.DataFrame, recognised: pl.DataFrame) -> pl.DataFrame:
    """Find splits that became spin-offs although they may be splits: by a plain ratio, or on one source's word."""
    taken = reported.filter((reported["kind"] == "split") & (recognised["kind"] == "spin_off"))
    told = reported.filter(pl.col("kind").is_in(["split", "spin_off"])).select(
        "symbol", other="source", told_on="ex_date"
    )
    days = (pl.col("ex_date") - pl.col("told_on")).dt.total_days().abs()
    others = taken.join(told, on="symbol").filter(
        pl.col("other") != pl.col("source"), days <= NEAR_DAYS["spin_off"]
    )
    # what may be a stock dividend is the spin-off that another source, or a person, says it is
    settled = taken["split_ratio"].map_elements(may_be_stock_dividend, return_dtype=pl.Boolean)
    taken = taken.filter(~settled)
    is_plain = taken["split_ratio"].map_elements(is_split_ratio, return_dtype=pl.Boolean)
    alone = taken.filter(~is_plain).join(others, on=[*KEY, "source"], how="anti")
    return pl.concat(
        [
            _findings(
                taken.filter(is_plain).with_columns(best_date="ex_date"),
                pl.format("split split_ratio {}", "split_ratio"),
                pl.lit(
                    "a spin-off without a split, as another source reports; this one may be a split besides"
                ),
            ),
            _findings(
                alone.with_columns(best_date="ex_date"),
                pl.format("odd split_ratio {}", "split_ratio"),
                pl.lit("told by another source too; taken for a spin-off, since no split uses the ratio"),
            ),
        ]
    )


def _contradictions(rows: pl.DataFrame) -> pl.DataFrame:
    twice = rows.filter(pl.col("reports") > 1).with_columns(best_date="ex_date")
    said = pl.format("{} in {} versions", "kind", "reports")
    return _findings(twice, said, pl.lit("one version of an action from each source; the first one counts"))


def _findings(rows: pl.DataFrame, value: pl.Expr, expectation: pl.Expr) -> pl.DataFrame:
    return rows.select(
        pl.col("best_date").alias("session"), "symbol", "source", value=value, expectation=expectation
    )
