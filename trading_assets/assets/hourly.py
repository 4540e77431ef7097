"""Assets of the hourly path: one row per (symbol, hour of the session), from the vendors to the features."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets.assets.features import fundamentals_metadata
from trading_assets.assets.market_data import consolidated, vendor_bars, write_metadata
from trading_assets.assets.metadata import combined_version, frame_metadata
from trading_assets.assets.outcome import Outcome
from trading_assets.assets.session_asset import SessionAsset, session_asset
from trading_assets.companies.facts import fundamental_facts
from trading_assets.errors import DataQualityError
from trading_assets.feature_store.rows_by_symbol import SymbolRows
from trading_assets.features.build import HOURLY_BAR_COLUMNS, build_hourly_features
from trading_assets.features.ratios import with_fundamentals
from trading_assets.market_data.consolidation import consolidate_bars
from trading_assets.market_data.findings import blocked_sessions
from trading_assets.market_data.grains import HOURLY
from trading_assets.market_data.progress import reached, record_reach
from trading_assets.settings import SourceName
from trading_assets.tables.companies import KEY_STATISTICS, MARKET_DATA
from trading_assets.tables.features import HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY_BARS, VENDOR_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

GROUP = "hourly"
SESSIONS_AT_ONCE = 63
FINISHED_HOURS = (
    "Joined from the vendor's half hours of the regular session; an hour that is not finished, the vendor's delay "
    "included, is not stored. Fetched for the most traded symbols of the 20 sessions before, SPY, and what is held."
)


@session_asset(
    group=GROUP,
    kinds={"polars", "parquet"},
    table=HOURLY_BARS,
    deps=[*(table.name for table in VENDOR_HOURLY_BARS.values()), "corporate_actions"],
)
def hourly_bars(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """The bar of the best source per symbol and hour, after the row checks of the daily bars.

    A session that goes on has the hours finished so far. What a rule refused goes to `quarantined_hourly_bars`.
    """
    return consolidated(consolidate_bars(platform, sessions, HOURLY), HOURLY.bars)


@session_asset(
    group=GROUP,
    kinds={"numba", "polars", "parquet"},
    table=HOURLY_FEATURES,
    deps=[
        "hourly_bars",
        "corporate_actions",
        KEY_STATISTICS.name,
        MARKET_DATA.name,
    ],
)
def hourly_features(platform: Platform, sessions: list[date], _context: dg.AssetExecutionContext) -> Outcome:
    """TA-Lib's definitions on hourly bars. A row knows its own bar's close and nothing later.

    Windows count bars, 7 a full session. A symbol without bars for a whole session begins anew after it. A session
    whose blocking checks failed gets no rows.
    """
    blocked = blocked_sessions(platform.database, sessions, (HOURLY_BARS.name,))
    if blocked and len(sessions) == 1:
        raise DataQualityError(
            f"Blocking checks failed on the hours of {sessions[0]}: they get no features. See them with: trading-assets "
            f"quality list --session {sessions[0]}; after they are corrected or accepted, fetch the hours again"
        )
    until = reached(platform.database, HOURLY_BARS.name, sessions)
    bars = SymbolRows.read(platform.lake, HOURLY_BARS, HOURLY_BAR_COLUMNS, end=sessions[-1]).frame()
    actions = platform.lake.scan(CORPORATE_ACTIONS, end=sessions[-1]).collect()
    facts = fundamental_facts(platform.lake, sessions[0], sessions[-1], known_by="open")
    total = WriteReport()
    shown = pl.DataFrame(schema=HOURLY_FEATURES.schema)
    for start in range(0, len(sessions), SESSIONS_AT_ONCE):
        part = sessions[start : start + SESSIONS_AT_ONCE]
        usable = [session for session in part if session not in blocked]
        hours = build_hourly_features(bars, actions, sessions=usable)
        shown = with_fundamentals(hours, facts, actions, known_by="open")
        total.add(platform.lake.write_sessions(HOURLY_FEATURES, shown, part, known_at=platform.clock.now()))
        platform.progress.advanced(HOURLY_FEATURES.name, start + len(part), len(sessions))
    done = {session: end for session, end in until.items() if session not in blocked}
    record_reach(platform.database, HOURLY_FEATURES.name, done, platform.clock.now())
    return Outcome(
        rows=total.rows,
        data_version=combined_version(total.hashes),
        metadata={**frame_metadata(shown), **fundamentals_metadata(shown), **write_metadata(total)},
    )


def assets(sources: Sequence[SourceName]) -> list[SessionAsset]:
    """Return the assets of the hours with these vendors, each after what it is made from; none without vendors."""
    vendors = [
        vendor_bars(source, HOURLY, FINISHED_HOURS, group=GROUP, deps=["daily_bars"], follows=False)
        for source in sources
    ]
    return [*vendors, hourly_bars, hourly_features] if sources else []
