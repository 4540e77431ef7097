"""Assets from the vendors to the consolidated bar: one row per (symbol, session), raw prices in USD."""

from __future__ import annotations

from datetime import date
from typing import Any

import dagster as dg

from resources.lake_write import WriteReport
from resources.platform import Platform
from trading_assets.market_data.consolidation import consolidate_sessions
from trading_assets.market_data.ingest import (
    Ingested,
    ingest_corporate_actions,
    ingest_daily_bars,
    ingest_universe,
)
from trading_assets.observability import combined_version, frame_metadata, preview
from trading_assets.schemas import CORPORATE_ACTIONS, DAILY_BARS, UNIVERSE, VENDOR_DAILY_BARS
from trading_assets.session_asset import Outcome, session_asset
from trading_assets.settings import SourceName, load_settings
from trading_assets.table import Table

GROUP = "market_data"


def write_metadata(report: WriteReport) -> dict[str, Any]:
    """Return what a lake write changed, as metadata."""
    return {
        "inserted": report.inserted,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "bytes": report.bytes,
        "content_hash": combined_version(report.hashes),
    }


def ingested(table: Table, result: Ingested) -> Outcome:
    """Say what a fetch brought."""
    return Outcome(
        rows=result.frame.height,
        data_version=combined_version(result.report.hashes),
        metadata={
            **frame_metadata(result.frame, date_column=table.partition_by),
            **write_metadata(result.report),
            "batch_id": result.batch_id,
            "responses": result.responses,
            "raw_bytes": result.raw_bytes,
            "left_out": dg.MetadataValue.json(dict(result.left_out)),
            "no_data": ", ".join(result.empty[:50]),
        },
    )


@session_asset(group=GROUP, kinds={"polygon", "parquet"}, table=UNIVERSE)
def universe(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """What was listed, asked as of the session; delisted names stay on the sessions on which they traded.

    A backfill asks once a month and says so in `snapshot_session`.
    """
    return ingested(UNIVERSE, ingest_universe(platform, sessions))


@session_asset(group=GROUP, kinds={"polygon", "parquet"}, table=CORPORATE_ACTIONS)
def corporate_actions(
    platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext
) -> Outcome:
    """Splits and cash dividends by ex-date. Prices are stored raw and adjusted when they are read."""
    return ingested(CORPORATE_ACTIONS, ingest_corporate_actions(platform, sessions))


def vendor_bars(source: SourceName) -> dg.AssetsDefinition:
    """Declare the raw bars of one vendor."""
    table = VENDOR_DAILY_BARS[source]

    def body(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
        return ingested(table, ingest_daily_bars(platform, source, sessions))

    body.__doc__ = (
        "Fetched with the vendor's own client and stored as reported, dirt included; every row names the batch that "
        "leads to the vendor's raw response. Rows that a later fetch changes move to the history with the instant."
    )
    return session_asset(
        group=GROUP,
        kinds={source, "parquet"},
        table=table,
        deps=["universe"],
        name=table.name,
        tags={"source": source},
    )(body)


CONFIGURED_SOURCES = load_settings().sources
VENDOR_ASSETS = [vendor_bars(source) for source in CONFIGURED_SOURCES]


@session_asset(
    group=GROUP,
    kinds={"polars", "parquet"},
    table=DAILY_BARS,
    deps=[
        *(VENDOR_DAILY_BARS[source].name for source in CONFIGURED_SOURCES),
        "corporate_actions",
        "universe",
    ],
)
def daily_bars(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """The bar of the best source per symbol, after the row checks.

    Impossible rows (closed days, prices of zero, high below low, unexplained jumps, ...) go to `quarantined_bars` with
    the rule that refused them and never reach features or orders. Too many of them, or too few symbols, block
    everything downstream.
    """
    result = consolidate_sessions(platform, sessions)
    return Outcome(
        rows=result.bars.height,
        data_version=combined_version(result.report.hashes),
        metadata={
            **frame_metadata(result.bars),
            **write_metadata(result.report),
            "quarantined": result.quarantined.height,
            "quarantine_preview": preview(result.quarantined),
        },
    )
