"""Books and performance follow from fills, splits and closes, to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from trading_assets.books.bookings import Action, Booking
from trading_assets.books.holdings import Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.performance import marks_by_session, portfolio_performance, positions, value_books
from trading_assets.books.rules import rule
from trading_assets.errors import DataQualityError
from trading_assets.orders import Side
from trading_assets.sessions import sessions_between

SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 1, 12))
CASH = Decimal(10_000)


def fill(side: str, quantity: str, price: str, day: int = 0, symbol: str = "AAA", minute: int = 0) -> Fill:
    at = datetime.combine(SESSIONS[day], datetime.min.time(), UTC) + timedelta(hours=14, minutes=30 + minute)
    return Fill(
        symbol, Side(side), Decimal(quantity), Decimal(price), SESSIONS[max(day - 1, 0)], SESSIONS[day], at
    )


def closes(symbol: str = "AAA", **by_day: float) -> pl.DataFrame:
    rows = [(symbol, SESSIONS[int(day[1:])], price) for day, price in by_day.items()]
    return pl.DataFrame(
        rows, schema={"symbol": pl.String, "session": pl.Date, "close": pl.Float64}, orient="row"
    )


def split(symbol: str, day: date, ratio: float, *fills: Fill) -> tuple[Booking, ...]:
    action = Action(symbol, day, "split", split_ratio=ratio)
    return rule(fills, [], [action], today=SESSIONS[-1]).bookings


def books(*fills: Fill, bookings: tuple[Booking, ...] = (), day: int = -1):
    return books_from_fills(fills, CASH, bookings=bookings, through=SESSIONS[day])


def test_average_cost_moves_with_purchases_only():
    held = books(fill("buy", "10", "100"), fill("buy", "30", "120", 1), fill("sell", "20", "130", 2))
    assert held.cash_usd == CASH - 1000 - 3600 + 2600
    position = held.holdings["AAA"]
    assert (position.quantity, position.average_cost_usd, position.realised_pnl_usd) == (20, 115, 300)


def test_a_sale_larger_than_the_position_closes_it_and_opens_a_short():
    position = books(fill("buy", "10", "100"), fill("sell_short", "15", "110", 1)).holdings["AAA"]
    assert (position.quantity, position.average_cost_usd, position.realised_pnl_usd) == (-5, 110, 100)
    back = books(fill("sell_short", "10", "100"), fill("buy", "4", "90", 1)).holdings["AAA"]
    assert (back.quantity, back.average_cost_usd, back.realised_pnl_usd) == (-6, 100, 40)


def test_fills_are_applied_in_the_order_of_execution():
    in_order = [fill("buy", "10", "100"), fill("sell", "10", "110", 0, minute=1), fill("buy", "5", "90", 1)]
    assert books(*in_order) == books(*reversed(in_order))


def test_a_split_changes_shares_not_cost_and_comes_before_the_fills_of_its_day():
    fills = [fill("buy", "10", "100"), fill("sell", "20", "26", 2)]
    four = split("AAA", SESSIONS[2], 4.0, *fills)
    position = books(*fills, bookings=four).holdings["AAA"]
    assert (position.quantity, position.cost_usd, position.realised_pnl_usd) == (20, 500, 20)
    early = books(fill("buy", "10", "100"), bookings=four, day=1).holdings["AAA"]
    assert early.quantity == 10


def test_a_reverse_split_written_as_a_rounded_decimal_keeps_whole_shares_whole():
    bought = fill("buy", "300", "10")
    position = books(bought, bookings=split("AAA", SESSIONS[1], 0.333333333, bought)).holdings["AAA"]
    assert (position.quantity, position.average_cost_usd) == (100, 30)


def test_positions_list_what_is_held_with_its_profit():
    held = books(
        fill("buy", "10", "100"),
        fill("sell", "4", "130", 1),
        fill("buy", "1", "5", 1, "BBB"),
        fill("sell", "1", "7", 2, "BBB"),
    )
    rows = positions(held, {"AAA": Decimal("120.5")})
    assert rows.rows() == [
        ("AAA", Decimal(6), Decimal(100), Decimal("120.5"), Decimal(723), Decimal(123), Decimal(120))
    ]
    assert held.realised_pnl_usd == 122
    assert value_books(held, {"AAA": Decimal("120.5")}).equity_usd == CASH + 123 + 122


def test_performance_values_the_books_at_each_close():
    fills = [fill("buy", "50", "100", 1), fill("sell", "50", "120", 3)]
    rows = portfolio_performance(fills, closes(d0=90.0, d1=110.0, d2=99.0, d3=130.0), CASH, SESSIONS[:5])
    assert rows["equity_usd"].to_list() == [10_000, 10_500, 9_950, 11_000, 11_000]
    assert rows["return_frac"].to_list() == pytest.approx([0, 0.05, -550 / 10_500, 1050 / 9_950, 0])
    assert rows["cumulative_return_frac"].to_list() == pytest.approx([0, 0.05, -0.005, 0.1, 0.1])
    assert rows["drawdown_frac"].to_list() == pytest.approx([0, 0, -550 / 10_500, 0, 0])
    assert rows["turnover_frac"].to_list() == pytest.approx([0, 0.25, 0, 3000 / 9_950, 0])
    assert rows["realised_pnl_usd"].to_list() == [0, 0, 0, 1000, 1000]
    assert rows["unrealised_pnl_usd"].to_list() == [0, 500, -50, 0, 0]


def test_a_split_moves_no_equity_even_without_a_bar_on_its_ex_date():
    fills = [fill("buy", "50", "100", 1)]
    two = split("AAA", SESSIONS[2], 2.0, *fills)
    rows = portfolio_performance(fills, closes(d1=100.0, d3=51.0), CASH, SESSIONS[:4], bookings=two)
    assert rows["equity_usd"].to_list() == [10_000, 10_000, 10_000, 10_100]


def test_marks_are_the_last_close_up_to_the_session():
    prices = closes(d0=10.0, d3=11.0)
    marks = dict(marks_by_session(prices, SESSIONS[1:4]))
    assert [marks[day]["AAA"] for day in SESSIONS[1:4]] == [10, 10, 11]


def test_a_holding_without_any_close_is_worth_nothing_until_it_has_one():
    rows = portfolio_performance([fill("buy", "1", "10")], closes(d1=12.0), CASH, SESSIONS[:2])
    assert rows["equity_usd"].to_list() == [CASH - 10, CASH + 2], "the check of held names says so"


@pytest.mark.parametrize(("quantity", "price"), [("0", "10"), ("1", "0"), ("-1", "10")])
def test_impossible_fills_are_refused(quantity, price):
    with pytest.raises(DataQualityError, match="positive"):
        books(fill("buy", quantity, price))
