"""The market that screens look at: one row per (symbol, session) of the features, with the universe's texts beside them."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import groupby

import polars as pl

from resources.lake.lake import Lake
from trading_assets.errors import TransientError
from trading_assets.features.seams import SILENCE
from trading_assets.screener.evaluate import COUNTS, count_matches
from trading_assets.screener.fields import FIELDS
from trading_assets.screener.filters import Query
from trading_assets.screener.market_frame import Market, columns_decided, columns_needed
from trading_assets.screens.frame_cache import FrameCache, Kept
from trading_assets.screens.stored_seams import stored_seams
from trading_assets.sessions import NEW_YORK, sessions_between, shift
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.listings import UNIVERSE

CACHE_BYTES = 256 * 2**20
KNOWN_BYTES = 512 * 2**20
SEAM_BYTES = 2**20
_ATTEMPTS = 5
_COUNTING_THREADS = 2
_NEWEST_WITHIN = timedelta(days=31)
_KEY = ("symbol", "session")
_TEXTS = tuple(name for name, field in FIELDS.items() if field.kind == "text" and name != "symbol")


class ScreenerMarket:
    """Reads what a query needs, and keeps the columns of sessions that were read for as long as their files are the same.

    Safe to share between threads; each call looks at the files once (no content) to see whether they changed.

    Parameters
    ----------
    lake
        Where the features are.
    cache_bytes
        Memory for columns of sessions; those not used for longest go first.
    """

    def __init__(self, lake: Lake, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._lake = lake
        self._sessions = FrameCache(cache_bytes)
        self._known = FrameCache(KNOWN_BYTES)
        self._seams = FrameCache(SEAM_BYTES)
        self._reading = threading.Lock()
        self._rebuilding = threading.Lock()
        self._finding_seams = threading.Lock()

    def newest_session(
        self,
        *,
        as_of: datetime | None = None,
        blocked: Callable[[Sequence[date]], Collection[date]] | None = None,
    ) -> date | None:
        """Return the newest session that has features, or had bars known at an instant; None if there is none.

        Features are not made of sessions whose checks failed; ``blocked`` says which of some sessions those are, so that
        an instant does not show one either.
        """
        if as_of is None:
            for part, _ in reversed(self._lake.version(DAILY_FEATURES)):
                counts = self._lake.row_counts(DAILY_FEATURES, date(part.year, part.number or 1, 1))
                if counts:
                    return max(counts)
            return None
        present = as_of.astimezone(NEW_YORK).date()
        known = self._lake.scan(
            DAILY_BARS, start=present - _NEWEST_WITHIN, end=present, as_of=as_of, columns=["session"]
        )
        days: list[date] = known.unique().collect()["session"].to_list()
        return max(set(days) - set(blocked(days) if blocked else ()), default=None)

    def load(
        self,
        query: Query,
        session: date,
        *,
        as_of: datetime | None = None,
        also: Sequence[str] = ("name",),
    ) -> Market:
        """Return the market of one session, with what the query looks back on.

        Parameters
        ----------
        query
            What is asked.
        session
            Session to look at; without features the market has no rows.
        as_of
            Instant: features, fundamentals and texts computed anew from bars, actions, company snapshots and universe as
            they were known then. Without it, as they are known now.
        also
            Further fields to load, whether the query reads them or not.

        Raises
        ------
        LakeError
            If ``as_of`` has no time zone.
        TransientError
            If the files changed each time that they were read.
        """
        columns, distances = columns_needed(query)
        sessions = [shift(session, -ago) if ago else session for ago in distances]
        columns = tuple(dict.fromkeys([*columns, *also]))
        if as_of is None:
            rows = self._current_rows(sessions, columns)
        else:
            rows = self._rows_as_known(sorted(sessions), as_of).select(*_KEY, *columns)
        return Market(rows, [session], seams=self._seams_behind([session], distances[-1], as_of=as_of))

    def load_range(self, queries: Sequence[Query], sessions: Sequence[date]) -> Market:
        """Return the market of sessions, with what several queries read of them and of those that they look back on."""
        needed = [columns_needed(query) for query in queries]
        columns = list(dict.fromkeys(name for names, _ in needed for name in names))
        reach = max(distances[-1] for _, distances in needed)
        first = shift(sessions[0], -reach) if reach else sessions[0]
        rows = _read(self._lake, first, sessions[-1], columns)
        return Market(rows, sessions, seams=self._seams_behind(sessions, reach))

    def history(self, query: Query, start: date, end: date) -> Iterator[Market]:
        """Yield the market of each calendar year from ``start`` to ``end``, both included: memory is that of one year.

        Values of earlier years that the query looks back on are there.
        """
        columns, distances = columns_needed(query)
        for rows, sessions in self._years(columns, distances[-1], start, end):
            yield Market(rows, sessions, seams=self._seams_behind(sessions, distances[-1]))

    def matches(self, query: Query, start: date, end: date) -> pl.DataFrame:
        """Count what passes in each session: ``session``, ``screened``, ``matched`` (before ``top`` cuts), by session.

        Reads the columns of the conditions alone, a year at a time, and counts the last one while it reads the next.
        """
        columns, distances = columns_decided(query)
        counts: list[pl.DataFrame] = []
        with ThreadPoolExecutor(_COUNTING_THREADS) as pool:
            pending: deque[Future[pl.DataFrame]] = deque()
            for rows, sessions in self._years(columns, distances[-1], start, end):
                # what looks at its own row only is decided a stored piece at a time, in the processor's caches
                seams = self._seams_behind(sessions, distances[-1])
                markets = [Market(rows, sessions, seams=seams)] if distances[-1] else _pieces(rows)
                pending.append(pool.submit(count_matches, query, markets))
                if len(pending) > _COUNTING_THREADS:
                    counts.append(pending.popleft().result())
            counts.extend(future.result() for future in pending)
        return pl.concat([pl.DataFrame(schema=COUNTS), *counts])

    def _years(
        self, columns: Sequence[str], reach: int, start: date, end: date
    ) -> Iterator[tuple[pl.DataFrame, list[date]]]:
        carried: pl.DataFrame | None = None
        for _, days in groupby(sessions_between(start, end), key=lambda day: day.year):
            sessions = list(days)
            first = shift(sessions[0], -reach) if reach and carried is None else sessions[0]
            rows = _read(self._lake, first, sessions[-1], columns)
            if carried is not None:
                rows = pl.concat([carried, rows])
            if reach:
                carried = rows.filter(pl.col("session") > shift(sessions[-1], -reach))
            yield rows, sessions

    def _current_rows(self, sessions: Sequence[date], columns: Sequence[str]) -> pl.DataFrame:
        with self._reading:
            for _ in range(_ATTEMPTS):
                versions = {day: self._version(day) for day in sessions}
                kept = {day: self._sessions.get(day, versions[day]) for day in sessions}
                lacking = {
                    day: tuple(name for name in columns if item is None or name not in item.rows.columns)
                    for day, item in kept.items()
                }
                if any(lacking.values()):
                    self._read_sessions(lacking, versions, kept)
                    if any(self._version(day) != versions[day] for day, names in lacking.items() if names):
                        continue  # replaced while they were read
                    for day, item in kept.items():
                        self._sessions.put(day, item)
                return pl.concat([item.rows.select(*_KEY, *columns) for item in kept.values() if item])
        raise TransientError("The lake changed each time that its features were read: try again")

    def _read_sessions(
        self,
        lacking: Mapping[date, tuple[str, ...]],
        versions: Mapping[date, tuple[object, ...]],
        kept: dict[date, Kept | None],
    ) -> None:
        # sessions in the same file that lack the same columns are read together
        together: dict[tuple[object, tuple[str, ...]], list[date]] = {}
        for day, names in lacking.items():
            if names:
                together.setdefault((versions[day][0], names), []).append(day)
        for (_, names), days in together.items():
            days.sort()
            rows = _read(self._lake, days[0], days[-1], names, only=days).sort("session", "symbol")
            found = rows.partition_by("session", as_dict=True)
            for day in days:
                own, before = found.get((day,), rows.clear()), kept[day]
                if before is not None and before.rows.height == own.height:
                    own = before.rows.hstack(own.drop(*_KEY, *before.rows.columns, strict=False))
                kept[day] = Kept(versions[day], own)

    def _seams_behind(
        self, sessions: Sequence[date], reach: int, *, as_of: datetime | None = None
    ) -> pl.DataFrame | None:
        # Bars that began another instrument within what rows of the sessions look back on; None where nobody can have.
        if not any(session - shift(session, -reach) > SILENCE for session in sessions):
            return None
        first, last = shift(sessions[0], -reach), sessions[-1]
        key, version = (first, last, as_of), (self._lake.version(DAILY_BARS, first, last),)
        with self._finding_seams:
            kept = self._seams.get(key, version)
            if kept is None:
                kept = Kept(version, stored_seams(self._lake, first, last, as_of=as_of))
                self._seams.put(key, kept)
            return kept.rows

    def _version(self, session: date) -> tuple[object, ...]:
        tables = (DAILY_FEATURES, UNIVERSE)
        return tuple(self._lake.version(table, session, session) for table in tables)

    def _rows_as_known(self, sessions: list[date], as_of: datetime) -> pl.DataFrame:
        from trading_assets.feature_store.as_known import (  # takes 0.2 s, seldom needed
            features_as_known,
            sources_version,
        )

        with self._rebuilding:
            key = (tuple(sessions), as_of)
            version = sources_version(self._lake, sessions[-1])
            kept = self._known.get(key, version)
            if kept is None:
                rows = features_as_known(self._lake, sessions, as_of)
                texts = self._lake.scan(UNIVERSE, start=sessions[0], end=sessions[-1], as_of=as_of)
                kept = Kept(version, _with_texts(rows, texts, _TEXTS))
                self._known.put(key, kept)
            return kept.rows


def _pieces(rows: pl.DataFrame) -> Iterator[Market]:
    first = 0
    for length in rows["session"].chunk_lengths():
        yield Market(rows.slice(first, length))
        first += length


def _read(
    lake: Lake, start: date, end: date, columns: Sequence[str], *, only: Sequence[date] | None = None
) -> pl.DataFrame:
    texts = [name for name in columns if name in _TEXTS]
    numbers = [name for name in columns if name not in texts and name != "symbol"]
    scan = lake.scan(DAILY_FEATURES, start=start, end=end)
    listed = lake.scan(UNIVERSE, start=start, end=end) if texts else None
    if only is not None and start < end:
        scan = scan.filter(pl.col("session").is_in(list(only)))
    # a missing number is NaN from here on, so that arrays of the columns need no copy
    values = [pl.col(name).cast(pl.Float64).fill_null(math.nan) for name in numbers]
    rows = scan.select(*_KEY, *values).collect()
    return rows if listed is None else _with_texts(rows, listed, texts).select(*_KEY, *columns)


def _with_texts(rows: pl.DataFrame, listed: pl.LazyFrame, texts: Sequence[str]) -> pl.DataFrame:
    # One number for (symbol, session): joins of whole years are several times faster on it than on the two. Codes of
    # categories mean the same in both frames for as long as a column with them is alive: `symbols` is.
    symbols = rows["symbol"].cast(pl.Categorical)
    day = pl.col("session").to_physical()
    found = listed.select(
        number=pl.col("symbol").cast(pl.Categorical).to_physical().cast(pl.Int64) * 2**20 + day,
        **{name: pl.col(name) for name in texts},
    ).collect()
    keyed = rows.with_columns(
        number=symbols.to_physical().cast(pl.Int64) * 2**20 + rows["session"].to_physical()
    )
    return keyed.join(found, on="number", how="left", maintain_order="left").drop("number")
