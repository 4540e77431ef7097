"""Spin-offs, ticker changes, ends of listings and halts of the synthetic market are worth what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from trading_assets.sessions import next_session, sessions_between, shift
from trading_assets.simulator.market.intraday import halts_behind, intraday
from trading_assets.simulator.market.synthetic import SyntheticMarket
from trading_assets.simulator.market.tape import day_number, day_of

FIRST, LAST = date(2018, 1, 2), date(2024, 6, 28)
NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def market():
    return SyntheticMarket(seed=7, symbols=1200, first=FIRST)


@pytest.fixture(scope="module")
def happened(market):
    def of(kind):
        return [a for a in market.actions(FIRST, LAST, known_at=NOW) if a.kind == kind]

    return of


def closes(market, symbol, start, end):
    rows = market.series(symbol, start, end, NOW)
    return {day_of(day): close for day, close in zip(rows.day.tolist(), rows.close.tolist(), strict=True)}


def test_a_spin_off_takes_its_worth_from_the_parent_and_lists_the_child_that_day(market, happened):
    events = happened("spin_off")
    assert len(events) >= 8
    kept = []
    for event in events:
        before = shift(event.ex_date, -1)
        parent = closes(market, event.symbol, before, event.ex_date)
        child = closes(market, event.new_symbol, FIRST, event.ex_date)
        assert list(child) == [event.ex_date]
        holder = parent[event.ex_date] + event.share_ratio * child[event.ex_date]
        kept.append(holder / parent[before])
        assert 0.6 < event.price_factor < 1.0
        assert 1000 / event.price_factor == pytest.approx(round(1000 / event.price_factor), abs=1e-6)
    assert all(0.85 < value < 1.15 for value in kept), kept
    drops = [closes(market, e.symbol, shift(e.ex_date, -1), e.ex_date) for e in events]
    moves = [after / before for (_, before), (_, after) in (tuple(drop.items()) for drop in drops)]
    assert sum(move < 0.97 for move in moves) > len(moves) / 2


def test_a_company_trades_on_under_its_new_ticker_without_a_gap(market, happened):
    events = happened("symbol_change")
    assert len(events) >= 8
    for event in events:
        before = shift(event.ex_date, -1)
        old = closes(market, event.symbol, FIRST, LAST)
        new = closes(market, event.new_symbol, FIRST, LAST)
        assert max(old) <= before
        assert min(new) >= event.ex_date
        assert 0.7 < new[min(new)] / old[max(old)] < 1.4
        assert market.tickers_before(event.new_symbol, NOW) == [event.symbol]
        assert market.ticker_after(event.symbol, NOW) == event.new_symbol
        early = datetime.combine(before, datetime.min.time(), UTC)
        assert market.ticker_after(event.symbol, early) is None
        shares = [market.shares_outstanding(s, event.ex_date) for s in (event.symbol, event.new_symbol)]
        assert shares[0] == shares[1]


def test_the_end_of_a_listing_pays_what_the_last_close_was_worth_or_nothing(market, happened):
    events = happened("delisting")
    assert {event.detail for event in events} == {
        "cash_merger", "stock_merger", "stock_and_cash_merger", "worthless_removal",
    }  # fmt: skip
    for event in events:
        prices = closes(market, event.symbol, FIRST, LAST)
        last = max(prices)
        assert next_session(last) <= event.ex_date <= next_session(last + timedelta(days=5))
        paid = event.cash_usd or 0.0
        if event.new_symbol:
            paid += event.share_ratio * closes(market, event.new_symbol, last, last)[last]
        if event.detail == "worthless_removal":
            assert paid == 0.0
            assert prices[last] < 0.25 * prices[shift(last, -30)]
        else:
            assert paid == pytest.approx(prices[last], rel=0.01, abs=0.02)


def test_nothing_trades_while_halted(market):
    whole = [(place, day) for (place, day), (_, _, is_whole) in market._halts.items() if is_whole]
    assert len(whole) > 5
    for place, day in whole:
        symbol, session = market.symbols[place], day_of(day)
        item = market.instruments()[place]
        if not item.listed < session < min(item.delisted or LAST, LAST):
            continue
        assert market.bar(symbol, session) is None
        assert day not in market.series(symbol, session - timedelta(days=9), session, NOW).day
        assert market.bar(symbol, shift(session, 1)) is not None
    parts = [
        (market.symbols[place], day, start, end)
        for (place, day), (start, end, is_whole) in market._halts.items()
        if not is_whole and day_number(FIRST) < day < day_number(LAST)
    ]
    seen = 0
    for symbol, day, start, end in parts:
        rows = market.truth(symbol, day_of(day))
        if len(rows.day) == 0:
            continue
        bars = intraday(rows, 1, NOW, extended=False, halts=halts_behind(market, [symbol], rows))
        seconds = bars.start - (bars.start[0] - 34_200)
        assert not ((seconds >= start) & (seconds < end)).any()
        assert bars.volume.sum() == rows.volume[0]
        seen += 1
    assert seen > 20


def test_events_depend_neither_on_the_number_of_symbols_nor_on_the_years_served(market, happened):
    wider = SyntheticMarket(seed=7, symbols=1500, first=date(2015, 1, 2))
    theirs = set(wider.actions(FIRST, LAST, known_at=NOW))
    for kind in ("symbol_change", "spin_off", "delisting"):
        assert set(happened(kind)) <= theirs
    assert set(market.symbols) <= set(wider.symbols)


def test_a_series_without_events_has_a_bar_a_session(market):
    busy = {market.symbols[place] for place, _ in market._halts}
    quiet = [
        item.symbol
        for item in market.instruments()
        if item.symbol not in busy and item.listed < FIRST and (item.delisted or LAST) >= LAST
    ]
    sessions = sessions_between(FIRST, LAST)
    for symbol in quiet[::40]:
        days = market.series(symbol, FIRST, LAST, NOW).day.tolist()
        assert [day_of(day) for day in days] == sessions
        assert all(a < b for a, b in pairwise(days))
