"""Session checks: what is wrong with the daily bars of a range of sessions, and whether that stops the graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from trading_assets.quality.rows import rule_expression
from trading_assets.quality.thresholds import QualityThresholds

Severity = Literal["warn", "error"]

FINDING_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "symbol": pl.String(),
        "source": pl.String(),
        "value": pl.String(),
        "expectation": pl.String(),
    }
)

_DUPLICATE_KEY = ("symbol", "session")


@dataclass(frozen=True)
class CheckOutcome:
    """Verdict of one check over a range of sessions.

    ``passed`` means nothing was found. A check that did not pass stops the graph when its severity is ``error``: a
    bad row reached the accepted bars, or a session lost more than the thresholds allow. Otherwise the findings are a
    warning: the bad rows were taken out and the rest may be used. ``findings`` lists at most ``max_findings`` rows,
    worst sessions first and at least one of each blocked session; ``numbers`` counts all of them.
    ``blocked_sessions`` are those of the range that must not be used; the others may be, whatever the severity.
    """

    name: str
    passed: bool
    severity: Severity
    findings: pl.DataFrame = field(repr=False)
    numbers: dict[str, int | float | str]
    blocked_sessions: frozenset[date] = frozenset()

    @property
    def is_blocking(self) -> bool:
        """Whether the graph must stop."""
        return not self.passed and self.severity == "error"

    @property
    def summary(self) -> str:
        """One sentence for people."""
        if self.passed:
            return "Nothing found."
        found = f"{self.numbers['findings']} findings"
        worst = self.numbers.get("worst_session")
        where = f", most in {worst}: {self.numbers['worst_count']} of its symbols" if worst else ""
        more = "more than allowed, the graph stops." if self.is_blocking else "within what is allowed."
        return f"{found}{where}; {more}"


@dataclass(frozen=True)
class CheckedBars:
    """What the checks look at.

    ``bars`` and ``quarantined`` are the rows of ``daily_bars`` and ``quarantined_bars`` of ``sessions``; ``expected``
    holds (symbol, session) pairs that should have a bar, see ``expected_from_previous``; None skips completeness,
    as on the first session of a history. ``hole`` are sessions before the range that were never fetched
    although older ones were: a feature that looks back would silently span them.
    """

    bars: pl.DataFrame
    quarantined: pl.DataFrame
    sessions: Collection[date]
    expected: pl.DataFrame | None = None
    thresholds: QualityThresholds = field(default_factory=QualityThresholds)
    hole: Sequence[date] = ()


def check_sessions(checked: CheckedBars) -> list[CheckOutcome]:
    """Run every check of ``CHECK_NAMES`` over the range, in that order."""
    return [check(checked) for check in CHECKS.values()]


def expected_from_previous(bars: pl.DataFrame, sessions: Collection[date]) -> pl.DataFrame:
    """Expect the symbols of each session's predecessor.

    Parameters
    ----------
    bars
        Rows of ``daily_bars`` of the range and of the session before it (columns ``symbol, session``).
    sessions
        Exchange sessions of the range.

    Returns
    -------
    pl.DataFrame
        Columns ``symbol, session``; nothing for a session without predecessor in ``bars``. Look-ahead: none.
    """
    known = sorted({*bars["session"].unique().to_list(), *sessions})
    successor = pl.DataFrame(
        {"session": known[:-1], "next": known[1:]}, schema={"session": pl.Date(), "next": pl.Date()}
    )
    wanted = pl.DataFrame({"next": sorted(sessions)}, schema={"next": pl.Date()})
    pairs = bars.select("symbol", "session").join(successor, on="session").join(wanted, on="next", how="semi")
    return pairs.select("symbol", session="next")


def completeness(checked: CheckedBars) -> CheckOutcome:
    """Find expected symbols without an accepted bar, sessions without any, and a hole before the range.

    Stops above ``max_missing_frac``, at an empty session and at a hole.
    """
    limits = checked.thresholds
    wanted = pl.DataFrame({"session": sorted(checked.sessions)}, schema={"session": pl.Date()})
    empty = wanted.join(checked.bars, on="session", how="anti").select(
        "session",
        symbol=pl.lit(None, dtype=pl.String),
        source=pl.lit(None, dtype=pl.String),
        value=pl.lit("no bar at all"),
        expectation=pl.lit("every exchange session has bars"),
    )
    if checked.hole:
        first, last = checked.hole[0], checked.hole[-1]
        mend = f"no hole in what features look back on: trading-assets backfill --start {first} --end {last}"
        start = pl.DataFrame({"session": [min(checked.sessions)]}, schema={"session": pl.Date()})
        found = start.with_columns(
            symbol=pl.lit(None, dtype=pl.String),
            source=pl.lit(None, dtype=pl.String),
            value=pl.lit(f"no bars on {len(checked.hole)} sessions before it, from {first} to {last}"),
            expectation=pl.lit(mend),
        )
        empty = pl.concat([found, empty.join(start, on="session", how="anti")])
    if checked.expected is None:
        return _outcome("completeness", empty, blocked=set(empty["session"]), limits=limits)
    missing = checked.expected.join(checked.bars, on=["symbol", "session"], how="anti")
    per_session = _per_session(missing, checked.expected, limits, limits.max_missing_frac)
    findings = missing.select(
        "session",
        "symbol",
        source=pl.lit(None, dtype=pl.String),
        value=pl.lit("no accepted bar"),
        expectation=pl.lit("a bar, as in the session before"),
    )
    return _outcome(
        "completeness",
        pl.concat([empty, findings.join(empty, on="session", how="anti")]),
        blocked={*_exceeding(per_session), *empty["session"]},
        limits=limits,
        per_session=per_session,
    )


def cross_source(checked: CheckedBars) -> CheckOutcome:
    """Find bars on which the sources disagree; stops when too many closes differ."""
    limits = checked.thresholds
    compared = checked.bars.filter(pl.col("source_count") > 1)
    closes = pl.col("close_difference_frac") > limits.close_difference_frac
    volumes = pl.col("volume_difference_frac") > limits.volume_difference_frac
    per_session = _per_session(compared.filter(closes), compared, limits, limits.max_disagreeing_frac)
    differing = compared.filter(closes | volumes).sort(
        "close_difference_frac", "symbol", descending=[True, False]
    )
    findings = differing.select(
        "session",
        "symbol",
        "source",
        value=pl.format(
            "close differs by {} %, volume by {} %",
            (pl.col("close_difference_frac") * 100).round(3),
            (pl.col("volume_difference_frac") * 100).round(1),
        ),
        expectation=pl.lit(
            f"sources agree within {limits.close_difference_frac:.1%} in the close and "
            f"{limits.volume_difference_frac:.0%} in the volume"
        ),
    )
    return _outcome(
        "cross_source_difference",
        findings,
        blocked=_exceeding(per_session),
        limits=limits,
        per_session=per_session,
        compared=compared.height,
        closes_differ=compared.filter(closes).height,
        volumes_differ=compared.filter(volumes).height,
    )


def duplicates(checked: CheckedBars) -> CheckOutcome:
    """Find bars reported twice; stops when the accepted bars repeat a key."""
    twice = checked.bars.filter(pl.struct(_DUPLICATE_KEY).is_duplicated())
    return _rule_outcome("duplicates", ("duplicate",), checked, reached=twice)


def _rule_check(name: str, rules: tuple[str, ...], what: str) -> Callable[[CheckedBars], CheckOutcome]:
    """Make the check that collects refused bars of some row rules and proves that none was accepted."""

    def check(checked: CheckedBars) -> CheckOutcome:
        broken = checked.bars.with_columns(rule=rule_expression(checked.sessions, checked.thresholds))
        return _rule_outcome(name, rules, checked, reached=broken.filter(pl.col("rule").is_in(rules)))

    check.__doc__ = f"Find {what}; stops when one was accepted, or above ``max_quarantined_frac``."
    return check


CHECKS: dict[str, Callable[[CheckedBars], CheckOutcome]] = {
    "completeness": completeness,
    "duplicates": duplicates,
    "high_at_least_low": _rule_check(
        "high_at_least_low",
        ("high_below_low", "outside_range"),
        "bars whose high is below the low, or whose open or close lies outside the two",
    ),
    "positive_prices": _rule_check(
        "positive_prices",
        ("non_positive_price", "null_price", "null_volume", "negative_volume"),
        "bars with a price that is not above zero, a negative volume, or a number missing",
    ),
    "unexplained_jump": _rule_check(
        "unexplained_jump",
        ("unexplained_jump", "absurd_price"),
        "closes that jumped without a corporate action, or that no share has",
    ),
    "phantom_session": _rule_check(
        "phantom_session", ("phantom_session",), "bars on days without an exchange session"
    ),
    "cross_source_difference": cross_source,
}
CHECK_NAMES = tuple(CHECKS)


def _rule_outcome(
    name: str, rules: tuple[str, ...], checked: CheckedBars, *, reached: pl.DataFrame
) -> CheckOutcome:
    limits = checked.thresholds
    refused = checked.quarantined.filter(pl.col("rule").is_in(rules))
    bars = checked.bars
    everything = pl.concat(
        [bars.select("symbol", "session"), checked.quarantined.select("symbol", "session")]
    ).unique()
    # only what no other source could replace is lost
    lost = refused.select("symbol", "session").unique().join(bars, on=["symbol", "session"], how="anti")
    inside = lost.filter(pl.col("session").is_in(sorted(checked.sessions)))
    per_session = _per_session(inside, everything, limits, limits.max_quarantined_frac)
    prices = pl.format("open {} high {} low {} close {} volume {}", *_numbers())
    compared = pl.format(", last accepted close {}", pl.col("reference_close")).fill_null("")
    accepted = reached.select(
        "session",
        "symbol",
        "source",
        value=prices,
        expectation=pl.lit("no such bar among the accepted ones"),
    )
    return _outcome(
        name,
        pl.concat(
            [
                accepted,
                refused.select("session", "symbol", "source", "expectation", value=prices + compared).select(
                    list(FINDING_SCHEMA)
                ),
            ]
        ),
        blocked={*_exceeding(per_session), *reached["session"]},
        limits=limits,
        per_session=per_session,
        refused=refused.height,
        replaced_by_another_source=refused.select("symbol", "session").unique().height - lost.height,
        accepted_in_error=reached.height,
    )


def _numbers() -> list[pl.Expr]:
    names = ("open", "high", "low", "close", "volume")
    return [pl.col(name).cast(pl.String).fill_null("none") for name in names]


def _per_session(
    found: pl.DataFrame, out_of: pl.DataFrame, limits: QualityThresholds, share: float
) -> pl.DataFrame:
    """Per session: how many were found, out of how many, and how many are allowed."""
    totals = out_of.group_by("session").agg(total=pl.len())
    counts = found.group_by("session").agg(found=pl.len())
    small = pl.col("total") < limits.min_symbols_for_shares
    allowance = (pl.col("total") * share).floor()
    return (
        totals.join(counts, on="session", how="left")
        .with_columns(pl.col("found").fill_null(0))
        .with_columns(allowed=pl.when(small).then(allowance.clip(lower_bound=1)).otherwise(allowance))
        .with_columns(share_frac=pl.col("found") / pl.col("total"))
        .sort("share_frac", "session", descending=[True, False])
    )


def _exceeding(per_session: pl.DataFrame) -> set[date]:
    return set(per_session.filter(pl.col("found") > pl.col("allowed"))["session"])


def _outcome(
    name: str,
    findings: pl.DataFrame,
    *,
    blocked: set[date],
    limits: QualityThresholds,
    per_session: pl.DataFrame | None = None,
    **counts: int,
) -> CheckOutcome:
    numbers: dict[str, int | float | str] = {"findings": findings.height, **counts}
    if per_session is not None and not per_session.is_empty():
        worst = per_session.row(0, named=True)
        if worst["found"]:
            numbers |= {
                "worst_session": worst["session"].isoformat(),
                "worst_share_frac": worst["share_frac"] if math.isfinite(worst["share_frac"]) else 1.0,
                "worst_count": worst["found"],
            }
        order = per_session.with_row_index("place").select("session", "place")
        findings = (
            findings.join(order, on="session", how="left", maintain_order="left")
            .sort("place", nulls_last=True, maintain_order=True)
            .drop("place")
        )
    listed = findings.head(limits.max_findings)
    unlisted = findings.filter(pl.col("session").is_in(sorted(blocked - set(listed["session"]))))
    rows = pl.concat([listed, unlisted.unique("session", keep="first", maintain_order=True)])
    return CheckOutcome(
        name,
        passed=findings.is_empty(),
        severity="error" if blocked else "warn",
        findings=rows.select(list(FINDING_SCHEMA)).cast(FINDING_SCHEMA),
        numbers=numbers,
        blocked_sessions=frozenset(blocked),
    )
