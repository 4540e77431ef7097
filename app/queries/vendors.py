"""Vendors: what was asked of them day by day, and what each fetch brought."""

from __future__ import annotations

import polars as pl

from app.queries.cached import cached_by
from app.queries.installation import database_version, read


@cached_by(lambda *_: database_version(), entries=40)
def usage(days: int = 30) -> pl.DataFrame:
    """Return one row per vendor and UTC day, oldest first, over the newest days that have any."""
    return read(
        "select vendor, day, requests, per_minute, remaining, rate_limited, retries, failures, received_bytes,"
        " waited_seconds, updated_at from vendor_usage where day > (select max(day) from vendor_usage) - %s"
        " order by vendor, day",
        (days,),
    )


@cached_by(lambda *_: database_version(), entries=40)
def batches(limit: int = 300) -> pl.DataFrame:
    """Return the newest fetches from the vendors."""
    return read(
        "select fetched_at, source, kind, first_session, last_session, responses, rows, raw_bytes, batch_id, raw_removed_at, refused"
        " from ingest_batches order by fetched_at desc, source limit %s",
        (limit,),
    )
