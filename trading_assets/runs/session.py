"""Runs: one session end to end, or a range of history, through Dagster in this process."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import dagster as dg
import psutil
from dagster_shared.error import SerializableErrorInfo
from psycopg.types.json import Jsonb

from resources.clock import monotonic_seconds
from resources.dagster_home import dagster_instance
from resources.database.snapshots import snapshot_tables
from resources.platform import Platform
from trading_assets import errors
from trading_assets import sessions as calendar
from trading_assets.assets.analytics import refresh_catalog
from trading_assets.assets.partitions import RANGE_END_TAG, RANGE_START_TAG
from trading_assets.errors import ConfigurationError, DataQualityError, ReconciliationError, TradingError
from trading_assets.execution.trading_account import account_of
from trading_assets.market_data.usable_sessions import usable_parts
from trading_assets.missing_work import missing_work
from trading_assets.progress import Recorder
from trading_assets.tables.registry import TABLES

SESSIONS_PER_RUN = 504
TYPED = (ConfigurationError, DataQualityError)
"""Errors of an asset that keep their type: the caller does something else about them."""
OUR_ERRORS = frozenset(
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.TradingError)
)
ORDER_STATES = """
select case when i.state = 'acknowledged' then coalesce(o.status, i.state) else i.state end as state, count(*)::int as n
from order_intents i left join orders o using (client_order_id)
where i.account = %s and i.session = %s group by 1 order by 1
"""


@dataclass
class SessionSummary:
    """What one session's run did; the keys of ``run --json``."""

    session: date
    mode: str
    assets: dict[str, dict[str, float]] = field(default_factory=dict)
    checks: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    fills: int = 0
    reconciled: bool | None = None
    equity_usd: float | None = None
    seconds: float = 0.0
    peak_memory_mib: float = 0.0


def run_session(platform: Platform, session: date) -> SessionSummary:
    """Run one session end to end and say what it did.

    Raises
    ------
    ConfigurationError
        If the day is no session, lies before the first partition or is not over yet.
    DataQualityError
        If a blocking check stopped the run: no order was planned.
    """
    _require_over(platform, session)
    platform.require_sources()
    account_of(platform)
    began, started_at = monotonic_seconds(), platform.clock.now()
    recorder = _recorder(platform)
    with quiet_dagster(), dagster_instance(platform.settings, platform.postgres) as instance:
        result = _run_job("session_job", platform, instance, partition_key=session.isoformat())
    if not result.success:
        failure = _failure(result)
        _record(platform, (result.run_id, session, started_at), "failed", {"error": str(failure)})
        refresh_catalog(platform)  # so that `sql` shows the findings
        raise failure
    summary = _summarise(platform, session, recorder, result)
    summary.seconds = round(monotonic_seconds() - began, 3)
    summary.peak_memory_mib = round(_peak_memory_mib(), 1)
    _record(platform, (result.run_id, session, started_at), "succeeded", asdict(summary))
    # the run took its own snapshot; only its record has come since
    snapshot_tables(platform.database, platform.settings.data / "lake_postgres", only={"session_runs"})
    return summary


def _record(
    platform: Platform, row: tuple[str, date, datetime], outcome: str, summary: dict[str, Any]
) -> None:
    run_id, session, started_at = row
    platform.database.execute(
        "insert into session_runs (run_id, session, mode, started_at, finished_at, outcome, summary)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (
            run_id,
            session,
            platform.settings.mode,
            started_at,
            platform.clock.now(),
            outcome,
            Jsonb(summary, dumps=_dumps),
        ),
    )


def _dumps(value: object) -> str:
    return json.dumps(value, default=str)


