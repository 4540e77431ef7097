"""Lake writes: one replacement of sessions, part by part, history before the current rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

import polars as pl

from resources.lake import rows as lake_rows
from resources.lake.files import WHOLE_YEAR, Part, TableFolder, month_of
from resources.lake.stamps import SessionStamp, footer, read_stamps
from trading_assets.errors import LakeError
from trading_assets.tables.table import Table


@dataclass
class WriteReport:
    """What one write did; ``hashes`` are the content hashes of the sessions after it."""

    rows: int = 0
    inserted: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    bytes: int = 0
    files: int = 0
    seconds: float = 0.0
    hashes: dict[date, str] = field(default_factory=dict)

    def add(self, other: WriteReport) -> None:
        """Count another write of the same table in."""
        for name in ("rows", "inserted", "changed", "removed", "unchanged", "bytes", "files", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.hashes.update(other.hashes)


@dataclass(frozen=True)
class SessionWrite:
    """One write: accepted rows of some sessions of one table, in the table's order."""

    table: Table
    current: TableFolder
    history: TableFolder
    rows: pl.DataFrame
    known_at: datetime
    report: WriteReport

    def refuse_earlier(self, days: list[date]) -> None:
        """Raise if a session that this write changes was changed at a later instant."""
        if not self.table.versioned or not days:
            return
        changed = self.report.hashes
        for part in self.current.parts(days[0], days[-1]):
            for day, stamp in read_stamps(self.current, part).items():
                if day not in days or stamp.content_hash == changed[day] or stamp.written_at <= self.known_at:
                    continue
                raise LakeError(
                    "The session was already changed at a later instant: write with a later known_at",
                    table=self.table.name,
                    session=day,
                    written_at=stamp.written_at.isoformat(),
                    known_at=self.known_at.isoformat(),
                )

    def write_year(self, days: list[date]) -> None:
        """Replace these sessions of one year; the year's lock must be held."""
        year = days[0].year
        self.current.repair(year)
        self.history.repair(year)
        self.refuse_earlier(days)
        present = self.current.year_parts(year)
        closed = year < self.known_at.year and days[0].month != days[-1].month
        whole = Part(year, WHOLE_YEAR) in present or (closed and not present)
        for part, group in groupby(days, key=lambda day: Part(year, WHOLE_YEAR) if whole else month_of(day)):
            self._write_part(part, list(group))

    def _write_part(self, part: Part, days: list[date]) -> None:
        stamps = read_stamps(self.current, part)
        nothing = SessionStamp(0, lake_rows.empty_hash(self.table), self.known_at)
        touched = [day for day in days if stamps.get(day, nothing).content_hash != self.report.hashes[day]]
        same = sum(stamps.get(day, nothing).rows for day in days if day not in touched)
        self.report.rows += same
        self.report.unchanged += same
        if not touched:
            return
        here = pl.col(self.table.partition_by).is_in(touched)
        seen = self.current.version(part)
        stored = self.current.read(part, self.table.schema)
        is_new = not any(stamps[day].rows for day in touched if day in stamps)
        before, kept = (stored.clear(), stored) if is_new else (stored.filter(here), stored.filter(~here))
        found = lake_rows.compare(self.table, before, self.rows.filter(here), self.known_at)
        counts = dict(found.rows.group_by(self.table.partition_by).len().iter_rows())
        for day in touched:
            stamps[day] = SessionStamp(counts.get(day, 0), self.report.hashes[day], self.known_at)
        merged = lake_rows.merged(self.table, kept, found.rows)
        if self.table.partition_by not in self.table.key:  # else a key lies in one session by construction
            lake_rows.without_duplicates(self.table, merged)
        if self.table.versioned and found.leaving.height:
            self._write_history(before, found.leaving)
        self.report.bytes += self.current.replace(part, merged, footer(stamps), seen=seen)
        self.report.files += 1
        self.report.rows += found.rows.height
        self.report.inserted += found.inserted
        self.report.changed += found.changed
        self.report.removed += found.removed
        self.report.unchanged += found.unchanged

    # Comes before the current file is replaced: readers ignore superseded rows that are still current, so the
    # replacement of the current file is the one step at which the whole write takes effect.
    def _write_history(self, replaced: pl.DataFrame, leaving: pl.DataFrame) -> None:
        schema = lake_rows.history_schema(self.table)
        day = pl.col(self.table.partition_by)
        for month in sorted({month_of(found) for found in leaving[self.table.partition_by].unique()}):
            seen = self.history.version(month)
            before = self.history.read(month, schema)
            gone = leaving.filter(day.dt.month() == month.number)
            after = lake_rows.superseded(self.table, before, replaced, gone, self.known_at)
            if not after.equals(before):
                self.report.bytes += self.history.replace(month, after, {}, seen=seen)
                self.report.files += 1
