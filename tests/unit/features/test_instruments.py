"""What a symbol stands for: a vendor's identity where there is one, else what its silences say; and a name is for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from trading_assets.features.instruments import Identity, instruments_of, spans_of
from trading_assets.quality.seams import instrument_seam
from trading_assets.sessions import sessions_between
from trading_assets.tables.listings import INSTRUMENTS

FIRST, GONE, BACK, LAST = date(2023, 10, 2), date(2024, 7, 19), date(2024, 9, 3), date(2024, 12, 2)
REUSED = [("REU2", FIRST, GONE), ("REU2", BACK, LAST)]


def figi(symbol, first, last, name):
    return Identity(symbol, first, last, share_class_figi=f"BBG{name}")


def shown(found):
    return [(i.instrument_id, i.symbol, i.first_session, i.last_session, i.begun, i.evidence) for i in found]


def seams(found):
    rows = pl.DataFrame(
        [vars(item) for item in found], schema={n: INSTRUMENTS.schema[n] for n in vars(found[0])}
    )
    measured = instrument_seam(rows)
    return measured.details.select("session", "symbol", "value").rows()


def test_a_symbol_that_was_silent_for_long_is_two_instruments():
    days = [*sessions_between(FIRST, GONE), *sessions_between(BACK, LAST)]
    bars = pl.DataFrame({"symbol": "REU2", "session": days}).vstack(
        pl.DataFrame({"symbol": "SPY", "session": sessions_between(FIRST, LAST)})
    )
    spans = spans_of(bars)
    assert spans == [*REUSED, ("SPY", FIRST, LAST)]
    found = instruments_of(spans, [], [])
    assert shown(found) == [
        ("REU2@2023-10-02", "REU2", FIRST, GONE, "first_bar", "none"),
        ("REU2@2024-09-03", "REU2", BACK, None, "silence", "none"),
        ("SPY@2023-10-02", "SPY", FIRST, None, "first_bar", "none"),
    ]
    assert seams(found) == [(BACK, "REU2", "goes on after no bar since 2024-07-19")]


def test_a_vendor_that_names_both_sides_decides():
    other = instruments_of(REUSED, [figi("REU2", FIRST, GONE, "A"), figi("REU2", BACK, LAST, "B")], [])
    assert [(item.instrument_id, item.evidence) for item in other] == [("BBGA", "none"), ("BBGB", "other")]
    same = instruments_of(REUSED, [figi("REU2", FIRST, LAST, "A")], [])
    assert [(item.instrument_id, item.evidence) for item in same] == [("BBGA", "none"), ("BBGA", "same")]
    assert seams(other) == seams(same) == []
    half = instruments_of(REUSED, [figi("REU2", BACK, LAST, "B")], [])
    assert len(seams(half)) == 1


def test_another_identity_without_a_silence_is_another_instrument_and_a_finding():
    changed = date(2024, 5, 1)
    told = [figi("AAA", FIRST, changed - timedelta(days=1), "A"), figi("AAA", changed, LAST, "B")]
    found = instruments_of([("AAA", FIRST, LAST)], told, [])
    assert shown(found) == [
        ("BBGA", "AAA", FIRST, changed - timedelta(days=1), "first_bar", "none"),
        ("BBGB", "AAA", changed, None, "identity", "other"),
    ]
    assert seams(found) == [(changed, "AAA", "another share by its FIGI since 2024-05-01: BBGB")]


def test_a_new_symbol_keeps_the_instrument_and_ends_the_old_one():
    change = date(2024, 5, 1)
    spans = [("NEW", change, LAST), ("OLD", FIRST, change - timedelta(days=1))]
    found = instruments_of(spans, [], [("OLD", "NEW", change)])
    assert shown(found) == [
        ("OLD@2023-10-02", "NEW", change, None, "symbol_change", "none"),
        ("OLD@2023-10-02", "OLD", FIRST, change - timedelta(days=1), "first_bar", "none"),
    ]
    by_figi = instruments_of(spans, [figi("OLD", FIRST, FIRST, "A"), figi("NEW", LAST, LAST, "A")], [])
    assert {item.instrument_id for item in by_figi} == {"BBGA"}


def test_what_was_called_by_a_name_is_called_so_for_ever():
    before = instruments_of(REUSED, [], [])
    told = [figi("REU2", FIRST, GONE, "A"), figi("REU2", BACK, LAST, "B")]
    later = instruments_of(REUSED, told, [], before)
    assert [item.instrument_id for item in later] == [item.instrument_id for item in before]
    assert [item.share_class_figi for item in later] == ["BBGA", "BBGB"]
    longer = [("REU2", date(2020, 1, 2), GONE), REUSED[1]]
    assert [i.instrument_id for i in instruments_of(longer, [], [], before)] == [
        i.instrument_id for i in before
    ]
    assert (
        shown([replace(before[0], first_session=date(2020, 1, 2))])[0]
        == shown(instruments_of(longer, [], [], before))[0]
    )


def test_one_wrong_day_of_a_vendor_changes_nothing():
    odd = date(2024, 1, 10)
    told = [
        figi("AAA", FIRST, odd - timedelta(days=1), "A"),
        figi("AAA", odd, odd, "B"),
        figi("AAA", odd + timedelta(days=1), LAST, "A"),
    ]
    found = instruments_of([("AAA", FIRST, LAST)], told, [])
    assert shown(found) == [("BBGA", "AAA", FIRST, None, "first_bar", "none")]


def test_two_shares_at_one_time_never_have_one_id():
    told = [figi("GOOG", FIRST, LAST, "A"), figi("GOOGL", FIRST, LAST, "A")]
    found = instruments_of([("GOOG", FIRST, LAST), ("GOOGL", FIRST, LAST)], told, [])
    assert [item.instrument_id for item in found] == ["BBGA", "GOOGL@2023-10-02"]
    wrong = instruments_of([("AAA", FIRST, LAST)], [figi("AAA", FIRST, LAST, "B")], [])
    told = [figi("AAA", FIRST, LAST, "A"), figi("BBB", FIRST, LAST, "B")]
    later = instruments_of([("AAA", FIRST, LAST), ("BBB", FIRST, LAST)], told, [], wrong)
    assert [item.instrument_id for item in later] == ["BBGB", "BBB@2023-10-02"]


def test_a_new_symbol_that_somebody_else_had_before_is_no_finding():
    change = date(2024, 6, 10)
    spans = [
        ("FB", FIRST, change - timedelta(days=3)),
        ("META", FIRST, date(2024, 1, 31)),
        ("META", change, LAST),
    ]
    found = instruments_of(spans, [], [("FB", "META", change), ("ZZZ", "META", date(2015, 1, 2))])
    last = found[-1]
    assert (last.symbol, last.instrument_id, last.begun) == ("META", "FB@2023-10-02", "symbol_change")
    assert seams(found) == []
