"""Session checks warn about what was taken out, and stop the graph when too much was, or when a bad bar got through."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.quality.checked import CheckedBars
from trading_assets.quality.checks import CHECKS, check_sessions, run_check
from trading_assets.quality.outcome import (
    ACCEPTED_SCHEMA,
    FINDING_SCHEMA,
    CheckOutcome,
    Measured,
    findings_frame,
    judge,
)
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.sessions import sessions_between
from trading_assets.tables.daily import DAILY_BARS, QUARANTINED_BARS
from trading_assets.tables.listings import CORPORATE_ACTIONS

HISTORY = sessions_between(date(2016, 5, 31), date(2016, 6, 30))
SESSIONS = HISTORY[-4:]
LAST = SESSIONS[-1]
SYMBOLS = [f"S{number:03d}" for number in range(200)]


def accepted(session: date = LAST, symbols: list[str] = SYMBOLS, **values: object) -> pl.DataFrame:
    place = HISTORY.index(session) if session in HISTORY else 0
    row = {
        "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0 + place / 100, "volume": 200_000.0 + place, "vwap": None,
        "trade_count": None, "source": "polygon", "source_count": 2, "close_difference_frac": 0.0,
        "volume_difference_frac": 0.0, "batch_id": "b",
    } | values  # fmt: skip
    schema = {name: kind for name, kind in DAILY_BARS.schema.items() if name != "known_at"}
    return pl.DataFrame([{"symbol": symbol, "session": session, **row} for symbol in symbols], schema=schema)


def refused(rule: str, symbols: list[str], session: date = LAST, **values: object) -> pl.DataFrame:
    row = {
        "session": session,
        "source": "yahoo",
        "rule": rule,
        "expectation": "sense",
        "close": 0.0,
        "batch_id": "b",
    }
    schema = {name: kind for name, kind in QUARANTINED_BARS.schema.items() if name != "known_at"}
    return pl.DataFrame([{"symbol": symbol, **row, **values} for symbol in symbols], schema=schema)


NOTHING = refused("duplicate", [])
BEFORE = pl.concat([accepted(day) for day in HISTORY[:-1]])


def verdict(
    name: str,
    bars: pl.DataFrame,
    quarantined: pl.DataFrame = NOTHING,
    *,
    sessions: list[date] | None = None,
    **more: object,
) -> CheckOutcome:
    return run_check(name, CheckedBars(bars, quarantined, sessions or [LAST], **{"before": BEFORE} | more))


def symbols_of(outcome: CheckOutcome) -> list[str]:
    return outcome.findings["symbol"].drop_nulls().to_list()


def blocking(outcome: CheckOutcome) -> list[str]:
    """Values of the findings that block the session."""
    rows = outcome.findings.filter(pl.col("symbol").is_null(), pl.col("severity") == "error")
    return rows["value"].to_list()


def person_accepts(outcome: CheckOutcome, *, symbols: bool) -> pl.DataFrame:
    rows = outcome.findings.filter(pl.col("symbol").is_not_null() if symbols else pl.col("symbol").is_null())
    return rows.with_columns(check_name=pl.lit(outcome.name)).select(ACCEPTED_SCHEMA.names())


def test_clean_sessions_pass_every_check():
    bars = pl.concat([accepted(session) for session in SESSIONS])
    before = BEFORE.filter(pl.col("session") < SESSIONS[0])
    outcomes = check_sessions(CheckedBars(bars, NOTHING, SESSIONS, before=before))
    assert [outcome.name for outcome in outcomes] == list(CHECKS)
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
        ("unfinished_bar", "unfinished_bar"),
    ],
)
def test_a_few_refused_bars_warn_and_many_stop(name, rule):
    few = verdict(name, accepted(symbols=SYMBOLS[2:]), refused(rule, SYMBOLS[:2]))
    assert (few.passed, few.severity, few.is_blocking) == (False, "warn", False)
    assert symbols_of(few) == SYMBOLS[:2]
    assert set(few.findings["severity"]) == {"error"}, "no new risk in these symbols"
    assert few.findings.schema == FINDING_SCHEMA
    many = verdict(name, accepted(symbols=SYMBOLS[3:]), refused(rule, SYMBOLS[:3]))
    assert many.is_blocking
    assert blocking(many)[0].startswith("3 of 200 symbols lost their bar")
    assert "nothing may be decided on it" in many.summary


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
    wrong = accepted(symbols=["BAD"], **bad) if "session" not in bad else accepted(bad["session"], ["BAD"])
    outcome = verdict(name, pl.concat([accepted(), wrong]))
    assert outcome.is_blocking
    assert symbols_of(outcome) == ["BAD"]
    assert blocking(outcome)[0].startswith("1 accepted in error, the first: BAD open")


def test_a_repeated_key_among_the_accepted_stops():
    assert verdict("duplicates", pl.concat([accepted(), accepted(symbols=["S000"])])).is_blocking


@pytest.mark.parametrize(("missing", "stops"), [(1, False), (10, False), (11, True)])
def test_a_symbol_that_had_a_bar_lately_is_expected_to_have_one(missing, stops):
    outcome = verdict("completeness", accepted(symbols=SYMBOLS[missing:]))
    assert (outcome.passed, outcome.is_blocking) == (False, stops)
    assert symbols_of(outcome) == SYMBOLS[:missing]
    assert set(outcome.findings.drop_nulls("symbol")["expectation"]) == {f"a bar, as on {HISTORY[-2]}"}


def test_what_was_missing_yesterday_is_still_missed_today_and_forgotten_after_the_span():
    gone = SYMBOLS[:20]
    since = {day: BEFORE.filter((pl.col("session") < day) | ~pl.col("symbol").is_in(gone)) for day in HISTORY}
    for day, found in ((HISTORY[-2], True), (HISTORY[-5], True), (HISTORY[-6], False)):
        outcome = verdict("completeness", accepted(symbols=SYMBOLS[20:]), before=since[day])
        assert outcome.is_blocking is found, day


def listed(symbols: list[str], **values: object) -> pl.DataFrame:
    row = {"session": LAST, "status": "active", "listed_date": None, "delisted_date": None} | values
    kinds = {
        "symbol": pl.String,
        "session": pl.Date,
        "status": pl.String,
        "listed_date": pl.Date,
        "delisted_date": pl.Date,
    }
    return pl.DataFrame([{"symbol": symbol, **row} for symbol in symbols], schema=kinds)


def test_who_left_the_universe_is_not_expected_and_a_new_listing_is_named():
    universe = pl.concat(
        [
            listed(SYMBOLS[20:]),
            listed(SYMBOLS[:20], delisted_date=LAST),
            listed(["NEW"], listed_date=HISTORY[-2]),
        ]
    )
    outcome = verdict("completeness", accepted(symbols=SYMBOLS[20:]), universe=universe)
    assert not outcome.is_blocking
    assert outcome.findings.select("symbol", "value", "severity").rows() == [("NEW", "no bar yet", "warn")]


def test_most_of_the_universe_without_bars_stops_even_on_the_first_session_of_a_history():
    outcome = verdict("completeness", accepted(symbols=SYMBOLS[:90]), universe=listed(SYMBOLS), before=None)
    assert blocking(outcome) == ["110 of 200 listed symbols have no bar"]
    assert verdict("completeness", accepted(), universe=listed(SYMBOLS), before=None).passed


def test_a_delisting_or_a_new_ticker_explains_the_missing_bar():
    actions = action(SYMBOLS[0], "delisting")
    outcome = verdict("completeness", accepted(symbols=SYMBOLS[1:]), actions=actions)
    assert outcome.passed


def test_a_session_without_any_bar_stops_even_without_expectations():
    outcome = verdict("completeness", accepted(symbols=[]), before=None)
    assert outcome.is_blocking
    assert outcome.findings["value"].to_list() == ["no bar at all"]


def test_one_missing_symbol_of_a_handful_is_no_reason_to_stop():
    before = accepted(HISTORY[-2], SYMBOLS[:5])
    assert verdict("completeness", accepted(symbols=SYMBOLS[:4]), before=before).severity == "warn"


def test_a_partial_session_is_found_in_the_middle_of_a_range():
    bars = pl.concat([accepted(day, SYMBOLS[:100] if day == SESSIONS[1] else SYMBOLS) for day in SESSIONS])
    outcome = verdict("completeness", bars, sessions=SESSIONS, before=None)
    assert outcome.blocked_sessions == {SESSIONS[1]}
    assert outcome.numbers["worst_session"] == SESSIONS[1].isoformat()


@pytest.mark.parametrize(("differing", "stops"), [(1, False), (10, False), (11, True)])
def test_disagreeing_closes_warn_and_many_stop(differing, stops):
    odd = accepted(symbols=SYMBOLS[:differing], close_difference_frac=0.02)
    outcome = verdict("cross_source_difference", pl.concat([odd, accepted(symbols=SYMBOLS[differing:])]))
    assert (outcome.passed, outcome.is_blocking) == (False, stops)
    assert symbols_of(outcome) == SYMBOLS[:differing]


@pytest.mark.parametrize(("share", "stops"), [(90, False), (110, True)])
def test_volumes_that_differ_are_information_until_most_do(share, stops):
    odd = accepted(symbols=SYMBOLS[:share], volume_difference_frac=0.5)
    outcome = verdict("cross_source_difference", pl.concat([odd, accepted(symbols=SYMBOLS[share:])]))
    assert (outcome.is_blocking, outcome.numbers["volumes_differ"]) == (stops, share)
    assert set(outcome.findings.drop_nulls("symbol")["severity"]) == {"warn"}


def test_a_source_with_half_the_volume_of_the_others_has_not_seen_the_close():
    def reported(source: str, volume: float) -> pl.DataFrame:
        rows = {"symbol": SYMBOLS, "session": [LAST] * len(SYMBOLS), "volume": [volume] * len(SYMBOLS)}
        return pl.DataFrame(rows).with_columns(source=pl.lit(source))

    vendor = pl.concat([reported("polygon", 60.0), reported("yahoo", 100.0), reported("alpaca", 2.0)])
    outcome = verdict("unfinished_bar", accepted(), vendor=vendor, partial_volume=("alpaca",))
    assert outcome.is_blocking
    assert outcome.findings.select("source", "value").rows() == [
        ("polygon", "median volume is 0.6 of the other sources'")
    ]


def test_repeated_bars_stop_their_symbols_and_many_of_them_the_session():
    yesterday = BEFORE.filter(pl.col("session") == HISTORY[-2]).with_columns(session=pl.lit(LAST))
    for repeated, stops in ((2, False), (3, True)):
        bars = pl.concat([yesterday.head(repeated), accepted(symbols=SYMBOLS[repeated:])])
        outcome = verdict("stale_price", bars)
        assert (symbols_of(outcome), outcome.is_blocking) == (SYMBOLS[:repeated], stops)


def test_closes_that_mostly_equal_yesterdays_stop_the_session():
    same = BEFORE.filter(pl.col("session") == HISTORY[-2])["close"][0]
    bars = pl.concat([accepted(symbols=SYMBOLS[:41], close=same), accepted(symbols=SYMBOLS[41:])])
    assert blocking(verdict("stale_price", bars)) == ["41 of 200 closes equal the session before"]


def test_prices_that_do_not_move_although_there_is_trade_are_mentioned_once():
    stuck = pl.concat([accepted(day, ["S000"], close=10.5) for day in HISTORY[-4:-1]])
    before = pl.concat(
        [BEFORE.filter((pl.col("symbol") != "S000") | (pl.col("session") < HISTORY[-4])), stuck]
    )
    outcome = verdict("stale_price", accepted(symbols=["S000"], close=10.5), before=before)
    assert outcome.findings.select("symbol", "value", "severity").rows() == [
        ("S000", "open, high, low and close 10.5 for 4 traded sessions", "warn")
    ]


@pytest.mark.parametrize(
    ("factor", "stops"),
    [(0.59, True), (0.61, False), (3.9, False), (4.1, True)],
    ids=["low", "calm", "busy", "units"],
)
def test_a_session_with_another_volume_than_usual_stops(factor, stops):
    usual = BEFORE["volume"].median()
    outcome = verdict("volume_collapse", accepted(volume=usual * factor))
    assert outcome.is_blocking is stops


def test_half_of_the_volume_is_usual_on_a_half_day():
    half_day = date(2015, 11, 27)
    before = sessions_between(date(2015, 11, 1), date(2015, 11, 26))
    earlier = pl.concat([accepted(day) for day in before])
    bars = accepted(half_day, volume=60_000.0)
    assert verdict("volume_collapse", bars, sessions=[half_day], before=earlier).passed


def test_a_liquid_symbol_that_lost_its_volume_gets_no_new_risk():
    bars = pl.concat([accepted(symbols=["S000"], volume=100.0), accepted(symbols=SYMBOLS[1:])])
    outcome = verdict("volume_collapse", bars)
    assert (symbols_of(outcome), outcome.is_blocking) == (["S000"], False)
    lumpy = BEFORE.with_columns(
        volume=pl.when(pl.col("session") == HISTORY[-3]).then(150.0).otherwise("volume")
    )
    assert verdict("volume_collapse", bars, before=lumpy).passed
    thin = BEFORE.with_columns(volume=pl.col("volume") / 100)
    assert verdict("volume_collapse", bars.with_columns(volume=pl.col("volume") / 100), before=thin).passed


def test_a_reverse_split_is_no_collapse_of_the_volume():
    bars = pl.concat([accepted(symbols=["S000"], volume=2_000.0), accepted(symbols=SYMBOLS[1:])])
    assert symbols_of(verdict("volume_collapse", bars)) == ["S000"]
    assert verdict("volume_collapse", bars, actions=action("S000", split_ratio=0.01)).passed


def action(symbol: str, kind: str = "split", **values: object) -> pl.DataFrame:
    row = {"symbol": symbol, "ex_date": LAST, "kind": kind, "source": "polygon", "batch_id": "b"} | values
    return pl.DataFrame([row], schema={n: k for n, k in CORPORATE_ACTIONS.schema.items() if n != "known_at"})


def halved(volume: float = 400_000.0) -> pl.DataFrame:
    bar = {"open": 5.1, "high": 5.2, "low": 5.0, "close": 5.09, "volume": volume}
    return pl.concat([accepted(symbols=["S000"], **bar), accepted(symbols=SYMBOLS[1:])])


def test_a_price_that_halves_quietly_is_a_split_nobody_told():
    outcome = verdict("missing_split", halved(), actions=action("S001", "cash_dividend", cash_usd=1.0))
    assert (symbols_of(outcome), outcome.is_blocking) == (["S000"], True)
    assert outcome.findings.drop_nulls("symbol")["value"].to_list() == [
        "close 5.09 after 10.21, as by a split of 2.0"
    ]
    assert verdict("missing_split", halved(), actions=action("S000", split_ratio=2.0)).passed
    assert verdict("missing_split", halved(volume=4_000_000.0)).passed, "a crash trades far more"


def test_a_split_that_the_prices_do_not_follow_is_found():
    outcome = verdict("missing_split", accepted(), actions=action("S000", split_ratio=2.0))
    assert symbols_of(outcome) == ["S000"]
    assert "about 5.105 after the split of 2.0" in outcome.findings["expectation"][-1]
    assert symbols_of(verdict("missing_split", halved(), actions=action("S000", split_ratio=4.0))) == ["S000"]


def test_a_refused_jump_by_a_simple_ratio_is_named_a_missing_split():
    jump = refused("unexplained_jump", ["S000"], open=101.0, close=100.0, reference_close=10.0)
    outcome = verdict("missing_split", accepted(symbols=SYMBOLS[1:]), jump)
    assert outcome.findings.drop_nulls("symbol")["value"].to_list() == [
        "close 100.0 after 10.0, as by a split of 0.1"
    ]


def test_a_column_that_suddenly_is_null_is_named():
    before = BEFORE.with_columns(vwap=pl.lit(10.0))
    outcome = verdict("null_rate", accepted(), before=before)
    assert (outcome.severity, outcome.findings["value"].to_list()) == (
        "warn", ["vwap is null in 100.0 % of the rows, 0.0 % before"],
    )  # fmt: skip


def test_a_session_that_no_source_was_asked_for_stops_and_a_source_that_fell_behind_warns():
    def asked(*pairs: tuple[str, date]) -> pl.DataFrame:
        when = datetime(2016, 7, 1, tzinfo=UTC)
        rows = [(source, session, when, True) for source, session in pairs]
        return pl.DataFrame(rows, schema=["source", "session", "fetched_at", "is_final"], orient="row")

    late = verdict("freshness", accepted(), fetches=asked(("yahoo", LAST), ("polygon", HISTORY[-4])))
    assert (late.severity, late.findings["value"].to_list()) == (
        "warn", [f"newest fetch covers {HISTORY[-4]}, 3 sessions behind"],
    )  # fmt: skip
    assert blocking(verdict("freshness", accepted(), fetches=asked(("yahoo", HISTORY[-2])))) == [
        "no source was asked for this session"
    ]


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
    outcome = verdict("positive_prices", bars, quarantined, sessions=SESSIONS, thresholds=limits)
    assert outcome.blocked_sessions == {sick}
    assert outcome.numbers["findings"] == len(SYMBOLS) - 9 + len(SESSIONS) - 1
    assert outcome.findings["session"][0] == sick


def test_every_error_about_a_symbol_is_listed_for_it_to_stop_new_risk_and_warnings_up_to_the_limit():
    rows = pl.DataFrame({"symbol": [*SYMBOLS, *SYMBOLS], "session": SESSIONS[0]})
    severity = pl.when(pl.int_range(pl.len()) < len(SYMBOLS)).then(pl.lit("warn")).otherwise(pl.lit("error"))
    measured = Measured(findings_frame(rows, severity=severity), "symbols")
    listed = judge("check", measured, QualityThresholds(max_findings=3)).findings
    assert sorted(listed.filter(severity="error")["symbol"]) == sorted(SYMBOLS)
    assert listed.filter(severity="warn").height <= 3


def test_a_hole_right_before_the_range_blocks_its_first_session_and_says_how_to_fill_it():
    later = SESSIONS[2:]
    bars = pl.concat([accepted(session) for session in later])
    outcome = verdict("completeness", bars, sessions=later, before=None, hole=SESSIONS[:2])
    assert outcome.blocked_sessions == {later[0]}
    (finding,) = outcome.findings.rows(named=True)
    assert f"backfill --start {SESSIONS[0]} --end {SESSIONS[1]}" in finding["expectation"]


def test_an_accepted_verdict_unblocks_until_its_findings_change():
    bars = accepted(symbols=SYMBOLS[11:])
    first = verdict("completeness", bars)
    known = person_accepts(first, symbols=False)
    again = verdict("completeness", bars, accepted=known)
    assert (again.is_blocking, again.numbers["accepted"]) == (False, 1)
    assert again.findings.equals(first.findings), "what was found stays visible"
    others = verdict("completeness", accepted(symbols=SYMBOLS[:-11]), accepted=known)
    assert others.is_blocking, "eleven other symbols are another verdict"


def test_accepted_rows_are_not_counted_and_another_value_is_a_new_finding():
    bars, quarantined = accepted(symbols=SYMBOLS[3:]), refused("non_positive_price", SYMBOLS[:3])
    known = person_accepts(verdict("positive_prices", bars, quarantined), symbols=True)
    again = verdict("positive_prices", bars, quarantined, accepted=known)
    assert (again.passed, again.is_blocking) == (True, False)
    assert "3 accepted by a person" in again.summary
    changed = quarantined.with_columns(close=pl.lit(-1.0))
    assert verdict("positive_prices", bars, changed, accepted=known).is_blocking


def test_a_demoted_check_only_warns():
    limits = QualityThresholds(warn_only=frozenset({"completeness"}))
    outcome = verdict("completeness", accepted(symbols=SYMBOLS[50:]), thresholds=limits)
    assert (outcome.passed, outcome.is_blocking, outcome.blocked_sessions) == (False, False, frozenset())
    assert set(outcome.findings["severity"]) == {"warn"}
