"""Summary of a session's run: what it made, checked, ordered and filled, and its record in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import dagster as dg
import psutil
from psycopg.types.json import Jsonb

from resources.database.database import Database
from resources.database.writes import insert
from resources.lake.lake import Lake
from resources.platform import Platform
from trading_assets.execution.trading_account import account_of
from trading_assets.progress import Recorder
from trading_assets.runs.failures import check_evaluations
from trading_assets.runs.history import YEAR, is_long_enough
from trading_assets.sessions import shift
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.operations import SESSION_RUNS

ORDER_STATES = """
select case when i.state = 'acknowledged' then coalesce(o.status, i.state) else i.state end as state, count(*)::int as n
from order_intents i left join orders o using (client_order_id)
where i.account = %s and i.session = %s group by 1 order by 1
"""
OUTCOMES = """
select outcome, coalesce(rule, ''), count(*)::int,
       case when count(distinct split_part(reason, ';', 1)) = 1 then min(split_part(reason, ';', 1)) end
from target_positions where account = %s and session = %s group by 1, 2 order by 3 desc, 1, 2
"""
FILLS = "select count(*)::int as v from fills where account = %s and session = %s"
RECONCILED = "select bool_and(is_match) as v from reconciliation where account = %s and session = %s"
EQUITY = "select equity_usd::float8 as v from account_snapshots where account = %s and session = %s"


@dataclass
class SessionSummary:
    """What one session's run did; the keys of ``run --json``."""

    session: date
    mode: str
    assets: dict[str, dict[str, float]] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    no_orders_because: str = ""
    fills: int = 0
    reconciled: bool | None = None
    equity_usd: float | None = None
    seconds: float = 0.0
    peak_memory_mib: float = 0.0


def summarise(
    platform: Platform, session: date, recorder: Recorder, result: dg.ExecuteInProcessResult
) -> SessionSummary:
    """Put together what a run did: what its assets recorded, what its checks said, what the books say of the session."""
    checks = check_evaluations(result)
    summary = SessionSummary(
        session=session,
        mode=platform.settings.mode,
        assets={
            name: {"rows": rows, "seconds": round(seconds, 3)}
            for name, (rows, seconds) in recorder.done.items()
        },
        checks={
            "passed": sum(check.passed for check in checks),
            "failed": sum(not check.passed for check in checks),
        },
    )
    values = (account_of(platform).number, session)
    states = platform.database.fetch_polars(ORDER_STATES, values)
    summary.orders = dict(states.iter_rows()) if not states.is_empty() else {}
    if not summary.orders:
        summary.no_orders_because = _why_no_orders(platform.database, platform.lake, values)
    summary.fills = _scalar(platform.database, FILLS, values) or 0
    summary.reconciled = _scalar(platform.database, RECONCILED, values)
    summary.equity_usd = _scalar(platform.database, EQUITY, values)
    return summary


def _why_no_orders(database: Database, lake: Lake, values: tuple[str, date]) -> str:
    """Say why a session led to no order: what became of the symbols, or why none was looked at."""
    became = database.fetch(OUTCOMES, values)
    if became:
        return ", ".join(
            f"{count} {outcome}{f' by {rule}' if rule else ''}{f' ({reason})' if reason else ''}"
            for outcome, rule, count, reason in became
        )
    session = values[1]
    first, last = shift(session, -YEAR), shift(session, -1)
    known = len(lake.row_counts(DAILY_FEATURES, first, last))
    if not is_long_enough(known):
        return (
            f"no strategy has a signal: of the last year's {YEAR} sessions {known} are there. Fill them with: trading-assets "
            f"backfill --start {first} --end {last}"
        )
    return "no strategy has a signal"


def _scalar(database: Database, sql: str, parameters: Sequence[object]) -> Any:
    frame = database.fetch_polars(sql, parameters)
    return frame["v"][0] if not frame.is_empty() else None


def peak_memory_mib() -> float:
    """Return the most memory that this process has had so far, in MiB."""
    info = psutil.Process().memory_info()
    try:
        import resource
    except ImportError:  # Windows keeps the peak in the same record
        return float(getattr(info, "peak_wset", info.rss)) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def record_session(
    database: Database,
    run: Mapping[str, object],
    outcome: str,
    told: dict[str, Any],
    *,
    finished_at: datetime,
) -> None:
    """Keep that a run (its id, session, mode and beginning) has ended, how, and its summary or its error."""
    end = {"outcome": outcome, "summary": Jsonb(told, dumps=_dumps), "finished_at": finished_at}
    with database.connection() as connection:
        insert(connection, SESSION_RUNS, {**run, **end})


def _dumps(value: object) -> str:
    return json.dumps(value, default=str)
