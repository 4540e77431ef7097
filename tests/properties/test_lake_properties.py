"""Any sequence of writes leaves the last written rows in the glob, and every as-of read agrees with a list of versions."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.lake.catalog import connect, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.errors import LakeError
from trading_assets.tables.bars import BAR_END
from trading_assets.tables.hourly import BAR_START
from trading_assets.tables.table import KNOWN_AT, SESSION, SYMBOL, UTC_INSTANT, Column, Table

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = [date(2015, 11, 30), date(2015, 12, 1), date(2015, 12, 31), date(2016, 1, 4), date(2016, 1, 5)]
EPOCH = datetime(2016, 3, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
Key = tuple[object, ...]
Value = tuple[object, ...]
SYMBOLS = st.sampled_from(["A", "BRK.B", "Z"])
KIND = Column(pl.String, "Kind", nullable=False)
PRICE = Column(pl.Float64, "Price")
NOTE = Column(pl.String, "Note")
ORIGIN = {"batch_id": Column(pl.String, "Batch", nullable=False), "known_at": KNOWN_AT}
PRICES = st.sampled_from([None, math.nan, 0.0, -0.0, 1.5])
NOTES = st.sampled_from([None, "", "text", "\N{SNOWMAN}"])


@dataclass(frozen=True, repr=False)
class Shape:
    """A kind of key that tables of the product have, with rows to write."""

    table: Table
    keys: st.SearchStrategy[Key]
    values: st.SearchStrategy[Value]

    def session(self, key: Key) -> date:
        if "session" in self.table.key:
            return key[self.table.key.index("session")]  # type: ignore[return-value] # drawn from SESSIONS
        return key[1].astimezone(NEW_YORK).date()  # type: ignore[attr-defined] # bar_start

    def row(self, key: Key, value: Value) -> tuple[object, ...]:
        """Return key and values in the order of the table's columns."""
        return (*key, *(() if "session" in self.table.key else (self.session(key),)), *value)


def versioned(name: str, key: tuple[str, ...], columns: dict[str, Column]) -> Table:
    return Table(
        name, "grain", {**columns, **ORIGIN}, key=key, provenance=("batch_id", "known_at"), versioned=True
    )


DAILY = Shape(
    versioned(
        "prices",
        ("kind", "symbol", "session"),
        {"kind": KIND, "symbol": SYMBOL, "session": SESSION, "price": PRICE, "note": NOTE},
    ),
    st.tuples(st.sampled_from("xy"), SYMBOLS, st.sampled_from(SESSIONS)),
    st.tuples(PRICES, NOTES),
)
HOURLY = Shape(
    versioned(
        "hours",
        ("symbol", "bar_start"),
        {"symbol": SYMBOL, "bar_start": BAR_START, "session": SESSION, "price": PRICE, "bar_end": BAR_END},
    ),
    st.builds(
        lambda symbol, day, hour: (symbol, datetime.combine(day, hour, NEW_YORK).astimezone(UTC)),
        SYMBOLS,
        st.sampled_from(SESSIONS),
        st.sampled_from([time(9, 30), time(10), time(15)]),
    ),
    st.tuples(PRICES, st.sampled_from([EPOCH, EPOCH + timedelta(microseconds=1)])),
)
COMPANY = Shape(
    versioned(
        "company",
        ("symbol", "session", "period_end", "item", "place"),
        {
            "symbol": SYMBOL,
            "session": SESSION,
            "period_end": Column(pl.Date, "Period", nullable=False),
            "item": KIND,
            "place": Column(pl.Int32, "Place", nullable=False),
            "count": Column(pl.Int64, "Count"),
            "is_final": Column(pl.Boolean, "Final"),
            "paid_date": Column(pl.Date, "Day"),
            "seen_at": Column(UTC_INSTANT, "Instant"),
        },
    ),
    st.tuples(
        SYMBOLS,
        st.sampled_from(SESSIONS),
        st.sampled_from(SESSIONS),
        st.sampled_from("xy"),
        st.integers(-1, 1),
    ),
    st.tuples(
        st.sampled_from([None, 0, -1, 2**53 + 1]),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, date(1970, 1, 1), date(1969, 12, 31)]),
        st.sampled_from([None, EPOCH, datetime(1970, 1, 1, tzinfo=UTC)]),
    ),
)
TABLE = DAILY.table


@dataclass
class Version:
    key: Key
    value: Value
    batch: str
    known: datetime
    until: datetime | None = None


class Oracle:
    """The specification: a plain list of row versions."""

    def __init__(self, shape: Shape = DAILY) -> None:
        self.versions: list[Version] = []
        self.shape = shape

    def write(self, sessions: Iterable[date], rows: dict[Key, Value], batch: str, at: datetime) -> None:
        days = set(sessions)
        for version in self.current():
            written = self.shape.session(version.key) in days
            if written and same(rows.get(version.key, "removed")) != same(version.value):
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


def rows_of(versions: Iterable[Version], shape: Shape = DAILY) -> set[tuple[object, ...]]:
    found = [tuple(same(item) for item in (*shape.row(v.key, v.value), v.batch, v.known)) for v in versions]
    assert len(set(found)) == len(found)
    return set(found)


def rows_in(frame: pl.DataFrame, table: Table = TABLE) -> set[tuple[object, ...]]:
    found = [tuple(same(item) for item in row) for row in frame.select(list(table.columns)).rows()]
    assert len(set(found)) == len(found), "a row shows twice"
    return set(found)


def frame_of(rows: dict[Key, Value], batch: str, shape: Shape = DAILY) -> pl.DataFrame:
    schema = {name: dtype for name, dtype in shape.table.schema.items() if name != "known_at"}
    content = [(*shape.row(key, value), batch) for key, value in rows.items()]
    return pl.DataFrame(content, schema=schema, orient="row")


