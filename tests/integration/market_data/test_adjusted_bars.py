"""Adjusted bars: what splits, dividends and spin-offs do to prices as known then, in Python and in SQL alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from typer.testing import CliRunner, Result

from resources.lake.catalog import connect, query, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.cli import app
from trading_assets.errors import LakeError
from trading_assets.feature_store.adjusted_bars import read_adjusted_bars
from trading_assets.tables.daily import DAILY_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS
from trading_assets.tables.registry import TABLES
from trading_assets.tables.table import Table

NOW = datetime(2016, 3, 1, 22, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FIRST = date(2015, 12, 21)
DAYS = [FIRST + timedelta(days=offset) for offset in range(20)]
APART = {day: day if place < 10 else day + timedelta(days=40) for place, day in enumerate(DAYS)}
"""The same days with more than a month's silence after half of them."""
WRITTEN = [*DAYS, *APART.values()]
SYMBOLS = ("A", "NEW", "P")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))


def rows_of(table: Table, rows: list[dict[str, object]]) -> pl.DataFrame:
    given = {"source": "polygon", "source_count": 1, "batch_id": "one"}
    schema = {name: dtype for name, dtype in table.schema.items() if name != "known_at"}
    filled = [{**{name: value for name, value in given.items() if name in schema}, **row} for row in rows]
    return pl.DataFrame(filled, schema=schema)


def write_bars(lake: Lake, closes: dict[tuple[str, date], float], at: datetime) -> None:
    rows = [
        {"symbol": symbol, "session": day, "open": close, "high": close * 1.01, "low": close * 0.99,
         "close": close, "volume": 1000.0, "vwap": close}
        for (symbol, day), close in closes.items()
    ]  # fmt: skip
    lake.write_sessions(DAILY_BARS, rows_of(DAILY_BARS, rows), WRITTEN, known_at=at)


def write_actions(lake: Lake, actions: list[dict[str, object]], at: datetime) -> None:
    lake.write_sessions(CORPORATE_ACTIONS, rows_of(CORPORATE_ACTIONS, actions), WRITTEN, known_at=at)


def split(symbol: str, day: date, ratio: float) -> dict[str, object]:
    return {"symbol": symbol, "ex_date": day, "kind": "split", "split_ratio": ratio}


def dividend(symbol: str, day: date, cash: float) -> dict[str, object]:
    return {"symbol": symbol, "ex_date": day, "kind": "cash_dividend", "cash_usd": cash}


def catalog_of(lake: Lake) -> Path:
    path = lake.root.parent / "trading.duckdb"
    write_catalog(
        path, lake.root, lake.history_root, lake.root / "none", tables=[DAILY_BARS, CORPORATE_ACTIONS]
    )
    return path


def closes_of(lake: Lake, **options: object) -> list[float]:
    return read_adjusted_bars(lake, ["A"], **options).bars["close"].to_list()  # type: ignore[arg-type]


def test_prices_are_adjusted_by_kind_and_in_the_scale_of_the_session_they_are_seen_from(lake: Lake) -> None:
    write_bars(
        lake, {("A", day): price for day, price in zip(DAYS, (100.0, 98.0, 49.0, 50.0), strict=False)}, NOW
    )
    write_actions(
        lake, [dividend("A", DAYS[1], 2.0), split("A", DAYS[2], 2.0), split("A", DAYS[9], 10.0)], NOW
    )
    assert closes_of(lake, adjust="none") == [100.0, 98.0, 49.0, 50.0]
    assert closes_of(lake, adjust="split") == [50.0, 49.0, 49.0, 50.0]
    assert closes_of(lake) == [49.0, 49.0, 49.0, 50.0]
    assert closes_of(lake, end=DAYS[1]) == [98.0, 98.0]
    assert closes_of(lake, seen_from=DAYS[1]) == [98.0, 98.0]
    assert closes_of(lake, start=DAYS[1], end=DAYS[1], seen_from=DAYS[2]) == [49.0]
    assert closes_of(lake, end=DAYS[3], seen_from=DAYS[9]) == pytest.approx([4.9, 4.9, 4.9, 5.0])
    seen = read_adjusted_bars(lake, ["A"])
    assert seen.seen_from == DAYS[3]
    assert seen.bars.select("vwap", "volume", "price_scale", "share_scale").row(0) == (
        49.0,
        2000.0,
        0.49,
        2.0,
    )
    assert seen.actions["outcome"].to_list() == ["applied", "applied"]


