"""The sessions are those of exchange_calendars, whether they were kept on disk or made anew."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC
from pathlib import Path

import exchange_calendars
import pytest

from trading_assets import sessions

LAST = "from trading_assets.sessions import last_session; print(last_session())"


@pytest.fixture
def fresh():
    """Forget what was read before, and after."""
    cached = (sessions._minutes, sessions._sessions, sessions._hours, sessions._openings)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch, fresh) -> Path:
    """Where they are kept, for this test alone."""
    monkeypatch.setattr(sessions, "__file__", str(tmp_path / "sessions.py"))
    return tmp_path / "__pycache__"


def assert_right() -> None:
    known = exchange_calendars.get_calendar("XNYS", start=sessions.FIRST_SESSION.isoformat())
    expected = {
        day.date(): (opens.to_pydatetime().astimezone(UTC), closes.to_pydatetime().astimezone(UTC))
        for day, opens, closes in zip(known.sessions, known.opens, known.closes, strict=True)
    }
    assert {day: (sessions.session_open(day), sessions.session_close(day)) for day in expected} == expected
    assert sessions.last_session() == known.last_session.date()


def test_they_are_made_once_kept_and_read_back_the_same(folder, fresh):
    assert_right()
    (kept,) = folder.iterdir()
    sessions._minutes.cache_clear()
    kept.chmod(0o400)
    assert_right()
    assert list(folder.iterdir()) == [kept]


@pytest.mark.parametrize("content", [b"", b"half of it", b"\x93NUMPY"])
def test_a_damaged_file_is_made_anew(folder, content):
    assert_right()
    (kept,) = folder.iterdir()
    kept.write_bytes(content)
    for function in (sessions._minutes, sessions._sessions, sessions._hours):
        function.cache_clear()
    assert_right()
    assert kept.stat().st_size > 10_000


def test_where_nothing_can_be_written_they_are_made_all_the_same(tmp_path, monkeypatch, fresh):
    (tmp_path / "__pycache__").write_text("a file where the folder should be")
    monkeypatch.setattr(sessions, "__file__", str(tmp_path / "sessions.py"))
    assert_right()


def test_reading_them_imports_no_calendar():
    subprocess.run([sys.executable, "-c", LAST], check=True, capture_output=True)
    code = f"import sys; {LAST}; sys.exit(bool({{'pandas', 'exchange_calendars'}} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
