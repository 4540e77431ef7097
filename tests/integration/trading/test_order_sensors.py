"""The sensors request one run for one piece of work, again after a failure, and none while one is under way."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg
import pytest

from sensors import order_placement
from sensors.fill_ingestion import fill_ingestion_sensor
from sensors.order_placement import order_placement_sensor, requests_or_reason
from trading_assets.sessions import next_session, session_open
from trading_assets.settings import Settings

WORK = [("PA1", date(2024, 5, 1), ["b", "a"])]


@pytest.fixture(scope="module")
def market(start_simulator):
    return start_simulator(symbols=30, years=0.5, at="2024-05-01T16:30:00-04:00")


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: dict[str, str]) -> None:
    run = dg.DagsterRun(job_name="job", run_id=str(uuid.uuid4()), status=status, tags=tags)
    instance.add_run(run)


def test_the_same_work_has_the_same_key_in_any_order(instance) -> None:
    (first,) = requests_or_reason(instance, "job", WORK)
    (again,) = requests_or_reason(instance, "job", [("PA1", date(2024, 5, 1), ["a", "b"])])
    assert (first.run_key, first.partition_key) == (again.run_key, "2024-05-01")
    (other,) = requests_or_reason(instance, "job", [("PA1", date(2024, 5, 1), ["a"])])
    assert other.run_key != first.run_key


def test_a_failed_run_is_followed_by_another_one_until_a_person_has_to_look(instance) -> None:
    keys = []
    for _ in range(3):
        (request,) = requests_or_reason(instance, "job", WORK)
        keys.append(request.run_key)
        add_run(instance, dg.DagsterRunStatus.FAILURE, request.tags)
    assert len(set(keys)) == 3
    reason = requests_or_reason(instance, "job", WORK)
    assert "failed 3 times" in reason.skip_message


def test_nothing_is_requested_while_a_run_is_under_way(instance) -> None:
    add_run(instance, dg.DagsterRunStatus.STARTED, {})
    assert "under way" in requests_or_reason(instance, "job", WORK).skip_message


@pytest.fixture
def tick(instance):
    """Evaluate a sensor as the daemon does, on a desk instead of a whole installation."""

    def evaluate(sensor: Callable[[Settings], dg.SensorDefinition], desk) -> list[object]:
        with dg.build_sensor_context(instance=instance, resources={"platform": desk}) as context:
            return list(sensor(Settings(_env_file=None))(context))

    return evaluate


def test_planning_wakes_the_waiting_sensor(open_desk, market) -> None:
    desk = open_desk(market)
    desk.aim({desk.symbols[0]: 3})
    began = time.monotonic()
    threading.Timer(0.3, desk.plan).start()
    order_placement.wait_for_intents(desk.database, 20)
    assert time.monotonic() - began < 10


def test_the_sensors_follow_an_intent_from_plan_to_fill(open_desk, market, tick, monkeypatch) -> None:
    monkeypatch.setattr(order_placement, "LISTEN_SECONDS", 0.1)
    desk = open_desk(market)
    assert isinstance(tick(order_placement_sensor, desk)[0], dg.SkipReason)
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    (request,) = tick(order_placement_sensor, desk)
    assert request.partition_key == desk.session.isoformat()
    desk.submit()
    assert isinstance(tick(order_placement_sensor, desk)[0], dg.SkipReason)
    assert isinstance(tick(fill_ingestion_sensor, desk)[0], dg.SkipReason)
    desk.clock.advance_to(session_open(next_session(desk.session)) + timedelta(minutes=2))
    (request,) = tick(fill_ingestion_sensor, desk)
    assert request.partition_key == desk.session.isoformat()
    desk.simulated.fault("^/v2/", "500", times=9)
    assert isinstance(tick(fill_ingestion_sensor, desk)[0], dg.SkipReason)
