"""Whatever the daily bar, its intraday bars add up to it, and the matching engine trades inside them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trading_assets.sessions import session_close, session_open
from trading_assets.simulator.market.intraday import intraday
from trading_assets.simulator.market.price_path import trading_day
from trading_assets.simulator.market.protocol import Bar
from trading_assets.simulator.market.tape import Rows, day_number

FULL, HALF, BEFORE_DST = date(2024, 3, 12), date(2024, 7, 3), date(2024, 3, 8)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
ticks = st.one_of(st.integers(1, 20_000), st.integers(10_000, 90_000_000), st.integers(10**9, 10**10))


def rows(session, bar):
    columns = (np.array([value]) for value in bar)
    return Rows(np.zeros(1, np.int32), np.array([day_number(session)], np.int32), *columns)


@st.composite
def bars(draw):
    prices = [draw(ticks) / 10_000 for _ in range(4)]
    volume = float(draw(st.one_of(st.integers(1, 60), st.integers(60, 10**9))))
    return prices[0], max(prices), min(prices), prices[3], volume


sessions = st.sampled_from([FULL, HALF, BEFORE_DST])
widths = st.sampled_from([1, 5, 15, 30, 60, 90])


@settings(max_examples=150, deadline=None)
@given(session=sessions, bar=bars(), minutes=widths, from_open=st.booleans())
def test_the_regular_session_adds_up_to_the_daily_bar(session, bar, minutes, from_open):
    found = intraday(rows(session, bar), minutes, LATER, from_open=from_open, extended=False)
    assert (found.open[0], found.high.max(), found.low.min(), found.close[-1]) == bar[:4]
    assert found.volume.sum() == bar[4]
    assert (found.volume > 0).all()
    assert (np.maximum(found.open, found.close) <= found.high).all()
    assert (found.low <= np.minimum(found.open, found.close)).all()
    assert (np.diff(found.start) > 0).all()
    assert found.start[0] >= session_open(session).timestamp() - 60 * minutes
    assert found.start[-1] < session_close(session).timestamp()


@settings(max_examples=150, deadline=None)
@given(session=sessions, bar=bars(), minutes=widths, second=st.integers(0, 12_599))
@example(session=date(2024, 3, 12), bar=(1.9953, 1.9954, 0.0001, 1.9954, 1.0), minutes=1, second=1)
def test_the_matching_engines_price_lies_in_the_bar_of_its_window(session, bar, minutes, second):
    bar = (*bar[:4], 1e9)
    opened, closed = session_open(session), session_close(session)
    at = opened + timedelta(seconds=second)
    price = trading_day(Bar(*bar), opened, closed).price_at(at)
    found = intraday(rows(session, bar), minutes, LATER, from_open=True, extended=False)
    window = int(np.searchsorted(found.start, at.timestamp(), side="right")) - 1
    assert Decimal(str(found.low[window])) <= price <= Decimal(str(found.high[window]))
    if at.timestamp() == found.start[window]:
        assert price == Decimal(str(found.open[window]))


@settings(max_examples=100, deadline=None)
@given(session=sessions, bar=bars(), seconds=st.lists(st.integers(1, 30_000), min_size=2, max_size=2))
def test_what_was_seen_of_a_finished_window_never_changes(session, bar, seconds):
    bar = (*bar[:4], bar[4] + 10_000)
    early, late = (session_open(session) + timedelta(seconds=part) for part in sorted(seconds))
    before, after = (intraday(rows(session, bar), 30, until) for until in (early, late))
    finished = before.start + 1800 <= early.timestamp()
    for name in ("start", "open", "high", "low", "close", "volume"):
        known = getattr(before, name)[finished]
        assert (known == getattr(after, name)[: len(known)]).all()
    assert (before.start < early.timestamp()).all()


@pytest.mark.parametrize(
    "bar", [(0.0, 1.0, 0.0, 1.0, 5.0), (1.0, np.nan, 1.0, 1.0, 5.0), (1.0, 1.0, 1.0, 1.0, 0.0)]
)
def test_what_is_no_price_or_did_not_trade_has_no_intraday_bars(bar):
    assert len(intraday(rows(FULL, bar), 30, LATER).start) == 0
    assert len(intraday(rows(date(2024, 7, 4), (1.0, 1.0, 1.0, 1.0, 5.0)), 30, LATER).start) == 0
