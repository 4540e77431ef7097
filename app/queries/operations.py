"""Operations: how far every table goes, what ran, and which trading halts there are."""

from __future__ import annotations

from datetime import date

import polars as pl

from app.freshness import Rhythm, table_status
from app.queries.cached import cached_by
from app.queries.installation import (
    database_version,
    expected_session,
    installation,
    lake_version,
    now,
    read,
    settings,
)
from resources.lake.files import TableFolder
from resources.lake.stamps import SessionStamp, read_stamps
from trading_assets.sessions import current_session
from trading_assets.settings import ALL_SOURCES
from trading_assets.tables.companies import COMPANY_TABLES
from trading_assets.tables.registry import TABLES
from trading_assets.tables.table import Table

# Assets whose rows are in Postgres, and the column that tells when a row was written.
DATABASE_ASSETS = {
    "signals": "created_at",
    "allocations": "created_at",
    "target_positions": "created_at",
    "order_intents": "updated_at",
    "orders": "updated_at",
    "fills": "recorded_at",
    "positions": "mark_at",
    "reconciliation": "reconciled_at",
    "risk_metrics": None,
    "portfolio_performance": None,
    "strategy_attribution": None,
    "order_slippage": None,
}
# Tables that are written by the asset of another name.
WRITTEN_BY = {
    "allocations": "target_positions",
    "quarantined_bars": "daily_bars",
    "quarantined_hourly_bars": "hourly_bars",
}
# Tables whose newest rows need not be of the newest session: checkpoints and pairs are made month by month, the others as it happens.
EVENTS = {
    "feature_state", "instruments", "pair_statistics", "quarantined_bars", "quarantined_hourly_bars", "order_intents", "orders", "fills", "order_slippage",
}  # fmt: skip

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "table": pl.String, "asset": pl.String, "store": pl.String, "latest_session": pl.Date, "sessions": pl.Int64,
    "rows": pl.Int64, "latest_rows": pl.Int64, "bytes": pl.Int64, "written_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def tables() -> pl.DataFrame:
    """Return one row per product table: how far it goes and should go, its state, and the newest vendor batch behind it.

    ``status`` is one of ``app.freshness.Status``; ``batch_id``, ``fetched_at`` and ``fetched_until`` are null for what
    no vendor is asked for.
    """
    lake = [_lake_table(table) for table in TABLES.values()]
    stored = pl.DataFrame([*lake, *_database_tables()], schema=_SCHEMA, orient="row")
    fetched = stored.join(newest_batches(), on="table", how="left", maintain_order="left")
    daily = expected_session()
    instant = now()
    delay = settings().data_delay
    hourly = current_session(instant, delay=delay) if instant else None
    unused = _unused()

    def judged(row: dict[str, object]) -> dict[str, object]:
        name = str(row["table"])
        expected = hourly if "hourly" in name else daily
        if name in unused:
            return {"expected_session": None, "status": "not used"}
        # an action table has rows only when something happens: what counts is how far the vendor was asked
        reached = row["fetched_until"] if name.endswith("corporate_actions") else row["latest_session"]
        status = table_status(reached, expected, _rhythm(name))  # type: ignore[arg-type] # dates
        return {"expected_session": None if status == "as it happens" else expected, "status": status}

    verdicts = [judged(row) for row in fetched.iter_rows(named=True)]
    return fetched.hstack(
        pl.DataFrame(verdicts, schema={"expected_session": pl.Date, "status": pl.String})
    ).with_columns(age=pl.lit(instant, pl.Datetime("us", "UTC")) - pl.col("written_at"))


@cached_by(lambda *_: database_version())
def newest_batches() -> pl.DataFrame:
    """Return the newest fetch behind each table: ``table``, ``batch_id``, ``fetched_at``, ``fetched_until``."""
    newest = read(
        "select distinct on (source, kind) source, kind, batch_id, fetched_at, last_session as fetched_until"
        " from ingest_batches where refused is null order by source, kind, last_session desc, fetched_at desc"
    )
    of_vendor = newest.with_columns(table=pl.col("source") + "_" + pl.col("kind"))
    # Yahoo tells actions with its bars, and one fetch fills all tables of companies
    actions = newest.filter(source="yahoo", kind="daily_bars").with_columns(
        table=pl.lit("yahoo_corporate_actions")
    )
    companies = newest.filter(pl.col("kind") == "companies").join(
        pl.DataFrame({"table": list(COMPANY_TABLES)}), how="cross"
    )
    return (
        pl.concat([of_vendor, newest.with_columns(table="kind"), actions, companies])
        .sort("fetched_until", "fetched_at", descending=True)
        .unique("table", keep="first", maintain_order=True)
        .select("table", "batch_id", "fetched_at", "fetched_until")
    )


@cached_by(lambda *_: database_version())
def runs(limit: int = 50) -> pl.DataFrame:
    """Return the newest runs of whole sessions."""
    return read(
        "select session, mode, outcome, started_at, finished_at,"
        " (summary ->> 'seconds')::float8 as seconds, (summary #>> '{checks,passed}')::int as checks_passed,"
        " (summary #>> '{checks,failed}')::int as checks_failed, (summary ->> 'fills')::int as fills, run_id"
        " from session_runs order by started_at desc limit %s",
        (limit,),
    )


@cached_by(lambda *_: database_version())
def halts() -> pl.DataFrame:
    """Return the trading halts, those in force first."""
    return read(
        "select account, level, reason, engaged_by, engaged_at, released_by, released_at, release_reason"
        " from trading_halts order by released_at is not null, engaged_at desc limit 100"
    )


def _rhythm(name: str) -> Rhythm:
    if name in EVENTS:
        return "event"
    return "week" if name in COMPANY_TABLES else "session"


def _unused() -> set[str]:
    current = settings()
    idle = {name for name in ALL_SOURCES if name not in current.sources}
    idle_hourly = {name for name in ALL_SOURCES if name not in current.hourly_bar_sources}
    unused = {f"{name}_{kind}" for name in idle for kind in ("daily_bars", "corporate_actions")}
    unused |= {f"{name}_hourly_bars" for name in idle_hourly}
    if not current.hourly_bar_sources:
        unused |= {"hourly_bars", "quarantined_hourly_bars", "hourly_features"}
    return unused | (set(COMPANY_TABLES) if "yahoo" in idle else set())


@cached_by(lake_version)
def _lake_table(table: Table) -> tuple[object, ...]:
    folder = TableFolder(installation().lake.root, table.name)
    parts = folder.parts()
    stamps: dict[date, SessionStamp] = {}
    for part in parts:
        stamps |= read_stamps(folder, part)
    counts = {day: stamp.rows for day, stamp in stamps.items() if stamp.rows}
    latest = max(counts, default=None)
    return (
        table.name, WRITTEN_BY.get(table.name, table.name), "lake", latest, len(counts), sum(counts.values()),
        counts[latest] if latest else 0, sum(folder.file(part).stat().st_size for part in parts),
        max((stamp.written_at for stamp in stamps.values()), default=None),
    )  # fmt: skip


@cached_by(lambda *_: database_version())
def _database_tables() -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, written in DATABASE_ASSETS.items():
        instant = f"max({written})" if written else "null::timestamptz"
        frame = read(
            f"select max(session) as latest, count(distinct session) as sessions, count(*) as rows,"  # noqa: S608 (our own names)
            f" count(*) filter (where session = (select max(session) from {name})) as latest_rows,"
            f" pg_total_relation_size('{name}') as bytes, {instant} as written from {name}"
        )
        rows.append((name, name, "Postgres", *frame.row(0)))
    return rows
