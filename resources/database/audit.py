"""Audit log in Postgres: one row per thing that a person or a safeguard did; rows are only added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from resources.database.writes import insert
from trading_assets.tables.operations import AUDIT_LOG


def audit(
    connection: psycopg.Connection[Any],
    actor: str,
    action: str,
    *,
    reason: str,
    detail: Mapping[str, object],
    now: datetime,
) -> None:
    """Note who did what, why and to what, in the transaction that does it."""
    row = {
        "actor": actor,
        "action": action,
        "reason": reason,
        "detail": Jsonb(dict(detail)),
        "happened_at": now,
    }
    insert(connection, AUDIT_LOG, row)
