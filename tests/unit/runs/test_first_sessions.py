"""Which sessions the first `up` of a simulated market trades, and where its clock begins for them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.runs.first_sessions import begins_at, left
from trading_assets.sessions import latest_closed_session, sessions_between
from trading_assets.settings import Settings

AT = datetime(2024, 5, 2, 22, tzinfo=UTC)
MONTH = sessions_between(date(2024, 4, 4), date(2024, 5, 1))


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **{"sim_at": AT, **values})


@pytest.mark.parametrize(
    ("wanted", "before"), [(1, date(2024, 5, 1)), (3, date(2024, 4, 29)), (20, date(2024, 4, 4))]
)
def test_the_clock_begins_when_the_session_before_the_first_one_is_final(wanted, before) -> None:
    begin = begins_at(settings(first_sessions=wanted))
    assert latest_closed_session(begin, delay=settings().data_delay) == before
    assert len(sessions_between(before, AT.date())) == wanted + 1


@pytest.mark.parametrize(
    "values",
    [
        {"first_sessions": 0},
        {"sim_url": "http://127.0.0.1:9"},
        {"sim_replay": "bars.parquet"},
        {"mode": "paper", "sim_at": None},
        {"mode": "live", "live_account": "1", "sim_at": None},
    ],
)
def test_real_and_recorded_markets_begin_in_the_present(values) -> None:
    assert begins_at(settings(**values)) is None


def test_sessions_before_the_first_of_the_settings_are_not_traded() -> None:
    begin = begins_at(settings(start=date(2024, 4, 30)))
    assert latest_closed_session(begin, delay=settings().data_delay) == date(2024, 4, 30)


@given(done=st.integers(0, len(MONTH)))
def test_interrupted_anywhere_each_session_is_traded_once(done: int) -> None:
    """However many were done, those that are left are the rest; when none is, the newest once more, which changes nothing."""
    traded = MONTH[done - 1] if done else None
    assert left(MONTH, traded) == (MONTH[done:] or [MONTH[-1]])