def backfill(
    platform: Platform,
    start: date,
    end: date,
    assets: Sequence[str] | None = None,
    *,
    again: bool = False,
) -> list[date]:
    """Materialise what is missing of ``assets`` between two days, in as few runs as possible; return the sessions done.

    Without ``assets``: all of the history, up to screens and signals.

    Exactly what is missing is done: sessions that an asset lacks, or that something before it in the graph lacked.
    Interrupted, the next call goes on with what is left, inside a vendor's long range after the last part that was
    stored. A failed blocking check interrupts it too; the next call goes on without features and signals of the
    sessions that failed, which stay missing until they are mended or accepted. With ``again``, all of the range counts as missing: late corrections of any age are taken over.
    """
    wanted = calendar.sessions_between(max(start, platform.settings.start), end)
    if not wanted:
        raise ConfigurationError(f"There is no exchange session between {start} and {end}")
    _require_over(platform, wanted[-1])
    platform.require_sources()
    done: set[date] = set()
    with quiet_dagster(), dagster_instance(platform.settings, platform.postgres) as instance:
        for first in range(0, len(wanted), SESSIONS_PER_RUN):
            chunk = wanted[first : first + SESSIONS_PER_RUN]
            for selection, missing in _missing_work(platform, instance, assets, chunk, again=again):
                for part in usable_parts(platform.database, selection, missing):
                    execute_job(
                        "history_job",
                        platform,
                        instance,
                        asset_selection=[dg.AssetKey(name) for name in selection],
                        tags={RANGE_START_TAG: part[0].isoformat(), RANGE_END_TAG: part[-1].isoformat()},
                    )
                    done.update(part)
    if done:
        compact_closed_years(platform)
        refresh_catalog(platform)
    return sorted(done)


def run_companies(platform: Platform) -> date:
    """Take a snapshot of the company data; return the session that it is dated, the newest closed one.

    Raises
    ------
    ConfigurationError
        If no source has company data, or the universe has no symbols yet.
    """
    session = platform.latest_session()
    _ = platform.company_source
    with quiet_dagster(), dagster_instance(platform.settings, platform.postgres) as instance:
        execute_job("companies_job", platform, instance, partition_key=session.isoformat())
    refresh_catalog(platform)
    return session


def compact_closed_years(platform: Platform) -> int:
    """Merge the month files of years that are over into one file each; return the bytes written."""
    present, lake = platform.clock.now().year, platform.lake
    written = 0
    for table in TABLES.values():
        for year in {day.year for day in lake.sessions(table) if day.year < present}:
            written += lake.compact_year(table, year)
    return written


def _missing_work(
    platform: Platform,
    instance: dg.DagsterInstance,
    assets: Sequence[str] | None,
    chunk: Sequence[date],
    *,
    again: bool = False,
) -> Iterator[tuple[list[str], list[date]]]:
    from trading_assets.definitions import build_definitions, history_assets

    history = history_assets(platform.settings)
    others = [name for name in assets or () if name not in history]
    if others:
        raise ConfigurationError(
            f"No asset named {', '.join(others)} can be backfilled; there are {', '.join(history)}"
        )
    graph = build_definitions(platform.settings).resolve_asset_graph()
    done = {
        name: []
        if again
        else [date.fromisoformat(day) for day in instance.get_materialized_partitions(dg.AssetKey(name))]
        for name in history
        if assets is None or name in assets
    }
    parents = {
        name: [key.to_user_string() for key in graph.get(dg.AssetKey(name)).parent_keys] for name in done
    }
    yield from missing_work(chunk, done, parents)


def _require_over(platform: Platform, session: date) -> None:
    from trading_assets.definitions import partitions_of

    last = partitions_of(platform.settings).get_last_partition_key() or ""
    if session.isoformat() > last:
        raise ConfigurationError(f"{session} lies too far ahead: the last session that can be run is {last}")
    if session < platform.settings.start:
        raise ConfigurationError(f"{session} lies before TRADING_START={platform.settings.start}")
    if not calendar.is_session(session):
        raise ConfigurationError(
            f"{session} is no exchange session; the next one is {calendar.next_session(session)}"
        )
    ready = calendar.session_close(session) + platform.settings.data_delay
    if not platform.clock.advance_to(ready):
        shown = ready.astimezone(platform.settings.zone)
        raise ConfigurationError(
            f"Session {session} is not over: its bars are final at {shown:%Y-%m-%d %H:%M %Z}"
        )


def execute_job(
    job: str, platform: Platform, instance: dg.DagsterInstance, **options: Any
) -> dg.ExecuteInProcessResult:
    """Run a job in this process; a failure is raised as the error that its first failed asset had."""
    result = _run_job(job, platform, instance, **options)
    if not result.success:
        raise _failure(result)
    return result


