"""Frames that were read, kept for as long as the files that they came from are the same."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Kept:
    """Rows as read from files of this version."""

    version: tuple[object, ...]
    rows: pl.DataFrame


class FrameCache:
    """Frames by key within a number of bytes; those not used for longest go first.

    Parameters
    ----------
    limit
        Bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[object, tuple[Kept, int]] = OrderedDict()

    def get(self, key: object, version: tuple[object, ...]) -> Kept | None:
        """Return what is kept under a key, if it was read from this version."""
        if key not in self._kept or self._kept[key][0].version != version:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: object, kept: Kept | None) -> None:
        """Keep a frame under a key in place of what was there; the largest may be alone."""
        if kept is None:
            return
        _, before = self._kept.pop(key, (None, 0))
        size = int(kept.rows.estimated_size())
        self._kept[key] = kept, size
        self._size += size - before
        while len(self._kept) > 1 and self._size > self._limit:
            _, (_, gone) = self._kept.popitem(last=False)
            self._size -= gone
