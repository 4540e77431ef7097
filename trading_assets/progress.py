"""Progress of long work: who is at it, how far it is, what it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Told by the assets what goes on; drawn by the command line, ignored elsewhere."""

    def started(self, asset: str, partitions: int) -> None: ...

    def advanced(self, asset: str, done: int, total: int) -> None: ...

    def finished(self, asset: str, rows: int, seconds: float) -> None: ...


@dataclass
class Recorder:
    """Keeps rows and seconds of each finished asset and draws nothing."""

    done: dict[str, tuple[int, float]] = field(default_factory=dict)

    def started(self, asset: str, partitions: int) -> None:
        """Take note of nothing: only finished assets count."""

    def advanced(self, asset: str, done: int, total: int) -> None:
        """Draw nothing."""

    def finished(self, asset: str, rows: int, seconds: float) -> None:
        rows_before, seconds_before = self.done.get(asset, (0, 0.0))
        self.done[asset] = (rows_before + rows, seconds_before + seconds)