def test_bars_and_actions_are_those_known_at_the_instant(lake: Lake) -> None:
    write_bars(lake, {("A", DAYS[0]): 100.0, ("A", DAYS[1]): 50.0}, NOW)
    write_actions(lake, [split("A", DAYS[1], 2.0)], LATER)
    write_bars(lake, {("A", DAYS[0]): 80.0, ("A", DAYS[1]): 50.0}, LATER + timedelta(hours=1))
    assert closes_of(lake, as_of=NOW) == [100.0, 50.0]
    assert closes_of(lake, as_of=LATER) == [50.0, 50.0]
    assert closes_of(lake) == [40.0, 50.0]
    assert closes_of(lake, as_of=NOW - timedelta(seconds=1)) == []
    with pytest.raises(LakeError, match="aware instant"):
        closes_of(lake, as_of=NOW.replace(tzinfo=None))
    catalog = catalog_of(lake)
    for instant, expected in ((NOW, [100.0, 50.0]), (LATER, [50.0, 50.0])):
        sql = f"select close from adjusted_bars(as_of := '{instant.isoformat()}') order by session"
        assert query(catalog, sql)["close"].to_list() == expected
        shadowed = "select close from adjusted_bars() order by session"
        assert query(catalog, shadowed, as_of=instant)["close"].to_list() == expected


def test_a_spin_off_counts_by_its_factor_or_by_the_new_company_and_is_reported_otherwise(lake: Lake) -> None:
    prices = {("P", DAYS[0]): 100.0, ("P", DAYS[1]): 80.0, ("P", DAYS[2]): 60.0, ("NEW", DAYS[1]): 40.0}
    write_bars(lake, prices, NOW)
    told = {"symbol": "P", "kind": "spin_off", "new_symbol": "NEW"}
    actions = [
        {**told, "ex_date": DAYS[1], "share_ratio": 0.5},
        {**told, "ex_date": DAYS[2], "price_factor": 0.75},
        {**told, "ex_date": DAYS[3], "share_ratio": 1.0, "new_symbol": "NOWHERE"},
    ]
    write_actions(lake, actions, NOW)
    seen = read_adjusted_bars(lake, ["P"], seen_from=DAYS[3])
    assert seen.bars["symbol"].unique().to_list() == ["P"]
    assert seen.bars["close"].to_list() == pytest.approx([60.0, 60.0, 60.0])
    assert seen.actions["outcome"].to_list() == ["applied", "applied", "waits for the first bar since"]
    assert read_adjusted_bars(lake, ["P"], adjust="split").bars["close"].to_list() == [100.0, 80.0, 60.0]
    sql = "select close from adjusted_bars() where symbol = 'P' order by session"
    assert query(catalog_of(lake), sql)["close"].to_list() == pytest.approx([60.0, 60.0, 60.0])


def test_a_range_without_bars_is_empty_and_typed(lake: Lake) -> None:
    empty = read_adjusted_bars(lake, ["A"])
    assert empty.bars.schema == {**DAILY_BARS.schema, "price_scale": pl.Float64, "share_scale": pl.Float64}
    assert (empty.bars.height, empty.actions.height, empty.seen_from) == (0, 0, None)
    catalog = catalog_of(lake)
    assert query(catalog, "select * from adjusted_bars()").schema == empty.bars.schema


