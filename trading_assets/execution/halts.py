"""Kill switches in Postgres: one row per halt, engaged and released with a reason, both audited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.types.json import Jsonb

from trading_assets.execution.intents import EXITS, Purpose
from trading_assets.execution.journal import Connection, rows_of

HaltLevel = Literal["entries", "orders", "flatten"]
ALL_ACCOUNTS = "*"


@dataclass(frozen=True)
class Halt:
    """One engaged kill switch."""

    halt_id: int
    level: HaltLevel
    reason: str


def active_halts(connection: Connection, account: str) -> list[Halt]:
    """Read the kill switches that are engaged for the account."""
    found = rows_of(
        connection,
        "select halt_id, level, reason from trading_halts where account in (%s, %s) and released_at is null"
        " order by halt_id",
        (account, ALL_ACCOUNTS),
    )
    return [Halt(**row) for row in found]


def engage_halt(
    connection: Connection, account: str, level: HaltLevel, reason: str, *, engaged_by: str, now: datetime
) -> bool:
    """Engage a kill switch unless the same one is engaged already."""
    if any((halt.level, halt.reason) == (level, reason) for halt in active_halts(connection, account)):
        return False
    connection.execute(
        "insert into trading_halts (account, level, reason, engaged_by, engaged_at) values (%s, %s, %s, %s, %s)",
        (account, level, reason, engaged_by, now),
    )
    connection.execute(
        "insert into audit_log (actor, action, reason, detail, happened_at) values (%s, 'halt', %s, %s, %s)",
        (engaged_by, reason, Jsonb({"account": account, "level": level}), now),
    )
    return True


def halt_forbids(halts: Iterable[Halt], purpose: Purpose) -> Halt | None:
    """Return the engaged kill switch that forbids sending an intent of that purpose, if any.

    ``entries`` lets exits through, ``flatten`` only what closes a position, ``orders`` nothing.
    """
    for halt in halts:
        if halt.level == "orders":
            return halt
        if halt.level == "entries" and purpose not in EXITS:
            return halt
        if halt.level == "flatten" and purpose != "close":
            return halt
    return None


def release_halts(
    connection: Connection, account: str, *, reason: str, released_by: str, now: datetime
) -> list[Halt]:
    """Release every kill switch that is engaged for the account, and return them."""
    released = active_halts(connection, account)
    for halt in released:
        connection.execute(
            "update trading_halts set released_by = %s, released_at = %s, release_reason = %s where halt_id = %s",
            (released_by, now, reason, halt.halt_id),
        )
        connection.execute(
            "insert into audit_log (actor, action, reason, detail, happened_at) values (%s, 'resume', %s, %s, %s)",
            (released_by, reason, Jsonb({"account": account, "level": halt.level, "halt": halt.reason}), now),
        )
    return released
