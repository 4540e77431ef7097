"""Raw batches: vendors' bodies in the raw store and one row a batch in Postgres, kept together, with retention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from resources.database.database import Database
from resources.database.writes import insert
from resources.raw.responses import RawResponse
from resources.raw.store import Batch, RawStore
from trading_assets.errors import ConfigurationError, LakeError
from trading_assets.tables.operations import INGEST_BATCHES

_FETCHED_AGAIN = """
(batch_id) do update set
    last_fetched_at = greatest(ingest_batches.last_fetched_at, excluded.last_fetched_at),
    raw_path = excluded.raw_path, raw_removed_at = null, raw_removed_reason = null, refused = null
"""
_DUE = """
select batch_id, raw_path from ingest_batches
where raw_removed_at is null and last_fetched_at < %(before)s order by last_fetched_at, batch_id
"""
_MARK = """
update ingest_batches set raw_removed_at = %(now)s, raw_removed_reason = %(reason)s
where raw_removed_at is null and last_fetched_at < %(before)s
"""
_RECORD_COLUMNS = (
    "batch_id, source, kind, first_session, last_session, fetched_at, last_fetched_at, responses, rows, raw_bytes, "
    "raw_path, raw_removed_at, raw_removed_reason, refused"
)


class BatchRecord(NamedTuple):
    """What Postgres knows of a batch."""

    batch_id: str
    source: str
    kind: str
    first_session: date
    last_session: date
    fetched_at: datetime
    last_fetched_at: datetime
    responses: int
    rows: int
    raw_bytes: int
    raw_path: str
    raw_removed_at: datetime | None
    raw_removed_reason: str | None
    refused: str | None


@dataclass(frozen=True)
class Pruned:
    """What retention removed, or would remove."""

    batches: int
    stored_bytes: int
    before: datetime


class RawBatches:
    """Bodies and records of all batches of an installation.

    Parameters
    ----------
    database
        Where batches are recorded.
    store
        Where their bodies are.
    """

    def __init__(self, database: Database, store: RawStore) -> None:
        self._database = database
        self._store = store

    def keep(
        self,
        source: str,
        kind: str,
        responses: Sequence[RawResponse],
        *,
        first: date,
        last: date,
        rows: int,
        now: datetime,
    ) -> Batch:
        """Store the bodies of one fetch and record them; call it before rows refer to the batch.

        The same bytes again are the same batch: only the instant at which they were last fetched moves on, and
        bodies that retention had removed are there again.

        Returns
        -------
        Batch
            Whose bodies and record are both there.
        """
        for _ in range(3):
            batch = self._store.write(source, kind, responses)
            facts = {
                "batch_id": batch.batch_id, "source": source, "kind": kind, "first_session": first, "last_session": last,
                "fetched_at": now, "last_fetched_at": now, "responses": batch.responses, "rows": rows,
                "raw_bytes": batch.raw_bytes, "raw_path": batch.path.relative_to(self._store.root.parent).as_posix(),
                "content_hash": batch.batch_id,
            }  # fmt: skip
            with self._database.connection() as connection:
                insert(connection, INGEST_BATCHES, facts, conflict=_FETCHED_AGAIN)
            # From here on retention leaves it alone; it may have removed the file between the two lines above.
            if batch.path.exists():
                return batch
        raise LakeError("The raw batch keeps vanishing while it is written", batch_id=batch.batch_id)

    def refuse(self, batch_id: str, reason: str) -> None:
        """Mark a batch of which nothing is stored: it is kept to be looked at, and does not count as a fetch."""
        self._database.execute(
            "update ingest_batches set refused = %s where batch_id = %s", (reason, batch_id)
        )

    def record(self, batch_id: str) -> BatchRecord:
        """Return what is recorded of a batch.

        Raises
        ------
        LakeError
            If no batch of that id was ever recorded.
        """
        found = self._records("where batch_id = %s", (batch_id,))
        if not found:
            raise LakeError(
                "No raw batch of that id is recorded: the batch_id column of vendor tables holds ids",
                batch_id=batch_id,
            )
        return found[0]

    def read(self, batch_id: str) -> list[RawResponse]:
        """Return the responses of a batch; each body is checked against its hash.

        Raises
        ------
        LakeError
            If it is unknown, damaged or was removed; then it says when and why.
        """
        record = self.record(batch_id)
        if record.raw_removed_at is not None and not self._path(record.raw_path).exists():
            raise LakeError(
                "The raw bodies of this batch were removed; its rows are still in the lake",
                batch_id=batch_id,
                removed_at=record.raw_removed_at.isoformat(timespec="seconds"),
                reason=record.raw_removed_reason,
                fetched_at=record.fetched_at.isoformat(timespec="seconds"),
            )
        return self._store.read(batch_id)

    def prune(self, now: datetime, keep_days: int, *, dry_run: bool = False) -> Pruned:
        """Remove the bodies of batches that were last fetched more than ``keep_days`` ago.

        Rows keep their batch id, and the record says when and why the bodies went. It is marked first and the
        file removed after, each under the lock of its row, so that a fetch of the same bytes at the same time
        keeps its body; what an interrupted run marked and did not remove, the next one removes. Files that are
        not recorded are never touched.

        Raises
        ------
        ConfigurationError
            If ``keep_days`` is not positive, which means for ever.
        """
        if keep_days < 1:
            raise ConfigurationError(
                "Raw bodies are kept for ever: set TRADING_RAW_KEEP_DAYS to a number of days"
            )
        before = now - timedelta(days=keep_days)
        facts = {
            "now": now,
            "before": before,
            "reason": f"retention of {keep_days} days (TRADING_RAW_KEEP_DAYS)",
        }
        if dry_run:
            due = [self._path(path) for _, path in self._database.fetch(_DUE, facts)]
            sizes = [path.stat().st_size for path in due if path.exists()]
            return Pruned(len(sizes), sum(sizes), before)
        self._database.execute(_MARK, facts)
        removed = [
            size
            for batch_id, path in self._database.fetch(
                "select batch_id, raw_path from ingest_batches where raw_removed_at is not null"
            )
            if self._path(path).exists() and (size := self._remove(batch_id, path)) is not None
        ]
        return Pruned(len(removed), sum(removed), before)

    def verify(self, batch_id: str | None = None) -> Iterator[tuple[str, str | None]]:
        """Check bodies and records against each other: yield each batch's id and what is wrong with it.

        Bodies must match their hashes and the batch its id; what is recorded as kept must be there, and what is
        there must be recorded.
        """
        records = [self.record(batch_id)] if batch_id else self._records("order by fetched_at, batch_id", ())
        for record in records:
            yield record.batch_id, self._fault(record)
        if batch_id is None:
            known = {record.batch_id for record in records}
            for stored in sorted(self._store.batch_ids() - known):
                yield (
                    stored,
                    "stored but not recorded: an ingest was interrupted; harmless, no row refers to it",
                )

    def _fault(self, record: BatchRecord) -> str | None:
        path = self._path(record.raw_path)
        if record.raw_removed_at is not None:
            return "marked as removed, but still there: the next prune removes it" if path.exists() else None
        if not path.exists():
            return "recorded, but its file is gone: fetch these sessions again, or restore a backup"
        try:
            self._store.verify(record.batch_id)
        except LakeError as error:
            return f"{error}: fetch these sessions again, or restore a backup"
        return None

    def _remove(self, batch_id: str, raw_path: str) -> int | None:
        with self._database.connection() as connection:
            query = "select raw_removed_at from ingest_batches where batch_id = %s for update"
            (removed_at,) = connection.execute(query, (batch_id,)).fetchone() or (None,)
            if removed_at is None:
                return None  # fetched again in the meantime
            path = self._path(raw_path)
            size = path.stat().st_size
            path.unlink()
            return size

    def _records(self, tail: str, parameters: tuple[object, ...]) -> list[BatchRecord]:
        query = f"select {_RECORD_COLUMNS} from ingest_batches {tail}"  # noqa: S608 (constants of this module)
        return [BatchRecord(*row) for row in self._database.fetch(query, parameters)]

    def _path(self, raw_path: str) -> Path:
        return self._store.root.parent / raw_path
