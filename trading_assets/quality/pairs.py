"""Check of pair statistics: numbers that a test of two series cannot give; per (pair, session)."""

from __future__ import annotations

import polars as pl

from trading_assets.quality.outcome import Measured, findings_frame

_SLACK = 1e-12


def pair_values(pairs: pl.DataFrame) -> Measured:
    """Find pairs with impossible statistics, a formation that knows its own session, or ranks with gaps.

    They are no reason to stop anything: nothing that trades reads pairs.

    Parameters
    ----------
    pairs
        Rows of ``pair_statistics`` of whole sessions.
    """
    inside = [
        pl.col(name).is_between(0, 1)
        for name in ("p_value", "p_value_symbol", "p_value_other", "adjusted_p_value")
    ]
    rules = {
        "a p-value outside 0 to 1": ~pl.all_horizontal(inside),
        "an adjusted p-value below the p-value": pl.col("adjusted_p_value") < pl.col("p_value") - _SLACK,
        "a hedge ratio, spread or z-score that is no number": ~pl.all_horizontal(
            pl.col("hedge_ratio", "spread_mean", "spread_std", "z_score").is_finite()
        ),
        "a half-life that is not above 0": pl.col("half_life_sessions") <= 0,
        "a formation that does not end before its session": pl.col("last_session") >= pl.col("session"),
        "a symbol beside itself": pl.col("symbol") >= pl.col("other_symbol"),
        "a rank that is not its own": pl.col("rank") != pl.col("rank").rank("ordinal").over("session"),
    }
    told = pl.concat_str(
        [pl.when(broken.fill_null(value=False)).then(pl.lit(rule)) for rule, broken in rules.items()],
        separator=", ",
        ignore_nulls=True,
    )
    bad = pairs.with_columns(value=told).filter(pl.col("value") != "")
    found = bad.with_columns(value=pl.format("with {}: {}", "other_symbol", "value"))
    expectation = "numbers that the test of two series can give"
    return Measured(
        findings_frame(found, severity="warn", expectation=expectation), "pairs have impossible statistics"
    )
