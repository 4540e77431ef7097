"""A lake writer killed before any of its steps leaves the old or the new state, and the next write mends the rest."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from resources.lake.catalog import query, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.tables.daily import VENDOR_DAILY_BARS

WRITER = Path(__file__).with_name("lake_writer.py")
TABLE = VENDOR_DAILY_BARS["polygon"]
DAYS = [date(2016, 1, 28), date(2016, 1, 29), date(2016, 2, 1)]  # two parts
FIRST, SECOND, THIRD = (datetime(2016, 3, day, tzinfo=UTC) for day in (1, 2, 3))


def bars(prices: dict[tuple[str, date], float]) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in TABLE.schema.items() if name != "known_at"}
    rows = [(*key, *[price] * 4, 100.0, None, None, 1, "batch") for key, price in prices.items()]
    return pl.DataFrame(rows, schema=schema, orient="row")


OLD = {(symbol, day): 10.0 for symbol in ("A", "B", "C") for day in DAYS}
# one row corrected, one removed and one added in each part
NEW = {
    **{key: price for key, price in OLD.items() if key[0] != "B"},
    **{("A", day): 11.0 for day in DAYS},
    **{("D", day): 12.0 for day in DAYS},
}
LAST = {**{key: price for key, price in OLD.items() if key[0] == "B"}, ("A", DAYS[0]): 13.0}


def lake_in(folder: Path) -> Lake:
    return Lake(folder / "lake", FileLocks(folder / "locks"))


def prices(frame: pl.DataFrame) -> dict[tuple[str, date], float]:
    rows = frame.select("symbol", "session", "close").rows()
    assert len({row[:2] for row in rows}) == len(rows), "a row shows twice"
    return {(symbol, day): close for symbol, day, close in rows}


def glob(folder: Path) -> dict[tuple[str, date], float]:
    with duckdb.connect() as connection:
        pattern = f"{folder}/lake/{TABLE.name}/**/*.parquet"
        return prices(connection.sql(f"select * from read_parquet('{pattern}', hive_partitioning=true)").pl())


def months(state: dict[tuple[str, date], float], month: int) -> dict[tuple[str, date], float]:
    return {key: price for key, price in state.items() if key[1].month == month}


def as_of(folder: Path, instant: datetime) -> dict[tuple[str, date], float]:
    return prices(lake_in(folder).scan(TABLE, as_of=instant).collect())


def sql_as_of(folder: Path, *instants: datetime) -> list[dict[tuple[str, date], float]]:
    catalog = folder / "trading.duckdb"
    write_catalog(catalog, folder / "lake", folder / "lake_history", folder / "none", tables=[TABLE])
    return [prices(query(catalog, f"select * from {TABLE.name}", as_of=instant)) for instant in instants]


def run_writer(folder: Path, operation: str, known_at: str, deadly: int, *, half: bool = False) -> str:
    command = [sys.executable, str(WRITER), str(folder), operation, str(folder / "new.parquet"), known_at]
    done = subprocess.run(
        [*command, str(deadly), *(["half"] if half else [])],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == (-signal.SIGKILL if deadly else 0), done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    lake_in(folder).write_sessions(TABLE, bars(OLD), DAYS, known_at=FIRST)
    bars(NEW).write_parquet(folder / "new.parquet")
    return folder


def copy(before: Path, folder: Path) -> Path:
    return Path(shutil.copytree(before, folder))


def check_killed_write(before: Path, folder: Path, step: int, *, half: bool) -> int:
    """Kill the write before ``step`` (never, if 0), check everything that can be read, and return the parts already new."""
    copy(before, folder)
    run_writer(folder, ",".join(map(str, DAYS)), SECOND.isoformat(), step, half=half)
    seen = glob(folder)
    changed = [month for month in (1, 2) if months(seen, month) != months(OLD, month)]
    assert all(months(seen, month) == months(NEW, month) for month in changed)
    assert prices(lake_in(folder).scan(TABLE).collect()) == seen
    assert as_of(folder, FIRST) == OLD
    assert as_of(folder, SECOND) == seen
    assert sql_as_of(folder, FIRST, SECOND) == [OLD, seen]

    other = copy(folder, folder.with_name(f"{folder.name}-other"))
    report = lake_in(folder).write_sessions(TABLE, bars(NEW), DAYS, known_at=SECOND)
    assert report.rows == len(NEW)
    assert (glob(folder), as_of(folder, FIRST), as_of(folder, SECOND)) == (NEW, OLD, NEW)

    lake_in(other).write_sessions(TABLE, bars(LAST), DAYS, known_at=THIRD)
    assert glob(other) == LAST
    assert (as_of(other, FIRST), as_of(other, SECOND), as_of(other, THIRD)) == (OLD, seen, LAST)
    for root in (folder, other):
        assert not [*root.glob("lake/.staging/*"), *root.glob("lake_history/.staging/*")]
    return len(changed)


def test_a_write_killed_before_any_step_leaves_each_part_old_or_new_for_every_instant(
    before: Path, tmp_path: Path
) -> None:
    days = ",".join(map(str, DAYS))
    steps = int(run_writer(copy(before, tmp_path / "dry"), days, SECOND.isoformat(), 0))
    assert steps == 8, "four files are written and renamed"
    with ThreadPoolExecutor(2) as pool:
        cases = range(steps + 1)  # 0: never killed
        whole = pool.map(lambda n: check_killed_write(before, tmp_path / f"at-{n}", n, half=False), cases)
        assert set(whole) == {0, 1, 2}, "the kills did not meet all states"


def test_a_write_killed_amid_the_writing_of_a_file_leaves_the_old_state(before: Path, tmp_path: Path) -> None:
    assert check_killed_write(before, tmp_path / "history", 1, half=True) == 0


def test_a_year_killed_amid_its_compaction_keeps_its_rows_and_is_compacted_later(
    before: Path, tmp_path: Path
) -> None:
    steps = int(run_writer(copy(before, tmp_path / "dry"), "compact", "2016", 0))
    assert glob(tmp_path / "dry") == OLD

    def check(step: int) -> int:
        folder = copy(before, tmp_path / f"at-{step}")
        run_writer(folder, "compact", "2016", step, half=step == 1)
        assert glob(folder) == OLD
        parts = len(list((folder / "lake").glob(f"{TABLE.name}/**/*.parquet")))
        lake_in(folder).compact_year(TABLE, 2016)
        assert [path.parent.name for path in (folder / "lake").rglob("*.parquet")] == ["part=00"]
        assert glob(folder) == OLD
        assert as_of(folder, FIRST) == OLD
        return parts

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(check, range(1, steps + 1))) == {1, 2}
