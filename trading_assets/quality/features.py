"""Feature checks: values outside their range, not finite, or missing although the warm-up is over; per (symbol, session)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from trading_assets.features.build import BENCHMARK
from trading_assets.features.ratios import OLDEST_DAYS
from trading_assets.indicators.registry import FEATURES, INDICATORS
from trading_assets.quality.nulls import null_rises
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

Ranges = Mapping[str, tuple[float | None, float | None]]
_SLACK = 1e-9

VALID_RANGES: Ranges = {
    **{name: feature.valid_range for name, feature in FEATURES.items()},
    **{name: ratio.valid_range for name, ratio in FUNDAMENTALS.items()},
    AGE_COLUMN: (0, OLDEST_DAYS),
}
"""Least and largest possible value of every column of the features that has one."""


def feature_values(inside: pl.DataFrame, ranges: Ranges, limits: QualityThresholds) -> Measured:
    """Find features that are not finite or outside the range that their definition allows.

    A symbol with one gets no new risk; more than ``max_bad_features_frac`` of the symbols stop the session.

    Parameters
    ----------
    inside
        Rows of ``daily_features`` of the sessions to judge.
    ranges
        Least and largest possible value of each feature; None where there is none.
    limits
        Thresholds.
    """
    wrong = [_impossible(name, *ranges[name]) for name in ranges if name in inside.columns]
    # the names of the impossible columns are only written out for the rows that have one
    bad = inside.filter(pl.any_horizontal(wrong)) if wrong else inside.clear()
    names = [name for name in ranges if name in inside.columns]
    told = pl.concat_str(
        [pl.when(odd).then(pl.format("{} {}", pl.lit(name), pl.col(name))) for name, odd in zip(names, wrong, strict=True)],
        separator=", ", ignore_nulls=True,
    )  # fmt: skip
    return Measured(
        findings_frame(bad, value=told, expectation="a finite number within the feature's range")
        if bad.height
        else pl.DataFrame(schema=FINDING_SCHEMA),
        "symbols have impossible features",
        totals=inside.group_by("session").agg(total=pl.len().cast(pl.Int64)),
        share=limits.max_bad_features_frac,
    )


def expected_warm_up(bars: Mapping[str, int]) -> dict[str, int]:
    """Return the bars after which each feature must have a value in a market.

    Parameters
    ----------
    bars
        Accepted bars of each symbol.

    Returns
    -------
    dict
        Warm-up in bars by feature. What is measured against the benchmark (beta, correlation) is only expected
        once the benchmark itself has so many bars: a market without it has none, and that is no loss.
    """
    relative = {
        feature.name
        for indicator in INDICATORS
        if "benchmark_close" in indicator.inputs
        for feature in indicator.features
    }
    enough = bars.get(BENCHMARK, 0)
    return {
        name: feature.warm_up
        for name, feature in FEATURES.items()
        if name not in relative or feature.warm_up <= enough
    }


def feature_null_rate(
    rows: pl.DataFrame,
    sessions: Sequence[date],
    bars: Mapping[str, int],
    warm_up: Mapping[str, int],
    limits: QualityThresholds,
) -> Measured:
    """Find features that are suddenly null, or null for symbols whose history is long enough.

    Parameters
    ----------
    rows
        Rows of ``daily_features`` of ``sessions`` and of the session before them.
    sessions
        Sessions to judge.
    bars
        Accepted bars of each symbol up to the last session.
    warm_up
        Bars that each feature needs before its first value. Fundamental ratios have none: a symbol without a snapshot
        is no loss of data.
    limits
        Thresholds.
    """
    columns = [name for name in warm_up if name in rows.columns]
    known = pl.DataFrame(
        {"symbol": list(bars), "bars": list(bars.values())},
        schema={"symbol": pl.String(), "bars": pl.Int64()},
    )
    last = rows.filter(pl.col("session") == sessions[-1]).join(known, on="symbol")
    ready = last.select(
        *(((pl.col("bars") >= warm_up[name]) & pl.col(name).is_null()).sum().alias(name) for name in columns),
        pl.len().alias("rows"),
    )
    total = ready["rows"].item()
    missing = [
        {"session": sessions[-1], "name": name, "found": count}
        for name, count in ready.drop("rows").row(0, named=True).items()
        if total and count > total * limits.max_null_rise_frac
    ]
    frame = pl.DataFrame(missing, schema={"session": pl.Date(), "name": pl.String(), "found": pl.Int64()})
    late = findings_frame(
        frame,
        value=pl.format("{} is null for {} symbols with enough bars", "name", "found"),
        expectation=f"at most {limits.max_null_rise_frac:.0%} of {total} symbols",
    )
    risen = null_rises(rows, columns, sessions, limit=limits.max_null_rise_frac)
    return Measured(
        pl.DataFrame(schema=FINDING_SCHEMA), "columns lost their values", always=pl.concat([risen, late])
    )


def _impossible(name: str, least: float | None, largest: float | None) -> pl.Expr:
    value = pl.col(name)
    odd = ~value.is_finite()
    if least is not None:
        odd |= value < least - _SLACK
    if largest is not None:
        odd |= value > largest + _SLACK
    return odd.fill_null(value=False)
