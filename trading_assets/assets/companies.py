"""Assets of the company data: one fetch, eleven tables, one row group a (symbol, snapshot)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg

from resources.platform import Platform
from trading_assets.assets.market_data import write_metadata
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import session_multi_asset
from trading_assets.companies.ingest import StoredSnapshot, StoredTable, ingest_companies, require_present
from trading_assets.tables.companies import COMPANY_TABLES

GROUP = "companies"
STALE_AFTER = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=10), warn_window=timedelta(days=8))


@session_multi_asset(
    name="company_snapshot",
    tables=list(COMPANY_TABLES.values()),
    group=GROUP,
    kinds={"yahoo", "parquet"},
    freshness=STALE_AFTER,
)
def company_snapshot(
    platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext
) -> Mapping[str, Outcome]:
    """Fetched once a week for the listed stocks and funds, and dated the newest closed session.

    The vendor only tells what is true now, so that older sessions are refused: a snapshot is never dated back.
    """
    for session in sessions:
        require_present(platform, session)
    snapshot = ingest_companies(platform, sessions[-1])
    return {name: _outcome(snapshot, table) for name, table in snapshot.tables.items()}


def _outcome(snapshot: StoredSnapshot, table: StoredTable) -> Outcome:
    return Outcome(
        rows=table.frame.height,
        data_version=combined_version(table.report.hashes),
        metadata={
            **frame_metadata(table.frame),
            **write_metadata(table.report),
            "batch_id": snapshot.batch_id,
            "symbols_asked": snapshot.symbols,
            "responses": snapshot.responses,
            "raw_bytes": snapshot.raw_bytes,
            "left_out": dg.MetadataValue.json(dict(snapshot.left_out)),
            "no_data": len(table.empty),
            "no_data_for": ", ".join(table.empty[:50]),
        },
    )
