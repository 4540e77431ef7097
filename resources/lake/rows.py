"""Lake rows: what makes a frame fit its table, what a session's rows hash to, and which rows a write changes."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

from trading_assets.errors import LakeError
from trading_assets.tables.table import UTC_INSTANT, Table

KNOWN_AT = "known_at"
SUPERSEDED_AT = "superseded_at"
_EXAMPLES = 3
_NO_RUN = 0xFFFFFFFF
_EPOCH = date(1970, 1, 1)


def sort_order(table: Table) -> list[str]:
    """Return the columns that stored rows are sorted by: the key, symbol first."""
    return sorted(table.key, key=lambda name: name != "symbol")


def history_schema(table: Table) -> pl.Schema:
    """Return the schema of a table's superseded rows."""
    return pl.Schema({**table.schema, SUPERSEDED_AT: UTC_INSTANT})


def accept(table: Table, frame: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """Check that a frame fits its table and return it in the table's column and row order.

    Parameters
    ----------
    table
        Table that the rows are for.
    frame
        Rows with the table's columns except ``known_at``, in any order; a column of polars' Null type is
        taken as all-null.
    sessions
        Dates that the write replaces; every row must lie in one of them.

    Returns
    -------
    DataFrame
        The same rows, sorted by symbol and the rest of the key; ``-0.0`` is stored as ``0.0`` and every NaN
        as the same NaN (a value like any other: not null, equal to itself).

    Raises
    ------
    LakeError
        Naming the first thing that does not fit.
    """
    frame = _typed(table, frame)
    for name, column in table.columns.items():
        needed = not column.nullable or name in table.key
        if needed and name in frame.columns and frame[name].null_count():
            raise LakeError(
                f"Column {name} must not be null",
                table=table.name,
                nulls=frame[name].null_count(),
                rows=frame.height,
            )
    outside = frame.filter(~pl.col(table.partition_by).is_in(list(sessions)))
    if outside.height:
        raise LakeError(
            f"Rows lie outside the written {table.partition_by}s",
            table=table.name,
            rows=outside.height,
            dates=", ".join(map(str, outside[table.partition_by].unique().sort()[:_EXAMPLES])),
        )
    frame = frame.with_columns(
        pl.when(pl.col(name) == 0)
        .then(pl.lit(0.0, dtype))
        .otherwise(pl.col(name))
        .fill_nan(math.nan)
        .alias(name)
        for name, dtype in frame.schema.items()
        if dtype.is_float()
    )
    return without_duplicates(table, in_order(table, frame))


def in_order(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by symbol and the rest of the key, at little cost if they are sorted already."""
    return frame.sort(sort_order(table))


def merged(table: Table, first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of two frames, each in the table's order, in that order: faster than sorting them."""
    both = pl.concat([first, second], rechunk=True)
    if first.is_empty() or second.is_empty():
        return both
    places = _places(table, first, second)
    # two ascending runs: numpy's stable sort finds and merges them
    return in_order(table, both) if places is None else both[np.argsort(places, kind="stable")]


def _places(table: Table, first: pl.DataFrame, second: pl.DataFrame) -> np.ndarray | None:
    # One number per row that orders as (symbol, date or instant) does; none for keys of another kind.
    symbol, *rest = sort_order(table)
    if symbol != "symbol" or len(rest) != 1 or not table.schema[rest[0]].is_temporal():
        return None
    frames = (first, second)
    times = [frame[rest[0]].to_physical().to_numpy().astype(np.int64) for frame in frames]
    earliest = min(int(values.min()) for values in times)
    span = max(int(values.max()) for values in times) - earliest + 1
    runs = [frame[symbol].rle_id().to_numpy() for frame in frames]
    names = [
        frame[symbol].gather(np.flatnonzero(np.diff(run, prepend=np.uint32(_NO_RUN))))
        for frame, run in zip(frames, runs, strict=True)
    ]
    listed = names[0] if names[0].equals(names[1]) else pl.concat(names).unique().sort()
    if len(listed) * span > np.iinfo(np.int64).max:
        return None
    numbers = [listed.search_sorted(own).to_numpy().astype(np.int64) for own in names]
    return np.concatenate(
        [
            number[run] * span + (time - earliest)
            for number, run, time in zip(numbers, runs, times, strict=True)
        ]
    )


def without_duplicates(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows that are in the table's order as they are, or raise if several have the same key."""
    repeats = frame.select(
        repeat=pl.all_horizontal(pl.col(name) == pl.col(name).shift() for name in table.key)
    )["repeat"]
    if repeats.any():
        examples = frame.filter(repeats).head(_EXAMPLES).select(table.key)
        raise LakeError(
            "Several rows have the same key",
            table=table.name,
            key=", ".join(table.key),
            rows=int(repeats.sum()),
            examples="; ".join(" ".join(map(str, row)) for row in examples.rows()),
        )
    return frame


def session_hashes(table: Table, frame: pl.DataFrame, sessions: Sequence[date]) -> dict[date, str]:
    """Return the content hash of each session in rows that are in the table's order.

    The hash is BLAKE2b over key and value columns (not provenance) in their Arrow representation, so it
    depends on the rows alone: not on how or when they were written, and not on library versions.
    """
    names = _hashed_columns(table)
    days = frame[table.partition_by].to_physical().to_numpy()
    order = np.argsort(days, kind="stable")
    days = days[order]
    rows = frame.select(names)[order]
    blocks = [_block(rows[name]) for name in names]
    numbers = np.array([(session - _EPOCH).days for session in sessions], dtype=days.dtype)
    firsts = np.searchsorted(days, numbers).tolist()
    lasts = np.searchsorted(days, numbers, side="right").tolist()
    hashes = {}
    for session, first, last in zip(sessions, firsts, lasts, strict=True):
        digest = hashlib.blake2b(_header(names, rows=last - first), digest_size=16)
        for block in blocks:
            block.feed(digest, first, last)
        hashes[session] = digest.hexdigest()
    return hashes


def empty_hash(table: Table) -> str:
    """Return the content hash of a session without rows."""
    names = _hashed_columns(table)
    return hashlib.blake2b(_header(names, rows=0) + b"\0" * len(names), digest_size=16).hexdigest()


def _hashed_columns(table: Table) -> list[str]:
    return [name for name in table.columns if name in {*table.key, *table.value_columns}]


def _header(names: list[str], *, rows: int) -> bytes:
    return json.dumps(names).encode() + rows.to_bytes(8, "little")


@dataclass(frozen=True)
class Comparison:
    """What a write does to the sessions it replaces."""

    rows: pl.DataFrame  # the new rows, unchanged ones with their old provenance
    leaving: pl.DataFrame  # old rows that were changed or removed
    inserted: int
    changed: int
    removed: int
    unchanged: int


def compare(table: Table, before: pl.DataFrame, after: pl.DataFrame, known_at: datetime) -> Comparison:
    """Compare a session's stored rows with the rows that replace them; both have unique keys."""
    if KNOWN_AT in table.columns:
        after = after.with_columns(pl.lit(known_at, UTC_INSTANT).alias(KNOWN_AT))
    if before.is_empty():
        return Comparison(after.select(list(table.columns)), before, after.height, 0, 0, 0)
    key = list(table.key)
    old = {name: f"{name} before" for name in table.columns if name not in key}
    joined = after.join(
        before.rename(old).with_columns(pl.lit(value=True).alias("found")),
        on=key,
        how="left",
        maintain_order="left",
    ).with_columns(pl.col("found").fill_null(value=False))
    same = pl.all_horizontal(
        "found", *(pl.col(name).eq_missing(pl.col(old[name])) for name in table.value_columns)
    )
    joined = joined.with_columns(same.alias("same"))
    kept = [
        pl.when("same").then(pl.col(old[name])).otherwise(pl.col(name)).alias(name)
        for name in table.provenance
    ]
    found, unchanged = int(joined["found"].sum()), int(joined["same"].sum())
    return Comparison(
        rows=joined.with_columns(kept).select(list(table.columns)),
        leaving=before.join(joined.filter("same"), on=key, how="anti"),
        inserted=joined.height - found,
        changed=found - unchanged,
        removed=before.height - found,
        unchanged=unchanged,
    )


def superseded(
    table: Table, history: pl.DataFrame, current: pl.DataFrame, leaving: pl.DataFrame, at: datetime
) -> pl.DataFrame:
    """Return a part's history after ``leaving`` rows have been superseded.

    ``current`` are the stored rows of the sessions that are written. History rows that are still current come
    from a write that was interrupted before it took effect: they are dropped, here or by the next write of
    their session. A version that was superseded at the very instant it became known was never visible and
    is not kept.
    """
    version = [*table.key, KNOWN_AT]
    fresh = leaving.filter(pl.col(KNOWN_AT) < at).with_columns(pl.lit(at, UTC_INSTANT).alias(SUPERSEDED_AT))
    settled = history.join(current, on=version, how="anti")
    return pl.concat([settled, fresh]).sort([*sort_order(table), KNOWN_AT])


def require_versions(table: Table) -> None:
    """Raise if a table keeps no history."""
    if not table.versioned:
        raise LakeError("The table keeps no history, so it cannot be read as of an instant", table=table.name)


def as_of(table: Table, current: pl.LazyFrame, history: pl.LazyFrame, instant: datetime) -> pl.LazyFrame:
    """Return the rows as known at ``instant`` from the current rows and the history of the same selection.

    A current row that was known by then is the row of that instant, so whatever the history says of its
    key is either over or was never committed.
    """
    require_versions(table)
    if instant.tzinfo is None:
        raise LakeError("as_of must be an aware instant", table=table.name, as_of=instant)
    then = pl.lit(instant.astimezone(UTC), UTC_INSTANT)
    known = current.filter(pl.col(KNOWN_AT) <= then)
    past = history.filter(pl.col(KNOWN_AT) <= then, pl.col(SUPERSEDED_AT) > then)
    past = past.join(known.select(table.key), on=list(table.key), how="anti")
    return pl.concat([known, past.drop(SUPERSEDED_AT)])


def _typed(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    expected = {name: dtype for name, dtype in table.schema.items() if name != KNOWN_AT}
    missing = [name for name in expected if name not in frame.columns]
    extra = [name for name in frame.columns if name not in expected]
    if missing or extra:
        raise LakeError(
            "The frame's columns are not the table's (known_at is added by the lake)",
            table=table.name,
            missing=missing,
            unexpected=extra,
        )
    frame = frame.select(list(expected))
    untyped = [name for name, dtype in frame.schema.items() if dtype == pl.Null]
    frame = frame.cast({name: expected[name] for name in untyped})
    for name, dtype in frame.schema.items():
        if dtype != expected[name]:
            raise LakeError(
                f"Column {name} has type {dtype}, the table stores {expected[name]}", table=table.name
            )
    return frame


@dataclass(frozen=True)
class _Block:
    # one column as contiguous memory; strings have offsets into their bytes
    values: np.ndarray
    offsets: np.ndarray | None
    nulls: np.ndarray | None

    def feed(self, digest: hashlib.blake2b, first: int, last: int) -> None:
        flags = None if self.nulls is None else self.nulls[first:last]
        if flags is not None and flags.any():
            digest.update(b"\1")
            digest.update(np.packbits(flags).data)
        else:
            digest.update(b"\0")
        if self.offsets is None:
            digest.update(self.values[first:last].data)
        else:
            digest.update(np.diff(self.offsets[first : last + 1]).data)
            digest.update(self.values[self.offsets[first] : self.offsets[last]].data)


def _block(values: pl.Series) -> _Block:
    nulls = values.is_null().to_numpy() if values.null_count() else None
    if values.dtype == pl.String:
        text = values.fill_null("").rechunk().to_arrow()  # large_string: validity, offsets, bytes
        _, offsets, content = text.buffers()
        starts = np.frombuffer(offsets, dtype=np.int64)[text.offset : text.offset + len(text) + 1]
        return _Block(np.frombuffer(content or b"", dtype=np.uint8), starts, nulls)
    physical = values.cast(pl.UInt8) if values.dtype == pl.Boolean else values.to_physical()
    return _Block(np.ascontiguousarray(physical.fill_null(0).to_numpy()), None, nulls)
