"""A source that lacks a symbol for good is told once, with the sources that are left."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.coverage import COVERAGE_LOOK_BACK, LACKING_SESSIONS, source_coverage
from trading_assets.quality.outcome import judge
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS

DAYS = sessions_between(date(2024, 1, 2), date(2024, 12, 31))
SOURCES = ("alpaca", "polygon", "yahoo")
WHOLE = range(len(DAYS))


def answers(**had: dict[str, range | list[int]]) -> pl.DataFrame:
    """Bars by symbol and source; every source has SPY on all sessions."""
    rows = [("SPY", DAYS[number], source) for source in SOURCES for number in WHOLE]
    rows += [
        (symbol, DAYS[number], source)
        for symbol, sources in had.items()
        for source, numbers in sources.items()
        for number in numbers
    ]
    schema = {"symbol": pl.String, "session": pl.Date, "source": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def found(told: pl.DataFrame, first: int = 0, last: int = len(DAYS) - 1) -> list[tuple[int, str, str]]:
    """Findings (number of the session, source, value) of a range that is checked at once."""
    start = DAYS[max(first - COVERAGE_LOOK_BACK, 0)]
    bars = pl.DataFrame(schema=DAILY_BARS.schema)
    checked = CheckedBars(
        bars, bars, DAYS[first : last + 1], vendor_sources=SOURCES,
        answers=told.filter(pl.col("session").is_between(start, DAYS[last])),
    )  # fmt: skip
    rows = source_coverage(checked).details.select("session", "source", "value").rows()
    return sorted((DAYS.index(session), source, value.split("; ", 1)[1]) for session, source, value in rows)


def test_a_symbol_that_a_source_never_had_is_told_on_the_twentieth_session_and_never_again():
    told = answers(ABC={"polygon": WHOLE, "alpaca": WHOLE}, XYZ={"polygon": range(50, 250)})
    assert found(told) == [
        (LACKING_SESSIONS - 1, "yahoo", "1 with 2 sources left: ABC"),
        (50 + LACKING_SESSIONS - 1, "alpaca", "1 with 1 source left: XYZ"),
        (50 + LACKING_SESSIONS - 1, "yahoo", "1 with 1 source left: XYZ"),
    ]


def test_symbols_of_one_day_are_one_finding_of_their_source():
    both = {"polygon": WHOLE, "alpaca": WHOLE}
    told = answers(**{"BRK.B": both, "BF.B": both, "ODD": {"polygon": WHOLE}})
    by_source = {source: value for _, source, value in found(told)}
    assert by_source == {
        "yahoo": "1 with 1 source left: ODD; 2 with 2 sources left: BF.B, BRK.B",
        "alpaca": "1 with 1 source left: ODD",
    }


def test_a_source_that_stops_is_told_once_and_again_after_it_had_come_back():
    kept = [*range(60), *range(150, 170)]
    told = answers(ABC={"polygon": WHOLE, "yahoo": kept, "alpaca": WHOLE})
    assert [number for number, _, _ in found(told)] == [60 + LACKING_SESSIONS - 1, 170 + LACKING_SESSIONS - 1]


def test_gaps_days_without_the_source_and_symbols_that_hardly_trade_say_nothing():
    gaps = [number for number in WHOLE if number % 25 >= 19]
    seldom = list(range(0, len(DAYS), 3))
    told = answers(GAPS={"polygon": WHOLE, "alpaca": WHOLE, "yahoo": gaps}, THIN={"polygon": seldom})
    assert found(told) == []
    down = pl.col("session").is_between(DAYS[100], DAYS[160]) & (pl.col("source") == "yahoo")
    whole = dict.fromkeys(SOURCES, WHOLE)
    assert found(answers(ABC=whole).filter(~down)) == [], "it answered for nobody"


@settings(max_examples=12, deadline=None)
@given(
    had=st.dictionaries(
        st.sampled_from(SOURCES),
        st.lists(st.tuples(st.integers(0, 200), st.integers(1, 120)), min_size=1, max_size=3),
        min_size=1,
    ),
    size=st.integers(20, 126),
)
def test_a_range_tells_what_its_sessions_tell_one_by_one(had, size):
    spans = {
        source: sorted({number for first, length in parts for number in range(first, min(first + length, len(DAYS)))})
        for source, parts in had.items()
    }  # fmt: skip
    told = answers(ABC=spans)
    parts = [found(told, first, min(first + size, len(DAYS)) - 1) for first in range(0, len(DAYS), size)]
    assert [row for part in parts for row in part] == found(told)


def test_it_is_information_and_counts_the_sources_of_the_bars():
    bars = pl.DataFrame({"symbol": ["A", "B", "C"], "session": DAYS[:1] * 3, "source_count": [1, 3, 3]}).cast(
        {"source_count": pl.Int32}
    )
    told = answers(ABC={"polygon": WHOLE})
    checked = CheckedBars(bars, bars.clear(), DAYS[:25], vendor_sources=SOURCES, answers=told)
    outcome = judge("source_coverage", source_coverage(checked), QualityThresholds())
    assert (outcome.severity, outcome.is_blocking, outcome.blocked_sessions) == ("warn", False, frozenset())
    assert {*outcome.findings["severity"]} == {"warn"}
    assert (outcome.numbers["bars_of_1_sources"], outcome.numbers["bars_of_3_sources"]) == (1, 2)


@pytest.mark.parametrize("told", [None, answers().clear()])
def test_nothing_answered_is_nothing_found(told):
    bars = pl.DataFrame(schema=DAILY_BARS.schema)
    checked = CheckedBars(bars, bars, DAYS[:3], vendor_sources=SOURCES, answers=told)
    assert source_coverage(checked).details.is_empty()
