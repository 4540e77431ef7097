"""Session checks warn about what was taken out, and stop the graph when too much was, or when a bad bar got through."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from trading_assets.quality.checks import (
    CHECK_NAMES,
    CHECKS,
    FINDING_SCHEMA,
    CheckedBars,
    check_sessions,
    expected_from_previous,
)
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.schemas import DAILY_BARS, QUARANTINED_BARS
from trading_assets.sessions import sessions_between

SESSIONS = sessions_between(date(2016, 6, 27), date(2016, 6, 30))
LAST = SESSIONS[-1]
SYMBOLS = [f"S{number:03d}" for number in range(200)]


def accepted(session: date = LAST, symbols: list[str] = SYMBOLS, **values: object) -> pl.DataFrame:
    row = {
        "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0, "volume": 100.0, "vwap": None, "trade_count": None,
        "source": "polygon", "source_count": 2, "close_difference_frac": 0.0, "volume_difference_frac": 0.0,
        "batch_id": "b",
    } | values  # fmt: skip
    schema = {name: kind for name, kind in DAILY_BARS.schema.items() if name != "known_at"}
    return pl.DataFrame([{"symbol": symbol, "session": session, **row} for symbol in symbols], schema=schema)


def refused(rule: str, symbols: list[str], session: date = LAST) -> pl.DataFrame:
    row = {
        "session": session,
        "source": "yahoo",
        "rule": rule,
        "expectation": "sense",
        "close": 0.0,
        "batch_id": "b",
    }
    schema = {name: kind for name, kind in QUARANTINED_BARS.schema.items() if name != "known_at"}
    return pl.DataFrame([{"symbol": symbol, **row} for symbol in symbols], schema=schema)


NOTHING = refused("duplicate", [])


def verdict(name: str, bars: pl.DataFrame, quarantined: pl.DataFrame = NOTHING, **more: object):
    return CHECKS[name](CheckedBars(bars, quarantined, [LAST], **more))


def test_clean_sessions_pass_every_check():
    bars = pl.concat([accepted(session) for session in SESSIONS])
    outcomes = check_sessions(CheckedBars(bars, NOTHING, SESSIONS, expected_from_previous(bars, SESSIONS)))
    assert [outcome.name for outcome in outcomes] == list(CHECK_NAMES)
    assert all(outcome.passed and not outcome.is_blocking for outcome in outcomes)
    assert {outcome.summary for outcome in outcomes} == {"Nothing found."}


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("duplicates", "duplicate"),
        ("high_at_least_low", "high_below_low"),
        ("high_at_least_low", "outside_range"),
        ("positive_prices", "non_positive_price"),
        ("unexplained_jump", "unexplained_jump"),
        ("unexplained_jump", "absurd_price"),
    ],
)
def test_a_few_refused_bars_warn_and_many_stop(name, rule):
    few = verdict(name, accepted(symbols=SYMBOLS[2:]), refused(rule, SYMBOLS[:2]))
    assert (few.passed, few.severity, few.is_blocking) == (False, "warn", False)
    assert few.findings["symbol"].to_list() == SYMBOLS[:2]
    assert few.findings.schema == FINDING_SCHEMA
    many = verdict(name, accepted(symbols=SYMBOLS[3:]), refused(rule, SYMBOLS[:3]))
    assert many.is_blocking
    assert "the graph stops" in many.summary


def test_refused_bars_that_another_source_replaced_never_stop():
    outcome = verdict("positive_prices", accepted(), refused("non_positive_price", SYMBOLS[:50]))
    assert outcome.severity == "warn"
    assert outcome.numbers["replaced_by_another_source"] == 50


def test_phantom_dates_are_reported_and_do_not_stop():
    outcome = verdict(
        "phantom_session", accepted(), refused("phantom_session", SYMBOLS[:24], date(2016, 5, 30))
    )
    assert (outcome.passed, outcome.severity, outcome.findings.height) == (False, "warn", 24)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("high_at_least_low", {"high": 8.0}),
        ("positive_prices", {"low": 0.0}),
        ("phantom_session", {"session": date(2016, 5, 30)}),
        ("unexplained_jump", {"high": 99_999.0}),
    ],
)
def test_one_bad_bar_among_the_accepted_stops(name, bad):
    rows = pl.concat(
        [
            accepted(),
            accepted(symbols=["BAD"], **bad) if "session" not in bad else accepted(bad["session"], ["BAD"]),
        ]
    )
    outcome = verdict(name, rows)
    assert outcome.is_blocking
    assert outcome.findings["symbol"].to_list() == ["BAD"]


def test_a_repeated_key_among_the_accepted_stops():
    assert verdict("duplicates", pl.concat([accepted(), accepted(symbols=["S000"])])).is_blocking


@pytest.mark.parametrize(("missing", "stops"), [(1, False), (10, False), (11, True)])
def test_completeness_compares_with_the_session_before(missing, stops):
    bars = pl.concat([accepted(SESSIONS[-2]), accepted(symbols=SYMBOLS[missing:])])
    expected = expected_from_previous(bars, [LAST])
    outcome = verdict("completeness", bars.filter(session=LAST), expected=expected)
    assert (outcome.passed, outcome.is_blocking) == (False, stops)
    assert outcome.findings["symbol"].to_list() == SYMBOLS[:missing]


def test_a_session_without_any_bar_stops_even_without_expectations():
    outcome = verdict("completeness", accepted(symbols=[]))
    assert outcome.is_blocking
    assert outcome.findings["value"].to_list() == ["no bar at all"]


def test_one_missing_symbol_of_a_handful_is_no_reason_to_stop():
    bars = pl.concat([accepted(SESSIONS[-2], SYMBOLS[:5]), accepted(symbols=SYMBOLS[:4])])
    expected = expected_from_previous(bars, [LAST])
    assert verdict("completeness", bars.filter(session=LAST), expected=expected).severity == "warn"


def test_a_partial_session_is_found_in_the_middle_of_a_range():
    bars = pl.concat([accepted(day, SYMBOLS[:100] if day == SESSIONS[1] else SYMBOLS) for day in SESSIONS])
    checked = CheckedBars(bars, NOTHING, SESSIONS, expected_from_previous(bars, SESSIONS))
    outcome = CHECKS["completeness"](checked)
    assert outcome.is_blocking
    assert outcome.numbers["worst_session"] == SESSIONS[1].isoformat()


@pytest.mark.parametrize(("differing", "stops"), [(1, False), (10, False), (11, True)])
def test_disagreeing_closes_warn_and_many_stop(differing, stops):
    odd = accepted(symbols=SYMBOLS[:differing], close_difference_frac=0.02)
    outcome = verdict("cross_source_difference", pl.concat([odd, accepted(symbols=SYMBOLS[differing:])]))
    assert (outcome.passed, outcome.is_blocking) == (False, stops)
    assert outcome.findings.height == differing


def test_disagreeing_volumes_only_warn():
    outcome = verdict("cross_source_difference", accepted(volume_difference_frac=0.5))
    assert (outcome.severity, outcome.numbers["volumes_differ"]) == ("warn", 200)


def test_a_sick_session_blocks_itself_and_not_its_neighbours_and_is_listed_whatever_the_limit():
    sick = SESSIONS[1]
    bars = pl.concat(
        [accepted(session, SYMBOLS[1:]) for session in SESSIONS if session != sick]
        + [accepted(sick, SYMBOLS[:9])]
    )
    quarantined = pl.concat(
        [refused("non_positive_price", SYMBOLS[:1], session) for session in SESSIONS if session != sick]
        + [refused("non_positive_price", SYMBOLS[9:], sick)]
    )
    limits = QualityThresholds(max_findings=1)
    outcome = CHECKS["positive_prices"](CheckedBars(bars, quarantined, SESSIONS, thresholds=limits))
    assert outcome.is_blocking
    assert outcome.blocked_sessions == {sick}
    assert outcome.numbers["findings"] == len(SYMBOLS) - 9 + len(SESSIONS) - 1

    nothing = [session for session in SESSIONS if session not in {SESSIONS[0], LAST}]
    bars = pl.concat([accepted(SESSIONS[0]), accepted(LAST)])
    outcome = CHECKS["completeness"](CheckedBars(bars, NOTHING, SESSIONS, thresholds=limits))
    assert outcome.blocked_sessions == set(nothing)
    assert set(outcome.findings["session"]) == set(nothing)


def test_a_hole_right_before_the_range_blocks_its_first_session_and_says_how_to_fill_it():
    later = SESSIONS[2:]
    bars = pl.concat([accepted(session) for session in later])
    outcome = CHECKS["completeness"](CheckedBars(bars, NOTHING, later, hole=SESSIONS[:2]))
    assert outcome.is_blocking
    assert outcome.blocked_sessions == {later[0]}
    (finding,) = outcome.findings.rows(named=True)
    assert f"backfill --start {SESSIONS[0]} --end {SESSIONS[1]}" in finding["expectation"]
