"""Slippage against arrival: a cost whichever side the order is on, shared out to who wanted it, nothing where no price is known."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from trading_assets.books.attribution import Execution
from trading_assets.books.bookings import Action
from trading_assets.books.holdings import UNATTRIBUTED, Fill
from trading_assets.books.rules import rule
from trading_assets.books.slippage import OrderFill, order_slippage, slippage_totals
from trading_assets.orders import ActivityId, Side
from trading_assets.sessions import session_open

FRIDAY, MONDAY = date(2024, 5, 31), date(2024, 6, 3)


def filled(order, side, quantity, price, arrival, wanted=None, *, symbol="AAA", session=FRIDAY, part=0):
    at = session_open(MONDAY) + timedelta(minutes=part)
    name = ActivityId(f"{order}/{part}")
    fill = Fill(symbol, Side(side), Decimal(quantity), Decimal(price), session, MONDAY, at, name)
    changes = {"momentum": fill.signed_quantity} if wanted is None else wanted
    shares = {name: Decimal(change) for name, change in changes.items()}
    return OrderFill(Execution(fill, shares), order, None if arrival is None else Decimal(arrival))


@pytest.mark.parametrize(
    ("side", "price", "cost", "bps"),
    [
        ("buy", "10.05", "5", 50.0),
        ("buy", "9.95", "-5", -50.0),
        ("sell", "9.95", "5", 50.0),
        ("sell", "10.05", "-5", -50.0),
        ("sell_short", "9.90", "10", 100.0),
    ],
)
def test_to_pay_more_or_get_less_than_at_arrival_is_a_cost(side, price, cost, bps):
    (row,) = order_slippage([filled("1", side, 100, price, 10)]).to_dicts()
    assert row["slippage_usd"] == Decimal(cost)
    assert row["slippage_bps"] == pytest.approx(bps)
    assert (row["arrival_price_usd"], row["arrival_value_usd"]) == (10, 1000)
    assert (row["session"], row["executed_session"]) == (FRIDAY, MONDAY)


def test_the_fills_of_an_order_are_one_row_whatever_order_they_come_in():
    parts = [filled("1", "buy", 30, 11, 10), filled("1", "buy", 10, 15, 10, part=1)]
    (row,) = order_slippage(parts).to_dicts()
    assert (row["quantity"], row["fill_price_usd"], row["slippage_usd"]) == (40, 12, 80)
    assert order_slippage(parts[::-1]).to_dicts() == [row]


def test_each_strategy_bears_the_part_that_it_wanted():
    wanted = {"momentum": 30, "reversion": 10, "against": -5}
    found = order_slippage([filled("1", "buy", 40, 11, 10, wanted)])
    assert found.select("strategy", "quantity", "slippage_usd").rows() == [
        ("momentum", 30, 30),
        ("reversion", 10, 10),
    ]


def test_without_an_arrival_price_there_is_no_figure_and_totals_leave_the_order_out():
    known = filled("1", "buy", 10, 11, 10)
    found = order_slippage([known, filled("2", "sell", 10, 5, None, {}, symbol="BBB")])
    assert found.filter(symbol="BBB").select("strategy", "arrival_price_usd", "slippage_usd", "slippage_bps").rows() == [
        (UNATTRIBUTED, None, None, None)
    ]  # fmt: skip
    (total,) = slippage_totals(found, ["session"]).to_dicts()
    assert (total["orders"], total["measured_orders"]) == (2, 1)
    assert (total["slippage_usd"], total["slippage_bps"]) == (10, 1000.0)
    by_strategy = {row["strategy"]: row for row in slippage_totals(found, ["strategy"]).to_dicts()}
    assert by_strategy[UNATTRIBUTED]["slippage_bps"] is None
    assert by_strategy[UNATTRIBUTED]["slippage_usd"] is None


def test_totals_weigh_orders_by_their_value():
    found = order_slippage([filled("1", "buy", 100, 11, 10), filled("2", "sell", 1, 9, 10, symbol="BBB")])
    assert slippage_totals(found, ["strategy"])["slippage_bps"].to_list() == [pytest.approx(1000.0)]
    large = order_slippage([filled("1", "buy", 100, 11, 10), filled("2", "buy", 300, 10, 10, symbol="BBB")])
    assert slippage_totals(large, ["strategy"])["slippage_bps"].to_list() == [pytest.approx(250.0)]


@pytest.mark.parametrize(
    ("ex_date", "session", "arrival"), [(MONDAY, FRIDAY, 10), (MONDAY, MONDAY, 20), (FRIDAY, FRIDAY, 20)]
)
def test_a_split_between_decision_and_execution_changes_the_arrival_price_too(ex_date, session, arrival):
    fills = [filled("1", "buy", 10, 11, 20, session=session)]
    split = Action("AAA", ex_date, "split", split_ratio=2.0)
    bookings = rule([item.execution.fill for item in fills], [], [split], today=MONDAY).bookings
    assert order_slippage(fills, bookings)["arrival_price_usd"].to_list() == [arrival]


def test_no_fills_are_no_rows():
    assert order_slippage([]).is_empty()
    assert slippage_totals(order_slippage([]), ["session", "strategy"]).is_empty()
