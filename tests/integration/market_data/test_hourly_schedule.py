"""The hourly schedule: a tick after each hour is final, the right work at each tick, and no hour twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from resources.clock import ManualClock
from sensors.hourly import HOURS_TAG, MINUTES_AFTER, TRIES, hourly_schedule, tick_times
from trading_assets.market_data.progress import finished_until, record_reach
from trading_assets.sessions import FIRST_SESSION, NEW_YORK, last_session, session_hours, sessions_between
from trading_assets.settings import Settings
from trading_assets.tables.features import HOURLY_FEATURES
from trading_assets.tables.hourly import HOURLY

DELAY = timedelta(minutes=30)
PRESENT = datetime(2026, 11, 22, tzinfo=UTC)


def settings(**changes: object) -> Settings:
    return Settings(_env_file=None, **changes)


def ticks(first: date, last: date, **changes: object) -> list[datetime]:
    """All ticks of the schedule between two days."""
    start = datetime(first.year, first.month, first.day, tzinfo=NEW_YORK).timestamp()
    end = datetime(last.year, last.month, last.day, 23, 59, tzinfo=NEW_YORK)
    schedule = hourly_schedule(settings(**changes))
    # what the daemon itself asks for the next ticks
    times = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
    return [moment.astimezone(UTC) for moment in takewhile(lambda moment: moment <= end, times)]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 2), date(2026, 3, 13)),  # the change to summer time
        (date(2026, 10, 26), date(2026, 11, 6)),  # and back
        (date(2026, 11, 23), date(2026, 12, 31)),  # two half days
        (date(2012, 10, 22), date(2012, 11, 9)),  # the storm, and the change back
        (date(2025, 1, 6), date(2025, 1, 10)),  # a day of mourning
    ],
)
@pytest.mark.parametrize("delay", [0, 30, 75])
def test_a_tick_follows_each_hour_shortly_after_it_is_final(first, last, delay):
    moments = ticks(first, last, data_delay_minutes=delay)
    for session in sessions_between(first, last):
        for _, end in session_hours(session):
            final = end + timedelta(minutes=delay)
            assert sum(final <= moment <= final + timedelta(minutes=3) for moment in moments) == 1, final


@pytest.mark.parametrize("delay", [0, 15, 30, 45, 75])
def test_every_hour_of_three_decades_has_its_tick(delay):
    minute, hours, _, _, weekdays = tick_times(delay).split()
    first, last = (int(hour) for hour in hours.split("-"))
    assert weekdays == "1-5"
    for session in sessions_between(FIRST_SESSION, last_session()):
        for _, end in session_hours(session):
            tick = (end + timedelta(minutes=delay + MINUTES_AFTER)).astimezone(NEW_YORK)
            assert (tick.date(), tick.minute) == (session, int(minute))
            assert first <= tick.hour <= last
            assert tick.weekday() < 5


def test_ticks_are_on_weekdays_and_in_new_york_time():
    assert tick_times(30) == "32 10-17 * * 1-5"
    assert tick_times(75) == "17 11-18 * * 1-5"
    local = [moment.astimezone(NEW_YORK) for moment in ticks(date(2026, 3, 6), date(2026, 3, 9))]
    assert [f"{moment:%a %H:%M}" for moment in local] == [
        f"{day} {hour}:32" for day in ("Fri", "Mon") for hour in range(10, 18)
    ]


class Hourly:
    """The schedule on an instance of its own, with a clock that can be set."""

    def __init__(self, instance: dg.DagsterInstance, platform: SimpleNamespace) -> None:
        self.instance = instance
        self.platform = platform
        self.schedule = hourly_schedule(platform.settings)

    def done(self, at: str, *days: str) -> None:
        """Say that the features of these days were made at an instant."""
        now = datetime.fromisoformat(at).astimezone(UTC)
        until = finished_until([date.fromisoformat(day) for day in days], now, DELAY, grain=HOURLY)
        record_reach(self.platform.database, HOURLY_FEATURES.name, until, now)

    def ran(self, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
        tags = {**request.tags, "dagster/partition": request.partition_key}
        self.instance.add_run(dg.DagsterRun("hourly_job", status=status, tags=tags))

    def tick(self, at: str) -> list[dg.RunRequest] | str:
        self.platform.clock.instant = datetime.fromisoformat(at).astimezone(UTC)
        with dg.build_schedule_context(
            instance=self.instance,
            scheduled_execution_time=self.platform.clock.instant,
            resources={"platform": self.platform},
        ) as context:
            answers = list(self.schedule(context))
        if len(answers) == 1 and isinstance(answers[0], dg.SkipReason):
            return str(answers[0].skip_message)
        return answers

    def asked(self, at: str) -> list[tuple[str, str]]:
        return [(request.partition_key, request.tags[HOURS_TAG]) for request in self.tick(at)]


@pytest.fixture
def hourly(tmp_path, fresh_database):
    platform = SimpleNamespace(settings=settings(), clock=ManualClock(PRESENT), database=fresh_database)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield Hourly(instance, platform)


def test_each_hour_of_a_session_is_asked_for_once_as_it_becomes_final(hourly):
    hourly.done("2026-11-20T17:00:00-05:00", "2026-11-20")
    assert "every finished hour" in hourly.tick("2026-11-23T10:29:00-05:00")
    keys = []
    for number, clock in enumerate(("10:32", "11:32", "12:32", "13:32", "14:32", "15:32", "16:32"), start=1):
        at = f"2026-11-23T{clock}:00-05:00"
        (request,) = hourly.tick(at)
        assert (request.partition_key, request.tags[HOURS_TAG]) == ("2026-11-23", str(number))
        keys.append(request.run_key)
        hourly.done(at, "2026-11-23")
        assert "every finished hour" in hourly.tick(at)
    assert len(set(keys)) == 7
    assert "every finished hour" in hourly.tick("2026-11-23T17:32:00-05:00")


def test_a_half_day_ends_at_one_and_a_holiday_has_nothing(hourly):
    hourly.done("2026-11-25T17:00:00-05:00", "2026-11-25")
    assert "2026-11-25: every" in hourly.tick("2026-11-26T12:32:00-05:00")  # Thanksgiving
    assert hourly.asked("2026-11-27T13:32:00-05:00") == [("2026-11-27", "4")]
    hourly.done("2026-11-27T13:32:00-05:00", "2026-11-27")
    for clock in ("14:32", "15:32", "16:32", "17:32"):
        assert "every finished hour" in hourly.tick(f"2026-11-27T{clock}:00-05:00")


@pytest.mark.parametrize(
    ("at", "session", "hours"),
    [
        ("2026-03-06T15:32:00+00:00", "2026-03-06", "1"),  # winter: 15:00 UTC is the first end
        ("2026-03-09T14:32:00+00:00", "2026-03-09", "1"),  # summer: an hour earlier
        ("2026-10-30T14:32:00+00:00", "2026-10-30", "1"),
        ("2026-11-02T14:32:00+00:00", "2026-10-30", "7"),  # winter again: the session has just begun
        ("2026-11-02T15:32:00+00:00", "2026-11-02", "1"),
        ("2012-10-30T18:32:00+00:00", "2012-10-26", "7"),  # closed by the storm
        ("2025-01-09T18:32:00+00:00", "2025-01-08", "7"),  # closed in mourning
    ],
)
def test_without_a_past_the_newest_session_is_asked_for(hourly, at, session, hours):
    assert hourly.asked(at) == [(session, hours)]


def test_missed_hours_and_sessions_are_caught_up_by_the_next_tick_oldest_first(hourly):
    hourly.done("2026-11-18T12:32:00-05:00", "2026-11-18")  # then the machine was off
    assert hourly.asked("2026-11-23T11:32:00-05:00") == [
        ("2026-11-18", "7"),
        ("2026-11-19", "7"),
        ("2026-11-20", "7"),
        ("2026-11-23", "2"),
    ]


def test_only_as_many_sessions_are_caught_up_as_are_kept_complete(hourly):
    hourly.done("2026-06-01T17:00:00-04:00", "2026-06-01")
    kept = sessions_between(date(2026, 10, 26), date(2026, 11, 20))
    assert len(kept) == 20
    hourly.done("2026-10-26T17:00:00-04:00", "2026-10-26")
    assert hourly.asked("2026-11-20T17:32:00-05:00")[0] == ("2026-10-27", "7")


def test_a_failed_hour_is_tried_again_under_another_key_until_a_person_has_to_look(hourly):
    at, keys = "2026-11-20T10:32:00-05:00", []
    for _ in range(TRIES):
        (request,) = hourly.tick(at)
        (again,) = hourly.tick(at)
        assert again.run_key == request.run_key
        keys.append(request.run_key)
        hourly.ran(request, dg.DagsterRunStatus.FAILURE)
    assert len(set(keys)) == TRIES
    assert "runs failed for 2026-11-20" in hourly.tick(at)
    assert hourly.asked("2026-11-20T11:32:00-05:00") == [("2026-11-20", "2")], (
        "the next hour is a new beginning"
    )


def test_while_hours_are_being_fetched_no_second_run_is_launched(hourly):
    (request,) = hourly.tick("2026-11-20T10:32:00-05:00")
    hourly.ran(request, dg.DagsterRunStatus.STARTED)
    assert hourly.tick("2026-11-20T11:32:00-05:00") == "Hours are being fetched: the next tick looks again"
