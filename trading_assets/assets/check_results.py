"""Checks as Dagster shows them: what each one looks for, and what it found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import dagster as dg

from trading_assets.quality.outcome import CheckOutcome

SHOWN_FINDINGS = 50


def specs_of(
    asset: str, checks: Mapping[str, Callable[..., object]], *, blocking: bool
) -> list[dg.AssetCheckSpec]:
    """Declare the checks of an asset."""
    return [
        dg.AssetCheckSpec(name=name, asset=asset, blocking=blocking, description=inspect.getdoc(check))
        for name, check in checks.items()
    ]


def result_of(asset: str, outcome: CheckOutcome) -> dg.AssetCheckResult:
    """Say what a check found, with examples."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=outcome.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.severity == "error" else dg.AssetCheckSeverity.WARN,
        description=outcome.summary,
        metadata={**outcome.numbers, "examples": _table(outcome)},
    )


def _table(outcome: CheckOutcome) -> dg.TableMetadataValue:
    columns = ("session", "bar_start", "symbol", "source", "value", "expectation", "severity")
    rows = outcome.findings.head(SHOWN_FINDINGS).iter_rows(named=True)
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({name: "" if row[name] is None else str(row[name]) for name in columns})
            for row in rows
        ],
        schema=dg.TableSchema([dg.TableColumn(name, "string") for name in columns]),
    )
