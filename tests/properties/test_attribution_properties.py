"""Whatever several strategies want of one account: their targets, shares and profits add up to the account's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.books.attribution import (
    Crossing,
    Execution,
    attribution,
    shares_by_strategy,
    strategy_books,
)
from trading_assets.books.bookings import Action
from trading_assets.books.holdings import UNATTRIBUTED, Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.performance import value_books
from trading_assets.books.rules import rule
from trading_assets.orders import Side
from trading_assets.portfolio.netting import allot, in_proportion, net
from trading_assets.portfolio.sizing import FixedFractional
from trading_assets.portfolio.wishes import Mandate, Shown, View, Wish, wishes
from trading_assets.risk.limits import RiskLimits
from trading_assets.risk.targets import Book, Market, target_positions, target_rows
from trading_assets.sessions import sessions_between

DAYS = sessions_between(date(2024, 5, 1), date(2024, 5, 10))
STRATEGIES = ["alpha", "beta", "gamma"]
SYMBOLS = ["AAA", "BBB", "CCC"]

shares = st.integers(0, 10**12).map(lambda number: Decimal(number).scaleb(-9)) | st.integers(1, 5000).map(
    Decimal
)
changes = st.dictionaries(
    st.sampled_from(STRATEGIES), st.integers(-500, 500).filter(bool).map(Decimal), min_size=1
)


@given(shares, st.dictionaries(st.sampled_from(STRATEGIES), shares, min_size=1))
def test_parts_add_up_and_none_is_negative(amount, weights):
    parts = in_proportion(amount, weights)
    assert sum(parts.values()) == amount
    assert all(part >= 0 for part in parts.values())
    assert parts.keys() == weights.keys()


@st.composite
def days_of_trading(draw):
    """Decisions over some sessions, each with what the strategies wanted and what of the order was executed."""
    executions, crossings, splits = [], [], []
    for place, day in enumerate(DAYS[:-1]):
        for symbol in draw(st.lists(st.sampled_from(SYMBOLS), unique=True)):
            wanted = draw(changes)
            price = Decimal(draw(st.integers(100, 90_000))).scaleb(-2)
            at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
            crossings.append(Crossing(day, DAYS[place + 1], at, symbol, price, wanted))
            total = sum(wanted.values())
            executed = abs(total) * draw(st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1)]))
            if executed:
                side = Side.BUY if total > 0 else Side.SELL
                paid = price + Decimal("0.37")
                fill = Fill(
                    symbol, side, executed, paid, day, DAYS[place + 1], at.replace(hour=21), f"{day}{symbol}"
                )
                executions.append(Execution(fill, wanted))
    if draw(st.booleans()):
        splits.append(
            Action(
                draw(st.sampled_from(SYMBOLS)),
                DAYS[4],
                "split",
                split_ratio=draw(st.sampled_from([2.0, 0.333333, 1.5])),
            )
        )
    return executions, crossings, splits


@settings(max_examples=200, deadline=None)
@given(days_of_trading(), st.fixed_dictionaries(dict.fromkeys(SYMBOLS, st.integers(1, 99_999))))
def test_shares_and_profits_of_the_strategies_add_up_to_the_accounts_to_the_cent(traded, cents):
    executions, crossings, splits = traded
    marks = {symbol: Decimal(price).scaleb(-2) for symbol, price in cents.items()}
    opening = Decimal(100_000)
    fills = [item.fill for item in executions]
    bookings = rule(fills, [], splits, today=DAYS[-1]).bookings
    account = books_from_fills(fills, opening, bookings=bookings, through=DAYS[-1])
    books = strategy_books(executions, crossings, bookings=bookings, through=DAYS[-1])
    assert sum((own.cash_usd for own in books.values()), Decimal(0)) == account.cash_usd - opening
    owned = shares_by_strategy(books, account.quantities)
    for symbol in SYMBOLS:
        held = sum((own.get(symbol, Decimal(0)) for own in owned.values()), Decimal(0))
        assert held == account.quantities.get(symbol, Decimal(0))
    told = attribution(books, marks)["pnl_usd"].sum() or Decimal(0)
    assert abs(told - (value_books(account, marks).equity_usd - opening)) < Decimal("0.005")
    assert UNATTRIBUTED not in books


def test_an_execution_that_nobody_wanted_is_told_apart():
    fill = Fill(
        "AAA", Side.SELL, Decimal(5), Decimal(10), DAYS[0], DAYS[1], datetime(2024, 5, 2, tzinfo=UTC), "x"
    )
    books = strategy_books([Execution(fill, {"alpha": Decimal(5)})], [], through=DAYS[-1])
    assert books.keys() == {UNATTRIBUTED}
    assert books[UNATTRIBUTED].cash_usd == 50


views = st.dictionaries(
    st.sampled_from(SYMBOLS),
    st.tuples(
        st.sampled_from(["enter_long", "enter_long", "hold_long", "exit_long"]), st.sampled_from([0.2, 0.9])
    ),
)
own_shares = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 900).map(Decimal))


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(dict.fromkeys(STRATEGIES, st.tuples(views, own_shares))),
    st.sets(st.sampled_from(SYMBOLS), max_size=1),
    st.sets(st.sampled_from(SYMBOLS), max_size=1),
    st.sampled_from([Decimal("0.02"), Decimal("0.1"), Decimal(1)]),
    st.sampled_from([Decimal(100), Decimal(50_000), Decimal(500_000)]),
)
def test_a_decision_of_several_strategies_is_shared_out_and_respects_the_limits(
    wanted, frozen, untraded, position, cash
):
    close = {"AAA": 10.0, "BBB": 55.5, "CCC": 250.0}
    held: dict[str, Decimal] = {}
    for _, own in wanted.values():
        for symbol, quantity in own.items():
            held[symbol] = held.get(symbol, Decimal(0)) + quantity
    equity = cash + sum(held[symbol] * Decimal(repr(close[symbol])) for symbol in held)
    traded = frozenset(SYMBOLS) - untraded
    seen = Market(
        close, traded, dict.fromkeys(SYMBOLS, 1e8), frozen=dict.fromkeys(frozen, ("unsettled", "why"))
    )
    asked: list[Wish] = []
    for name, (signals, own) in wanted.items():
        mandate = Mandate(name, Decimal("0.3"), FixedFractional(position_frac=position))
        given_views = {symbol: View(side, strength, "why") for symbol, (side, strength) in signals.items()}
        asked += wishes(mandate, given_views, own, equity_usd=equity, shown=Shown(traded))
    limits = RiskLimits(max_position_frac=Decimal("0.5"))
    book = Book(held, equity, cash)
    targets = target_rows(target_positions(net(asked), book, seen, limits), book)
    spent = Decimal(0)
    for row in targets.iter_rows(named=True):
        symbol, quantity = row["symbol"], row["quantity"]
        parts = allot([wish for wish in asked if wish.symbol == symbol], quantity, is_frozen=symbol in frozen)
        assert sum(parts.values()) == quantity
        assert all(part >= 0 for part in parts.values())
        for name, part in parts.items():
            side = wanted[name][0].get(symbol, ("none",))[0]
            before = wanted[name][1].get(symbol, Decimal(0))
            assert side == "enter_long" or part <= before, "only who wants to enter gets more"
            if symbol in frozen:
                assert part == before
        spent += max(quantity - row["current_quantity"], Decimal(0)) * row["reference_price_usd"]
        if symbol in traded and symbol not in frozen:
            assert quantity * row["reference_price_usd"] <= equity * limits.max_position_frac
    assert spent <= max(cash, Decimal(0))
