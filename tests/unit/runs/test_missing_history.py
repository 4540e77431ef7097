"""A run fills the history where the last year of it is too short to decide on."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest

from trading_assets.runs.history import YEAR, history_minutes, missing_history
from trading_assets.sessions import next_session, sessions_between, shift
from trading_assets.settings import Settings

SESSION = date(2024, 5, 2)


def platform_with(stored, **settings):
    counts = lambda _table, first, last: {day: 1 for day in stored if first <= day <= last}  # noqa: E731 (one line)
    chosen = Settings(_env_file=None, **settings)
    return SimpleNamespace(settings=chosen, lake=SimpleNamespace(row_counts=counts))


def before(first: int, last: int) -> list:
    """Return the sessions from so many before the session to so many before it."""
    return sessions_between(shift(SESSION, -first), shift(SESSION, -last))


@pytest.mark.parametrize(
    ("stored", "settings", "filled"),
    [
        ([], {}, 504),
        (before(504, 1), {}, 0),
        (before(270, 1), {}, 0),  # a year is enough
        (before(504, 71), {}, 70),  # off for three months
        (before(504, 253), {}, 252),  # only the older year
        (before(252, 30), {}, 281),
        (before(252, 12), {}, 0),  # a few are blocked, or caught up by the run itself
        (before(30, 1), {"history_sessions": 30}, 0),
        ([], {"history_sessions": 30}, 30),
        ([], {"sim_replay": "market.csv"}, 0),
        (before(400, 1), {"start": "2024-01-02"}, 0),
    ],
)
def test_exactly_what_is_missing_is_filled_if_the_last_year_is_too_short(stored, settings, filled):
    missing = missing_history(platform_with(stored, **settings), SESSION)
    assert len(missing) == filled
    assert not {*missing} & {*stored}
    assert all(day < SESSION for day in missing)
    assert YEAR == 252
    assert next_session(shift(SESSION, -1)) == SESSION


def test_the_time_that_polygon_takes_is_told_where_it_is_asked_for_real():
    paper = Settings(_env_file=None, mode="paper", polygon_per_minute=5)
    assert history_minutes(paper, 504) == pytest.approx(100.8)
    assert history_minutes(Settings(_env_file=None), 504) == 0
    assert history_minutes(Settings(_env_file=None, mode="paper", sources=("yahoo",)), 504) == 0
