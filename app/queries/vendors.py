"""Vendors: what was asked of them day by day, and what each fetch brought."""

from __future__ import annotations

import polars as pl
import streamlit as st

from app.queries.installation import database_version, read

_cached = st.cache_data(max_entries=40, show_spinner=False)


def usage(days: int = 30) -> pl.DataFrame:
    """Return one row per vendor and UTC day, oldest first, over the newest days that have any."""
    return _usage(days, database_version())


def batches(limit: int = 300) -> pl.DataFrame:
    """Return the newest fetches from the vendors."""
    return _batches(limit, database_version())


@_cached
def _usage(days: int, version: str) -> pl.DataFrame:
    return read(
        "select vendor, day, requests, per_minute, remaining, rate_limited, retries, failures, received_bytes,"
        " waited_seconds, updated_at from vendor_usage where day > (select max(day) from vendor_usage) - %s"
        " order by vendor, day",
        (days,),
    )


@_cached
def _batches(limit: int, version: str) -> pl.DataFrame:
    return read(
        "select fetched_at, source, kind, first_session, last_session, responses, rows, raw_bytes, batch_id, raw_removed_at, refused"
        " from ingest_batches order by fetched_at desc, source limit %s",
        (limit,),
    )
