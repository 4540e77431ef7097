"""Whatever is traded and booked: the round trips, what is still open and other income add up to the profit of the books."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.books.attribution import Crossing, Execution, strategy_books
from trading_assets.books.bookings import Action, Activity
from trading_assets.books.holdings import Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.performance import value_books
from trading_assets.books.round_trips import round_trips
from trading_assets.books.rules import rule
from trading_assets.orders import ActivityId, Side
from trading_assets.sessions import session_close, session_open, sessions_between

DAYS = sessions_between(date(2024, 5, 1), date(2024, 5, 14))
STRATEGIES, SYMBOLS = ["alpha", "beta"], ["AAA", "BBB", "NEW"]
CASH, CENT = Decimal(100_000), Decimal("0.01")
days = st.integers(0, len(DAYS) - 1)
amounts = st.integers(-5000, 5000).filter(bool).map(lambda cents: Decimal(cents).scaleb(-2))
changes = st.integers(-300, 300).filter(bool).map(Decimal)
wanted = st.dictionaries(st.sampled_from(STRATEGIES), changes, min_size=1)
prices = st.integers(100, 90_000).map(lambda cents: Decimal(cents).scaleb(-2))
trades = st.lists(st.tuples(st.sampled_from(SYMBOLS), days, wanted, prices), max_size=12)
actions = st.lists(
    st.builds(
        Action, st.sampled_from(["AAA", "BBB"]), st.sampled_from(DAYS), st.just("split"),
        split_ratio=st.sampled_from([2.0, 0.333333, 1.5]),
    )
    | st.builds(
        Action, st.just("BBB"), st.sampled_from(DAYS[:5]), st.just("cash_dividend"), cash_usd=st.just(0.5),
    ),
    max_size=3, unique_by=lambda action: (action.symbol, action.ex_date, action.kind),
)  # fmt: skip
cash_only = st.lists(
    st.tuples(st.sampled_from(["FEE", "INT", "CSD", "DIV", "CIL"]), st.none() | st.sampled_from(SYMBOLS), days, amounts),
    max_size=6,
)  # fmt: skip
shares_put_in = st.lists(st.tuples(st.sampled_from(SYMBOLS), days, changes, prices), max_size=3)


def traded(rows):
    """Return executions of the net of what the strategies wanted, and the crossings of what went against each other."""
    executions, crossings = [], []
    for number, (symbol, day, changed, price) in enumerate(rows):
        session, total = DAYS[max(day - 1, 0)], sum(changed.values())
        crossings.append(Crossing(session, DAYS[day], session_close(session), symbol, price, changed))
        if total:
            side = Side.BUY if total > 0 else Side.SELL
            at = session_open(DAYS[day]) + timedelta(seconds=number)
            fill = Fill(
                symbol, side, abs(total), price + CENT, session, DAYS[day], at, ActivityId(str(number))
            )
            executions.append(Execution(fill, changed))
    return executions, crossings


def activities_of(cash, moved=()):
    told = [
        Activity(
            ActivityId(f"c{number}"), kind, None if kind in {"INT", "CSD"} else symbol, DAYS[day], amount
        )
        for number, (kind, symbol, day, amount) in enumerate(cash)
    ]
    return told + [
        Activity(ActivityId(f"s{number}"), "JNLS", symbol, DAYS[day], Decimal(0), shares, price)
        for number, (symbol, day, shares, price) in enumerate(moved)
    ]


def renaming(fills):
    """Return the legs of AAA becoming NEW on the last day but one, if AAA is held and NEW is not shorted against it."""
    day = DAYS[-2]
    held = sum(
        (fill.signed_quantity for fill in fills if fill.symbol == "AAA" and fill.executed_session < day),
        Decimal(0),
    )
    legs = [
        Activity(ActivityId(f"n{symbol}"), "NC", symbol, day, Decimal(0), shares)
        for symbol, shares in (("AAA", -held), ("NEW", held))
    ]
    return legs if held else []


def profit_of(found):
    net = found.trips["net_profit_usd"].sum() if found.trips.height else Decimal(0)
    return net + sum(found.other_income_usd.values(), Decimal(0))


@settings(max_examples=300, deadline=None)
@given(trades, actions, cash_only, st.booleans(), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, prices)), days)
def test_profits_of_all_strategies_add_up_to_the_accounts(rows, changed, cash, renames, marks, last):
    executions, crossings = traded(rows)
    fills, through = [item.fill for item in executions], DAYS[last]
    told = activities_of(cash) + (renaming(fills) if renames else [])
    bookings = rule(fills, told, changed, today=DAYS[-1]).bookings
    found = round_trips(executions, crossings, bookings=bookings, marks=marks, through=through)
    account = books_from_fills(fills, CASH, bookings=bookings, through=through)
    profit = value_books(account, marks).equity_usd - CASH - account.transferred_usd
    assert abs(profit_of(found) - profit) < CENT
    assert all(how > 0 for how in found.trips["quantity"])
    own = strategy_books(executions, crossings, bookings=bookings, through=through)
    for strategy, books in own.items():
        open_ones = found.trips.filter(pl.col("closed_session").is_null(), strategy=strategy)
        for symbol in SYMBOLS:
            shares = sum(
                (quantity if side == "long" else -quantity
                 for side, quantity in open_ones.filter(symbol=symbol).select("side", "quantity").iter_rows()),
                Decimal(0),
            )  # fmt: skip
            assert abs(shares - books.quantities.get(symbol, Decimal(0))) < Decimal("0.0000001")


@settings(max_examples=200, deadline=None)
@given(trades, actions, cash_only, shares_put_in, st.fixed_dictionaries(dict.fromkeys(SYMBOLS, prices)))
def test_shares_put_in_and_taken_out_are_no_profit_of_one_strategy(rows, changed, cash, moved, marks):
    alone = [
        (symbol, day, {"alpha": sum(parts.values())}, price)
        for symbol, day, parts, price in rows
        if sum(parts.values())
    ]
    executions, _ = traded(alone)
    fills = [item.fill for item in executions]
    bookings = rule(fills, activities_of(cash, moved), changed, today=DAYS[-1]).bookings
    found = round_trips(executions, (), bookings=bookings, marks=marks, through=DAYS[-1])
    own = strategy_books(executions, (), bookings=bookings, through=DAYS[-1])
    profit = sum((value_books(books, marks).equity_usd for books in own.values()), Decimal(0))
    assert abs(profit_of(found) - profit) < CENT
