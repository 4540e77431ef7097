"""Lake files: where the rows of a table's month or year lie, and how a file takes another's place.

Nothing but ``year=YYYY/part=PP/data.parquet`` ever exists in a table's folder, so that any glob over it is
right. New files are made in the sibling folder ``.staging`` and moved into place.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO
from uuid import uuid4

import polars as pl

from trading_assets.errors import LakeError, TransientError

WHOLE_YEAR = 0
DATA = "data.parquet"
MONTH_ROW_GROUP = 10_000
YEAR_ROW_GROUP = 25_000
_REPLACE_PATIENCE_SECONDS = 5.0
_LISTING_ATTEMPTS = 5


@dataclass(frozen=True, order=True)
class Part:
    """One file of a table: a month, or (``number`` 0) a whole closed year."""

    year: int
    number: int

    @property
    def relative(self) -> Path:
        """Path of the file below the table's folder."""
        return Path(f"year={self.year:04d}") / f"part={self.number:02d}" / DATA

    def may_hold(self, start: date | None, end: date | None) -> bool:
        """Say whether a date from ``start`` to ``end`` can lie in this part."""
        first, last = (self.number, self.number) if self.number else (1, 12)
        after_start = start is None or (self.year, last) >= (start.year, start.month)
        return after_start and (end is None or (self.year, first) <= (end.year, end.month))


def month_of(day: date) -> Part:
    """Return the month part of a date."""
    return Part(day.year, day.month)


class TableFolder:
    """The files of one table below one root (the current rows' or the history's)."""

    def __init__(self, root: Path, table: str) -> None:
        self._root = root
        self._table = table
        self.path = root / table
        self._staging = root / ".staging"

    def parts(self, start: date | None = None, end: date | None = None) -> list[Part]:
        """List the parts that can hold dates from ``start`` to ``end``, oldest first."""
        return sorted(
            part
            for year in _numbers(self.path, "year=")
            if (start is None or year >= start.year) and (end is None or year <= end.year)
            for part in self.year_parts(year)
            if part.may_hold(start, end)
        )

    def year_parts(self, year: int) -> list[Part]:
        """List the parts of one year."""
        folder = self.path / f"year={year:04d}"
        numbers = sorted(
            number for number in _numbers(folder, "part=") if (folder / f"part={number:02d}" / DATA).exists()
        )
        if WHOLE_YEAR in numbers and len(numbers) > 1:
            raise LakeError("A year has both a whole-year part and months: remove one", folder=folder)
        return [Part(year, number) for number in numbers]

    def file(self, part: Part) -> Path:
        """Return the path of a part's file, whether it exists or not."""
        return self.path / part.relative

    def scan(self, schema: pl.Schema, start: date | None, end: date | None) -> pl.LazyFrame:
        """Read the parts that can hold dates from ``start`` to ``end``, as they are at this moment.

        The files are opened here, not when the frame is collected: a write or a compaction in between
        neither mixes into the result nor pulls a file away. Windows does not replace open files, so there
        the frame keeps the paths.
        """
        frames = self._opened(start, end, lambda files: [_scan_files(files, schema)] if files else [])
        return frames[0] if frames else pl.DataFrame(schema=schema).lazy()

    def scan_each(self, schema: pl.Schema, start: date | None, end: date | None) -> list[pl.LazyFrame]:
        """Read the parts as ``scan`` does, each for itself, oldest first."""
        return self._opened(start, end, lambda files: [_scan_files([file], schema) for file in files])

    def _opened(
        self,
        start: date | None,
        end: date | None,
        scan: Callable[[list[Path]], list[pl.LazyFrame]],
    ) -> list[pl.LazyFrame]:
        for attempt in range(_LISTING_ATTEMPTS):
            try:
                return scan([self.file(part) for part in self.parts(start, end)])
            except FileNotFoundError:  # compacted between the listing and the opening: list again
                if attempt == _LISTING_ATTEMPTS - 1:
                    raise
        return []

    def read(self, part: Part, schema: pl.Schema) -> pl.DataFrame:
        """Return the rows of one part; an empty frame if it has no file."""
        path = self.file(part)
        return _scan_files([path], schema).collect() if path.exists() else pl.DataFrame(schema=schema)

    def version(self, part: Part) -> tuple[int, int] | None:
        """Return what tells one file of a part from the next that takes its place; None without a file."""
        try:
            status = self.file(part).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def replace(
        self, part: Part, frame: pl.DataFrame, metadata: dict[str, str], *, seen: tuple[int, int] | None
    ) -> int:
        """Put ``frame`` in the place of a part's file, at once and durably; return its bytes.

        Raises
        ------
        TransientError
            If the file is not the version ``seen`` any more: somebody else writes without the year's lock, or
            this process has lost it. Nothing was changed.
        """
        staged = self._stage(part.year)
        self._staging.mkdir(parents=True, exist_ok=True)
        size = _write_durably(frame, staged, part, metadata)
        target = self.file(part)
        changed = [target.parent, *(_make_folders(target.parent))]
        if self.version(part) != seen:
            raise TransientError("A lake file changed under a writer that held its lock", path=target)
        move_into_place(staged, target)
        for folder in changed:
            _sync_folder(folder)
        return size

    def replace_year(self, year: int, frame: pl.DataFrame, metadata: dict[str, str]) -> int:
        """Put one whole-year part in the place of all months of a year, in one step; return its bytes.

        Returns 0 and changes nothing where the system cannot exchange two folders in one step (Windows, some
        network file systems).
        """
        part = Part(year, WHOLE_YEAR)
        staged = self._stage(year)
        folder = staged / part.relative.parent.name
        folder.mkdir(parents=True)
        size = _write_durably(frame, folder / DATA, part, metadata)
        for made in (folder, staged):
            _sync_folder(made)
        done = _exchange(staged, self.path / f"year={year:04d}")
        _sync_folder(self.path)
        shutil.rmtree(staged)
        return size if done else 0

    def repair(self, year: int) -> None:
        """Clear away what an interrupted write to that year left behind; the year's lock must be held."""
        for staged in self._staging.glob(f"{self._table}.{year:04d}.*"):
            shutil.rmtree(staged) if staged.is_dir() else staged.unlink()

    def _stage(self, year: int) -> Path:
        return self._staging / f"{self._table}.{year:04d}.{uuid4().hex}"


