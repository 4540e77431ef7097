"""Kill switches in Postgres: one row per halt, engaged and released with a reason, both audited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from resources.database.audit import audit
from resources.database.writes import insert
from trading_assets.execution.book_differences import release_differences
from trading_assets.execution.journal import Connection, rows_of
from trading_assets.orders import HaltLevel, Purpose
from trading_assets.tables.orders import TRADING_HALTS

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
    return [Halt(row["halt_id"], HaltLevel(row["level"]), row["reason"]) for row in found]


def engage_halt(
    connection: Connection, account: str, level: HaltLevel, reason: str, *, engaged_by: str, now: datetime
) -> bool:
    """Engage a kill switch unless the same one is engaged already."""
    if any((halt.level, halt.reason) == (level, reason) for halt in active_halts(connection, account)):
        return False
    halt = {"account": account, "level": level, "reason": reason, "engaged_by": engaged_by, "engaged_at": now}
    insert(connection, TRADING_HALTS, halt)
    audit(connection, engaged_by, "halt", reason=reason, detail={"account": account, "level": level}, now=now)
    return True


def halt_forbids(halts: Iterable[Halt], purpose: Purpose) -> Halt | None:
    """Return the engaged kill switch that forbids sending an intent of that purpose, if any.

    ``entries`` lets exits through, ``flatten`` only what closes a position, ``orders`` nothing.
    """
    for halt in halts:
        if halt.level == HaltLevel.ORDERS:
            return halt
        if halt.level == HaltLevel.ENTRIES and not purpose.is_exit:
            return halt
        if halt.level == HaltLevel.FLATTEN and purpose != Purpose.CLOSE:
            return halt
    return None


def release_halts(
    connection: Connection, account: str, *, reason: str, released_by: str, now: datetime
) -> list[Halt]:
    """Release every kill switch that is engaged for the account, and return them.

    Differences between books and broker that stand are released with them: they halt no more, see `release_differences`.
    """
    release_differences(connection, account, reason=reason, released_by=released_by, now=now)
    released = active_halts(connection, account)
    for halt in released:
        connection.execute(
            "update trading_halts set released_by = %(by)s, released_at = %(now)s, release_reason = %(reason)s"
            " where halt_id = %(halt_id)s",
            {"by": released_by, "now": now, "reason": reason, "halt_id": halt.halt_id},
        )
        detail = {"account": account, "level": halt.level, "halt": halt.reason}
        audit(connection, released_by, "resume", reason=reason, detail=detail, now=now)
    return released
