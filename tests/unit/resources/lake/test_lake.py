"""The lake: what it refuses, what it leaves alone, and which files it touches."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from resources.lake import files as lake_files
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks, PostgresLocks
from resources.lake.rows import accept
from trading_assets.errors import LakeError, TransientError
from trading_assets.tables.daily import VENDOR_DAILY_BARS
from trading_assets.tables.features import DAILY_FEATURES
from trading_assets.tables.hourly import VENDOR_HOURLY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS
from trading_assets.tables.registry import TABLES
from trading_assets.tables.screens import SCREENER_RESULTS
from trading_assets.tables.table import Column

BARS = VENDOR_DAILY_BARS["polygon"]
HOURS = VENDOR_HOURLY_BARS["polygon"]
MAY, JUNE, JULY = date(2016, 5, 31), date(2016, 6, 30), date(2016, 7, 1)
NOW = datetime(2016, 7, 1, 21, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))


def bars(*sessions: date, symbols: str = "ABC", close: float = 10.0, batch: str = "one") -> pl.DataFrame:
    rows = [
        (symbol, session, close, close, close, close, 5.0, None, 7, 1, batch)
        for session in sessions
        for symbol in symbols
    ]
    schema = {name: dtype for name, dtype in BARS.schema.items() if name != "known_at"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def files(lake: Lake) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(lake.root)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in lake.root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (bars(JUNE).drop("vwap"), r"missing=\['vwap'\]"),
        (bars(JUNE).with_columns(pl.lit(1).alias("wap")), r"unexpected=\['wap'\]"),
        (bars(JUNE).with_columns(known_at=pl.lit(NOW)), r"unexpected=\['known_at'\]"),
        (bars(JUNE).with_columns(pl.col("volume").cast(pl.Int64)), "volume has type Int64.*Float64"),
        (
            bars(JUNE).with_columns(pl.lit(None, pl.String).alias("batch_id")),
            "batch_id must not be null.*nulls=3",
        ),
        (bars(JUNE).with_columns(pl.lit(None).alias("symbol")), "symbol must not be null"),
        (bars(JUNE, JULY), "outside the written sessions.*dates=2016-07-01"),
        (pl.concat([bars(JUNE), bars(JUNE, symbols="B")]), "same key.*B 2016-06-30"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused_by_name_and_nothing_is_written(
    lake: Lake, frame: pl.DataFrame, message: str
) -> None:
    with pytest.raises(LakeError, match=message):
        lake.write_sessions(BARS, frame, [JUNE], known_at=NOW)
    assert not files(lake)


def test_the_lake_refuses_instants_without_zone_and_reads_that_make_no_sense(lake: Lake) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(LakeError, match="known_at must be an aware"):
        lake.write_sessions(BARS, bars(JUNE), [JUNE], known_at=naive)
    with pytest.raises(LakeError, match="as_of must be an aware"):
        lake.scan(BARS, as_of=naive)
    with pytest.raises(LakeError, match="keeps no history"):
        lake.scan(DAILY_FEATURES, as_of=NOW)
    with pytest.raises(LakeError, match=r"no such column.*wap"):
        lake.scan(BARS, columns=["symbol", "wap"])


def test_an_empty_table_reads_as_an_empty_frame_of_its_types(lake: Lake) -> None:
    assert lake.scan(BARS).collect().schema == BARS.schema
    assert lake.scan(BARS, as_of=NOW, symbols=["A"], columns=["close"]).collect().schema == {
        "close": pl.Float64
    }
    assert lake.sessions(BARS) == []
    assert (
        lake.content_hash(BARS, JUNE) == lake.write_sessions(BARS, bars(), [JUNE], known_at=NOW).hashes[JUNE]
    )
    assert not files(lake)


def test_writing_the_same_rows_again_touches_no_file_and_keeps_their_provenance(lake: Lake) -> None:
    first = lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    before = files(lake)
    again = lake.write_sessions(BARS, bars(JUNE, MAY, batch="two").reverse(), [JUNE, MAY], known_at=LATER)
    assert files(lake) == before
    assert (again.unchanged, again.files, again.bytes, again.hashes) == (6, 0, 0, first.hashes)
    assert lake.scan(BARS).select("batch_id", "known_at").unique().collect().rows() == [("one", NOW)]


def test_only_the_rows_that_changed_get_a_new_instant_and_move_to_history(lake: Lake) -> None:
    lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    frame = pl.concat(
        [bars(JUNE, symbols="AD", batch="two"), bars(JUNE, symbols="B", close=11.0, batch="two")]
    )
    report = lake.write_sessions(BARS, frame, [JUNE], known_at=LATER)
    assert (report.rows, report.inserted, report.changed, report.removed, report.unchanged) == (3, 1, 1, 1, 1)
    now = lake.scan(BARS, start=JUNE, columns=["symbol", "close", "batch_id", "known_at"]).collect()
    assert now.rows() == [("A", 10.0, "one", NOW), ("B", 11.0, "two", LATER), ("D", 10.0, "two", LATER)]
    gone = lake.history(BARS).sort("symbol").collect()
    gone = gone.select("symbol", "session", "close", "known_at", "superseded_at")
    assert gone.rows() == [("B", JUNE, 10.0, NOW, LATER), ("C", JUNE, 10.0, NOW, LATER)]
    assert lake.scan(BARS, as_of=NOW).collect().height == 6
    assert lake.row_counts(BARS) == {MAY: 3, JUNE: 3}
    assert lake.row_counts(BARS, start=JUNE) == {JUNE: 3}


def test_a_session_written_without_rows_becomes_empty(lake: Lake) -> None:
    lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    assert lake.write_sessions(BARS, bars(), [JUNE], known_at=LATER).removed == 3
    assert lake.sessions(BARS) == [MAY]
    assert lake.content_hash(BARS, JUNE) == lake.content_hash(BARS, JULY)
    with pytest.raises(LakeError, match="later instant"):
        lake.write_sessions(BARS, bars(JUNE), [JUNE], known_at=NOW)


def test_the_content_hash_is_the_same_on_every_machine_and_with_every_version(lake: Lake) -> None:
    frame = bars(JUNE, symbols="AB").with_columns(
        vwap=pl.Series([None, 1.25]), open=pl.Series([-0.0, np.nan])
    )
    assert (
        lake.write_sessions(BARS, frame, [JUNE], known_at=NOW).hashes[JUNE]
        == "6ed20e58b8e9a1edaaa15c269e5b9a04"
    )
    negative_nan = np.array([0, 0xFFF8000000000001], dtype=np.uint64).view(np.float64)
    again = frame.with_columns(open=pl.Series(negative_nan), batch_id=pl.lit("two"))
    assert lake.write_sessions(BARS, again, [JUNE], known_at=LATER).unchanged == 2


def test_a_table_is_replaced_by_its_own_date_column(lake: Lake) -> None:
    schema = {name: dtype for name, dtype in CORPORATE_ACTIONS.schema.items() if name != "known_at"}
    rows = [
        {
            "symbol": "A",
            "ex_date": day,
            "kind": "split",
            "split_ratio": 2.0,
            "source": "polygon",
            "batch_id": "one",
        }
        for day in (JUNE, JULY)
    ]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    lake.write_sessions(CORPORATE_ACTIONS, frame, [JUNE, JULY], known_at=NOW)
    lake.write_sessions(CORPORATE_ACTIONS, frame.clear(), [JULY], known_at=LATER)
    assert lake.scan(CORPORATE_ACTIONS).collect()["ex_date"].to_list() == [JUNE]
    assert lake.scan(CORPORATE_ACTIONS, as_of=NOW, start=JULY).collect().height == 1


def hours(session: date, *starts: datetime) -> pl.DataFrame:
    rows = [("A", start, start, session, 1.0, 1.0, 1.0, 1.0, 5.0, None, None, 1, "one") for start in starts]
    schema = {name: dtype for name, dtype in HOURS.schema.items() if name != "known_at"}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_bar_that_another_session_holds_already_is_refused_and_nothing_is_written(lake: Lake) -> None:
    start = datetime(2016, 6, 30, 19, tzinfo=UTC)
    lake.write_sessions(HOURS, hours(JUNE, start), [JUNE], known_at=NOW)
    before, eve = files(lake), date(2016, 6, 29)
    with pytest.raises(LakeError, match=r"same key.*symbol, bar_start.*A 2016-06-30 19:00"):
        lake.write_sessions(HOURS, hours(eve, start), [eve], known_at=LATER)
    assert files(lake) == before
    moved = lake.write_sessions(HOURS, hours(eve, start), [eve, JUNE], known_at=LATER)
    assert (moved.changed, moved.removed) == (1, 0)
    assert lake.scan(HOURS, as_of=NOW).collect()["session"].to_list() == [JUNE]
    assert lake.row_counts(HOURS) == {eve: 1}


def test_a_key_is_never_null_and_no_column_is_called_as_a_folder() -> None:
    table = replace(
        SCREENER_RESULTS, columns={**SCREENER_RESULTS.columns, "screen": Column(pl.String, "any")}
    )
    row = (None, JUNE, "A", "v1", 1, "Oversold", "entered", 1.0)
    with pytest.raises(LakeError, match="screen must not be null"):
        accept(table, pl.DataFrame([row], schema=table.schema, orient="row"), [JUNE])
    for known in TABLES.values():
        assert not {"year", "part"} & set(known.columns), "a reader of hive folders would take the folder's"
        assert {*known.key, *known.provenance, known.partition_by} <= set(known.columns), known.name


def test_open_years_lie_in_months_and_a_closed_year_written_at_once_in_one_part(lake: Lake) -> None:
    days = [date(2015, 3, 2), date(2015, 4, 1), MAY, JUNE, JULY]
    lake.write_sessions(BARS, bars(*days), days, known_at=NOW)
    folder = "polygon_daily_bars"
    assert sorted(files(lake)) == [
        f"{folder}/year=2015/part=00/data.parquet",
        *(f"{folder}/year=2016/part={month:02}/data.parquet" for month in (5, 6, 7)),
    ]
    assert lake.compact_year(BARS, 2016) > 0
    assert lake.compact_year(BARS, 2016) == 0
    lake.write_sessions(BARS, bars(JUNE, close=12.0), [JUNE], known_at=LATER)
    new = date(2016, 8, 1)
    lake.write_sessions(BARS, bars(new), [new], known_at=LATER)
    assert sorted(files(lake)) == [f"{folder}/year={year}/part=00/data.parquet" for year in (2015, 2016)]
    closes = lake.scan(BARS, start=MAY).group_by("session").agg(pl.col("close").max()).collect()
    assert dict(closes.rows()) == {MAY: 10.0, JUNE: 12.0, JULY: 10.0, new: 10.0}
    assert lake.scan(BARS, as_of=NOW, start=JUNE, end=JUNE).collect()["close"].to_list() == [10.0] * 3


def test_files_are_sorted_by_symbol_in_row_groups_that_prune(lake: Lake) -> None:
    names = [f"S{number:04}" for number in range(8000)]
    frame = bars(MAY, symbols="A").drop("symbol").join(pl.DataFrame({"symbol": names}), how="cross")
    frame = pl.concat([frame.with_columns(session=pl.lit(day)) for day in (JUNE, date(2016, 6, 29))])
    lake.write_sessions(
        BARS, frame.sample(fraction=1, shuffle=True, seed=1), frame["session"].unique(), known_at=NOW
    )
    file = pq.ParquetFile(next((lake.root / BARS.name).rglob("*.parquet")))
    assert [file.metadata.row_group(n).num_rows for n in range(2)] == [10_000, 6000]
    stored = file.read(["symbol", "session"]).to_pylist()
    assert stored == sorted(stored, key=lambda row: (row["symbol"], row["session"]))


def test_a_read_between_dates_does_not_open_the_other_files(lake: Lake) -> None:
    lake.write_sessions(BARS, bars(MAY, JUNE, JULY), [MAY, JUNE, JULY], known_at=NOW)
    lake.write_sessions(BARS, bars(JUNE, close=12.0), [JUNE], known_at=LATER)
    for part in ("05", "07"):
        (lake.root / f"polygon_daily_bars/year=2016/part={part}/data.parquet").write_bytes(b"broken")
    assert lake.scan(BARS, start=date(2016, 6, 1), end=JUNE, as_of=NOW).collect().height == 3
    with pytest.raises(pl.exceptions.ComputeError):
        lake.scan(BARS).collect()


@pytest.mark.skipif(os.name != "posix", reason="Windows does not replace open files, so a scan keeps paths")
def test_a_scan_keeps_reading_the_files_it_opened(lake: Lake) -> None:
    lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    opened, then = lake.scan(BARS), lake.scan(BARS, as_of=NOW)
    lake.write_sessions(BARS, bars(JUNE, close=12.0), [MAY, JUNE], known_at=LATER)
    lake.compact_year(BARS, 2016)
    assert opened.collect().sort("session", "symbol").equals(then.collect().sort("session", "symbol"))
    assert opened.select(pl.len(), pl.col("close").max().alias("close")).collect().rows() == [(6, 10.0)]


def test_scans_give_their_files_back(lake: Lake) -> None:
    open_files = Path("/proc/self/fd")
    if not open_files.exists():
        pytest.skip("counts open files in /proc")
    lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    lake.scan(BARS).collect()
    before = len(list(open_files.iterdir()))
    for _ in range(50):
        lake.scan(BARS, as_of=NOW).collect()
    assert len(list(open_files.iterdir())) <= before


def test_a_writer_that_lost_its_lock_changes_nothing(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.write_sessions(BARS, bars(JUNE), [JUNE], known_at=NOW)
    other = Lake(lake.root, FileLocks(tmp_path / "other-locks"))
    write = lake_files._write_durably
    intrusions = [1]

    def slow_write(*arguments: object) -> int:
        if intrusions:
            intrusions.pop()
            other.write_sessions(BARS, bars(date(2016, 6, 29)), [date(2016, 6, 29)], known_at=NOW)
        return write(*arguments)

    monkeypatch.setattr(lake_files, "_write_durably", slow_write)
    with pytest.raises((TransientError, FileNotFoundError)):
        lake.write_sessions(BARS, bars(date(2016, 6, 28)), [date(2016, 6, 28)], known_at=NOW)
    assert lake.sessions(BARS) == [date(2016, 6, 29), JUNE]


def test_without_an_atomic_exchange_of_folders_a_year_stays_in_months(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.write_sessions(BARS, bars(MAY, JUNE), [MAY, JUNE], known_at=NOW)
    before = files(lake)
    monkeypatch.setattr(lake_files.sys, "platform", "win32")
    assert lake.compact_year(BARS, 2016) == 0
    assert files(lake) == before


def test_contradictory_or_foreign_files_are_reported_not_read(lake: Lake) -> None:
    lake.write_sessions(BARS, bars(JUNE), [JUNE], known_at=NOW)
    lake.write_sessions(BARS, bars(JULY), [JULY], known_at=NOW)
    (june,) = lake.root.rglob("part=06/data.parquet")
    bars(JUNE).write_parquet(june)
    with pytest.raises(LakeError, match="not written by it"):
        lake.sessions(BARS)
    june.parent.rename(june.parent.with_name("part=00"))
    with pytest.raises(LakeError, match="both a whole-year part and months"):
        lake.scan(BARS)


def test_columns_that_a_later_version_adds_read_as_null_from_older_files(lake: Lake) -> None:
    older = {name: column for name, column in SCREENER_RESULTS.columns.items() if name != "close"}
    table = type(SCREENER_RESULTS)("screener_results", "older", older, key=SCREENER_RESULTS.key)
    row = ("low_rsi", JUNE, "A", "v1", 1, "Oversold", "entered")
    frame = pl.DataFrame([row], schema=table.schema, orient="row")
    lake.write_sessions(table, frame, [JUNE], known_at=NOW)
    assert lake.scan(SCREENER_RESULTS).collect().rows() == [(*row, None)]
    frame = frame.with_columns(close=pl.lit(3.0), session=pl.lit(date(2016, 6, 29)))
    lake.write_sessions(SCREENER_RESULTS, frame, [date(2016, 6, 29)], known_at=NOW)
    assert lake.scan(SCREENER_RESULTS, columns=["close"]).collect()["close"].sort().to_list() == [None, 3.0]


def test_lock_files_exclude_each_other_by_name(tmp_path: Path) -> None:
    locks, order = FileLocks(tmp_path), []

    def second() -> None:
        with FileLocks(tmp_path).hold("lake/bars/2016"):
            order.append("second")

    with locks.hold("lake/bars/2016"), locks.hold("lake/bars/2017"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_a_write_holds_one_postgres_lock_a_year_and_never_two(tmp_path: Path) -> None:
    class Database:
        def __init__(self) -> None:
            self.held: list[str] = []
            self.seen: list[str] = []

        @contextmanager
        def advisory_lock(self, name: str) -> Iterator[None]:
            assert not self.held
            self.held.append(name)
            self.seen.append(name)
            yield
            self.held.remove(name)

    database = Database()
    days = [date(2015, 12, 31), date(2016, 1, 4), JUNE]
    Lake(tmp_path / "lake", PostgresLocks(database)).write_sessions(BARS, bars(*days), days, known_at=NOW)
    assert database.seen == ["lake/polygon_daily_bars/2015", "lake/polygon_daily_bars/2016"]
    assert not database.held
