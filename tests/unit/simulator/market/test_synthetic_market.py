"""The synthetic market: a pure function of seed, symbol and session, with the habits of a real one."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.sessions import sessions_between
from trading_assets.simulator.market.listings import SECTOR_NAMES
from trading_assets.simulator.market.synthetic import SyntheticMarket
from trading_assets.simulator.market.tape import day_of

NOW = datetime(2024, 6, 28, 22, 0, tzinfo=UTC)
FIRST, LAST = date(2021, 6, 28), date(2024, 6, 28)


@pytest.fixture(scope="module")
def market():
    return SyntheticMarket(seed=7, symbols=600, first=FIRST)


@pytest.fixture(scope="module")
def bars(market):
    return market.daily_bars(FIRST, LAST, known_at=NOW)


def test_more_symbols_more_years_and_another_order_of_questions_change_no_bar(market):
    wider = SyntheticMarket(seed=7, symbols=900, first=date(2015, 1, 2))
    shuffled = random.Random(3)
    for session in shuffled.sample(sessions_between(FIRST, LAST), 12):
        ours = market.daily_bars(session, session, known_at=NOW)
        theirs = wider.daily_bars(session, session, known_at=NOW, symbols=ours["symbol"].to_list())
        assert ours.height > 400
        assert theirs.equals(ours)


@settings(max_examples=40, deadline=None)
@given(place=st.integers(0, 599), offset=st.integers(0, 750))
def test_a_series_and_a_section_show_the_same_bar(market, place, offset):
    session = sessions_between(FIRST, LAST)[offset]
    symbol = market.symbols[place]
    alone = market.daily_bars(session, session, known_at=NOW, symbols=[symbol])
    together = market.daily_bars(session, session, known_at=NOW).filter(pl.col("symbol") == symbol)
    assert alone.equals(together)
    bar = market.bar(symbol, session)
    assert (bar is None) == alone.is_empty()
    if bar is not None:
        assert (bar.open, bar.high, bar.low, bar.close) == alone.row(0)[2:6]


def test_tomorrows_bar_exists_but_nobody_is_shown_it(market):
    monday = date(2024, 7, 1)
    assert market.daily_bars(monday, monday, known_at=NOW).is_empty()
    assert market.bar("SPY", monday) is not None


def test_bars_are_possible_and_on_the_tick_grid(bars):
    prices = pl.col("open", "high", "low", "close")
    assert bars.filter(pl.col("high") < pl.max_horizontal("open", "close", "low")).is_empty()
    assert bars.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()
    assert bars.filter((pl.col("vwap") < pl.col("low")) | (pl.col("vwap") > pl.col("high"))).is_empty()
    assert bars.select((prices > 0).all()).row(0) == (True,) * 4
    cents = bars.filter(pl.col("low") >= 1.0).select((prices * 100 - (prices * 100).round()).abs().max())
    assert max(cents.row(0)) < 1e-6
    assert bars["volume"].min() > 0
    assert set(bars["session"]) == set(sessions_between(FIRST, LAST))


def test_returns_have_fat_tails_volatility_clusters_and_a_common_factor(market, bars):
    wide = bars.pivot("symbol", index="session", values="close").sort("session").drop("session")
    whole = wide.select(column for column in wide if column.null_count() == 0)
    split = set(market.corporate_actions(FIRST, LAST, known_at=NOW).filter(kind="split")["symbol"])
    whole = whole.select(pl.all().exclude(split))
    moves = np.diff(np.log(whole.to_numpy()), axis=0)
    standard = (moves - moves.mean(axis=0)) / moves.std(axis=0)
    assert 4.0 < np.median((standard**4).mean(axis=0)) < 40.0
    size = np.abs(standard)
    clustering = [np.corrcoef(size[:-1, n], size[1:, n])[0, 1] for n in range(size.shape[1])]
    assert np.median(clustering) > 0.05
    spy = moves[:, whole.columns.index("SPY")]
    with_market = [np.corrcoef(spy, moves[:, n])[0, 1] for n in range(moves.shape[1])]
    assert 0.25 < np.median(with_market) < 0.75
    assert 0.08 < spy.std() * np.sqrt(252) < 0.35


def test_a_split_shows_in_the_raw_price_and_not_in_the_adjusted_one(market):
    splits = [a for a in market.actions(date(2021, 9, 1), LAST, known_at=NOW) if a.split_ratio]
    assert len(splits) > 10
    for action in splits:
        rows = market.series(action.symbol, FIRST, LAST, NOW)
        at = [day_of(day) for day in rows.day.tolist()].index(action.ex_date)
        move = np.log(rows.close[at] / rows.close[at - 1] * action.split_ratio)
        assert abs(move) < 0.35, action
        before, after = (
            market.shares_outstanding(action.symbol, day_of(int(rows.day[n]))) for n in (at - 1, at)
        )
        assert after / before == pytest.approx(action.split_ratio)


def test_actions_are_announced_before_they_happen(market):
    for action in market.actions(FIRST, LAST, known_at=NOW):
        assert action.known_at.date() < action.ex_date


def test_companies_come_and_go_and_every_sector_is_there(market):
    items = market.instruments()
    assert [item.symbol for item in items] == sorted({item.symbol for item in items})
    assert {item.sector for item in items if item.asset_type == "CS"} == set(SECTOR_NAMES)
    assert any(FIRST < item.listed < LAST for item in items)
    gone = [item for item in items if item.delisted and FIRST < item.delisted < LAST]
    assert gone
    for item in gone:
        days = market.series(item.symbol, FIRST, LAST, NOW).day
        assert day_of(int(days[-1])) <= item.delisted


def test_a_market_keeps_a_bounded_part_of_its_history_in_memory(market, monkeypatch):
    monkeypatch.setattr("trading_assets.simulator.market.synthetic.CHUNKS_KEPT", 5)
    small = SyntheticMarket(seed=7, symbols=600, first=FIRST)
    for session in sessions_between(FIRST, LAST)[::60]:
        assert small.daily_bars(session, session, known_at=NOW).equals(
            market.daily_bars(session, session, known_at=NOW)
        )
        assert len(small._chunks) <= 5