def _run_job(
    job: str, platform: Platform, instance: dg.DagsterInstance, **options: Any
) -> dg.ExecuteInProcessResult:
    from trading_assets.definitions import build_definitions

    return build_definitions(platform.settings).resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}, **options
    )  # fmt: skip


def _failure(result: dg.ExecuteInProcessResult) -> TradingError:
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error) is not None:
            if error.cls_name == "DagsterAssetCheckFailedError":
                return _check_failure(str(event.step_key), _blocking(result))
            if _is_interruption(error):
                raise KeyboardInterrupt
            told = _most_telling(error)
            kind = next((kind for kind in TYPED if told.cls_name == kind.__name__), TradingError)
            text = told.message.strip().removeprefix(f"{TradingError.__module__}.")
            return kind(
                f"Asset {event.step_key} failed: {text}. What was complete before it is kept; the same command goes on from there",
                run_id=result.run_id,
            )
    return TradingError("The run failed before its first step", run_id=result.run_id)


def _most_telling(error: SerializableErrorInfo) -> SerializableErrorInfo:
    """Return the first error of our own in the chain, which explains what caused it, or else the root cause."""
    chain = [error]
    while (cause := chain[-1].cause) is not None:
        chain.append(cause)
    return next((item for item in chain if item.cls_name in OUR_ERRORS), chain[-1])


def _is_interruption(error: SerializableErrorInfo | None) -> bool:
    # Dagster turns Ctrl-C into an error of its own, which clean-up code may have covered with another.
    if error is None:
        return False
    own = error.cls_name == dg.DagsterExecutionInterruptedError.__name__
    return own or _is_interruption(error.cause) or _is_interruption(error.context)


def _check_failure(step: str, findings: str) -> TradingError:
    if step == "reconciliation":
        return ReconciliationError(
            f"Our books and the broker's differ: {findings}. Trading is halted until a person has looked; see both sides "
            'with: trading-assets sql "from reconciliation where not is_match"'
        )
    return DataQualityError(
        f"Blocking checks stopped the run at {step}: {findings}. Nothing downstream ran and no order was planned. See "
        "the findings with: trading-assets quality list. After the vendor has corrected the data, or a person has accepted "
        "the findings (trading-assets quality accept --help), run it again"
    )


def _blocking(result: dg.ExecuteInProcessResult) -> str:
    failed = [
        f"{check.check_name} ({check.description})"
        for check in _evaluations(result)
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    return "; ".join(failed)


def _evaluations(result: dg.ExecuteInProcessResult) -> list[dg.AssetCheckEvaluation]:
    data = (event.event_specific_data for event in result.all_events)
    return [item for item in data if isinstance(item, dg.AssetCheckEvaluation)]


def _summarise(
    platform: Platform, session: date, recorder: Recorder, result: dg.ExecuteInProcessResult
) -> SessionSummary:
    checks = _evaluations(result)
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
    account = account_of(platform).number
    rows = platform.database.fetch_polars(
        ORDER_STATES,
        (account, session),
    )
    summary.orders = dict(rows.iter_rows()) if not rows.is_empty() else {}
    summary.fills = (
        _scalar(
            platform,
            "select count(*)::int as v from fills where account = %s and session = %s",
            account,
            session,
        )
        or 0
    )
    summary.reconciled = _scalar(
        platform,
        "select bool_and(is_match) as v from reconciliation where account = %s and session = %s",
        account,
        session,
    )
    equity = _scalar(
        platform,
        "select equity_usd::float8 as v from account_snapshots where account = %s and session = %s",
        account,
        session,
    )
    summary.equity_usd = equity
    return summary


def _scalar(platform: Platform, sql: str, *parameters: object) -> Any:
    frame = platform.database.fetch_polars(sql, parameters)
    return frame["v"][0] if not frame.is_empty() else None


def _recorder(platform: Platform) -> Recorder:
    if not isinstance(platform.progress, Recorder):
        platform.progress = Recorder()
    platform.progress.done.clear()
    return platform.progress


def _peak_memory_mib() -> float:
    info = psutil.Process().memory_info()
    try:
        import resource
    except ImportError:  # Windows keeps the peak in the same record
        return float(getattr(info, "peak_wset", info.rss)) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def quiet_dagster() -> Iterator[None]:
    """Keep Dagster's own log off the terminal."""
    logger = logging.getLogger("dagster")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
