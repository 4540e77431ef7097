"""An answer that has lost nearly everything does not replace what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.errors import VendorDataError
from trading_assets.market_data.vanished import require_not_vanished
from trading_assets.tables.daily import VENDOR_DAILY_BARS

TABLE = VENDOR_DAILY_BARS["polygon"]
HOLIDAY, FIRST, LAST = date(2016, 7, 4), date(2016, 7, 5), date(2016, 7, 6)
DATES = [HOLIDAY, FIRST, LAST]


def bars(**rows):
    days = {"holiday": HOLIDAY, "first": FIRST, "last": LAST}
    keys = [(f"S{number:02d}", days[name]) for name, count in rows.items() for number in range(count)]
    frame = pl.DataFrame(keys, schema={"symbol": pl.String, "session": pl.Date}, orient="row")
    other = {
        name: kind for name, kind in TABLE.schema.items() if name not in {"symbol", "session", "known_at"}
    }
    values = {pl.Float64: 1.0, pl.String: "x", pl.Int64: 1, pl.Int32: 1, pl.UInt32: 1, pl.Boolean: False}
    return frame.with_columns(
        pl.lit(values.get(kind), dtype=kind).alias(name) for name, kind in other.items()
    )


@pytest.fixture
def lake(tmp_path):
    made = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    made.write_sessions(
        TABLE, bars(holiday=20, first=20, last=20), DATES, known_at=datetime(2016, 7, 7, tzinfo=UTC)
    )
    return made


def judge(lake, frame):
    require_not_vanished(lake, TABLE, frame, DATES, vendor="polygon", batch_id="b")


@pytest.mark.parametrize("rows", [{}, {"first": 20}, {"first": 20, "last": 1}, {"holiday": 20}])
def test_a_session_that_vanishes_is_refused_by_name(lake, rows):
    with pytest.raises(VendorDataError) as caught:
        judge(lake, bars(**rows))
    assert caught.value.facts["vendor"] == "polygon"
    assert "2016-07-06" in caught.value.facts["sessions"] or not rows
    assert "Nothing was replaced" in str(caught.value)
    assert "another replay or simulator" in str(caught.value)


@pytest.mark.parametrize(
    "rows", [{"first": 20, "last": 20}, {"first": 15, "last": 3}, {"first": 30, "last": 30}]
)
def test_corrections_and_phantoms_taken_back_are_believed(lake, rows):
    judge(lake, bars(**rows))


def test_rows_that_were_not_asked_for_any_more_have_not_vanished(lake):
    asked = bars(first=1, last=1).select("session", "symbol")
    given = {"vendor": "polygon", "batch_id": "b", "asked": asked}
    require_not_vanished(lake, TABLE, bars(first=1, last=1), DATES, **given)
    wider = bars(first=10, last=10).select("session", "symbol")
    with pytest.raises(VendorDataError):
        require_not_vanished(lake, TABLE, bars(first=1), DATES, **(given | {"asked": wider}))


def test_nothing_stored_before_means_nothing_has_vanished(tmp_path):
    judge(Lake(tmp_path / "lake", FileLocks(tmp_path / "locks")), bars())
