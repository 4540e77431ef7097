"""What a row may know of facts that are taken again, withdrawn or stored late: the newest that stood before its opening."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.features.known_versions import VERSION_SCHEMA, newest_known
from trading_assets.sessions import next_session, session_open, sessions_between

DAYS = sessions_between(date(2024, 10, 30), date(2024, 11, 8))  # the end of summer time among them
START = session_open(DAYS[0])
SPAN = int((session_open(DAYS[-1]) - START) / timedelta(minutes=30))
openings = st.sampled_from(DAYS).map(session_open)
instants = st.integers(0, SPAN).map(lambda half_hours: START + timedelta(minutes=30 * half_hours)) | openings
versions_ = st.lists(
    st.tuples(st.sampled_from("AAB"), st.sampled_from(DAYS), instants, st.none() | instants), max_size=9
)
asked_ = st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(DAYS)), min_size=1, max_size=12)
KNOWN_BY = pytest.mark.parametrize("known_by", ["next_open", "open"])


def frame(versions) -> pl.DataFrame:
    kept = {}
    for symbol, dated, known_at, gone_at in versions:
        if gone_at is None or gone_at > known_at:
            kept.setdefault((symbol, dated, known_at), gone_at)
    rows = [(*key, gone_at) for key, gone_at in kept.items()]
    return pl.DataFrame(rows, schema=VERSION_SCHEMA, orient="row")


def rows_of(asked) -> pl.DataFrame:
    return pl.DataFrame(asked, schema={"symbol": pl.String, "session": pl.Date}, orient="row")


def looked_up(versions: pl.DataFrame, symbol: str, session: date, known_by: str) -> tuple | None:
    opening = session_open(session if known_by == "open" else next_session(session))
    standing = [
        (dated, known_at)
        for whose, dated, known_at, gone_at in versions.iter_rows()
        if whose == symbol
        and known_at < opening
        and (gone_at is None or gone_at >= opening)
        and (dated < session or (dated == session and known_by == "next_open"))
    ]
    return max(standing, default=None)


@KNOWN_BY
@given(versions_, asked_)
def test_each_row_gets_what_a_search_one_by_one_finds(known_by, versions, asked):
    facts = frame(versions)
    places = newest_known(rows_of(asked), facts, known_by=known_by)
    found = [None if place is None else facts.row(place)[1:3] for place in places]
    assert found == [looked_up(facts, symbol, session, known_by) for symbol, session in asked]


@KNOWN_BY
@given(versions_, asked_, st.sampled_from(DAYS))
def test_what_is_stored_after_an_opening_changes_no_row_before_it(known_by, versions, asked, last):
    facts = frame(versions)
    until: datetime = session_open(last if known_by == "open" else next_session(last))
    past = facts.filter(pl.col("known_at") < until).with_columns(
        superseded_at=pl.when(pl.col("superseded_at") < until).then("superseded_at")
    )
    rows = rows_of([(symbol, min(session, last)) for symbol, session in asked])

    def dates(known: pl.DataFrame) -> list:
        places = newest_known(rows, known, known_by=known_by)
        return known.select("session", "known_at").select(pl.all().gather(places)).rows()

    assert dates(past) == dates(facts)
