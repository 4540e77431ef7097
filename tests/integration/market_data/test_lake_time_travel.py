"""Time travel on real restated bars: every past day of a collector, in polars, in SQL and on the command line's query."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from resources.lake.catalog import connect, query, write_catalog
from resources.lake.lake import Lake
from resources.lake.locks import FileLocks


@pytest.fixture(scope="module")
def history(collector: Callable[..., Any]) -> Any:
    return collector(every=25, until=date(2016, 2, 12))


@pytest.fixture(scope="module")
def lake(history: Any, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    folder = tmp_path_factory.mktemp("collected")
    lake = Lake(folder / "lake", FileLocks(folder / "locks"))
    report = history.write(lake)
    keys = history.collected.select("symbol", "session").n_unique()
    assert (report.inserted, report.removed) == (keys, 0)
    assert report.changed > 1_000
    return lake


def test_the_table_at_every_past_day_is_the_one_collected_by_then(history: Any, lake: Lake) -> None:
    for day in history.days:
        known = lake.scan(history.table, as_of=history.instant(day)).collect()
        assert history.in_order(known).equals(history.known_on(day)), day
    before = history.instant(history.days[0]) - timedelta(microseconds=1)
    assert lake.scan(history.table, as_of=before).collect().is_empty()


def test_what_was_collected_by_a_day_is_the_last_row_of_each_key(history: Any) -> None:
    for day in history.days[::40]:
        rows = history.collected.filter(pl.col("known_on") <= day)
        last = rows.sort("known_on", maintain_order=True).unique(["symbol", "session"], keep="last")
        assert history.in_order(last).equals(history.known_on(day))


def test_rows_collected_again_with_the_same_values_are_no_new_version(history: Any, lake: Lake) -> None:
    values = pl.struct(history.values)
    changes = history.collected.with_columns(
        before=values.shift().over("rank", "session"), now=values
    ).filter(pl.col("before").is_not_null() & (pl.col("before") != pl.col("now")))
    assert lake.history(history.table).select(pl.len()).collect().item() == changes.height
    assert changes.height < history.collected.filter(pl.col("until").is_not_null()).height / 2


def test_sql_sees_the_same_table_at_past_days(history: Any, lake: Lake, tmp_path: Path) -> None:
    catalog = tmp_path / "trading.duckdb"
    write_catalog(catalog, lake.root, lake.history_root, tmp_path / "none", tables=[history.table])
    with connect(catalog) as connection:
        for day in history.days[::10]:
            macro = f"select * from collected_bars_as_of('{history.instant(day).isoformat()}')"
            assert history.in_order(connection.sql(macro).pl()).equals(history.known_on(day)), day
    day = history.days[100]
    shadowed = query(catalog, "select * from collected_bars", as_of=history.instant(day))
    assert history.in_order(shadowed).equals(history.known_on(day))
