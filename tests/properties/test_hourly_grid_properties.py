"""The hour grid over three decades, and when its bars are final: never before their end and the vendor's delay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from resources.vendors.half_hours import HALF_HOUR, HALF_HOUR_SCHEMA, OUTSIDE, UNFINISHED, join_half_hours
from trading_assets.sessions import (
    FIRST_SESSION,
    NEW_YORK,
    current_session,
    finished_hours,
    is_session,
    last_session,
    latest_closed_session,
    session_close,
    session_hours,
    session_open,
    sessions_between,
)

EVERY_SESSION = sessions_between(FIRST_SESSION, last_session())
OFTEN = [
    date(2026, 3, 6),  # the last session of winter time
    date(2026, 3, 9),
    date(2026, 10, 30),  # the last session of summer time
    date(2026, 11, 2),
    date(2026, 11, 25),
    date(2026, 11, 27),  # half a day
    date(2026, 12, 24),  # half a day
    date(2012, 10, 26),
    date(2012, 10, 31),  # after the storm
    date(2025, 1, 8),
    date(2025, 1, 10),  # after the day of mourning
]
HALF_DAYS = [day for day in EVERY_SESSION if session_close(day).astimezone(NEW_YORK).hour == 13]
sessions = st.one_of(st.sampled_from(OFTEN), st.sampled_from(EVERY_SESSION), st.sampled_from(HALF_DAYS))
delays = st.sampled_from([timedelta(0), timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=2)])


def clock_times(session: date) -> list[str]:
    hours = session_hours(session)
    return [f"{start.astimezone(NEW_YORK):%H:%M}-{end.astimezone(NEW_YORK):%H:%M}" for start, end in hours]


FULL = [
    "09:30-10:00",
    "10:00-11:00",
    "11:00-12:00",
    "12:00-13:00",
    "13:00-14:00",
    "14:00-15:00",
    "15:00-16:00",
]


def test_every_session_since_1998_is_covered_without_gap_by_the_clock_hours_of_new_york():
    for session in EVERY_SESSION:
        expected = FULL if session not in HALF_DAYS else FULL[:4]
        assert clock_times(session) == expected, session
        hours = session_hours(session)
        assert (hours[0][0], hours[-1][1]) == (session_open(session), session_close(session))
        assert all(end == start for (_, end), (start, _) in pairwise(hours))
        assert all(start.date() == session for start, _ in hours), "a session lies within one UTC date"
    assert len(EVERY_SESSION) > 7000
    assert len(HALF_DAYS) > 50


@pytest.mark.parametrize(
    ("session", "first", "bars"),
    [
        (date(2026, 3, 6), 14, 7),
        (date(2026, 3, 9), 13, 7),  # summer time: an hour earlier in UTC
        (date(2026, 10, 30), 13, 7),
        (date(2026, 11, 2), 14, 7),
        (date(2026, 11, 27), 14, 4),
        (date(2026, 12, 24), 14, 4),
    ],
)
def test_daylight_saving_moves_the_hours_in_utc_and_a_half_day_has_four(session, first, bars):
    hours = session_hours(session)
    assert hours[0][0] == datetime(session.year, session.month, session.day, first, 30, tzinfo=UTC)
    assert len(hours) == bars


@pytest.mark.parametrize("closed", [date(2012, 10, 29), date(2012, 10, 30), date(2025, 1, 9)])
def test_an_unscheduled_closure_has_no_hours(closed):
    assert not is_session(closed)
    with pytest.raises(KeyError):
        session_hours(closed)
    noon = datetime(closed.year, closed.month, closed.day, 17, tzinfo=UTC)
    assert current_session(noon) == latest_closed_session(noon) < closed


@given(session=sessions, delay=delays, minutes=st.integers(-60, 16 * 60))
@settings(max_examples=300, deadline=None)
def test_an_hour_is_finished_from_its_end_and_the_delay_on_and_stays_so(session, delay, minutes):
    now = session_open(session) + timedelta(minutes=minutes)
    finished = finished_hours(session, now, delay)
    assert all(end + delay <= now for _, end in finished)
    assert finished == session_hours(session)[: len(finished)]
    later = finished_hours(session, now + timedelta(minutes=1), delay)
    assert later[: len(finished)] == finished
    if finished:
        assert current_session(now, delay=delay) >= session


def half_hours(session: date, prices: list[int], *, from_hour: int = 4, until_hour: int = 20) -> pl.DataFrame:
    """Half hours of one symbol from early morning to evening; the n-th has price ``prices[n]``, or is missing at 0."""
    first = datetime(session.year, session.month, session.day, from_hour, tzinfo=NEW_YORK).astimezone(UTC)
    count = (until_hour - from_hour) * 2
    rows = [
        {
            "symbol": "A", "start": first + number * HALF_HOUR, "open": float(price), "high": price + 1.0,
            "low": price - 1.0, "close": price + 0.5, "volume": 100.0 * price, "vwap": float(price), "trade_count": price,
        }
        for number, price in enumerate(prices[:count])
        if price
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=HALF_HOUR_SCHEMA)


prices = st.lists(st.one_of(st.just(0), st.integers(2, 90)), min_size=32, max_size=32)


@given(session=sessions, delay=delays, prices=prices, minutes=st.integers(0, 16 * 60))
@settings(max_examples=150, deadline=None)
def test_no_bar_is_returned_before_it_is_final_and_none_is_withdrawn(session, delay, prices, minutes):
    halves = half_hours(session, prices)
    now = session_open(session) + timedelta(minutes=minutes)
    # what the vendor shows: half hours that have begun, the last one as far as it has got
    so_far = pl.when(pl.col("start") + HALF_HOUR > now).then(0.5).otherwise(1.0)
    shown = halves.filter(pl.col("start") < now).with_columns(pl.col("volume") * so_far)
    before = join_half_hours([shown], [session], now=now, delay=delay)
    assert before.frame.filter(pl.col("bar_end") + delay > now).is_empty()
    grid = {start for start, _ in session_hours(session)}
    assert set(before.frame["bar_start"].to_list()) <= grid
    final = join_half_hours([halves], [session], now=session_close(session) + delay, delay=delay).frame
    assert_frame_equal(before.frame, final.head(before.frame.height))
    due = {start for start, _ in finished_hours(session, now, delay)}
    assert final.filter(pl.col("bar_start").is_in(due)).height == before.frame.height, (
        "nothing final is held back"
    )


@given(session=sessions, prices=prices)
@settings(max_examples=150, deadline=None)
def test_every_half_hour_of_the_session_is_in_exactly_one_hour_and_no_other_is(session, prices):
    halves = half_hours(session, prices)
    inside = halves.filter(
        pl.col("start").is_between(session_open(session), session_close(session), closed="left")
    )
    hours = join_half_hours([halves], [session], now=session_close(session), delay=timedelta(0))
    assert hours.left_out.get(OUTSIDE, 0) == halves.height - inside.height
    assert hours.frame["volume"].sum() == inside["volume"].sum()
    assert hours.frame["trade_count"].sum() == inside["trade_count"].sum()
    if inside.height:
        frame = hours.frame
        assert (frame["high"].max(), frame["low"].min()) == (inside["high"].max(), inside["low"].min())
        assert (frame["open"][0], frame["close"][-1]) == (inside["open"][0], inside["close"][-1])
        worth = (frame["vwap"] * frame["volume"]).sum()
        assert worth == pytest.approx((inside["vwap"] * inside["volume"]).sum())


def test_unfinished_half_hours_and_hours_are_counted():
    session = date(2026, 11, 27)
    now = session_open(session) + timedelta(minutes=100)  # 11:10
    halves = half_hours(session, [5] * 32).filter(pl.col("start") < now)
    hours = join_half_hours([halves], [session], now=now, delay=timedelta(minutes=30))
    assert [f"{start.astimezone(NEW_YORK):%H:%M}" for start in hours.frame["bar_start"]] == ["09:30"]
    assert hours.left_out == {UNFINISHED: 3, OUTSIDE: 11}
