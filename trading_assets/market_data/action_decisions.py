"""What people decided undecided corporate actions to be: one row per (symbol, ex-date) among the acceptances, audited."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import psycopg

from resources.database.audit import audit
from resources.database.database import Database
from resources.database.writes import insert
from trading_assets.errors import ConfigurationError
from trading_assets.quality.actions.undecided import READINGS, UNDECIDED_CHECK
from trading_assets.tables.listings import CORPORATE_ACTIONS
from trading_assets.tables.operations import FINDING_ACCEPTANCES

_IN_FORCE = "revoked_at is null and table_name = %s and check_name = %s"


def decided_actions(database: Database, start: date, end: date) -> dict[tuple[str, date], str]:
    """Read what was decided of actions with ex-dates in a range: the kind by (symbol, ex-date)."""
    rows = database.fetch(
        "select symbol, session, value from finding_acceptances"  # noqa: S608 (our own words)
        f" where {_IN_FORCE} and session between %s and %s and value = any(%s) order by acceptance_id",
        (CORPORATE_ACTIONS.name, UNDECIDED_CHECK, start, end, [_value(reading) for reading in READINGS]),
    )
    kinds = {_value(reading): kind for reading, kind in READINGS.items()}
    return {(symbol, session): kinds[value] for symbol, session, value in rows}


def decide_action(
    database: Database, *, symbol: str, ex_date: date, reading: str, actor: str, reason: str, now: datetime
) -> int:
    """Store what an undecided action is; an earlier decision about it is taken back.

    It counts when the actions of that day are merged again.

    Parameters
    ----------
    database
        Database of the product.
    symbol, ex_date
        Which action: one with an undecided finding, or one that was decided before.
    reading
        One of ``READINGS``.
    actor
        Who decides.
    reason
        Why; kept with the decision and in the audit log.
    now
        Instant of the decision.

    Returns
    -------
    int
        Number of the decision, by which it is revoked.

    Raises
    ------
    ConfigurationError
        If the reason is empty, the reading is none, or there is no such action.
    """
    if not reason.strip():
        raise ConfigurationError("Deciding an action needs a reason: it is kept in the audit log")
    if reading not in READINGS:
        raise ConfigurationError(f"An action is decided as one of {', '.join(READINGS)}, not as {reading}")
    key = (CORPORATE_ACTIONS.name, UNDECIDED_CHECK, symbol, ex_date)
    with database.connection() as connection:
        before = connection.execute(
            "update finding_acceptances set revoked_by = %s, revoked_at = %s, revoke_reason = %s"  # noqa: S608 (our own words)
            f" where {_IN_FORCE} and symbol = %s and session = %s and value = any(%s) returning acceptance_id",
            (actor, now, f"decided anew: {reason}", *key, [_value(name) for name in READINGS]),
        ).fetchall()
        if not before:
            _require_undecided(connection, symbol, ex_date)
        row = {"check_name": UNDECIDED_CHECK, "table_name": CORPORATE_ACTIONS.name, "session": ex_date, "bar_start": None,
               "symbol": symbol, "source": None, "value": _value(reading), "reason": reason, "accepted_by": actor,
               "accepted_at": now}  # fmt: skip
        stored = insert(connection, FINDING_ACCEPTANCES, row, returning="acceptance_id").fetchone()
        assert stored is not None  # noqa: S101 (narrows for the type checker: `returning` gives a row)
        detail = {"acceptance_id": stored[0], "symbol": symbol, "ex_date": str(ex_date), "reading": reading}
        audit(connection, actor, "decide_action", reason=reason, detail=detail, now=now)
    number: int = stored[0]
    return number


def _require_undecided(connection: psycopg.Connection[Any], symbol: str, ex_date: date) -> None:
    rows = connection.execute(
        "select symbol, session from quality_findings where check_name = %s order by session desc, symbol",
        (UNDECIDED_CHECK,),
    ).fetchall()
    if (symbol, ex_date) not in rows:
        there = ", ".join(f"{name} on {day}" for name, day in rows[:20]) or "none"
        raise ConfigurationError(f"No action of {symbol} on {ex_date} is undecided. Undecided are: {there}")


def _value(reading: str) -> str:
    return f"decided as {reading}"
