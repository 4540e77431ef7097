"""Companies: the newest snapshot of one company that is known at a session, one frame a kind."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import streamlit as st

from app.queries.installation import installation, lake_version
from trading_assets.companies.known import companies_as_of
from trading_assets.tables.companies import COMPANY_TABLES

_cached = st.cache_data(max_entries=100, show_spinner=False)


def snapshot(kind: str, symbol: str, session: date, as_of: datetime | None = None) -> pl.DataFrame:
    """Return the rows of a company table that are known at a session, with ``age_days``; empty if there are none."""
    return _snapshot(kind, symbol, session, as_of, lake_version(COMPANY_TABLES[kind]))


@_cached
def _snapshot(kind: str, symbol: str, session: date, as_of: datetime | None, version: str) -> pl.DataFrame:
    return companies_as_of(
        installation().lake, COMPANY_TABLES[kind], session, symbols=[symbol], known_at=as_of
    )
