"""Verdicts: what one check found on a range of sessions, minus what a person accepted, and which sessions it blocks."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.tables.table import UTC_INSTANT

Severity = Literal["warn", "error"]

FINDING_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "bar_start": UTC_INSTANT,
        "symbol": pl.String(),
        "source": pl.String(),
        "value": pl.String(),
        "expectation": pl.String(),
        "severity": pl.String(),
    }
)
"""One finding. Severity ``error`` without a symbol blocks the session, with a symbol it stops new risk in that symbol;
``warn`` is information."""

ACCEPTED_SCHEMA = pl.Schema(
    {
        "check_name": pl.String(),
        "session": pl.Date(),
        "bar_start": UTC_INSTANT,
        "symbol": pl.String(),
        "source": pl.String(),
        "value": pl.String(),
    }
)
"""What a person accepted; null symbol, source, bar and value stand for any."""

NOTHING_ACCEPTED = pl.DataFrame(schema=ACCEPTED_SCHEMA)


def findings_frame(
    frame: pl.DataFrame, *, severity: Severity | pl.Expr = "error", **columns: pl.Expr | str
) -> pl.DataFrame:
    """Select the columns of findings out of a frame; what is neither there nor given is null."""
    if frame.is_empty():
        return pl.DataFrame(schema=FINDING_SCHEMA)
    frame = frame.rechunk()  # polars 2.1 panics when it formats columns that have an empty chunk
    given = {name: pl.lit(value) if isinstance(value, str) else value for name, value in columns.items()}
    given["severity"] = pl.lit(severity) if isinstance(severity, str) else severity
    missing = [name for name in FINDING_SCHEMA if name not in given and name not in frame.columns]
    given |= {name: pl.lit(None) for name in missing}
    return frame.select(
        given.get(name, pl.col(name)).cast(kind).alias(name) for name, kind in FINDING_SCHEMA.items()
    )


@dataclass(frozen=True)
class Measured:
    """What a check measured before anything is judged.

    ``details`` are findings (``FINDING_SCHEMA``); those with ``counts`` not false are counted against the session's
    allowance: ``share`` of ``totals`` (``session, total``). ``always`` are findings that block their session however
    few they are. ``what`` completes "12 of 3,000 symbols ...".
    """

    details: pl.DataFrame
    what: str
    totals: pl.DataFrame | None = None
    share: float = 1.0
    counted: pl.DataFrame | None = None
    always: pl.DataFrame | None = None
    numbers: dict[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckOutcome:
    """Verdict of one check over a range of sessions.

    ``passed`` means that nothing was found but what a person accepted. A check that did not pass stops the graph when its
    severity is ``error``: a bad row reached the accepted ones, or a session lost more than the thresholds allow.
    Otherwise the bad rows were taken out, or their symbols get no new risk, and the rest may be used. ``findings`` lists,
    worst sessions first, the verdict on each blocked session (no symbol) and then what was found: every error, and
    warnings up to ``max_findings`` rows a session; ``numbers`` counts all of them. ``blocked_sessions`` must not be used.
    """

    name: str
    passed: bool
    severity: Severity
    findings: pl.DataFrame = field(repr=False)
    numbers: dict[str, int | float | str]
    blocked_sessions: frozenset[date] = frozenset()
    table: str = "daily_bars"

    @property
    def is_blocking(self) -> bool:
        """Whether the graph must stop."""
        return not self.passed and self.severity == "error"

    @property
    def summary(self) -> str:
        """One sentence for people."""
        accepted = self.numbers.get("accepted", 0)
        known = f" ({accepted} accepted by a person)" if accepted else ""
        if self.passed:
            return f"Nothing found{known}."
        count = self.numbers["findings"]
        found = f"{count} finding{'' if count == 1 else 's'}{known}"
        worst = self.numbers.get("worst_session")
        where = f", most in {worst}: {self.numbers['worst_count']}" if worst else ""
        more = (
            "more than allowed: nothing may be decided on it."
            if self.is_blocking
            else "within what is allowed."
        )
        return f"{found}{where}; {more}"


def judge(
    name: str,
    measured: Measured,
    limits: QualityThresholds,
    accepted: pl.DataFrame = NOTHING_ACCEPTED,
    *,
    table: str = "daily_bars",
) -> CheckOutcome:
    """Judge what a check measured.

    Parameters
    ----------
    name
        Check.
    measured
        What it found.
    limits
        Thresholds; a check in ``warn_only`` blocks nothing.
    accepted
        What a person accepted (``ACCEPTED_SCHEMA``). An accepted finding is stored and does not count; a verdict names
        its findings by a fingerprint, so that another set of findings is another verdict.
    table
        Table that the check is about.

    Returns
    -------
    CheckOutcome
        Look-ahead: none, it reads what was measured.
    """
    own = accepted.filter(pl.col("check_name") == name)
    details = measured.details.cast(FINDING_SCHEMA)
    is_known = covered(details, own)
    open_details = details.filter(~is_known)
    verdicts, worst = _verdicts(name, measured, open_details, own, limits)
    demoted = name in limits.warn_only
    if demoted:
        verdicts = verdicts.with_columns(severity=pl.lit("warn"))
        details = details.with_columns(severity=pl.lit("warn"))
    standing = verdicts.filter(~covered(verdicts, own))
    blocked = frozenset() if demoted else frozenset(standing["session"].to_list())
    numbers: dict[str, int | float | str] = {
        "findings": open_details.height + (0 if measured.always is None else measured.always.height),
        "accepted": int(is_known.sum()) + verdicts.height - standing.height,
        **measured.numbers,
        **worst,
    }
    return CheckOutcome(
        name,
        passed=open_details.is_empty() and standing.is_empty(),
        severity="error" if blocked else "warn",
        findings=_listed(verdicts, details, limits),
        numbers=numbers,
        blocked_sessions=blocked,
        table=table,
    )


def covered(findings: pl.DataFrame, accepted: pl.DataFrame) -> pl.Series:
    """Mark the findings that an acceptance covers; a null in an acceptance stands for any."""
    if findings.is_empty() or accepted.is_empty():
        return pl.Series("covered", [False] * findings.height, dtype=pl.Boolean)
    names = ("bar_start", "symbol", "source", "value")
    pairs = findings.with_row_index("place").join(
        accepted.select("session", *(pl.col(name).alias(f"{name}_accepted") for name in names)), on="session"
    )
    fits = [
        pl.col(f"{name}_accepted").is_null() | (pl.col(f"{name}_accepted") == pl.col(name)) for name in names
    ]
    places = pairs.filter(*fits)["place"].unique()
    return pl.Series("covered", range(findings.height), dtype=pl.UInt32).is_in(places.implode())


def _verdicts(
    name: str, measured: Measured, open_details: pl.DataFrame, own: pl.DataFrame, limits: QualityThresholds
) -> tuple[pl.DataFrame, dict[str, int | float | str]]:
    """List the findings without symbol that block their session, and the numbers of the worst session."""
    nothing = pl.DataFrame(schema=FINDING_SCHEMA)
    always = nothing if measured.always is None else measured.always.cast(FINDING_SCHEMA)
    if measured.totals is None or measured.totals.is_empty():
        return always, {}
    counting = open_details if measured.counted is None else measured.counted.cast(FINDING_SCHEMA)
    if measured.counted is not None:
        counting = counting.filter(~covered(counting, own))
    if counting.is_empty():  # mostly
        return always, {}
    per_session = _per_session(counting, measured.totals, limits, measured.share)
    worst_row = per_session.row(0, named=True)
    worst: dict[str, int | float | str] = {}
    if worst_row["found"]:
        share = worst_row["share_frac"]
        worst = {
            "worst_session": worst_row["session"].isoformat(),
            "worst_share_frac": share if math.isfinite(share) else 1.0,
            "worst_count": worst_row["found"],
        }
    rows = [
        {
            "session": row["session"],
            "value": f"{row['found']:,} of {row['total']:,} {measured.what} [{_fingerprint(counting, row['session'])}]",
            "expectation": f"at most {row['allowed']:,.0f} ({measured.share:.1%}); see the findings of {name}",
            "severity": "error",
        }
        for row in per_session.filter(pl.col("found") > pl.col("allowed")).iter_rows(named=True)
    ]
    counted = pl.DataFrame(rows, schema={**dict.fromkeys(("session",), pl.Date()), "value": pl.String(), "expectation": pl.String(), "severity": pl.String()})  # fmt: skip
    return pl.concat([always, findings_frame(counted, severity="error")]), worst


def _per_session(
    found: pl.DataFrame, totals: pl.DataFrame, limits: QualityThresholds, share: float
) -> pl.DataFrame:
    """Per session, worst first: how many symbols were found, out of how many, and how many are allowed."""
    counts = found.group_by("session").agg(found=pl.struct("symbol", "bar_start").n_unique())
    small = pl.col("total") < limits.min_symbols_for_shares
    allowance = (pl.col("total") * share).floor()
    return (
        totals.join(counts, on="session", how="left")
        .with_columns(pl.col("found").fill_null(0))
        .with_columns(allowed=pl.when(small).then(allowance.clip(lower_bound=1)).otherwise(allowance))
        .with_columns(share_frac=pl.col("found") / pl.col("total"))
        .sort("share_frac", "session", descending=[True, False])
    )


def _fingerprint(details: pl.DataFrame, session: date) -> str:
    rows = details.filter(pl.col("session") == session).select("symbol", "bar_start", "source", "value")
    digest = hashlib.blake2b(digest_size=4)
    for row in rows.sort(rows.columns).iter_rows():
        digest.update(repr(row).encode())
    return digest.hexdigest()


def _listed(verdicts: pl.DataFrame, details: pl.DataFrame, limits: QualityThresholds) -> pl.DataFrame:
    if details.is_empty():
        return verdicts
    order = details.group_by("session").agg(found=pl.len()).sort("found", "session", descending=[True, False])
    ranked = details.join(
        order.with_row_index("place").select("session", "place"), on="session", maintain_order="left"
    ).sort("place", pl.col("severity"), maintain_order=True)
    # errors stop new risk in their symbol by being stored: none of them is left out
    is_first = pl.int_range(pl.len()).over("session") < limits.max_findings
    kept = ranked.filter(is_first | (pl.col("severity") == "error"))
    return pl.concat([verdicts, kept.select(FINDING_SCHEMA.names())])


def combine(parts: Sequence[CheckOutcome]) -> CheckOutcome:
    """Join the outcomes of one check over consecutive parts of a range."""
    if len(parts) == 1:
        return parts[0]
    numbers: dict[str, int | float | str] = {}
    for part in parts:
        for name, value in part.numbers.items():
            if isinstance(value, int) and name != "worst_count":
                numbers[name] = int(numbers.get(name, 0)) + value
    found = [part for part in parts if "worst_session" in part.numbers]
    if found:
        worst = max(found, key=lambda part: float(part.numbers["worst_share_frac"])).numbers
        numbers |= {name: worst[name] for name in ("worst_session", "worst_share_frac", "worst_count")}
    return CheckOutcome(
        parts[0].name,
        passed=all(part.passed for part in parts),
        severity="error" if any(part.severity == "error" for part in parts) else "warn",
        findings=pl.concat([part.findings for part in parts]),
        numbers=numbers,
        blocked_sessions=frozenset().union(*(part.blocked_sessions for part in parts)),
        table=parts[0].table,
    )
