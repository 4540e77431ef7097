"""Companies: the newest snapshot of one company that is known at a session, one frame a kind."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

from app.queries.cached import cached_by
from app.queries.installation import installation, lake_version
from trading_assets.companies.known import companies_as_of
from trading_assets.tables.companies import COMPANY_TABLES


@cached_by(lambda kind, *_: lake_version(COMPANY_TABLES[kind]))
def snapshot(kind: str, symbol: str, session: date, as_of: datetime | None = None) -> pl.DataFrame:
    """Return the rows of a company table that are known at a session, with ``age_days``; empty if there are none."""
    return companies_as_of(
        installation().lake, COMPANY_TABLES[kind], session, symbols=[symbol], known_at=as_of
    )
