"""The rules over ten years of an account: 300 symbols, 12,000 dividends that are known and paid."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from trading_assets.books.bookings import Action, Activity
from trading_assets.books.holdings import Fill
from trading_assets.books.rules import rule
from trading_assets.orders import ActivityId, Side
from trading_assets.sessions import session_open

FIRST, TODAY = date(2016, 1, 4), date(2026, 1, 5)
SYMBOLS = [f"S{number:03d}" for number in range(300)]
EX_DATES = [FIRST + timedelta(days=20 + 90 * quarter) for quarter in range(40)]


def test_ten_years_of_dividends(benchmark):
    fills = [
        Fill(
            symbol, Side.BUY, Decimal(100), Decimal(10), FIRST, FIRST, session_open(FIRST), ActivityId(symbol)
        )
        for symbol in SYMBOLS
    ]
    known = [Action(symbol, day, "cash_dividend", cash_usd=0.5) for symbol in SYMBOLS for day in EX_DATES]
    paid = [
        Activity(
            ActivityId(f"{action.ex_date}{action.symbol}"), "DIV", action.symbol, action.ex_date, Decimal(50)
        )
        for action in known
    ]
    ruled = benchmark.pedantic(lambda: rule(fills, paid, known, today=TODAY), rounds=3)
    assert len(ruled.bookings) == len(paid)
    assert all(booking.action is not None for booking in ruled.bookings)
