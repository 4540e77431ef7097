"""Round trips of an account: first in, first out, through splits, new symbols, dividends and fees, by strategy."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from trading_assets.books.attribution import Crossing, Execution
from trading_assets.books.bookings import Action, Activity
from trading_assets.books.holdings import UNATTRIBUTED, Fill
from trading_assets.books.round_trips import round_trips
from trading_assets.books.rules import rule
from trading_assets.orders import ActivityId, Side
from trading_assets.sessions import session_close, session_open, sessions_between

DAYS = sessions_between(date(2024, 6, 3), date(2024, 6, 28))
TOLD = ("strategy", "symbol", "side", "quantity", "entry_price_usd", "exit_price_usd", "net_profit_usd")


def done(shares, price, day, symbol="AAA", strategy="momentum"):
    side = Side.BUY if shares > 0 else Side.SELL
    at, name = session_open(DAYS[day]), ActivityId(f"{day}/{symbol}/{strategy}/{shares}")
    fill = Fill(
        symbol, side, abs(Decimal(shares)), Decimal(price), DAYS[max(day - 1, 0)], DAYS[day], at, name
    )
    return Execution(fill, {strategy: Decimal(shares)} if strategy else {})


def booked(kind, symbol, day, shares="0", cash="0", price=None):
    worth = None if price is None else Decimal(price)
    name = ActivityId(f"{kind}{symbol}{day}{shares}")
    return Activity(name, kind, symbol, DAYS[day], Decimal(cash), Decimal(shares), worth)


def trips(executions, crossings=(), *, activities=(), actions=(), marks=None, through=-1):
    fills = [item.fill for item in executions]
    bookings = rule(fills, activities, actions, today=DAYS[through]).bookings
    marks = {symbol: Decimal(price) for symbol, price in (marks or {}).items()}
    return round_trips(executions, crossings, bookings=bookings, marks=marks, through=DAYS[through])


def told(found):
    return [tuple(str(float(value)) if isinstance(value, Decimal) else value for value in row)
            for row in found.trips.select(TOLD).iter_rows()]  # fmt: skip


def test_a_sale_closes_the_oldest_shares_first_and_may_close_several_lots():
    found = trips([done(10, 5, 0), done(10, 7, 1), done(-15, 9, 4)], marks={"AAA": 8})
    assert told(found) == [
        ("momentum", "AAA", "long", "10.0", "5.0", "9.0", "40.0"),
        ("momentum", "AAA", "long", "5.0", "7.0", "9.0", "10.0"),
        ("momentum", "AAA", "long", "5.0", "7.0", "8.0", "5.0"),
    ]
    assert found.trips["closed_session"].to_list() == [DAYS[4], DAYS[4], None]
    assert found.trips["opened_at"].to_list() == [session_open(DAYS[day]) for day in (0, 1, 1)]
    assert found.trips["holding_sessions"].to_list() == [4, 3, len(DAYS) - 2]
    assert found.trips["closed_by"].to_list() == ["trade", "trade", None]


def test_a_sale_of_more_than_is_held_closes_a_long_position_and_opens_a_short_one():
    found = trips([done(10, 5, 0), done(-30, 6, 1), done(20, 4, 2)])
    assert told(found) == [
        ("momentum", "AAA", "long", "10.0", "5.0", "6.0", "10.0"),
        ("momentum", "AAA", "short", "20.0", "6.0", "4.0", "40.0"),
    ]


def test_a_split_changes_shares_and_entry_but_no_profit():
    split = Action("AAA", DAYS[2], "split", split_ratio=2.0)
    found = trips([done(10, 8, 0), done(-20, 5, 4)], actions=[split])
    assert told(found) == [("momentum", "AAA", "long", "20.0", "4.0", "5.0", "20.0")]


def test_a_new_symbol_goes_on_with_the_round_trip_of_the_old_one():
    legs = [booked("NC", "AAA", 2, "-10"), booked("NC", "NEW", 2, "10")]
    renamed = Action("AAA", DAYS[2], "symbol_change", new_symbol="NEW")
    found = trips([done(10, 8, 0), done(-10, 9, 4, "NEW")], activities=legs, actions=[renamed])
    assert told(found) == [("momentum", "NEW", "long", "10.0", "8.0", "9.0", "10.0")]
    assert found.trips["opened_session"].to_list() == [DAYS[0]]


def test_a_merger_for_cash_closes_it_without_a_trade():
    legs = [booked("MA", "AAA", 3, "-10", "120")]
    merger = Action("AAA", DAYS[3], "delisting", cash_usd=12.0)
    found = trips([done(10, 8, 0)], activities=legs, actions=[merger])
    assert told(found) == [("momentum", "AAA", "long", "10.0", "8.0", "12.0", "40.0")]
    assert found.trips.select("closed_by", "closed_at").row(0) == ("merger", None)


@pytest.mark.parametrize(("through", "income"), [(4, 0), (-1, 5)])
def test_a_dividend_belongs_to_who_held_at_its_ex_date_though_it_is_paid_after_the_exit(through, income):
    actions = [Action("AAA", DAYS[2], "cash_dividend", cash_usd=0.5)]
    paid = [booked("DIV", "AAA", 8, cash="5")] if through == -1 else []
    fills = [done(10, 8, 0), done(-10, 8, 3), done(10, 9, 4)]
    found = trips(fills, activities=paid, actions=actions, marks={"AAA": 9}, through=through)
    assert found.trips["income_usd"].to_list() == [income, 0]
    assert found.trips["net_profit_usd"].to_list() == [income, 0]
    assert found.other_income_usd == {}


def test_fees_of_a_day_are_paid_by_its_sales_by_value_and_without_fills_by_no_round_trip():
    fees = [booked("FEE", None, 1, cash="-0.30"), booked("FEE", None, 5, cash="-1")]
    fills = [done(10, 10, 0), done(10, 10, 0, "BBB"), done(-10, 10, 1), done(-10, 20, 1, "BBB")]
    found = trips([*fills, done(1, 1, 1, "CCC")], activities=fees, marks={"CCC": 1})
    assert dict(found.trips.select("symbol", "fees_usd").rows()) == {
        "AAA": Decimal("0.1"), "BBB": Decimal("0.2"), "CCC": Decimal(0),
    }  # fmt: skip
    assert found.trips["gross_profit_usd"].to_list() == [0, 100, 0]
    assert found.trips["net_profit_usd"].to_list() == [Decimal("-0.1"), Decimal("99.8"), 0]
    assert found.other_income_usd == {UNATTRIBUTED: Decimal(-1)}


def test_what_changes_hands_between_strategies_closes_a_trip_of_one_and_opens_one_of_the_other():
    crossing = Crossing(
        DAYS[1], DAYS[2], session_close(DAYS[1]), "AAA", Decimal(9),
        {"momentum": Decimal(-10), "reversion": Decimal(10)},
    )  # fmt: skip
    found = trips([done(10, 8, 0), done(-10, 11, 4, strategy="reversion")], [crossing])
    assert told(found) == [
        ("momentum", "AAA", "long", "10.0", "8.0", "9.0", "10.0"),
        ("reversion", "AAA", "long", "10.0", "9.0", "11.0", "20.0"),
    ]
    assert found.trips["closed_by"].to_list() == ["another strategy", "trade"]


def test_shares_that_were_taken_out_leave_at_their_average_cost_as_in_the_books():
    out = [booked("JNLS", "AAA", 3, "-10")]
    found = trips([done(10, 4, 0), done(10, 8, 1)], activities=out, marks={"AAA": 10})
    assert told(found) == [
        ("momentum", "AAA", "long", "10.0", "4.0", "6.0", "20.0"),
        ("momentum", "AAA", "long", "10.0", "8.0", "10.0", "20.0"),
    ]


def test_an_order_that_no_strategy_wanted_is_nobodys_and_no_fills_are_no_round_trips():
    found = trips([done(10, 4, 0, strategy=None), done(-10, 5, 1, strategy=None)])
    assert found.trips["strategy"].to_list() == [UNATTRIBUTED]
    assert trips([]).trips.is_empty()
