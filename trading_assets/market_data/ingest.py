"""From a vendor to the lake: fetch, keep the raw bodies, stamp the batch, replace the sessions' rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import dropwhile

import polars as pl

from resources.lake.lake import Lake
from resources.lake.writes import WriteReport
from resources.platform import Platform
from resources.vendors.http.gates import open_gates
from resources.vendors.protocol import Fetched
from resources.vendors.usage import record_usage
from trading_assets import sessions as calendar
from trading_assets.errors import DataQualityError, VendorDataError
from trading_assets.market_data.grains import DAILY, KeptBars
from trading_assets.market_data.progress import finished_until, record_reach
from trading_assets.market_data.vanished import require_not_vanished
from trading_assets.quality.reports import one_row_per_key
from trading_assets.settings import SourceName
from trading_assets.tables.listings import UNIVERSE, VENDOR_ACTIONS
from trading_assets.tables.table import Table

SESSIONS_PER_PART = 63


@dataclass(frozen=True)
class Ingested:
    """What one fetch brought and what it changed in the lake."""

    frame: pl.DataFrame
    report: WriteReport
    batch_id: str
    raw_bytes: int
    responses: int
    empty: tuple[str, ...]
    left_out: Mapping[str, int]

    @classmethod
    def nothing(cls) -> Ingested:
        """Return what no fetch brings."""
        return cls(pl.DataFrame(), WriteReport(), "", 0, 0, (), {})

    def with_versions(self, lake: Lake, table: Table, sessions: Sequence[date]) -> Ingested:
        """Count sessions in that are stored already."""
        if sessions:
            counts = lake.row_counts(table, sessions[0], sessions[-1])
            self.report.rows += sum(counts.get(day, 0) for day in sessions)
            self.report.hashes.update({day: lake.content_hash(table, day) for day in sessions})
        return self

    def joined(self, later: Ingested) -> Ingested:
        """Count a later part of the same fetch in; the frame and the batch are those of the last part."""
        self.report.add(later.report)
        return Ingested(
            later.frame,
            self.report,
            later.batch_id,
            self.raw_bytes + later.raw_bytes,
            self.responses + later.responses,
            tuple(dict.fromkeys([*self.empty, *later.empty])),
            dict(Counter(self.left_out) + Counter(later.left_out)),
        )


def ingest_bars(
    platform: Platform,
    source: SourceName,
    sessions: Sequence[date],
    kept: KeptBars = DAILY,
    *,
    stored: Collection[date] = (),
) -> Ingested:
    """Fetch and store the raw bars of one vendor; rows at times without trade are stored too, for the checks to find.

    A long range is stored part by part as it arrives, so that memory is bounded. ``stored`` are sessions that an
    interrupted run has stored already: a range is gone on with after them. A vendor that is asked symbol by symbol
    is asked once for the whole range, and so is any for a selection of symbols. Sessions that the vendor no longer
    answers for keep what is stored of them.

    Raises
    ------
    DataQualityError
        If there is a selection of symbols, and the vendor has no bar of any.
    """
    table, vendor = kept.bars.vendor[source], platform.bar_sources[source]
    began = platform.clock.now()
    chosen = kept.selection(platform, sessions) if kept.selection else None
    symbols = (
        listed_symbols(platform.lake, sessions[0], sessions[-1])
        if chosen is None
        else sorted({*chosen["symbol"]})
    )
    wanted = list(dropwhile(lambda session: session in stored, sessions))
    at_once = wanted and (vendor.asks_by_symbol or chosen is not None)
    parts = [wanted] if at_once else calendar.in_parts(wanted, SESSIONS_PER_PART)
    total = Ingested.nothing()
    for number, part in enumerate(parts):

        def advance(done: int, count: int, before: int = number) -> None:
            platform.progress.advanced(table.name, before * count + done, len(parts) * count)

        fetched = kept.fetch(vendor)(part, symbols, progress=advance)
        total = total.joined(_store_bars(platform, source, kept, fetched, sessions=part, chosen=chosen))
    if kept.bars.is_intraday:
        until = finished_until(sessions, began, platform.settings.data_delay, grain=kept.bars)
        record_reach(platform.database, table.name, until, began)
    return total.with_versions(platform.lake, table, sessions[: len(sessions) - len(wanted)])


def _store_bars(
    platform: Platform,
    source: SourceName,
    kept: KeptBars,
    fetched: Fetched,
    *,
    sessions: Sequence[date],
    chosen: pl.DataFrame | None,
) -> Ingested:
    table = kept.bars.vendor[source]
    frame = one_row_per_key(fetched.frame, table.key)
    answered = [session for session in sessions if session not in fetched.out_of_reach]
    if not answered:
        return Ingested(frame, WriteReport(), "", 0, 0, fetched.empty, fetched.left_out)
    if chosen is not None:
        if frame.is_empty():
            raise DataQualityError(
                f"The vendor has no finished {kept.bars.unit} of any symbol",
                source=source,
                session=answered[-1],
                **fetched.left_out,
            )
        # rows on closed days stay, for the checks to find
        on_sessions = pl.col("session").is_in(answered)
        wanted = frame.filter(on_sessions).join(chosen, on=["session", "symbol"], how="semi")
        frame = pl.concat([wanted, frame.filter(~on_sessions)]).sort(table.key)
    result = store_fetched(
        platform,
        table,
        replace(fetched, frame=frame),
        source=source,
        kind=kept.bars.accepted.name,
        dates=[day for day in covered_days(answered) if day not in fetched.out_of_reach],
        asked=chosen,
    )
    if fetched.actions is not None:
        batch = fetched.actions.with_columns(pl.lit(result.batch_id).alias("batch_id"))
        platform.lake.write_sessions(
            VENDOR_ACTIONS[source], batch, covered_days(sessions), known_at=platform.clock.now()
        )
    return result


def listed_symbols(lake: Lake, first: date, last: date) -> list[str]:
    """List the symbols of the universe over a range, sorted."""
    frame = lake.scan(UNIVERSE, start=first, end=last, columns=["symbol"]).unique().sort("symbol").collect()
    return frame["symbol"].to_list()


def covered_days(sessions: Sequence[date]) -> list[date]:
    """List the days that a run over ``sessions`` answers for: the sessions and the closed days before each."""
    start = calendar.shift(sessions[0], -1) + timedelta(days=1)
    return [start + timedelta(days=offset) for offset in range((sessions[-1] - start).days + 1)]


def store_fetched(
    platform: Platform,
    table: Table,
    fetched: Fetched,
    *,
    source: str,
    kind: str,
    dates: Sequence[date],
    asked: pl.DataFrame | None = None,
) -> Ingested:
    """Keep the raw bodies of a fetch, and replace the rows of ``dates`` by what it brought.

    ``asked`` names the sessions and symbols that it was about, where it is not the whole market.

    Raises
    ------
    VendorDataError
        If the answer has lost nearly all that is stored: it is marked as refused and replaces nothing.
    """
    now = platform.clock.now()
    batch = platform.raw_batches.keep(
        source, kind, fetched.responses, first=dates[0], last=dates[-1], rows=fetched.frame.height, now=now
    )
    columns = [name for name in table.schema if name != "known_at"]
    own = pl.lit(batch.batch_id)
    if "batch_id" in fetched.frame.columns:  # rows that another fetch brought keep its batch
        own = pl.coalesce("batch_id", own)
    frame = fetched.frame.with_columns(own.alias("batch_id")).select(columns)
    try:
        require_not_vanished(
            platform.lake, table, frame, dates, vendor=source, batch_id=batch.batch_id, asked=asked
        )
    except VendorDataError:
        platform.raw_batches.refuse(batch.batch_id, "next to nothing where the vendor had sent rows before")
        raise
    report = platform.lake.write_sessions(table, frame, dates, known_at=now)
    record_usage(platform.database, open_gates(platform.settings), now)
    return Ingested(
        frame,
        report,
        batch.batch_id,
        batch.raw_bytes,
        len(fetched.responses),
        fetched.empty,
        fetched.left_out,
    )
