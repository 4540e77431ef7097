"""Assets from the vendors to the consolidated bar: one row per (symbol, session), raw prices in USD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from resources.platform import Platform
from resources.vendors.registry import VENDORS
from trading_assets.assets.metadata import combined_version, frame_metadata, preview
from trading_assets.assets.outcome import Outcome, own_sessions
from trading_assets.assets.session_asset import SessionAsset, session_asset
from trading_assets.market_data.consolidation import ConsolidatedRange, consolidate_bars
from trading_assets.market_data.corporate_actions import ingest_corporate_actions
from trading_assets.market_data.corrections import check_earlier_sessions
from trading_assets.market_data.grains import DAILY, KeptBars
from trading_assets.market_data.ingest import SESSIONS_PER_PART, Ingested, ingest_bars
from trading_assets.market_data.instruments import make_instruments
from trading_assets.market_data.universe import ingest_universe
from trading_assets.settings import SourceName
from trading_assets.tables.bars import BarGrain
from trading_assets.tables.companies import COMPANY_INFO, KEY_STATISTICS
from trading_assets.tables.daily import DAILY_BARS, VENDOR_DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS, INSTRUMENTS, UNIVERSE
from trading_assets.tables.table import Table

GROUP = "market_data"
AS_REPORTED = (
    "Fetched with the vendor's own client and stored as reported, dirt included; every row names the batch that "
    "leads to the vendor's raw response. Rows that a later fetch changes move to the history with the instant."
)


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
        rows=result.report.rows,
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


@session_asset(
    group=GROUP,
    kinds={"polygon", "parquet"},
    table=UNIVERSE,
    deps=[COMPANY_INFO.name, KEY_STATISTICS.name],
    catches_up=True,
)
def universe(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """What was listed, asked as of the session; delisted names stay on the sessions on which they traded.

    A backfill asks once a month and says so in `snapshot_session`. Sector, industry and market capitalisation are those
    of the newest company snapshot dated the session or earlier; null before the first one.
    """
    return ingested(UNIVERSE, ingest_universe(platform, sessions))


def stored_by_an_interrupted_run(
    context: dg.AssetExecutionContext, lake: Lake, table: Table, sessions: Sequence[date]
) -> set[date]:
    """Return the sessions of a range that are in the lake although no run has finished them.

    A partition that was finished and is run again is fetched again.
    """
    if len(sessions) <= SESSIONS_PER_PART:
        return set()
    finished = context.instance.get_materialized_partitions(dg.AssetKey(table.name))
    there = lake.row_counts(table, sessions[0], sessions[-1])
    return {day for day in sessions if day in there and day.isoformat() not in finished}


def vendor_bars(
    source: SourceName, kept: KeptBars, told: str, *, group: str, deps: Sequence[str], follows: bool
) -> SessionAsset:
    """Declare the raw bars of one vendor, as ``told``; those that follow the session job catch up and look back."""
    table = kept.bars.vendor[source]

    def body(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
        already = stored_by_an_interrupted_run(context, platform.lake, table, sessions) if follows else ()
        return ingested(table, ingest_bars(platform, source, sessions, kept, stored=already))

    body.__doc__ = told
    return session_asset(
        group=group,
        kinds={source, "parquet"},
        table=table,
        deps=deps,
        name=table.name,
        tags={"source": source},
        catches_up=follows,
        looks_back=follows,
    )(body)


def consolidated(result: ConsolidatedRange, bars: BarGrain) -> Outcome:
    """Say what a consolidation accepted and refused."""
    counted = {f"{bars.unit}s": result.bars[bars.time].n_unique()} if bars.is_intraday else {}
    return Outcome(
        rows=result.report.rows,
        data_version=combined_version(result.report.hashes),
        metadata={
            **frame_metadata(result.bars),
            "dagster/row_count": result.report.rows,
            **write_metadata(result.report),
            **counted,
            "quarantined": result.quarantined.height,
            "quarantine_preview": preview(result.quarantined),
        },
    )


@session_asset(
    group=GROUP,
    kinds={"polygon", "alpaca", "parquet"},
    table=CORPORATE_ACTIONS,
    deps=[
        "universe",
        *(
            VENDOR_DAILY_BARS[vendor.name].name
            for vendor in VENDORS.values()
            if vendor.tells_actions_with_bars
        ),
    ],
    catches_up=True,
    looks_back=True,
)
def corporate_actions(
    platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext
) -> Outcome:
    """Splits, dividends, spin-offs, symbol changes and delistings of every source, merged by priority.

    Spin-offs that a vendor tells as splits are recognised. Prices are stored raw and adjusted when they are read.
    """
    result = ingest_corporate_actions(platform, sessions)
    outcome = ingested(CORPORATE_ACTIONS, result.fetched)
    actions, apart = result.merged.actions, result.merged.disagreements
    kinds = dict(actions.group_by("kind").len().sort("kind").iter_rows())
    return replace(
        outcome,
        rows=actions.height,
        metadata={
            **outcome.metadata,
            **frame_metadata(actions, date_column="ex_date"),
            **{f"actions_{kind}": count for kind, count in kinds.items()},
            "disagreements": apart.height,
            "disagreements_preview": preview(apart, rows=20),
        },
    )


@session_asset(
    group=GROUP,
    kinds={"polars", "parquet"},
    table=DAILY_BARS,
    deps=[
        *(table.name for table in VENDOR_DAILY_BARS.values()),
        "corporate_actions",
        "universe",
    ],
    catches_up=True,
    looks_back=True,
)
def daily_bars(platform: Platform, sessions: list[date], context: dg.AssetExecutionContext) -> Outcome:
    """The bar of the best source per symbol, after the row checks.

    Impossible rows (closed days, prices of zero, high below low, unexplained jumps, ...) go to `quarantined_bars` with
    the rule that refused them and never reach features or orders. Too many of them, or too few symbols, block
    everything downstream.
    """
    result = consolidate_bars(platform, sessions)
    own = own_sessions(context)
    check_earlier_sessions(platform, [day for day in sessions if day < own[0]], run_id=context.run.run_id)
    return consolidated(result, DAILY.bars)


@session_asset(
    group=GROUP,
    kinds={"polars", "parquet"},
    table=INSTRUMENTS,
    deps=["daily_bars", "universe", "corporate_actions"],
    catches_up=True,
)
def instruments(platform: Platform, _sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """What each symbol stood for, and since when: by FIGI where a vendor gives it, else by its long silences.

    Made anew from everything that is stored; an instrument keeps its id, through new symbols too.
    """
    frame, report = make_instruments(platform)
    begun = dict(frame.group_by("begun").len().sort("begun").iter_rows())
    return Outcome(
        rows=frame.height,
        data_version=combined_version(report.hashes),
        metadata={
            **frame_metadata(frame, date_column="first_session"),
            **write_metadata(report),
            **{f"begun_{kind}": count for kind, count in begun.items()},
        },
    )


def assets(sources: Sequence[SourceName]) -> list[SessionAsset]:
    """Return the assets of market data with these vendors, each after what it is made from."""
    vendors = [
        vendor_bars(source, DAILY, AS_REPORTED, group=GROUP, deps=["universe"], follows=True)
        for source in sources
    ]
    return [universe, *vendors, corporate_actions, daily_bars, instruments]
