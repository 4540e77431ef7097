"""Hours from a vendor to the lake: fetch the finished ones of the selected symbols, keep the raw bodies, replace the sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from resources.lake.writes import WriteReport
from resources.platform import Platform
from trading_assets.errors import DataQualityError
from trading_assets.market_data.hours.progress import hours_until, record_reach
from trading_assets.market_data.hours.selection import selected_symbols
from trading_assets.market_data.ingest import Ingested, covered_days, store_fetched
from trading_assets.quality.reports import one_row_per_key
from trading_assets.settings import SourceName
from trading_assets.tables.hourly import VENDOR_HOURLY_BARS

KIND = "hourly_bars"


def ingest_hourly_bars(platform: Platform, source: SourceName, sessions: Sequence[date]) -> Ingested:
    """Fetch and store the finished hours of one vendor.

    Rows on closed days and off the hours are stored too, for the checks to find. Sessions that the vendor no longer
    answers for keep what is stored of them.
    """
    table, began = VENDOR_HOURLY_BARS[source], platform.clock.now()
    chosen = selected_symbols(platform.lake, platform.database, sessions, platform.settings.hourly_symbols)
    fetched = platform.hourly_sources[source].hourly_bars(
        sessions,
        chosen["symbol"].unique().sort().to_list(),
        progress=lambda done, total: platform.progress.advanced(table.name, done, total),
    )
    until = hours_until(sessions, began, platform.settings.data_delay)
    answered = [session for session in sessions if session not in fetched.out_of_reach]
    if not answered:
        rows = fetched.frame.with_columns(reports=pl.lit(1, dtype=pl.Int32))
        record_reach(platform.database, table.name, until, began)
        return Ingested(rows, WriteReport(), "", 0, 0, fetched.empty, fetched.left_out)
    if fetched.frame.is_empty():
        raise DataQualityError(
            "The vendor has no finished hour of any symbol",
            source=source,
            session=answered[-1],
            **fetched.left_out,
        )
    rows = one_row_per_key(fetched.frame, table.key)
    on_sessions = pl.col("session").is_in(answered)
    wanted = rows.filter(on_sessions).join(chosen, on=["session", "symbol"], how="semi")
    kept = pl.concat([wanted, rows.filter(~on_sessions)]).sort(table.key)
    days = [day for day in covered_days(answered) if day not in fetched.out_of_reach]
    result = store_fetched(
        platform, table, replace(fetched, frame=kept), source=source, kind=KIND, dates=days, asked=chosen
    )
    record_reach(platform.database, table.name, until, began)
    return result
