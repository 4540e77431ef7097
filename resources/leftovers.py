"""Leftovers: files that a killed process had half written beside the ones they were to replace."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from resources.clock import SystemClock

OLD = timedelta(hours=1)
"""Nobody writes one file for so long."""
PLACES = ("lake_postgres", "dagster", "run/*")
"""Folders in the data folder, beside itself, in which files are replaced; the lake clears its own when it writes a year again."""
_OURS = re.compile(
    r"\.trading\.(duckdb|made-of)\.(\d+|[0-9a-f]{32})(\.wal)?|\.[\w-]+\.(parquet|json|yaml|txt)\.\d+|\.tmp\w+\.tmp"
)


def remove_leftovers(data: Path) -> list[Path]:
    """Remove what is ours and old from the folders of a data folder in which files are replaced; return what was."""
    folders = [data, *(folder for place in PLACES for folder in data.glob(place))]
    return [path for folder in folders for path in remove_from(folder)]


def remove_from(folder: Path) -> list[Path]:
    """Remove what is ours and old from one folder; return what was."""
    before = (SystemClock().now() - OLD).timestamp()
    removed = []
    for path in folder.glob(".*"):
        with suppress(OSError):  # another process cleans up as well, or it is another user's
            if _OURS.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                removed.append(path)
    return removed
