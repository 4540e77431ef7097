"""Which sessions a run answers for: the newest one, what was missed before it, and what may have been corrected."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.missing_work import CATCH_UP_SESSIONS, missing_work, session_window, skipped_sessions
from trading_assets.sessions import sessions_between, shift

NEWEST = date(2024, 5, 3)
DAYS = sessions_between(date(2024, 1, 2), NEWEST)


def ago(count):
    return shift(NEWEST, -count)


@pytest.mark.parametrize(
    ("done", "look_back", "first"),
    [
        ([], 5, NEWEST),  # never begun: nothing is missed
        ([ago(1)], 0, NEWEST),
        ([ago(1)], 5, ago(1)),  # nothing older was ever done
        ([ago(n) for n in range(1, 30)], 5, ago(5)),
        ([ago(n) for n in range(8, 30)], 0, ago(7)),  # seven sessions off
        ([ago(n) for n in range(8, 30)], 5, ago(7)),
        ([ago(n) for n in range(3, 30)], 5, ago(5)),
        ([NEWEST, *(ago(n) for n in range(1, 30))], 2, ago(2)),  # run again
        ([ago(CATCH_UP_SESSIONS + 1)], 5, NEWEST),  # so long ago that `up` fills it
    ],
)
def test_the_window(done, look_back, first):
    assert session_window(NEWEST, done, look_back=look_back) == sessions_between(first, NEWEST)


@pytest.mark.parametrize(
    ("done", "look_back", "skipped"),
    [
        ([], 5, []),
        ([ago(n) for n in (1, 3, 4)], 5, [2]),
        ([ago(n) for n in (1, 3, 5, 6)], 5, [4, 2]),
        ([ago(n) for n in (1, 6)], 3, [3, 2]),  # older ones are out of reach
        ([ago(n) for n in (1, 2, 4)], 0, []),
        ([ago(n) for n in (4, 3)], 5, []),  # what comes after the newest one done is the window's
    ],
)
def test_sessions_that_were_skipped_within_the_look_back(done, look_back, skipped):
    assert skipped_sessions(NEWEST, done, look_back=look_back) == [ago(count) for count in skipped]
    window = session_window(NEWEST, done, look_back=look_back)
    assert window == sessions_between(window[0], NEWEST)
    assert not skipped or window[0] <= ago(skipped[0])


ASSETS = ("universe", "polygon", "yahoo", "actions", "bars", "features")
PARENTS = {
    "polygon": ["universe"],
    "yahoo": ["universe"],
    "actions": ["universe", "yahoo"],
    "bars": ["polygon", "yahoo", "actions"],
    "features": ["bars", "actions", "elsewhere"],
}


@settings(deadline=None)
@given(st.fixed_dictionaries({name: st.sets(st.sampled_from(DAYS)) for name in ASSETS}))
def test_a_backfill_does_exactly_what_is_missing_and_what_depends_on_it_in_order(done):
    done = {name: done[name] for name in ASSETS}  # made from what comes before
    have = {name: set(there) for name, there in done.items()}
    redone = {name: set() for name in ASSETS}
    for names, part in missing_work(DAYS, done, PARENTS):
        assert part == sessions_between(part[0], part[-1])
        for name in names:
            assert not redone[name] & set(part)
            redone[name] |= set(part)
            have[name] |= set(part)
            for parent in PARENTS.get(name, ()):
                assert set(part) <= have.get(parent, set(DAYS))
    for name in ASSETS:
        needed = set(DAYS) - done[name]
        for parent in PARENTS.get(name, ()):
            needed |= redone.get(parent, set())
        assert redone[name] == needed


def test_a_fresh_range_is_one_run():
    [(names, part)] = missing_work(DAYS, dict.fromkeys(ASSETS, ()), PARENTS)
    assert (tuple(names), part) == (ASSETS, DAYS)


def test_a_vendor_that_got_half_way_is_gone_on_with_alone_and_nothing_complete_is_asked_again():
    done = {**dict.fromkeys(ASSETS, ()), "universe": DAYS, "polygon": DAYS[:40]}
    work = [(names, part[0], part[-1]) for names, part in missing_work(DAYS, done, PARENTS)]
    assert work == [
        (["polygon"], DAYS[40], DAYS[-1]),
        (["yahoo", "actions", "bars", "features"], DAYS[0], DAYS[-1]),
    ]