def glob_rows(lake: Lake, table: Table = TABLE) -> pl.DataFrame:
    pattern = lake.root / table.name / "**/*.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.sql(f"select * from read_parquet('{pattern}', hive_partitioning = true)").pl()


KEYS, VALUES = DAILY.keys, DAILY.values


def steps_of(shape: Shape) -> st.SearchStrategy[list[object]]:
    writes = st.tuples(
        st.sets(st.sampled_from(SESSIONS), min_size=1),
        st.dictionaries(shape.keys, shape.values, max_size=8),
        st.sampled_from([0, 0, 1, 60]),  # seconds since the write before; 0: at the same instant
    )
    compactions = st.sampled_from([2015, 2016])
    return st.lists(st.one_of(writes, writes, writes, compactions), min_size=1, max_size=8)


@pytest.mark.parametrize("shape", [DAILY, HOURLY, COMPANY], ids=lambda shape: shape.table.name)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_sequence_of_writes_leaves_the_last_rows_and_every_earlier_state(
    shape: Shape, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table, folder = shape.table, tmp_path_factory.mktemp("lake")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    oracle, now = Oracle(shape), EPOCH
    for number, step in enumerate(data.draw(steps_of(shape))):
        if isinstance(step, int):
            lake.compact_year(table, step)
            continue
        sessions, candidates, seconds = step  # type: ignore[misc] # a write
        now += timedelta(seconds=seconds)
        rows = {key: value for key, value in candidates.items() if shape.session(key) in sessions}
        frame = frame_of(rows, f"b{number}", shape)
        report = lake.write_sessions(table, frame, sessions, known_at=now)
        oracle.write(sessions, rows, f"b{number}", now)
        assert report.rows == len(rows) == report.inserted + report.changed + report.unchanged

    expected = rows_of(oracle.current(), shape)
    assert rows_in(lake.scan(table).collect(), table) == expected
    if list((lake.root / table.name).rglob("*.parquet")):
        assert rows_in(glob_rows(lake, table), table) == expected
        assert rows_in(pl.read_parquet(lake.root / table.name / "**/*.parquet"), table) == expected
    instants = {EPOCH - timedelta(seconds=1), now, now + timedelta(days=1)}
    instants |= {
        moment + gap
        for version in oracle.versions
        for moment in (version.known, version.until)
        if moment
        for gap in (timedelta(0), timedelta(microseconds=-1))
    }
    catalog = folder / "trading.duckdb"
    write_catalog(catalog, lake.root, lake.history_root, folder / "none", tables=[table])
    with connect(catalog) as connection:
        for instant in instants:
            known = rows_of(oracle.as_of(instant), shape)
            assert rows_in(lake.scan(table, as_of=instant).collect(), table) == known
            macro = connection.sql(f"select * from {table.name}_as_of('{instant.isoformat()}')").pl()
            assert macro.schema == table.schema
            assert rows_in(macro, table) == known
    closed = [version for version in oracle.versions if version.until is not None]
    assert rows_in(lake.history(table).collect(), table) == rows_of(closed, shape)
    assert not list(lake.root.glob(".staging/*"))
    counts = Counter(shape.session(version.key) for version in oracle.current())
    assert lake.row_counts(table) == dict(sorted(counts.items()))


@pytest.mark.parametrize("shape", [DAILY, HOURLY, COMPANY], ids=lambda shape: shape.table.name)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_content_hash_depends_on_the_rows_and_not_on_the_way_to_them(
    shape: Shape, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.dictionaries(shape.keys, shape.values, min_size=1))
    other, value = data.draw(st.dictionaries(shape.keys, shape.values)), data.draw(shape.values)
    table, folder = shape.table, tmp_path_factory.mktemp("lake")
    direct = Lake(folder / "direct", FileLocks(folder / "locks"))
    report = direct.write_sessions(table, frame_of(rows, "b", shape), SESSIONS, known_at=EPOCH)
    detour = Lake(folder / "detour", FileLocks(folder / "locks"))
    detour.write_sessions(table, frame_of(other, "c", shape), SESSIONS, known_at=EPOCH)
    for number, session in enumerate(reversed(SESSIONS)):
        one = {key: row for key, row in reversed(rows.items()) if shape.session(key) == session}
        at = EPOCH + timedelta(seconds=number)
        detour.write_sessions(table, frame_of(one, f"d{number}", shape), [session], known_at=at)
    for session in SESSIONS:
        assert detour.content_hash(table, session) == direct.content_hash(table, session)
        assert report.hashes[session] == direct.content_hash(table, session)

    key = next(iter(rows))
    later = EPOCH + timedelta(days=1)
    changed = frame_of({**rows, key: value}, "e", shape)
    hashes = direct.write_sessions(table, changed, SESSIONS, known_at=later).hashes
    touched = shape.session(key)
    assert (hashes[touched] == report.hashes[touched]) == (same(rows[key]) == same(value))
    assert all(hashes[day] == report.hashes[day] for day in SESSIONS if day != touched)


@settings(max_examples=15, deadline=None)
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
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.tables.features import DAILY_FEATURES as TABLE

folder, worker, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
lake = Lake(folder / "lake", FileLocks(folder / "locks"))
for day in range(1, 29):
    if day % workers != worker:
        continue
    session = date(2016, 2, day)
    for attempt in (1.0, 2.0):
        numbers = [name for name, dtype in TABLE.schema.items() if dtype == pl.Float64]
        row = {"session": session} | dict.fromkeys(numbers, day * attempt)
        rows = pl.DataFrame([{"symbol": f"S{n:03}"} | row for n in range(200)], schema=TABLE.schema)
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
