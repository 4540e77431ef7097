"""Sources against each other: bars on which they differ, and sources whose whole session differs; per (symbol, bar)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame

_LEAST_COMPARED = 20


def cross_source(checked: CheckedBars) -> Measured:
    """Find bars on which the sources disagree.

    Stops when too many closes differ (``max_disagreeing_frac``), or most volumes (``max_volume_disagreeing_frac``).
    Vendors count odd lots and late prints differently, so a volume alone is information; a close also stops new risk in
    the symbol.
    """
    limits = checked.thresholds
    compared = checked.bars.filter(pl.col("source_count") > 1)
    closes = (pl.col("close_difference_frac") > limits.close_difference_frac).fill_null(value=False)
    volumes = (pl.col("volume_difference_frac") > limits.volume_difference_frac).fill_null(value=False)
    differing = compared.filter(closes | volumes).sort(
        "close_difference_frac", "symbol", descending=[True, False]
    )
    details = findings_frame(
        differing,
        severity=pl.when(closes).then(pl.lit("error")).otherwise(pl.lit("warn")),
        value=pl.format(
            "close differs by {} %, volume by {} %",
            (pl.col("close_difference_frac") * 100).round(3),
            (pl.col("volume_difference_frac") * 100).round(1).fill_null(0.0),
        ),
        expectation=pl.lit(
            f"sources agree within {limits.close_difference_frac:.1%} in the close and "
            f"{limits.volume_difference_frac:.0%} in the volume"
        ),
    )
    return Measured(
        details,
        "compared closes differ",
        totals=compared.group_by("session").agg(total=pl.len().cast(pl.Int64)),
        counted=details.filter(pl.col("severity") == "error"),
        share=limits.max_disagreeing_frac,
        always=_most_volumes(
            compared, volumes, limits.max_volume_disagreeing_frac, limits.min_symbols_for_shares
        ),
        numbers={
            "compared": compared.height,
            "closes_differ": compared.filter(closes).height,
            "volumes_differ": compared.filter(volumes).height,
        },
    )


def _most_volumes(compared: pl.DataFrame, differs: pl.Expr, share: float, least: int) -> pl.DataFrame:
    known = compared.filter(pl.col("volume_difference_frac").is_not_null())
    counts = known.group_by("session").agg(total=pl.len(), found=differs.sum())
    allowed = (
        pl.when(pl.col("total") < least)
        .then((pl.col("total") * share).clip(lower_bound=1))
        .otherwise(pl.col("total") * share)
    )
    return findings_frame(
        counts.filter(pl.col("found") > allowed),
        value=pl.format("{} of {} compared volumes differ", "found", "total"),
        expectation=f"at most {share:.0%}",
    )


def unfinished_sources(checked: CheckedBars) -> pl.DataFrame:
    """Find (session, source) whose median volume is far below the other sources'; findings without symbol."""
    if checked.vendor is None or checked.vendor.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    limit = checked.thresholds.min_source_volume_ratio
    rows = checked.vendor.filter(
        ~pl.col("source").is_in(list(checked.partial_volume)), pl.col("volume") > 0
    ).select("symbol", "session", "source", "volume")
    names = rows["source"].unique().sort().to_list()
    if len(names) < 2:
        return pl.DataFrame(schema=FINDING_SCHEMA)
    keyed = {
        name: rows.filter(pl.col("source") == name).select("symbol", "session", "volume") for name in names
    }
    found = []
    for name in names:
        others = [frame for other, frame in keyed.items() if other != name]
        most = pl.concat(others).group_by("symbol", "session").agg(others=pl.col("volume").max())
        ratios = (
            keyed[name]
            .join(most, on=["symbol", "session"])
            .group_by("session")
            .agg(ratio=(pl.col("volume") / pl.col("others")).median(), compared=pl.len())
        )
        low = ratios.filter(pl.col("ratio") < limit, pl.col("compared") >= _LEAST_COMPARED)
        found.append(
            findings_frame(
                low.with_columns(source=pl.lit(name)),
                value=pl.format("median volume is {} of the other sources'", pl.col("ratio").round(3)),
                expectation=f"at least {limit:g}: the bars look unfinished; run the session again later",
            )
        )
    return pl.concat(found)
