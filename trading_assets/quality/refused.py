"""Refused bars: how many of a session each row rule took out, and that none of them was accepted; per (symbol, bar, source)."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.consolidate import rows_taken
from trading_assets.quality.outcome import FINDING_SCHEMA, Measured, findings_frame
from trading_assets.quality.rows import DISPUTABLE_RULES, values_text
from trading_assets.quality.sources import unfinished_sources

JUMP_CHECK = "unexplained_jump"
"""Check whose findings are about bars that may be real: accepting one makes the consolidation take the bar."""


def refused_check(rules: tuple[str, ...], what: str) -> Callable[[CheckedBars], Measured]:
    """Make the check that collects refused bars of some row rules and proves that none was accepted."""

    def check(checked: CheckedBars) -> Measured:
        broken = checked.broken.filter(pl.col("rule").is_in(rules))
        if not broken.is_empty() and DISPUTABLE_RULES & {*rules}:
            taken = checked.accepted.filter(pl.col("check_name") == JUMP_CHECK)
            broken = broken.filter(~pl.Series(rows_taken(broken, taken, checked.grain.key)))
        return _measured(rules, checked, reached=broken)

    check.__doc__ = f"Find {what}; stops when one was accepted, or above ``max_quarantined_frac``."
    return check


def duplicates(checked: CheckedBars) -> Measured:
    """Find bars reported twice with different values; stops when the accepted bars repeat a key."""
    twice = checked.bars.filter(pl.struct(checked.grain.key).is_duplicated())
    return _measured(("duplicate",), checked, reached=twice)


def unfinished_bar(checked: CheckedBars) -> Measured:
    """Find bars fetched before the close and the delay, and sources whose volume says that they were not finished.

    The first are refused and stop a session above ``max_quarantined_frac``, unless another source has them. The second
    stop it: a source whose median volume is below ``min_source_volume_ratio`` of the others' has not seen the close.
    """
    measured = _measured(("unfinished_bar",), checked, reached=checked.bars.clear())
    return Measured(
        measured.details,
        measured.what,
        totals=measured.totals,
        counted=measured.counted,
        share=measured.share,
        always=unfinished_sources(checked),
        numbers=measured.numbers,
    )


def _measured(rules: tuple[str, ...], checked: CheckedBars, *, reached: pl.DataFrame) -> Measured:
    key = list(checked.grain.key)
    refused = checked.quarantined.filter(pl.col("rule").is_in(rules))
    # only what no other source could replace is lost
    replaced = refused.join(checked.bars, on=key, how="semi").select(key).unique()
    compared = pl.format("; the last accepted close was {}", pl.col("reference_close")).fill_null("")
    details = findings_frame(refused, value=values_text(), expectation=pl.col("expectation") + compared)
    lost = refused.join(replaced, on=key, how="anti").filter(pl.col("session").is_in(list(checked.sessions)))
    counted = findings_frame(lost, value=values_text())
    always = reached.group_by("session").agg(
        pl.len(), pl.col("symbol").first(), values_text().first().alias("value")
    )
    return Measured(
        pl.concat(
            [
                findings_frame(
                    reached, value=values_text(), expectation="no such bar among the accepted ones"
                ),
                details,
            ]
        ),
        f"symbols lost their bar ({', '.join(rules)})",
        totals=checked.reported_totals,
        counted=counted,
        share=checked.thresholds.max_quarantined_frac,
        always=findings_frame(
            always.select(
                "session",
                value=pl.format("{} accepted in error, the first: {} {}", "len", "symbol", "value"),
                expectation=pl.lit("no such bar among the accepted ones"),
            )
        )
        if reached.height
        else pl.DataFrame(schema=FINDING_SCHEMA),
        numbers={
            "refused": refused.height,
            "replaced_by_another_source": replaced.height,
            "accepted_in_error": reached.height,
        },
    )
