"""Data-quality findings in Postgres: one row per (check, table, session, symbol, source, value), replaced by each run."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime

from resources.database.database import Database
from resources.database.writes import insert_many
from trading_assets.errors import DataQualityError
from trading_assets.quality.actions.undecided import UNDECIDED_CHECK
from trading_assets.quality.outcome import FINDING_SCHEMA, CheckOutcome
from trading_assets.sessions import is_session, next_session, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE
from trading_assets.tables.operations import QUALITY_FINDINGS

BEFORE_FEATURES = (UNIVERSE.name, CORPORATE_ACTIONS.name, DAILY_BARS.name)
"""Tables whose blocking findings keep features from being made of a session."""
BEFORE_ORDERS = (*BEFORE_FEATURES, INSTRUMENTS.name, DAILY_FEATURES.name)
"""Tables whose blocking findings keep orders from being planned on a session."""
SCALE_CHECKS = ("action_values", "action_differences", "missing_split", "came_back")
"""Checks whose findings say that the prices before a day may not compare with those since: features look back on it."""
SCALE_SESSIONS = 20
"""So long such a finding stops new risk in its symbol, unless it is mended or accepted."""
STANDING_CHECKS = ("price_step", "instrument_seam")
"""Checks whose findings say that what came before may be another thing, or in other units, than what came since: they stop new risk in their
symbol until a correction removes them, or a person accepts them."""
UNDECIDED_SESSIONS = 252
"""So long an action that nobody decided does so: features look back on it, and what is held may be counted wrong."""


def replace_findings(
    database: Database,
    outcomes: Sequence[CheckOutcome],
    *,
    days: Sequence[date],
    found_at: datetime,
    run_id: str,
) -> None:
    """Store what the checks found on these days in place of what they had found there before."""
    rows = [
        {
            "check_name": outcome.name,
            "table_name": outcome.table,
            **row,
            "found_at": found_at,
            "run_id": run_id,
        }
        for outcome in outcomes
        for row in outcome.findings.select(FINDING_SCHEMA.names()).iter_rows(named=True)
    ]
    with database.connection() as connection:
        for outcome in outcomes:
            connection.execute(
                "delete from quality_findings where table_name = %s and session = any(%s) and check_name = %s",
                (outcome.table, list(days), outcome.name),
            )
        insert_many(connection, QUALITY_FINDINGS, rows, conflict="do nothing")


def blocked_sessions(
    database: Database, sessions: Sequence[date], tables: Sequence[str] = BEFORE_FEATURES
) -> set[date]:
    """Return which of the sessions failed a blocking check when they were last checked, and nobody accepted it."""
    rows = database.fetch(
        "select distinct session from open_findings where session = any(%s) and table_name = any(%s)"
        " and severity = 'error' and symbol is null",
        (list(sessions), list(tables)),
    )
    return {session for (session,) in rows}


def require_clean_session(database: Database, session: date, tables: Sequence[str] = BEFORE_ORDERS) -> None:
    """Refuse new risk on a session whose blocking checks failed, however the caller was started.

    Raises
    ------
    DataQualityError
        Names the checks with what they found, and how to see, mend or accept it.
    """
    rows = database.fetch(
        "select check_name, value from open_findings where session = %s and table_name = any(%s)"
        " and severity = 'error' and symbol is null order by 1, 2",
        (session, list(tables)),
    )
    if rows:
        found = "; ".join(f"{name}: {value}" for name, value in rows)
        raise DataQualityError(
            f"Blocking data-quality checks failed on {session} ({found}): no orders are planned on its data. See them with: "
            f"trading-assets quality list --session {session}; after the data are corrected, or the findings accepted "
            "with a reason, run the session again"
        )


def symbols_in_doubt(database: Database, first: date, last: date) -> set[str]:
    """Return the symbols with an open finding of a range of days that prices before and after it may not compare."""
    rows = database.fetch(
        "select distinct symbol from open_findings where severity = 'error' and symbol is not null"
        " and table_name = any(%s) and check_name = any(%s) and session between %s and %s",
        (list(BEFORE_ORDERS), [*SCALE_CHECKS, *STANDING_CHECKS, UNDECIDED_CHECK], first, last),
    )
    return {symbol for (symbol,) in rows}


def restricted_symbols(database: Database, sessions: Sequence[date]) -> dict[date, dict[str, str]]:
    """Return, by session, the symbols that get no new risk on it, each with the check that says so; as findings stand now.

    Findings about splits and other actions count from `SCALE_SESSIONS` before, as features look back on them, up to
    the following session, at whose open the session's orders are executed; those of `STANDING_CHECKS` for as long as
    nothing explains them, and undecided actions from `UNDECIDED_SESSIONS` before. Sessions with none are left out.
    """
    if not sessions:
        return {}
    rows = database.fetch(
        "select symbol, check_name, session from open_findings where severity = 'error' and symbol is not null"
        " and table_name = any(%s) and session <= %s order by symbol, check_name, session",
        (list(BEFORE_ORDERS), next_session(max(sessions))),
    )
    # of several findings about a symbol the session's own comes first, then in the order of their names
    best: dict[tuple[date, str], tuple[bool, str, date]] = {}
    for symbol, name, day in rows:
        for session in _concerned(name, day, sessions):
            rank = (session != day, name, day)
            best[session, symbol] = min(best.get((session, symbol), rank), rank)
    found: dict[date, dict[str, str]] = {}
    for (session, symbol), (_, name, day) in sorted(best.items()):
        when = "" if day == session else f" of {day}"
        found.setdefault(session, {})[symbol] = f"a data-quality finding: {name}{when}"
    return found


def _concerned(name: str, day: date, sessions: Sequence[date]) -> set[date]:
    """Return the sessions, which are in order, that a finding about a day counts for."""
    own = bisect_left(sessions, day)
    concerned = {day} if own < len(sessions) and sessions[own] == day else set()
    if name in STANDING_CHECKS:
        concerned |= {*sessions[bisect_right(sessions, day) :]}
    reach = (
        SCALE_SESSIONS if name in SCALE_CHECKS else UNDECIDED_SESSIONS if name == UNDECIDED_CHECK else None
    )
    if reach is not None:
        last = shift(day, reach) if is_session(day) else shift(next_session(day), reach - 1)
        concerned |= {*sessions[bisect_left(sessions, day, key=next_session) : bisect_right(sessions, last)]}
    return concerned
