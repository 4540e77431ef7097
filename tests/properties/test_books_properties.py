"""Whatever the fills: no cent appears or disappears, and the books do not depend on how they were read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from trading_assets.books.bookings import Action
from trading_assets.books.holdings import Fill
from trading_assets.books.keeping import books_by_session, books_from_fills
from trading_assets.books.performance import value_books
from trading_assets.books.rules import rule
from trading_assets.orders import Side
from trading_assets.sessions import sessions_between

SESSIONS = sessions_between(date(2024, 1, 2), date(2024, 1, 12))
START = datetime(2024, 1, 2, 15, tzinfo=UTC)


def as_fill(number, symbol, side, quantity, price, day):
    at = START + timedelta(days=day, seconds=number)
    return Fill(symbol, Side(side), quantity, price, SESSIONS[day], SESSIONS[day], at, str(number))


fills = st.lists(
    st.tuples(
        st.sampled_from(["AAA", "BBB"]),
        st.sampled_from(["buy", "sell"]),
        st.decimals("0.000000001", 10_000, places=9),
        st.decimals("0.0001", 5_000, places=6),
        st.integers(0, len(SESSIONS) - 1),
    ),
    max_size=25,
).map(lambda rows: [as_fill(number, *row) for number, row in enumerate(rows)])
splits = st.lists(
    st.builds(
        Action,
        st.just("AAA"),
        st.sampled_from(SESSIONS),
        st.just("split"),
        split_ratio=st.sampled_from([2.0, 0.333333, 1.5]),
    ),
    max_size=2,
)
CASH = Decimal("100000.00")


@settings(max_examples=150, deadline=None)
@given(fills, splits)
@example(
    [as_fill(0, "AAA", "buy", Decimal("0.000000001"), Decimal(5), 0)],
    [Action("AAA", SESSIONS[1], "split", split_ratio=0.333333)],
)
def test_opening_cash_and_profit_equal_cash_and_cost_exactly(done, changes):
    bookings = rule(done, [], changes, today=SESSIONS[-1]).bookings
    books = books_from_fills(done, CASH, bookings=bookings, through=SESSIONS[-1])
    cost = sum((held.cost_usd for held in books.holdings.values()), Decimal(0))
    assert books.cash_usd + cost == CASH + books.realised_pnl_usd
    assert books.cash_usd == CASH - sum((f.signed_quantity * f.price_usd for f in done), Decimal(0))
    for held in books.holdings.values():
        assert held.quantity != 0 or held.cost_usd == 0


@settings(max_examples=100, deadline=None)
@given(fills, splits, st.randoms(use_true_random=False))
def test_books_of_a_session_are_the_same_alone_and_in_a_series(done, changes, random):
    shuffled = random.sample(done, len(done))
    bookings = rule(done, [], changes, today=SESSIONS[-1]).bookings
    for session, books in books_by_session(shuffled, CASH, SESSIONS, bookings=bookings):
        known = [fill for fill in done if fill.executed_session <= session]
        assert books_from_fills(known, CASH, bookings=bookings, through=session) == books


@settings(max_examples=100, deadline=None)
@given(fills, st.decimals("0.01", 1000, places=2))
def test_equity_is_opening_cash_plus_all_profit(done, mark):
    books = books_from_fills(done, CASH, through=SESSIONS[-1])
    value = value_books(books, {"AAA": mark, "BBB": mark})
    assert value.equity_usd == CASH + books.realised_pnl_usd + value.unrealised_pnl_usd
