"""What a killed process left half written is removed once it is old, and nothing else is."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from resources.clock import SystemClock
from resources.leftovers import OLD, remove_leftovers

HALF_WRITTEN = (
    ".trading.duckdb.0123456789abcdef0123456789abcdef",
    ".trading.duckdb.0123456789abcdef0123456789abcdef.wal",
    ".trading.made-of.4711",
    "lake_postgres/.fills.parquet.12",
    "dagster/.dagster.yaml.13",
    "run/app/.state.json.14",
)
OTHERS = (
    "trading.duckdb",
    ".env",
    ".hidden",
    ".notes.2024",
    ".coverage.host.12",
    "lake_postgres/fills.parquet",
    "run/app/state.json",
    "notes.4711",
)


def put(data: Path, name: str, age: timedelta) -> Path:
    path = data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    written = (SystemClock().now() - age).timestamp()
    os.utime(path, (written, written))
    return path


def test_old_ones_of_ours_are_removed(tmp_path: Path) -> None:
    left = {put(tmp_path, name, OLD + timedelta(minutes=1)) for name in HALF_WRITTEN}
    kept = [put(tmp_path, name, timedelta(days=99)) for name in OTHERS]
    assert set(remove_leftovers(tmp_path)) == left
    assert [path for path in left if path.exists()] == []
    assert all(path.exists() for path in kept)


@pytest.mark.parametrize("name", HALF_WRITTEN)
def test_one_that_may_still_be_written_is_left(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, OLD - timedelta(minutes=1))
    assert remove_leftovers(tmp_path) == []
    assert path.exists()