def read_metadata(path: Path) -> dict[str, str]:
    """Return the key-value metadata in a Parquet file's footer; empty if there is no file."""
    return pl.read_parquet_metadata(path) if path.exists() else {}


def move_into_place(source: Path, target: Path) -> None:
    """Move a finished file over another at once; readers of the old file keep it."""
    # Windows refuses while a reader has the target open; readers are short
    give_up = time.monotonic() + _REPLACE_PATIENCE_SECONDS
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if os.name == "posix" or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _numbers(folder: Path, prefix: str) -> Iterator[int]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(prefix) and name.removeprefix(prefix).isdigit():
            yield int(name.removeprefix(prefix))


def _scan_files(files: Sequence[Path], schema: pl.Schema) -> pl.LazyFrame:
    def scan(sources: list[Path] | list[IO[bytes]]) -> pl.LazyFrame:
        return pl.scan_parquet(
            sources, schema=schema, hive_partitioning=False, missing_columns="insert", glob=False
        )

    if os.name != "posix":
        return scan(list(files))
    with ExitStack() as opened:  # polars keeps its own duplicate of each handle
        handles: list[IO[bytes]] = [opened.enter_context(file.open("rb")) for file in files]
        return scan(handles)


def _write_durably(frame: pl.DataFrame, path: Path, part: Part, metadata: dict[str, str]) -> int:
    frame.write_parquet(
        path,
        compression="lz4",
        row_group_size=MONTH_ROW_GROUP if part.number else YEAR_ROW_GROUP,
        metadata=metadata,
    )
    with path.open("rb+") as file:
        os.fsync(file.fileno())
        return os.fstat(file.fileno()).st_size


def _make_folders(folder: Path) -> list[Path]:
    # Returns the folders that got a new entry: a rename is durable once they are.
    if folder.exists():
        return []
    parents = _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    return [folder.parent, *parents]


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # Windows has no handle on a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(first: Path, second: Path) -> bool:
    """Swap two folders in one step; say whether the system did."""
    call: tuple[str, tuple[object, ...]]
    if sys.platform == "linux":
        here = ctypes.c_int(-100)  # AT_FDCWD
        call = ("renameat2", (here, os.fsencode(first), here, os.fsencode(second), ctypes.c_uint(2)))
    elif sys.platform == "darwin":
        call = ("renamex_np", (os.fsencode(first), os.fsencode(second), ctypes.c_uint(2)))
    else:
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), call[0], None)
    return function is not None and function(*call[1]) == 0
