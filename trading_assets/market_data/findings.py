"""Data-quality findings in Postgres: one row per (check, session, symbol, source), replaced by each run of its sessions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from resources.database import Database
from trading_assets.errors import DataQualityError
from trading_assets.quality.checks import CheckOutcome
from trading_assets.schemas import DAILY_BARS

INSERT = """
insert into quality_findings (check_name, severity, table_name, session, symbol, source, value, expectation, found_at, run_id)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing
"""


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
        (outcome.name, "error" if row["session"] in outcome.blocked_sessions else "warn", DAILY_BARS.name, row["session"], row["symbol"], row["source"], row["value"],
         row["expectation"], found_at, run_id)
        for outcome in outcomes
        for row in outcome.findings.iter_rows(named=True)
    ]  # fmt: skip
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(
            "delete from quality_findings where table_name = %s and session = any(%s) and check_name = any(%s)",
            (DAILY_BARS.name, list(days), [outcome.name for outcome in outcomes]),
        )
        cursor.executemany(INSERT, rows)


def blocked_sessions(database: Database, sessions: Sequence[date]) -> set[date]:
    """Return which of the sessions failed a blocking check when they were last checked."""
    rows = database.fetch(
        "select distinct session from quality_findings where session = any(%s) and severity = 'error'",
        (list(sessions),),
    )
    return {session for (session,) in rows}


def require_clean_session(database: Database, session: date) -> None:
    """Refuse new risk on a session whose blocking checks failed, however the caller was started.

    Raises
    ------
    DataQualityError
        Names the checks and how to see the findings.
    """
    rows = database.fetch(
        "select check_name, count(*) from quality_findings where session = %s and severity = 'error' group by 1 order by 1",
        (session,),
    )
    if rows:
        found = ", ".join(f"{name}: {count} findings" for name, count in rows)
        raise DataQualityError(
            f"Blocking data-quality checks failed on {session} ({found}): no orders are planned on its data. See them "
            f"with: trading-assets sql \"from quality_findings where session = '{session}'\"; after the data are "
            f"corrected, run the session again"
        )
