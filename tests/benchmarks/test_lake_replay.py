"""The whole market as a collector saw it, written day by day, and read as of each of those days: exact on every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from resources.lake.catalog import connect, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks

resource = pytest.importorskip("resource", reason="peak memory is measured on POSIX systems")


@pytest.mark.timeout(3600)
def test_every_row_of_every_day_is_read_back_as_it_was_known(
    benchmark: BenchmarkFixture, collector: Callable[..., Any], tmp_path: Path
) -> None:
    history = collector()
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    seconds = {"write": 0.0, "as_of": 0.0, "as_of_sql": 0.0}
    rows = {"as_of": 0, "as_of_sql": 0}
    wrong = []

    def timed(name: str, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = call()
        seconds[name] += time.perf_counter() - started
        return result

    def replay() -> None:
        report = timed("write", lambda: history.write(lake))
        assert report.inserted == history.collected.select("symbol", "session").n_unique()
        catalog = tmp_path / "trading.duckdb"
        write_catalog(catalog, lake.root, lake.history_root, tmp_path / "none", tables=[history.table])
        with connect(catalog) as connection:
            for number, day in enumerate(history.days):
                expected, at = history.known_on(day), history.instant(day)
                readers = {"as_of": lambda at=at: lake.scan(history.table, as_of=at).collect()}
                if number % 20 == 0:
                    macro = f"select * from collected_bars_as_of('{at.isoformat()}')"
                    readers["as_of_sql"] = lambda macro=macro: connection.sql(macro).pl()
                for name, read in readers.items():
                    found = timed(name, read)
                    rows[name] += found.height
                    if not history.in_order(found).equals(expected):
                        wrong.append((name, day))

    benchmark.pedantic(replay, rounds=1)
    assert not wrong
    benchmark.extra_info |= {
        "collected_rows": history.collected.height,
        "days": len(history.days),
        **{f"{name}_seconds": round(value, 1) for name, value in seconds.items()},
        **{f"{name}_rows": value for name, value in rows.items()},
        "superseded_rows": lake.history(history.table).collect().height,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
