"""Outcome: what the body of an asset did, and which sessions its run is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Outcome:
    """What a body did: rows it stands for, the version of what it wrote, and what to show."""

    rows: int
    data_version: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checks: Sequence[dg.AssetCheckResult] = ()


def own_sessions(context: dg.AssetExecutionContext) -> list[date]:
    """Return the sessions whose partitions the run is about, in order."""
    return [date.fromisoformat(partition) for partition in context.partition_keys]
