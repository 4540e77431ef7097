"""Cached queries: when one is asked again, what tells two answers apart, and that nobody can spoil an answer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pytest

from app.queries.cached import cached_by
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS

DAY = date(2024, 5, 6)


@dataclass(frozen=True)
class Look:
    """Arguments that belong together, as queries take them."""

    session: date
    as_of: datetime | None = None


@pytest.fixture
def data():
    """The version of the data, which nobody else has."""
    return {"version": uuid.uuid4().hex}


def test_it_is_asked_again_only_when_the_data_have_changed(data):
    asked = []

    @cached_by(lambda *_: data["version"])
    def rows(symbol: str, limit: int = 10) -> int:
        asked.append((symbol, limit))
        return len(asked)

    assert [rows("SPY"), rows("SPY", 10), rows(limit=10, symbol="SPY")] == [1, 1, 1]
    assert [rows("SPY", 11), rows("QQQ")] == [2, 3]
    data["version"] = uuid.uuid4().hex
    assert [rows("SPY"), rows("SPY")] == [4, 4]
    assert asked == [("SPY", 10), ("SPY", 11), ("QQQ", 10), ("SPY", 10)]


def test_the_version_can_depend_on_what_is_asked(data):
    versions = {"bars": data["version"], "fills": data["version"]}
    asked = []

    @cached_by(lambda kind, limit: f"{versions[kind]} of {limit}")
    def rows(kind: str, limit: int = 1) -> str:
        asked.append(kind)
        return kind

    rows("bars"), rows(kind="fills")
    versions["fills"] = uuid.uuid4().hex
    rows("bars"), rows("fills")
    assert asked == ["bars", "fills", "fills"]


def test_tables_and_looks_are_told_apart_and_an_argument_with_an_underscore_is_not(data):
    @cached_by(lambda *_: data["version"])
    def answer(table, look: Look, _symbols: tuple[str, ...]):
        return [table.name, look.session, look.as_of, *_symbols]

    first = answer(DAILY_BARS, Look(DAY), ("A",))
    assert answer(DAILY_BARS, Look(DAY), ("B",)) == first
    assert answer(QUARANTINED_BARS, Look(DAY), ("B",)) == ["quarantined_bars", DAY, None, "B"]
    later = datetime(2024, 5, 7, tzinfo=UTC)
    assert answer(DAILY_BARS, Look(DAY, later), ("B",)) == ["daily_bars", DAY, later, "B"]


def test_two_queries_with_the_same_arguments_have_answers_of_their_own(data):
    @cached_by(lambda *_: data["version"])
    def bars(symbol: str) -> str:
        return f"bars of {symbol}"

    @cached_by(lambda *_: data["version"])
    def fills(symbol: str) -> str:
        return f"fills of {symbol}"

    assert [bars("SPY"), fills("SPY"), bars("SPY")] == ["bars of SPY", "fills of SPY", "bars of SPY"]


def test_what_a_caller_does_to_an_answer_stays_with_the_caller(data):
    @cached_by(lambda *_: data["version"])
    def frame() -> pl.DataFrame:
        return pl.DataFrame({"close": [1.0, 2.0]})

    for _ in range(2):
        mine = frame()
        mine[0, "close"] = 9.0
        mine.insert_column(0, pl.Series("mine", [0, 0]))
    assert frame().to_dict(as_series=False) == {"close": [1.0, 2.0]}


def test_the_answers_that_were_used_longest_ago_go_first(data):
    asked = []

    @cached_by(lambda *_: data["version"], entries=2)
    def row(symbol: str) -> str:
        asked.append(symbol)
        return symbol

    for symbol in ("A", "B", "A", "C", "A", "B"):
        row(symbol)
    assert asked == ["A", "B", "C", "B"]


def test_a_failed_query_is_asked_again(data):
    answers = iter([OSError("away"), 7])

    @cached_by(lambda *_: data["version"])
    def value() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    with pytest.raises(OSError, match="away"):
        value()
    assert value() == 7
