"""Corporate actions as they really come: two on a day, late or early, in legs, after transfers; the books follow the broker."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from trading_assets.books.bookings import Action, Activity
from trading_assets.books.holdings import Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.performance import portfolio_performance
from trading_assets.books.rules import rule
from trading_assets.orders import ActivityId, Side
from trading_assets.sessions import session_open, sessions_between

BOUGHT, MONDAY, LATER = date(2024, 5, 1), date(2024, 6, 3), date(2024, 6, 28)
CASH = Decimal(100_000)


def bought(symbol="OLD", quantity="100", day=BOUGHT):
    return Fill(
        symbol,
        Side.BUY,
        Decimal(quantity),
        Decimal(10),
        day,
        day,
        session_open(day),
        ActivityId(f"f{symbol}{day}"),
    )


def told(kind, symbol, shares="0", cash="0", day=MONDAY, name="1", price=None):
    price_usd = None if price is None else Decimal(price)
    return Activity(ActivityId(name), kind, symbol, day, Decimal(cash), Decimal(shares), price_usd)


def after(activities, actions=(), fills=None, today=LATER, ahead=(), through=None):
    fills = fills or (bought(),)
    ruled = rule(fills, activities, actions, ahead=ahead, today=today)
    return ruled, books_from_fills(fills, CASH, bookings=ruled.bookings, through=through or today)


RENAME = Action("OLD", MONDAY, "symbol_change", new_symbol="NEW")
REVERSE = Action("OLD", MONDAY, "split", split_ratio=0.1)


@pytest.mark.parametrize("known", [(), (REVERSE,), (RENAME,), (REVERSE, RENAME)])
@pytest.mark.parametrize("ids", ["123", "321", "231"])
def test_a_reverse_split_and_a_new_symbol_on_one_day(known, ids):
    activities = [
        told("SPLIT", "OLD", "-90", name=ids[0]),
        told("NC", "OLD", "-10", name=ids[1]),
        told("NC", "NEW", "10", name=ids[2]),
    ]
    ruled, books = after(activities, known)
    assert ruled.unexplained == ()
    assert books.quantities == {"NEW": 10}
    assert (books.holdings["NEW"].cost_usd, books.realised_pnl_usd) == (1000, 0)


@pytest.mark.parametrize("ids", ["123", "321"])
def test_a_split_of_the_new_symbol_on_the_day_of_the_change(ids):
    activities = [
        told("NC", "OLD", "-100", name=ids[1]),
        told("NC", "NEW", "100", name=ids[2]),
        told("SPLIT", "NEW", "-90", name=ids[0]),
    ]
    ruled, books = after(activities)
    assert (ruled.unexplained, books.quantities) == ((), {"NEW": 10})
    assert books.holdings["NEW"].cost_usd == 1000


def test_shares_that_were_put_in_split_with_the_others_and_are_no_profit():
    put_in = told("JNLS", "OLD", "50", day=date(2024, 5, 20), price="20")
    split = Action("OLD", MONDAY, "split", split_ratio=2.0)
    ruled, books = after([put_in, told("SPLIT", "OLD", "150", name="2")], [split])
    assert (ruled.unexplained, books.quantities) == ((), {"OLD": 300})
    assert (books.holdings["OLD"].cost_usd, books.transferred_usd, books.realised_pnl_usd) == (2000, 1000, 0)
    _, without = after([told("JNLS", "OLD", "-100", day=MONDAY)])
    assert (without.quantities, without.realised_pnl_usd, without.transferred_usd) == ({}, 0, -1000)


def test_what_is_put_in_or_taken_out_is_no_return_at_whatever_it_is_worth():
    days = sessions_between(date(2024, 5, 31), date(2024, 6, 4))
    closes = pl.DataFrame({"symbol": "OLD", "session": days, "close": [100.0] * len(days)})
    ruled, _ = after([told("JNLS", "OLD", "-100")])
    rows = portfolio_performance([bought()], closes, CASH, days, bookings=ruled.bookings)
    assert rows["return_frac"].to_list() == pytest.approx([0.09, 0.0, 0.0])
    assert rows["equity_usd"].to_list() == [109_000, 99_000, 99_000]


def test_a_split_that_is_booked_late_counts_once():
    split = Action("OLD", MONDAY, "split", split_ratio=2.0)
    _, books = after([told("SPLIT", "OLD", "100", day=date(2024, 6, 14))], [split])
    assert books.quantities == {"OLD": 200}


def test_a_change_that_is_booked_after_further_trades_takes_them_along():
    fills = (bought(), bought(quantity="50", day=date(2024, 6, 4)))
    day = date(2024, 6, 5)
    legs = [told("NC", "OLD", "-150", day=day), told("NC", "NEW", "150", day=day, name="2")]
    ruled, books = after(legs, [RENAME], fills)
    assert (ruled.unexplained, books.quantities) == ((), {"NEW": 150})


def test_a_split_that_is_booked_before_its_day_waits_for_it():
    split = Action("OLD", MONDAY, "split", split_ratio=2.0)
    friday = date(2024, 5, 31)
    ruled, books = after([told("SPLIT", "OLD", "100", day=friday)], ahead=[split], today=friday)
    assert books.quantities == {"OLD": 100}
    assert [(item.item, item.amount) for item in ruled.expected] == [("OLD", 100)]
    assert books_from_fills([bought()], CASH, bookings=ruled.bookings, through=MONDAY).quantities == {
        "OLD": 200
    }


def test_several_reorganisations_of_a_day_that_nobody_announced():
    fills = (bought("A"), bought("B"), bought("C", "70"))
    activities = [
        told("MA", "A", "-100", "1500", name="1"),
        told("MA", "B", "-100", "700", name="2"),
        told("NC", "C", "-70", name="3"),
        told("NC", "D", "70", name="4"),
    ]
    ruled, books = after(activities, fills=fills)
    assert (ruled.unexplained, books.quantities) == ((), {"D": 70})
    assert (books.realised_pnl_usd, books.holdings["D"].cost_usd) == (200, 700)


def test_a_leg_that_is_not_published_yet_is_waited_for():
    leaving = told("NC", "OLD", "-100")
    ruled, books = after([leaving], [RENAME], today=MONDAY)
    assert books.quantities == {"OLD": 100}
    assert {(item.item, item.amount) for item in ruled.expected} == {("OLD", -100), ("NEW", 100)}
    alone, _ = after([leaving])
    assert [why for _, why in alone.unexplained] == ["it waits for its other leg"]


def test_a_reverse_split_in_two_activities_is_one():
    legs = [told("SPLIT", "OLD", "-100"), told("SPLIT", "OLD", "10", day=date(2024, 6, 4), name="2")]
    _, books = after(legs)
    assert (books.quantities, books.holdings["OLD"].cost_usd) == ({"OLD": 10}, 1000)


def test_a_merger_with_a_right_books_the_right_at_no_cost():
    legs = [
        told("MA", "OLD", "-100", "1200"),
        told("MA", "BUY", "50", name="2"),
        told("MA", "CVR", "20", name="3"),
    ]
    ruled, books = after(legs)
    assert (ruled.unexplained, books.quantities) == ((), {"BUY": 50, "CVR": 20})
    assert books.holdings["CVR"].cost_usd == 0
    closes = pl.DataFrame({"symbol": ["OLD", "BUY"], "session": [BOUGHT, LATER], "close": [10.0, 4.0]})
    rows = portfolio_performance([bought()], closes, CASH, [BOUGHT, LATER], bookings=ruled.bookings)
    assert rows["equity_usd"].to_list()[-1] == CASH - 1000 + 1200 + 200, (
        "a right without a price is worth nothing yet"
    )


def test_a_dividend_is_that_of_its_amount():
    small = Action("OLD", date(2024, 5, 28), "cash_dividend", cash_usd=0.5)
    special = Action("OLD", date(2024, 6, 10), "cash_dividend", cash_usd=3.0)
    ruled, _ = after(
        [told("DIV", "OLD", cash="50", day=date(2024, 6, 15))], [small, special], today=date(2024, 6, 15)
    )
    (paid,) = ruled.bookings
    assert (paid.entitled_on, [item.action for item in ruled.expected]) == (small.ex_date, [special])


def test_words_of_reorganisations_are_known():
    ruled, books = after([told("REOS", "OLD", "-100", "1100")])
    assert (ruled.unexplained, books.quantities, books.realised_pnl_usd) == ((), {}, 100)
