"""Any sequence of writes leaves the last written rows in the glob, and every as-of read agrees with a list of versions."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.lake import Lake
from resources.lake_locks import FileLocks
from trading_assets.errors import LakeError
from trading_assets.table import KNOWN_AT, SESSION, SYMBOL, UTC_INSTANT, Column, Table

ROOT = Path(__file__).resolve().parents[2]
TABLE = Table(
    name="prices",
    grain="One row per (kind, symbol, session)",
    columns={
        "kind": Column(pl.String, "Kind", nullable=False),
        "symbol": SYMBOL,
        "session": SESSION,
        "price": Column(pl.Float64, "Price"),
        "note": Column(pl.String, "Note"),
        "batch_id": Column(pl.String, "Batch", nullable=False),
        "known_at": KNOWN_AT,
    },
    key=("kind", "symbol", "session"),
    provenance=("batch_id", "known_at"),
    versioned=True,
)
SESSIONS = [date(2015, 11, 30), date(2015, 12, 1), date(2015, 12, 31), date(2016, 1, 4), date(2016, 1, 5)]
EPOCH = datetime(2016, 3, 1, tzinfo=UTC)
Key = tuple[str, str, date]
Value = tuple[float | None, str | None]


@dataclass
class Version:
    key: Key
    value: Value
    batch: str
    known: datetime
    until: datetime | None = None


class Oracle:
    """The specification: a plain list of row versions."""

    def __init__(self) -> None:
        self.versions: list[Version] = []

    def write(self, sessions: Iterable[date], rows: dict[Key, Value], batch: str, at: datetime) -> None:
        days = set(sessions)
        for version in self.current():
            if version.key[2] in days and same(rows.get(version.key, "removed")) != same(version.value):
                version.until = at
        present = {version.key for version in self.current()}
        self.versions += [Version(key, rows[key], batch, at) for key in rows if key not in present]
        self.versions = [version for version in self.versions if version.until != version.known]

    def current(self) -> list[Version]:
        return [version for version in self.versions if version.until is None]

    def as_of(self, at: datetime) -> list[Version]:
        return [
            version
            for version in self.versions
            if version.known <= at and (version.until is None or at < version.until)
        ]


def same(value: object) -> object:
    """Values as the lake compares them: -0.0 is 0.0, NaN is itself and not null."""
    if isinstance(value, tuple):
        return tuple(same(item) for item in value)
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return value


def rows_of(versions: Iterable[Version]) -> set[tuple[object, ...]]:
    found = [(*v.key, *(same(v.value)), v.batch, v.known) for v in versions]  # type: ignore[misc] # a tuple
    assert len(set(found)) == len(found)
    return set(found)


def rows_in(frame: pl.DataFrame) -> set[tuple[object, ...]]:
    found = [tuple(same(item) for item in row) for row in frame.select(list(TABLE.columns)).rows()]
    assert len(set(found)) == len(found), "a row shows twice"
    return set(found)


def frame_of(rows: dict[Key, Value], batch: str) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in TABLE.schema.items() if name != "known_at"}
    return pl.DataFrame([(*key, *value, batch) for key, value in rows.items()], schema=schema, orient="row")


def glob_rows(lake: Lake) -> pl.DataFrame:
    pattern = lake.root / TABLE.name / "**/*.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.sql(f"select * from read_parquet('{pattern}', hive_partitioning = true)").pl()
    return found.with_columns(pl.col("known_at").cast(UTC_INSTANT))


KEYS = st.tuples(st.sampled_from("xy"), st.sampled_from(["A", "BRK.B", "Z"]), st.sampled_from(SESSIONS))
VALUES = st.tuples(
    st.sampled_from([None, math.nan, 0.0, -0.0, 1.5]), st.sampled_from([None, "", "text", "\N{SNOWMAN}"])
)
WRITES = st.tuples(
    st.sets(st.sampled_from(SESSIONS), min_size=1),
    st.dictionaries(KEYS, VALUES, max_size=8),
    st.sampled_from([0, 0, 1, 60]),  # seconds since the write before; 0: at the same instant
)
STEPS = st.lists(st.one_of(WRITES, WRITES, WRITES, st.sampled_from([2015, 2016])), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_any_sequence_of_writes_leaves_the_last_rows_and_every_earlier_state(
    steps: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    oracle, now = Oracle(), EPOCH
    for number, step in enumerate(steps):
        if isinstance(step, int):
            lake.compact_year(TABLE, step)
            continue
        sessions, candidates, seconds = step  # type: ignore[misc] # drawn from WRITES
        now += timedelta(seconds=seconds)
        rows = {key: value for key, value in candidates.items() if key[2] in sessions}
        report = lake.write_sessions(TABLE, frame_of(rows, f"b{number}"), sessions, known_at=now)
        oracle.write(sessions, rows, f"b{number}", now)
        assert report.rows == len(rows) == report.inserted + report.changed + report.unchanged

    expected = rows_of(oracle.current())
    assert rows_in(lake.scan(TABLE).collect()) == expected
    if list((lake.root / TABLE.name).rglob("*.parquet")):
        assert rows_in(glob_rows(lake)) == expected
        assert rows_in(pl.read_parquet(lake.root / TABLE.name / "**/*.parquet")) == expected
    instants = {EPOCH - timedelta(seconds=1), now, now + timedelta(days=1)}
    instants |= {
        moment + gap
        for version in oracle.versions
        for moment in (version.known, version.until)
        if moment
        for gap in (timedelta(0), timedelta(microseconds=-1))
    }
    for instant in instants:
        assert rows_in(lake.scan(TABLE, as_of=instant).collect()) == rows_of(oracle.as_of(instant))
    closed = [version for version in oracle.versions if version.until is not None]
    assert rows_in(lake.history(TABLE).collect()) == rows_of(closed)
    assert not list(lake.root.glob(".staging/*"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.dictionaries(KEYS, VALUES, min_size=1), other=st.dictionaries(KEYS, VALUES), value=VALUES)
def test_a_content_hash_depends_on_the_rows_and_not_on_the_way_to_them(
    rows: dict[Key, Value],
    other: dict[Key, Value],
    value: Value,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("lake")
    direct = Lake(folder / "direct", FileLocks(folder / "locks"))
    report = direct.write_sessions(TABLE, frame_of(rows, "b"), SESSIONS, known_at=EPOCH)
    detour = Lake(folder / "detour", FileLocks(folder / "locks"))
    detour.write_sessions(TABLE, frame_of(other, "c"), SESSIONS, known_at=EPOCH)
    for number, session in enumerate(reversed(SESSIONS)):
        one = {key: row for key, row in reversed(rows.items()) if key[2] == session}
        at = EPOCH + timedelta(seconds=number)
        detour.write_sessions(TABLE, frame_of(one, f"d{number}"), [session], known_at=at)
    for session in SESSIONS:
        assert detour.content_hash(TABLE, session) == direct.content_hash(TABLE, session)
        assert report.hashes[session] == direct.content_hash(TABLE, session)

    key = next(iter(rows))
    changed = {**rows, key: value}
    hashes = direct.write_sessions(
        TABLE, frame_of(changed, "e"), SESSIONS, known_at=EPOCH + timedelta(days=1)
    ).hashes
    assert (hashes[key[2]] == report.hashes[key[2]]) == (same(rows[key]) == same(value))
    assert all(hashes[day] == report.hashes[day] for day in SESSIONS if day != key[2])


@settings(max_examples=25, deadline=None)
@given(
    start=st.sampled_from(SESSIONS), end=st.sampled_from(SESSIONS), symbols=st.sets(st.sampled_from("AZQ"))
)
def test_a_pruned_read_equals_a_filtered_full_read(
    written: Lake, start: date, end: date, symbols: set[str]
) -> None:
    day, symbol = pl.col("session"), pl.col("symbol")
    keep = (day.is_between(start, end)) & symbol.is_in(list(symbols))
    for as_of in (None, EPOCH, EPOCH + timedelta(days=2)):
        everything = lake_rows(written, as_of)
        pruned = written.scan(TABLE, start=start, end=end, symbols=sorted(symbols), as_of=as_of).collect()
        assert rows_in(pruned) == rows_in(everything.filter(keep))


def lake_rows(lake: Lake, as_of: datetime | None) -> pl.DataFrame:
    return lake.scan(TABLE, as_of=as_of).collect()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("written")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    for number in range(3):
        rows = {("x", name, day): (float(number), None) for name in "AZ" for day in SESSIONS[number:]}
        at = EPOCH + timedelta(days=number)
        lake.write_sessions(TABLE, frame_of(rows, f"b{number}"), SESSIONS[number:], known_at=at)
    lake.compact_year(TABLE, 2015)
    return lake


def test_a_write_at_an_earlier_instant_than_the_last_change_is_refused(written: Lake) -> None:
    before = glob_rows(written)
    with pytest.raises(LakeError, match="later instant"):
        written.write_sessions(TABLE, frame_of({}, "late"), SESSIONS, known_at=EPOCH)
    assert glob_rows(written).equals(before)


WRITER = """
import sys
from datetime import UTC, date, datetime
from pathlib import Path
import polars as pl
from resources.lake import Lake
from resources.lake_locks import FileLocks
from trading_assets.schemas import DAILY_FEATURES as TABLE, FEATURE_NAMES

folder, worker, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
lake = Lake(folder / "lake", FileLocks(folder / "locks"))
for day in range(1, 29):
    if day % workers != worker:
        continue
    session = date(2016, 2, day)
    for attempt in (1.0, 2.0):
        rows = pl.DataFrame({"symbol": [f"S{n:03}" for n in range(200)]}).with_columns(
            pl.lit(session).alias("session"), *(pl.lit(day * attempt).alias(name) for name in FEATURE_NAMES)
        )
        lake.write_sessions(TABLE, rows, [session], known_at=datetime(2016, 3, 1, tzinfo=UTC))
"""


def test_processes_that_write_sessions_of_the_same_month_at_once_lose_nothing(tmp_path: Path) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number), "3"], cwd=ROOT)
        for number in range(3)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0, 0]
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select day(session), count(*), min(close), max(close)"
            f" from read_parquet('{tmp_path}/lake/daily_features/**/*.parquet') group by 1 order by 1"
        ).fetchall()
    assert found == [(day, 200, day * 2.0, day * 2.0) for day in range(1, 29)]
