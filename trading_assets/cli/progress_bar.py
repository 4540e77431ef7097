"""A live line per asset while a run goes on; plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from trading_assets.cli.output import err
from trading_assets.progress import Recorder

if TYPE_CHECKING:
    from resources.platform import Platform


@dataclass
class DrawnRecorder(Recorder):
    """Records, and draws on standard error."""

    bars: Progress | None = None
    tasks: dict[str, TaskID] = field(default_factory=dict)

    def started(self, asset: str, partitions: int) -> None:
        text = f"{partitions} sessions" if partitions > 1 else ""
        if self.bars is not None:
            self.tasks[asset] = self.bars.add_task(asset, total=None, note=text)

    def advanced(self, asset: str, done: int, total: int) -> None:
        if self.bars is not None and asset in self.tasks:
            self.bars.update(self.tasks[asset], completed=done, total=total)

    def finished(self, asset: str, rows: int, seconds: float) -> None:
        super().finished(asset, rows, seconds)
        if self.bars is not None and asset in self.tasks:
            self.bars.remove_task(self.tasks.pop(asset))
        err.print(f"  [green]✓[/] {asset:<24} {rows:>12,} rows {seconds:>8.2f} s", highlight=False)


@contextmanager
def _here(console: Console) -> Iterator[None]:
    """Keep a console where it is, whatever becomes of standard error: Dagster's complaints go to a file during a run."""
    before = console._file
    console.file = console.file
    try:
        yield
    finally:
        console._file = before  # no public way back to "wherever standard error is"


@contextmanager
def drawn_progress(platform: Platform, *, quiet: bool = False) -> Iterator[Recorder]:
    """Let the platform draw its progress for the time of the block."""
    before = platform.progress
    if quiet:
        platform.progress = recorder = Recorder()
        try:
            yield recorder
        finally:
            platform.progress = before
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description:<24}"), BarColumn(bar_width=28), MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[note]}"), TimeElapsedColumn(),
    )  # fmt: skip
    with (
        _here(err),
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars,
    ):
        drawn = DrawnRecorder(bars=bars if err.is_terminal else None)
        platform.progress = drawn
        try:
            yield drawn
        finally:
            platform.progress = before
