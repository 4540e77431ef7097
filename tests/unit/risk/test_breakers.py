"""Circuit breakers: each trips at its loss, says so with numbers, and latches until somebody resumes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.risk.breakers import Breakers, judge
from trading_assets.sessions import sessions_between

DAYS = sessions_between(date(2024, 5, 1), date(2024, 7, 31))  # a Wednesday
DRAWDOWN, LOSS = Breakers(max_drawdown_frac="0.1"), Breakers(max_loss_frac="0.1")
WEEKLY, DAILY = Breakers(max_weekly_loss_frac="0.1"), Breakers(max_daily_loss_frac="0.1")


def judged(breakers: Breakers, *closes: float, resumed_after: date | None = None):
    return judge(breakers, DAYS[: len(closes)], np.array([1.0, *closes]), resumed_after)


@pytest.mark.parametrize(
    ("breakers", "closes", "rule", "words"),
    [
        (DRAWDOWN, (1.2, 1.0801), None, ""),
        (DRAWDOWN, (1.2, 1.08), "drawdown", "at the close of 2024-05-02 is 10.00% below its highest, at the close of 2024-05-01; at most 10.00%"),
        (DRAWDOWN, (0.9,), "drawdown", "below its highest, at the opening"),
        (LOSS, (1.5, 0.91), None, ""),
        (LOSS, (1.5, 0.9), "cumulative_loss", "is 10.00% below that at the opening"),
        (DAILY, (1.0, 0.9), "daily_loss", "is 10.00% below that of the session before"),
        (DAILY, (1.0, 0.9, 0.85), None, ""),
        (WEEKLY, (0.95, 0.96, 0.88), "weekly_loss", "at the close of 2024-05-03 is 12.00% below that at the opening, before the week"),
        (WEEKLY, (1.0, 0.95, 0.91, 0.86), None, ""),  # on Monday it counts from Friday
        (WEEKLY, (1.0, 1.0, 1.0, 0.9, 0.95, 1.2), "weekly_loss", "at the close of 2024-05-06 is 10.00% below"),
        (Breakers(), (0.1,), None, ""),
    ],
)  # fmt: skip
def test_each_breaker_trips_at_its_loss(breakers, closes, rule, words):
    found = judged(breakers, *closes)
    assert (found and found.rule) == rule
    assert not found or words in found.reason


def test_a_drawdown_stays_when_the_equity_is_back_and_goes_when_somebody_resumes():
    tripped = judged(DRAWDOWN, 1.0, 0.9, 1.3)
    assert (tripped.rule, tripped.session, tripped.is_latched) == ("drawdown", DAYS[1], True)
    assert judged(DRAWDOWN, 1.0, 0.9, resumed_after=DAYS[1]) is None
    # the same fall does not come back, a new one from the close that was resumed after does
    assert judged(DRAWDOWN, 1.0, 0.9, 0.82, resumed_after=DAYS[1]) is None
    again = judged(DRAWDOWN, 1.0, 0.9, 0.82, 0.81, resumed_after=DAYS[1])
    assert "10.00% below its highest, at the close of 2024-05-02" in again.reason
    assert judged(LOSS, 0.9, 0.82, resumed_after=DAYS[0]) is None
    assert judged(LOSS, 0.9, 0.81, resumed_after=DAYS[0]).session == DAYS[1]


def test_losses_of_a_week_and_a_day_do_not_latch():
    assert not judged(WEEKLY, 0.8).is_latched
    assert not judged(DAILY, 0.8).is_latched


returns = st.lists(st.sampled_from([-0.2, -0.1, -0.05, -0.01, 0.0, 0.01, 0.05, 0.3]), min_size=1, max_size=60)
limits = st.sampled_from([None, Decimal("0.03"), Decimal("0.1"), Decimal("0.35")])
some = st.builds(
    Breakers, max_drawdown_frac=limits, max_loss_frac=limits, max_weekly_loss_frac=limits, max_daily_loss_frac=limits
)  # fmt: skip


@given(some, returns, st.integers(0, 60) | st.none())
def test_a_latched_breaker_stays_latched_for_the_same_reason(breakers, moves, resumed):
    growth = np.cumprod([1.0, *(1 + move for move in moves)])
    after = None if resumed is None else DAYS[resumed]
    first = None
    for count in range(1, len(moves) + 1):
        found = judge(breakers, DAYS[:count], growth[: count + 1], after)
        if first is not None:
            assert found == first
        elif found is not None and found.is_latched:
            first = found
            assert found.session == DAYS[count - 1]
            assert after is None or found.session > after


@given(some, returns, st.sets(st.sampled_from(sorted(Breakers.model_fields))))
def test_removing_a_breaker_never_forbids_more(breakers, moves, removed):
    growth = np.cumprod([1.0, *(1 + move for move in moves)])
    fewer = breakers.model_copy(update=dict.fromkeys(removed))
    if judge(fewer, DAYS[: len(moves)], growth) is not None:
        assert judge(breakers, DAYS[: len(moves)], growth) is not None
