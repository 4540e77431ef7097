"""From a vendor to the lake: fetch, keep the raw bodies, stamp the batch, replace the sessions' rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from resources.gates import open_gates
from resources.lake_write import WriteReport
from resources.platform import Platform
from resources.usage import record_usage
from resources.vendor_listings import FLAG_COLUMNS
from resources.vendors import Fetched, RawResponse
from trading_assets import sessions as calendar
from trading_assets.quality.reports import one_row_per_key
from trading_assets.schemas import CORPORATE_ACTIONS, UNIVERSE, VENDOR_DAILY_BARS
from trading_assets.settings import SourceName
from trading_assets.table import Table


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


def ingest_daily_bars(platform: Platform, source: SourceName, sessions: Sequence[date]) -> Ingested:
    """Fetch and store the raw daily bars of one vendor; rows on closed days are stored too, for the checks to find."""
    table = VENDOR_DAILY_BARS[source]
    symbols = listed_symbols(platform, sessions[0], sessions[-1])

    def advance(done: int, total: int) -> None:
        platform.progress.advanced(table.name, done, total)

    fetched = platform.bar_sources[source].daily_bars(sessions, symbols, progress=advance)
    reported = replace(fetched, frame=one_row_per_key(fetched.frame))
    return store_fetched(
        platform, table, reported, source=source, kind="daily_bars", dates=covered_days(sessions)
    )


def ingest_corporate_actions(platform: Platform, sessions: Sequence[date]) -> Ingested:
    """Fetch and store the actions whose ex-date falls on the sessions, on closed days before them, or up to the next session.

    The next session's are announced by then, and its open is where today's orders are executed.
    """
    dates = covered_days([*sessions, calendar.next_session(sessions[-1])])
    source = platform.action_source
    fetched = source.corporate_actions(
        dates[0],
        dates[-1],
        progress=lambda done, total: platform.progress.advanced(CORPORATE_ACTIONS.name, done, total),
    )
    return store_fetched(
        platform, CORPORATE_ACTIONS, fetched, source=source.name, kind="corporate_actions", dates=dates
    )


def ingest_universe(platform: Platform, sessions: Sequence[date]) -> Ingested:
    """Fetch and store what was listed.

    A run over a range asks the vendor once a month (at the month's first session) and at the last session;
    sessions between carry the snapshot before them and name it in ``snapshot_session``.
    """
    source = platform.reference_source
    asked = [
        day
        for day, before in zip(sessions, [None, *sessions[:-1]], strict=True)
        if _starts_month(day, before)
    ]
    asked = sorted({*asked, sessions[-1]})
    frames: list[pl.DataFrame] = []
    responses: list[RawResponse] = []
    empty: list[str] = []
    for number, day in enumerate(asked, start=1):
        fetched = source.listings(day)
        carried = [
            session
            for session in sessions
            if day <= session and (number == len(asked) or session < asked[number])
        ]
        frames.append(
            fetched.frame.drop("session", "snapshot_session", strict=False)
            .with_columns(pl.lit(day).alias("snapshot_session"))
            .join(pl.DataFrame({"session": carried}, schema={"session": pl.Date}), how="cross")
        )
        responses.extend(fetched.responses)
        empty.extend(fetched.empty)
        platform.progress.advanced(UNIVERSE.name, number, len(asked))
    frame = _with_known_flags(platform, pl.concat(frames), sessions)
    whole = Fetched(frame=frame, responses=responses, empty=tuple(empty))
    return store_fetched(platform, UNIVERSE, whole, source=source.name, kind="universe", dates=list(sessions))


def listed_symbols(platform: Platform, first: date, last: date) -> list[str]:
    """List the symbols of the universe over a range, sorted."""
    frame = (
        platform.lake.scan(UNIVERSE, start=first, end=last, columns=["symbol"])
        .unique()
        .sort("symbol")
        .collect()
    )
    return frame["symbol"].to_list()


def covered_days(sessions: Sequence[date]) -> list[date]:
    """List the days that a run over ``sessions`` answers for: the sessions and the closed days before each."""
    start = calendar.shift(sessions[0], -1) + timedelta(days=1)
    return [start + timedelta(days=offset) for offset in range((sessions[-1] - start).days + 1)]


def _with_known_flags(platform: Platform, frame: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    # Brokers only tell what they trade now: a later run of an old session keeps what was known at the time.
    key = ["symbol", "session"]
    known = platform.lake.scan(
        UNIVERSE, start=sessions[0], end=sessions[-1], columns=[*key, *FLAG_COLUMNS]
    ).collect()
    if known.is_empty():
        return frame
    merged = frame.join(known, on=key, how="left", suffix="_then")
    return merged.with_columns(pl.coalesce(name, f"{name}_then").alias(name) for name in FLAG_COLUMNS).select(
        frame.columns
    )


def _starts_month(day: date, before: date | None) -> bool:
    return before is None or (day.year, day.month) != (before.year, before.month)


def store_fetched(
    platform: Platform, table: Table, fetched: Fetched, *, source: str, kind: str, dates: Sequence[date]
) -> Ingested:
    """Keep the raw bodies of a fetch, and replace the rows of ``dates`` by what it brought."""
    now = platform.clock.now()
    batch = platform.raw_batches.keep(
        source, kind, fetched.responses, first=dates[0], last=dates[-1], rows=fetched.frame.height, now=now
    )
    columns = [name for name in table.schema if name != "known_at"]
    frame = fetched.frame.with_columns(pl.lit(batch.batch_id).alias("batch_id")).select(columns)
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
