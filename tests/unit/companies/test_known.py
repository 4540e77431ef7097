"""Company data as known at a session: the newest snapshot dated then or earlier, never a later one."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.lake.lake import Lake
from resources.lake.locks import FileLocks
from trading_assets.companies.known import companies_as_of, join_known
from trading_assets.tables.companies import ESG_SCORES

FIRST, SECOND, THIRD = date(2024, 5, 3), date(2024, 5, 10), date(2024, 5, 17)
KNOWN = datetime(2024, 6, 1, tzinfo=UTC)


def scores(session: date, **totals: float) -> pl.DataFrame:
    columns = {name: dtype for name, dtype in ESG_SCORES.schema.items() if name != "known_at"}
    return pl.DataFrame(
        [
            {"symbol": symbol, "session": session, "total_score": total, "batch_id": "yahoo-companies-0"}
            for symbol, total in totals.items()
        ],
        schema=columns,
    )


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(tmp_path / "lake", FileLocks(tmp_path / "locks"))
    lake.write_sessions(ESG_SCORES, scores(FIRST, A=1.0, GONE=9.0), [FIRST], known_at=KNOWN)
    lake.write_sessions(ESG_SCORES, scores(THIRD, A=3.0, NEW=5.0), [THIRD], known_at=KNOWN)
    return lake


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (date(2024, 5, 2), {}),
        (FIRST, {"A": (1.0, 0), "GONE": (9.0, 0)}),
        (SECOND, {"A": (1.0, 7), "GONE": (9.0, 7)}),
        (THIRD, {"A": (3.0, 0), "GONE": (9.0, 14), "NEW": (5.0, 0)}),
        (date(2024, 6, 28), {"A": (3.0, 42), "GONE": (9.0, 56), "NEW": (5.0, 42)}),
    ],
)
def test_each_symbol_has_its_newest_snapshot_with_its_age(lake, session, expected):
    found = companies_as_of(lake, ESG_SCORES, session)
    assert {
        row["symbol"]: (row["total_score"], row["age_days"]) for row in found.iter_rows(named=True)
    } == expected


def test_a_snapshot_that_is_taken_again_is_read_as_it_was_known(lake):
    lake.write_sessions(ESG_SCORES, scores(THIRD, A=4.0), [THIRD], known_at=datetime(2024, 6, 2, tzinfo=UTC))
    now = companies_as_of(lake, ESG_SCORES, THIRD, symbols=["A"])
    then = companies_as_of(lake, ESG_SCORES, THIRD, symbols=["A"], known_at=KNOWN)
    assert (now["total_score"].to_list(), then["total_score"].to_list()) == ([4.0], [3.0])


days = st.integers(0, 60).map(lambda offset: date.fromordinal(FIRST.toordinal() + offset))


@given(
    st.lists(st.tuples(st.sampled_from("AB"), days), max_size=12, unique=True),
    st.lists(st.tuples(st.sampled_from("ABC"), days), min_size=1, max_size=12),
)
def test_a_row_never_sees_a_later_snapshot(snapshots, asked):
    facts = pl.DataFrame(
        [(symbol, day, float(day.toordinal())) for symbol, day in snapshots],
        schema={"symbol": pl.String, "session": pl.Date, "value": pl.Float64},
        orient="row",
    )
    rows = pl.DataFrame(asked, schema={"symbol": pl.String, "session": pl.Date}, orient="row")
    joined = join_known(rows, facts, ["value"])
    assert joined.select("symbol", "session").rows() == asked
    for (symbol, day), value in zip(asked, joined["value"], strict=True):
        known = [float(at.toordinal()) for name, at in snapshots if name == symbol and at <= day]
        assert value == (max(known) if known else None)
