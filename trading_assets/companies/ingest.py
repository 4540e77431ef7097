"""From the vendor's company data to the lake: fetch, keep the raw bodies, replace the snapshot's rows in every table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from resources.platform import Platform
from resources.vendors.protocol import CompanySnapshot
from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings
from trading_assets.tables.companies import COMPANY_INFO, COMPANY_TABLES
from trading_assets.tables.listings import UNIVERSE

KIND = "companies"
ASSET_TYPES = ("CS", "OS", "ADRC", "NYRS", "ETF", "ETS")
"""Common stocks, their depositary receipts and exchange-traded funds, in the universe's words."""
SNAPSHOT_DAYS = 7
CALLS_PER_SYMBOL = 4


@dataclass(frozen=True)
class StoredTable:
    """What a snapshot brought for one table and changed in it."""

    frame: pl.DataFrame
    report: WriteReport
    empty: tuple[str, ...]


@dataclass(frozen=True)
class StoredSnapshot:
    """What one snapshot brought."""

    tables: Mapping[str, StoredTable]
    batch_id: str
    responses: int
    raw_bytes: int
    symbols: int
    left_out: Mapping[str, int]


def ingest_companies(platform: Platform, session: date) -> StoredSnapshot:
    """Fetch every kind of company data as it is now, and store it dated ``session``.

    Raises
    ------
    ConfigurationError
        If ``session`` is not the newest closed one (what a vendor says today must not be dated otherwise), or the
        universe has no symbols yet.
    """
    require_present(platform, session)
    symbols = company_symbols(platform.lake, session)

    def advance(done: int, total: int) -> None:
        platform.progress.advanced(COMPANY_INFO.name, done, total)

    source = platform.company_source
    snapshot = source.companies(symbols, session, progress=advance)
    return _store(platform, snapshot, session, source=source.name, symbols=len(symbols))


def require_present(platform: Platform, session: date) -> None:
    """Refuse to date today's answers with another session than the newest closed one."""
    latest = platform.latest_session()
    if session != latest:
        raise ConfigurationError(
            f"Company data of {session} cannot be had any more, or not yet: the vendor only tells what is true now. Take the "
            f"snapshot of {latest} with: trading-assets snapshot"
        )


def company_symbols(lake: Lake, session: date) -> list[str]:
    """List the active stocks and funds of the newest universe dated ``session`` or earlier, sorted."""
    newest = max((day for day in lake.sessions(UNIVERSE) if day <= session), default=None)
    if newest is None:
        raise ConfigurationError(
            "The universe has no symbols yet: fill it first with: trading-assets up, or trading-assets backfill"
        )
    listed = lake.scan(
        UNIVERSE, start=newest, end=newest, columns=["symbol", "status", "asset_type"]
    ).collect()
    wanted = (pl.col("status") == "active") & pl.col("asset_type").is_in(ASSET_TYPES).fill_null(value=True)
    return listed.filter(wanted)["symbol"].sort().to_list()


def snapshot_is_due(lake: Lake, session: date) -> bool:
    """Say whether there is no snapshot in the week up to ``session``."""
    first = session - timedelta(days=SNAPSHOT_DAYS - 1)
    return not lake.row_counts(COMPANY_INFO, first, session)


def snapshot_minutes(lake: Lake, settings: Settings, session: date) -> float:
    """Return about how long a snapshot takes at the vendor's pace; 0 where it has none."""
    per_minute = settings.yahoo_per_minute if settings.mode != "sim" else 0
    return CALLS_PER_SYMBOL * len(company_symbols(lake, session)) / per_minute if per_minute else 0.0


def _store(
    platform: Platform, snapshot: CompanySnapshot, session: date, *, source: str, symbols: int
) -> StoredSnapshot:
    now = platform.clock.now()
    batch = platform.raw_batches.keep(
        source,
        KIND,
        snapshot.responses,
        first=session,
        last=session,
        rows=sum(frame.height for frame in snapshot.frames.values()),
        now=now,
    )
    stored = {}
    for name, table in COMPANY_TABLES.items():
        frame = snapshot.frames[name].with_columns(pl.lit(batch.batch_id).alias("batch_id"))
        frame = frame.select(column for column in table.schema if column != "known_at")
        report = platform.lake.write_sessions(table, frame, [session], known_at=now)
        stored[name] = StoredTable(frame, report, snapshot.empty.get(name, ()))
    return StoredSnapshot(
        tables=stored,
        batch_id=batch.batch_id,
        responses=len(snapshot.responses),
        raw_bytes=batch.raw_bytes,
        symbols=symbols,
        left_out=snapshot.left_out,
    )
