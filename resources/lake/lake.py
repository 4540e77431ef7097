"""The lake: current rows of every table as hive Parquet, superseded rows beside them, and reads as of an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

import polars as pl

from resources.clock import monotonic_seconds
from resources.lake import rows as lake_rows
from resources.lake.files import WHOLE_YEAR, Part, TableFolder
from resources.lake.locks import PartLocks
from resources.lake.stamps import SessionStamp, footer, read_stamps
from resources.lake.writes import SessionWrite, WriteReport
from trading_assets.errors import LakeError
from trading_assets.tables.table import Table


def history_beside(root: Path) -> Path:
    """Return the folder of the superseded rows of a lake that was told no other."""
    return root.with_name(f"{root.name}_history")


class Lake:
    """Reader and writer of the lake.

    Parameters
    ----------
    root
        Folder of the current rows, one sub-folder a table.
    locks
        Mutual exclusion between writers of the same table and year; readers take no lock.
    history_root
        Folder of the superseded rows; ``<root>_history`` unless given.
    """

    def __init__(self, root: Path, locks: PartLocks, *, history_root: Path | None = None) -> None:
        self.root = root
        self.history_root = history_root or history_beside(root)
        self._locks = locks

    def write_sessions(
        self, table: Table, frame: pl.DataFrame, sessions: Iterable[date], *, known_at: datetime
    ) -> WriteReport:
        """Replace the rows of exactly these sessions.

        Rows with the same values as before keep their ``known_at`` and the rest of their provenance. If
        nothing changes, no file is touched. Each part (a month, or a closed year) changes at once; a
        write that spans several parts and is interrupted leaves some new and some old, and the same
        write again completes it.

        Parameters
        ----------
        table
            Table to write.
        frame
            All rows of the sessions, without ``known_at``.
        sessions
            Dates (of ``table.partition_by``) to replace; one without rows in ``frame`` becomes empty.
        known_at
            Instant at which the rows became known. Two writes at the same instant count as one: what the
            first wrote and the second changed was never visible.

        Raises
        ------
        LakeError
            If the frame does not fit the table, or one of the changed sessions was already written later
            than ``known_at``. Nothing is written.
        """
        started = monotonic_seconds()
        if known_at.tzinfo is None:
            raise LakeError("known_at must be an aware instant", table=table.name, known_at=known_at)
        days = sorted(set(sessions))
        rows = lake_rows.accept(table, frame, days)
        report = WriteReport(hashes=lake_rows.session_hashes(table, rows, days))
        write = SessionWrite(
            table, self._current(table), self._history(table), rows, known_at.astimezone(UTC), report
        )
        write.refuse_earlier(days)
        for year, group in groupby(days, key=lambda day: day.year):
            with self._locks.hold(_lock_name(table, year)):
                write.write_year(list(group))
        report.seconds = monotonic_seconds() - started
        return report

    def compact_year(self, table: Table, year: int) -> int:
        """Merge the months of a closed year into one part, which reads faster.

        Returns
        -------
        int
            Bytes written; 0 if the year is one part already, or if the system cannot exchange two folders in
            one step, without which a reader might see the rows twice or not at all.
        """
        with self._locks.hold(_lock_name(table, year)):
            folder = self._current(table)
            folder.repair(year)
            months = [part for part in folder.year_parts(year) if part.number != WHOLE_YEAR]
            if not months:
                return 0
            stamps: dict[date, SessionStamp] = {}
            for part in months:
                stamps |= read_stamps(folder, part)
            rows = pl.concat([folder.read(part, table.schema) for part in months])
            return folder.replace_year(year, lake_rows.in_order(table, rows), footer(stamps))

    def scan(
        self,
        table: Table,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        as_of: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Read rows lazily, opening only the files that can hold them.

        Parameters
        ----------
        table
            Table to read.
        start, end
            First and last date of ``table.partition_by``, both included; open-ended if not given.
        symbols
            Symbols to keep; all if not given.
        as_of
            Instant: the rows as they were known then. Without it, the current rows.
        columns
            Columns to return, in this order; all if not given.

        Returns
        -------
        LazyFrame
            The table's columns; in no guaranteed order across files. It is bound to the files as they are
            now: later writes do not show in it.

        Raises
        ------
        LakeError
            If a column does not exist, or ``as_of`` is asked of a table that keeps no history.
        """
        unknown = [name for name in columns or () if name not in table.columns]
        if unknown:
            raise LakeError("The table has no such column", table=table.name, columns=unknown)
        keep = _selection(table, start, end, symbols)
        rows = self._current(table).scan(table.schema, start, end).filter(*keep)
        if as_of is not None:
            # opened after the current files: a write puts history in place first
            past = self._history(table).scan(lake_rows.history_schema(table), start, end).filter(*keep)
            rows = lake_rows.as_of(table, rows, past, as_of)
        return rows if columns is None else rows.select(columns)

    def scan_parts(
        self,
        table: Table,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> list[pl.LazyFrame]:
        """Read the current rows file by file, oldest first, each sorted by symbol and the rest of the key."""
        keep = _selection(table, start, end, symbols)
        names = list(columns or table.columns)
        folder = self._current(table)
        frames = folder.scan_each(table.schema, start, end)
        return [frame.filter(*keep).select(names) for frame in frames]

    def history(
        self,
        table: Table,
        *,
        start: date | None = None,
        end: date | None = None,
        symbols: Sequence[str] | None = None,
    ) -> pl.LazyFrame:
        """Read superseded rows: the table's columns and ``superseded_at``."""
        lake_rows.require_versions(table)
        keep = _selection(table, start, end, symbols)
        current = self._current(table).scan(table.schema, start, end).filter(*keep)
        version = [*table.key, lake_rows.KNOWN_AT]
        rows = self._history(table).scan(lake_rows.history_schema(table), start, end).filter(*keep)
        return rows.join(current.select(version), on=version, how="anti")

    def content_hash(self, table: Table, session: date) -> str:
        """Return the content hash of a session's key and value columns, from the file's footer."""
        folder = self._current(table)
        for part in folder.parts(session, session):
            stamp = read_stamps(folder, part).get(session)
            if stamp:
                return stamp.content_hash
        return lake_rows.empty_hash(table)

    def content_hashes(self, table: Table, end: date | None = None) -> dict[date, str]:
        """Return the content hash of each session that has rows, oldest first; reads footers only."""
        folder = self._current(table)
        hashes = {
            day: stamp.content_hash
            for part in folder.parts(None, end)
            for day, stamp in read_stamps(folder, part).items()
            if stamp.rows and (end is None or day <= end)
        }
        return dict(sorted(hashes.items()))

    def sessions(self, table: Table) -> list[date]:
        """List the sessions that have rows, oldest first."""
        return list(self.row_counts(table))

    def row_counts(self, table: Table, start: date | None = None, end: date | None = None) -> dict[date, int]:
        """Return the number of rows of each session that has any, oldest first; reads footers only."""
        folder = self._current(table)
        counts = {
            day: stamp.rows
            for part in folder.parts(start, end)
            for day, stamp in read_stamps(folder, part).items()
            if stamp.rows and (start is None or day >= start) and (end is None or day <= end)
        }
        return dict(sorted(counts.items()))

    def written_at(self, table: Table, session: date) -> datetime | None:
        """Return the ``known_at`` of a session's last change, also if that emptied it; None if it was never written."""
        folder = self._current(table)
        stamps = [read_stamps(folder, part).get(session) for part in folder.parts(session, session)]
        return next((stamp.written_at for stamp in stamps if stamp), None)

    def version(
        self, table: Table, start: date | None = None, end: date | None = None
    ) -> tuple[tuple[Part, tuple[int, int] | None], ...]:
        """Return what tells the current files that can hold these dates from those that take their place.

        Costs a look at each file, none at what is in it. Two reads between which it is the same saw the same rows.
        """
        folder = self._current(table)
        return tuple((part, folder.version(part)) for part in folder.parts(start, end))

    def _current(self, table: Table) -> TableFolder:
        return TableFolder(self.root, table.name)

    def _history(self, table: Table) -> TableFolder:
        return TableFolder(self.history_root, table.name)


def _lock_name(table: Table, year: int) -> str:
    return f"lake/{table.name}/{year}"


def _selection(
    table: Table, start: date | None, end: date | None, symbols: Sequence[str] | None
) -> list[pl.Expr]:
    day, symbol = pl.col(table.partition_by), pl.col("symbol")
    keep = []
    if start is not None:
        keep.append(day >= start)
    if end is not None:
        keep.append(day <= end)
    if symbols is not None and len(symbols) == 1:
        keep.append(symbol == symbols[0])
    elif symbols is not None:
        keep.append(symbol.is_in(list(symbols)))
    return keep
