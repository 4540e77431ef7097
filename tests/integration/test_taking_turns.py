"""Two runs of one session take turns, and the second one says what it waits for."""

from __future__ import annotations

import os
import threading
from datetime import date
from types import SimpleNamespace

import pytest

from resources.database.database import Database
from trading_assets.runs.taking_turns import one_at_a_time
from trading_assets.settings import Settings

DAY, OTHER_DAY = date(2024, 5, 2), date(2024, 5, 3)


@pytest.fixture
def platform(fresh_database: Database) -> SimpleNamespace:
    return SimpleNamespace(database=fresh_database, settings=Settings(_env_file=None))


def test_the_second_run_of_a_session_says_whom_it_waits_for_and_comes_after_it(platform) -> None:
    said: list[str] = []
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        def say(text: str) -> None:
            said.append(text)
            waits.set()

        with one_at_a_time(platform, DAY, say):
            order.append("second")

    thread = threading.Thread(target=second)
    with one_at_a_time(platform, DAY, said.append):
        thread.start()
        assert waits.wait(30)
        with one_at_a_time(platform, OTHER_DAY, said.append):
            order.append("another session")
        order.append("first")
    thread.join(30)
    assert order == ["another session", "first", "second"]
    (sentence,) = said
    assert sentence.startswith(f"Session 2024-05-02 is being run by process {os.getpid()} since ")
    assert sentence.endswith(("CST: waiting for its end", "CDT: waiting for its end"))
    assert platform.database.lock_holder(f"run of session {DAY}") is None


def test_a_run_that_fails_lets_the_next_one_in(platform) -> None:
    with pytest.raises(ValueError, match="bars"), one_at_a_time(platform, DAY, pytest.fail):
        raise ValueError("bars")
    with one_at_a_time(platform, DAY, pytest.fail):
        assert platform.database.lock_holder(f"run of session {DAY}").process == os.getpid()
