"""Operations: what is stored, what was found wrong, what ran and what was fetched."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import streamlit as st

from app.queries.installation import database_version, installation, lake_version, newest, read
from trading_assets.schemas import DAILY_BARS, TABLES, UNIVERSE
from trading_assets.table import Table

# Assets whose rows are in Postgres, and the column that tells when a row was written.
DATABASE_ASSETS = {
    "signals": "created_at",
    "target_positions": "created_at",
    "order_intents": "updated_at",
    "orders": "updated_at",
    "fills": "recorded_at",
    "positions": "mark_at",
    "reconciliation": "reconciled_at",
    "risk_metrics": None,
    "portfolio_performance": None,
}
# Tables that are written by the asset of another name.
WRITTEN_BY = {"quarantined_bars": "daily_bars"}

_cached = st.cache_data(max_entries=50, show_spinner=False)
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "table": pl.String, "asset": pl.String, "store": pl.String, "latest_session": pl.Date, "sessions": pl.Int64,
    "rows": pl.Int64, "latest_rows": pl.Int64, "bytes": pl.Int64, "written_at": pl.Datetime("us", "UTC"),
}  # fmt: skip


def tables() -> pl.DataFrame:
    """Return one row per product table: where it is, how far it goes, rows, bytes and when it was last written."""
    lake = [_lake_table(table, table.name, lake_version(table)) for table in TABLES.values()]
    return pl.DataFrame([*lake, *_database_tables(database_version())], schema=_SCHEMA, orient="row")


def coverage() -> pl.DataFrame:
    """Return ``session``, ``bars`` (accepted) and ``listed`` (symbols of the universe), oldest first."""
    return _coverage(lake_version(DAILY_BARS) + lake_version(UNIVERSE))


def findings(limit: int = 2000) -> pl.DataFrame:
    """Return the newest findings of the data-quality checks."""
    return _findings(limit, database_version())


def runs(limit: int = 50) -> pl.DataFrame:
    """Return the newest runs of whole sessions."""
    return _runs(limit, database_version())


def halts() -> pl.DataFrame:
    """Return the trading halts, those in force first."""
    return _halts(database_version())


def batches(limit: int = 200) -> pl.DataFrame:
    """Return the newest fetches from the vendors."""
    return _batches(limit, database_version())


@_cached
def _lake_table(_table: Table, name: str, version: str) -> tuple[object, ...]:
    lake = installation().lake
    counts = lake.row_counts(_table)
    files = [path.stat() for path in (lake.root / name).glob("year=*/part=*/data.parquet")]
    written = max((stat.st_mtime for stat in files), default=None)
    latest = newest(_table, version)
    return (
        name, WRITTEN_BY.get(name, name), "lake", latest, len(counts), sum(counts.values()),
        counts[latest] if latest else 0, sum(stat.st_size for stat in files),
        None if written is None else datetime.fromtimestamp(written, UTC),
    )  # fmt: skip


@_cached
def _database_tables(version: str) -> list[tuple[object, ...]]:
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


@_cached
def _coverage(version: str) -> pl.DataFrame:
    lake = installation().lake

    def counted(table: Table, name: str) -> pl.DataFrame:
        pairs: list[tuple[date, int]] = list(lake.row_counts(table).items())
        return pl.DataFrame(pairs, schema={"session": pl.Date, name: pl.Int64}, orient="row")

    bars = counted(DAILY_BARS, "bars")
    return bars.join(counted(UNIVERSE, "listed"), on="session", how="left", maintain_order="left")


@_cached
def _findings(limit: int, version: str) -> pl.DataFrame:
    return read(
        "select session, severity, check_name, table_name, symbol, source, value, expectation, found_at, run_id"
        " from quality_findings order by found_at desc, severity, session desc limit %s",
        (limit,),
    )


@_cached
def _runs(limit: int, version: str) -> pl.DataFrame:
    return read(
        "select session, mode, outcome, started_at, finished_at,"
        " (summary ->> 'seconds')::float8 as seconds, (summary #>> '{checks,passed}')::int as checks_passed,"
        " (summary #>> '{checks,failed}')::int as checks_failed, (summary ->> 'fills')::int as fills, run_id"
        " from session_runs order by started_at desc limit %s",
        (limit,),
    )


@_cached
def _halts(version: str) -> pl.DataFrame:
    return read(
        "select account, level, reason, engaged_by, engaged_at, released_by, released_at, release_reason"
        " from trading_halts order by released_at is not null, engaged_at desc limit 100"
    )


@_cached
def _batches(limit: int, version: str) -> pl.DataFrame:
    return read(
        "select fetched_at, source, kind, first_session, last_session, responses, rows, raw_bytes, batch_id"
        " from ingest_batches order by fetched_at desc, source limit %s",
        (limit,),
    )