cash = st.floats(0.01, 150.0)
ratios = st.sampled_from([2.0, 0.1, 1.5, 0.0])
action = st.one_of(
    st.builds(split, st.sampled_from(SYMBOLS), st.sampled_from(DAYS), ratios),
    st.builds(dividend, st.sampled_from(SYMBOLS), st.sampled_from(DAYS), cash),
    st.builds(
        lambda symbol, day, share, factor: {
            "symbol": symbol, "ex_date": day, "kind": "spin_off", "new_symbol": "NEW", "share_ratio": share, "price_factor": factor,
        },
        st.sampled_from(("A", "P")), st.sampled_from(DAYS), st.sampled_from([None, 0.3]), st.sampled_from([None, None, 0.8]),
    ),
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**32),
    actions=st.lists(action, max_size=12, unique_by=lambda row: (row["symbol"], row["ex_date"], row["kind"])),
    adjust=st.sampled_from(["none", "split", "all"]),
    seen_from=st.none() | st.sampled_from(DAYS),
    only=st.sampled_from([None, "A"]),
    is_apart=st.booleans(),
)
def test_sql_and_python_adjust_alike(
    seed: int, actions: list[dict[str, object]], adjust: str, seen_from: date | None, only: str | None, is_apart: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    if is_apart:  # tickers used again; what a spin-off is worth by whichever company's bar is left out
        actions = [
            row | {"ex_date": APART[row["ex_date"]]}
            for row in actions
            if row["kind"] != "spin_off" or row["price_factor"]
        ]
        seen_from = seen_from and APART[seen_from]
    folder = tmp_path_factory.mktemp("adjusted")
    lake, random = Lake(folder / "lake", FileLocks(folder / "locks")), np.random.default_rng(seed)
    closes = {
        (symbol, APART[day] if is_apart else day): round(float(random.uniform(50, 200)), 2)
        for symbol in SYMBOLS
        for day in DAYS
        if random.random() < 0.7
    }
    write_bars(lake, closes, NOW)
    write_actions(lake, actions, NOW)
    seen = read_adjusted_bars(lake, only and [only], adjust=adjust, seen_from=seen_from)  # type: ignore[arg-type]
    # by default SQL looks from the newest session of all symbols, Python from that of the ones it reads
    scale = seen.seen_from if only else seen_from
    options = [f"adjust := '{adjust}'"] + ([f"seen_from := '{scale}'"] if scale else [])
    where = f"where symbol = '{only}'" if only else ""
    sql = f"select * from adjusted_bars({', '.join(options)}) {where} order by symbol, session"
    assert_frame_equal(query(catalog_of(lake), sql), seen.bars, rel_tol=1e-12, abs_tol=0)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command on the lake of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADING_DATA", str(tmp_path))
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_the_command_shows_adjusted_bars_and_says_what_was_not_adjusted(
    lake: Lake, command: Callable[..., Result]
) -> None:
    assert "run `trading-assets run` first" in command("bars", "A").stderr
    write_bars(lake, {("A", DAYS[0]): 100.0, ("A", DAYS[1]): 50.0, ("A", DAYS[2]): 40.0}, NOW)
    spin_off = {"symbol": "A", "ex_date": DAYS[2], "kind": "spin_off", "new_symbol": "B", "share_ratio": 1.0}
    write_actions(lake, [split("A", DAYS[1], 2.0), spin_off], LATER)
    shown = command("bars", "a", "NOPE", "--end", DAYS[1].isoformat())
    assert shown.exit_code == 0
    assert "100" not in shown.stdout.replace("1,000", "")
    assert f"in the scale of session {DAYS[1]}" in shown.stderr
    assert "No bars of NOPE" in shown.stderr
    whole = command("bars", "A", "--json")
    assert [row["close"] for row in json.loads(whole.stdout)] == [50.0, 50.0, 40.0]
    assert f"A spin_off of {DAYS[2]}: not applied: no bar of the spun-off company" in whole.stderr
    then = command("bars", "A", "--as-of", NOW.isoformat(), "--json")
    assert [row["close"] for row in json.loads(then.stdout)] == [100.0, 50.0, 40.0]
    assert command("bars", "A", "--as-of", "2016-03-01").exit_code == 2


def test_sql_as_of_covers_every_table_with_history_and_names_those_without(
    lake: Lake, command: Callable[..., Result]
) -> None:
    path = lake.root.parent / "trading.duckdb"
    write_catalog(path, lake.root, lake.history_root, lake.root / "none")
    with connect(path, as_of=NOW) as connection:
        for table in TABLES.values():
            names = [table.name, *([f"{table.name}_as_of('{NOW.isoformat()}')"] if table.versioned else [])]
            for name in names:
                assert connection.sql(f"select * from {name}").pl().schema == table.schema
    at = ("--as-of", NOW.isoformat())
    joined = command("sql", "select * from corporate_actions join Daily_Features using (symbol)", *at)
    assert "No history is kept of daily_features: the current rows were read" in joined.stderr
    assert "No history" not in command("sql", "select * from hourly_bars", *at).stderr
    assert "No history is kept of fills" in command("sql", "select * from fills", *at).stderr
    for name in ("daily_features", "fills"):
        assert f"{name} keeps no history" in command("sql", f"from {name}_as_of(now())").stderr
    assert "lists the tables" in command("sql", "select * from nonsense").stderr
