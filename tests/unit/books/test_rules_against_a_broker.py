"""Whatever corporate actions happen to what is held: the books follow the broker's activities to the share and the cent."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from resources.vendors.alpaca.answers import parse_activity, parse_fill
from trading_assets.books.attribution import Execution, shares_by_strategy, strategy_books
from trading_assets.books.bookings import Action, Activity, BookingKind
from trading_assets.books.expected import CASH
from trading_assets.books.holdings import Fill
from trading_assets.books.keeping import books_from_fills
from trading_assets.books.rules import rule
from trading_assets.orders import ActivityId
from trading_assets.sessions import NEW_YORK, next_session, session_close, session_open, sessions_between
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.broker.order_listings import ActivityQuery
from trading_assets.simulator.market.synthetic import SyntheticMarket

FIRST, LAST = date(2018, 1, 2), date(2019, 6, 28)
OPENING = Decimal(10_000_000)
EVERYTHING_KNOWN = datetime(2200, 1, 1, tzinfo=UTC)
KINDS = ("split", "spin_off", "symbol_change", "delisting")


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    """A year and a half of an account that holds, long or short, something of every kind of event."""
    market = SyntheticMarket(seed=7, symbols=600, first=FIRST)
    actions = [
        Action(**{name: row[name] for name in Action.__dataclass_fields__})
        for row in market.corporate_actions(FIRST, LAST, known_at=EVERYTHING_KNOWN).iter_rows(named=True)
    ]
    chosen = [symbol for kind in KINDS for symbol in _some(actions, kind)]
    clock = [session_close(FIRST)]
    engine = Engine(market, tmp_path_factory.mktemp("broker"), lambda: clock[0], OPENING, pay_dividends=True)
    wanted = dict(zip(chosen, (7, -13, 100, 29, -50, 1) * len(chosen), strict=False))
    for day in sessions_between(FIRST, LAST)[:-1]:
        held = {symbol: shares for symbol, shares in wanted.items() if market.bar(symbol, day) is not None}
        for symbol, shares in held.items():
            engine.submit(
                {"symbol": symbol, "qty": str(abs(shares)), "side": "buy" if shares > 0 else "sell",
                 "type": "market", "time_in_force": "day"}
            )  # fmt: skip
            del wanted[symbol]
        clock[0] = session_close(next_session(day))
        engine.advance(clock[0])
    return engine, actions


def _some(actions, kind):
    found = [
        action.symbol
        for action in actions
        if action.kind == kind and action.ex_date > FIRST + timedelta(days=30)
    ]
    return sorted(set(found))[:12]


def read(engine, *, is_trade):
    rows, token = [], None
    while True:
        query = ActivityQuery((), is_trade, None, None, None, ascending=True, page_token=token, page_size=100)
        page = json.loads(engine.ledger.activity_bodies(query) or b"[]")
        rows += page
        if len(page) < 100:
            return rows
        token = page[-1]["id"]


def fills_of(engine):
    found = [parse_fill(body) for body in read(engine, is_trade=True)]
    day = {fill.activity_id: fill.executed_at.astimezone(NEW_YORK).date() for fill in found}
    return [
        Fill(
            fill.symbol, fill.side, fill.quantity, fill.price_usd, day[fill.activity_id], day[fill.activity_id],
            fill.executed_at, fill.activity_id,
        )
        for fill in found
    ]  # fmt: skip


def activities_of(engine):
    found = [parse_activity(body) for body in read(engine, is_trade=False)]
    return [
        Activity(item.activity_id, item.kind, item.symbol, item.day, item.cash_usd, item.shares)
        for item in found
    ]


@pytest.mark.parametrize("is_known", [True, False], ids=["actions known", "activities alone"])
def test_the_books_equal_the_brokers_after_every_event(life, is_known):
    engine, actions = life
    activities, fills = activities_of(engine), fills_of(engine)
    kinds = {activity.kind for activity in activities}
    assert kinds >= {"SPLIT", "CIL", "DIV", "SPIN", "NC", "MA", "REORG"}, "the market shows every kind"
    ruled = rule(fills, activities, actions if is_known else [], today=LAST)
    assert ruled.unexplained == ()
    books = books_from_fills(fills, OPENING, bookings=ruled.bookings, through=LAST)
    brokers = {symbol: position.shares for symbol, position in engine.account.positions.items()}
    assert books.quantities == brokers
    assert abs(books.cash_usd - engine.account.cash_usd) < Decimal("0.005") * len(fills)
    cost = sum((held.cost_usd for held in books.holdings.values()), Decimal(0))
    assert (
        books.cash_usd + cost == OPENING + books.transferred_usd + books.realised_pnl_usd + books.income_usd
    )
    assert books.transferred_usd == 0


def test_costs_move_as_the_broker_moves_them_when_the_actions_are_known(life):
    engine, actions = life
    fills = fills_of(engine)
    books = books_from_fills(
        fills,
        OPENING,
        bookings=rule(fills, activities_of(engine), actions, today=LAST).bookings,
        through=LAST,
    )
    for symbol, position in engine.account.positions.items():
        ours, theirs = books.holdings[symbol].cost_usd, position.cost_usd
        assert ours == pytest.approx(theirs, rel=Decimal("0.0001")), symbol


def test_the_strategies_shares_and_cash_add_up_through_every_event(life):
    engine, actions = life
    fills = fills_of(engine)
    bookings = rule(fills, activities_of(engine), actions, today=LAST).bookings
    account = books_from_fills(fills, OPENING, bookings=bookings, through=LAST)
    halves = [
        Execution(fill, {"alpha": fill.signed_quantity * Decimal("0.3"), "beta": fill.signed_quantity * Decimal("0.7")})
        for fill in fills
    ]  # fmt: skip
    own = strategy_books(halves, [], bookings=bookings, through=LAST)
    owned = shares_by_strategy(own, account.quantities)
    for symbol, shares in account.quantities.items():
        assert sum(owned[strategy].get(symbol, 0) for strategy in owned) == shares
    assert sum(books.cash_usd for books in own.values()) == account.cash_usd - OPENING
    assert own["beta"].income_usd == pytest.approx(own["alpha"].income_usd * 7 / 3, abs=Decimal("0.01"))


def test_until_the_broker_books_an_action_it_explains_exactly_its_own_difference(life):
    engine, actions = life
    fills, activities = fills_of(engine), activities_of(engine)
    for kind in KINDS:
        action = next(
            action
            for action in actions
            if action.kind == kind
            and any(item.day == action.ex_date and item.symbol in {action.symbol, action.new_symbol} and item.shares
                    for item in activities)
        )  # fmt: skip
        day = action.ex_date
        then = [item for item in activities if item.day < day]
        known = [item for item in actions if item.ex_date <= day]
        done = [fill for fill in fills if fill.executed_session < day]
        booked = rule(done, [item for item in activities if item.day <= day], known, today=day)
        waiting = rule(done, then, known, today=day)
        before = books_from_fills(done, OPENING, bookings=waiting.bookings, through=day)
        after = books_from_fills(done, OPENING, bookings=booked.bookings, through=day)
        about = {action.symbol, action.new_symbol} - {None}
        for symbol in about:
            missing = after.quantities.get(symbol, 0) - before.quantities.get(symbol, 0)
            reasons = [item for item in waiting.expected if item.item == symbol and item.action == action]
            assert missing == 0 or any(abs(item.amount - missing) <= item.tolerance for item in reasons)
        late = rule(done, then, known, today=day + timedelta(days=100))
        assert not [item for item in late.expected if item.action == action], "not for ever"


def a_fill(symbol="AAA", quantity="100", side="buy", day=date(2024, 5, 1)):
    return Fill(
        symbol,
        side_of(side),
        Decimal(quantity),
        Decimal(10),
        day,
        day,
        session_open(day),
        ActivityId(f"f{symbol}"),
    )


def side_of(word):
    from trading_assets.orders import Side

    return Side(word)


def an_activity(kind, *, cash="0", shares="0", symbol="AAA", day=date(2024, 6, 3), name="a1"):
    return Activity(ActivityId(name), kind, symbol, day, Decimal(cash), Decimal(shares))


def test_a_reverse_split_leaves_whole_shares_and_the_fraction_in_cash():
    split = Action("AAA", date(2024, 6, 3), "split", split_ratio=0.142857)
    activities = [an_activity("SPLIT", shares="-86"), an_activity("CIL", cash="19.57", name="a2")]
    ruled = rule([a_fill()], activities, [split], today=date(2024, 6, 3))
    books = books_from_fills([a_fill()], OPENING, bookings=ruled.bookings, through=date(2024, 6, 3))
    held = books.holdings["AAA"]
    assert held.quantity == 14
    assert held.cost_usd == Decimal("980.000000"), "two sevenths of a share of 70 USD were sold"
    assert held.realised_pnl_usd == Decimal("19.57") - 20
    assert books.cash_usd == OPENING - 1000 + Decimal("19.57")


def test_a_short_pays_the_dividend_of_those_who_were_entitled():
    dividend = Action("AAA", date(2024, 6, 3), "cash_dividend", cash_usd=0.5)
    fills = [a_fill(side="sell_short"), a_fill(quantity="60", day=date(2024, 6, 10))]
    paid = an_activity("DIV", cash="-50", day=date(2024, 6, 20))
    ruled = rule(fills, [paid], [dividend], today=date(2024, 6, 20))
    executions = [Execution(fills[0], {"alpha": Decimal(-100)}), Execution(fills[1], {"beta": Decimal(60)})]
    own = strategy_books(executions, [], bookings=ruled.bookings, through=date(2024, 6, 20))
    assert (own["alpha"].income_usd, own["beta"].income_usd) == (-50, 0)
    assert ruled.expected == ()


@pytest.mark.parametrize(
    ("kind", "moved", "actions", "booked"),
    [
        ("XYZ", {"cash": "5"}, [], None),
        ("XYZ", {"shares": "5"}, [], None),
        ("XYZ", {"shares": "100"}, [Action("AAA", date(2024, 6, 3), "split", split_ratio=2.0)], BookingKind.SPLIT),
        ("XYZ", {"shares": "50"}, [Action("AAA", date(2024, 6, 3), "split", split_ratio=2.0)], None),
        ("SPLIT", {"shares": "50"}, [], BookingKind.SPLIT),
        ("XYZ", {"shares": "-100"}, [Action("AAA", date(2024, 6, 3), "delisting")], BookingKind.DELISTING),
        ("XYZ", {"shares": "-99"}, [Action("AAA", date(2024, 6, 3), "delisting")], None),
        ("MEM", {}, [], None),
    ],
)  # fmt: skip
def test_a_kind_that_no_rule_knows_is_booked_only_if_a_known_action_explains_it(kind, moved, actions, booked):
    ruled = rule([a_fill()], [an_activity(kind, **moved)], actions, today=date(2024, 6, 3))
    by_broker = [item for item in ruled.bookings if item.activity_ids]
    assert [item.kind for item in by_broker] == ([] if booked is None else [booked])
    assert len(ruled.unexplained) == (1 if booked is None and moved else 0)


def test_money_put_in_is_no_profit_and_a_fee_is_nobodys():
    bookings = rule(
        [a_fill()],
        [
            an_activity("CSD", cash="500", symbol=None),
            an_activity("FEE", cash="-0.03", symbol=None, name="a2"),
        ],
        [],
        today=date(2024, 6, 3),
    ).bookings
    books = books_from_fills([a_fill()], OPENING, bookings=bookings, through=date(2024, 6, 3))
    assert (books.transferred_usd, books.income_usd) == (500, Decimal("-0.03"))
    own = strategy_books(
        [Execution(a_fill(), {"alpha": Decimal(100)})], [], bookings=bookings, through=date(2024, 6, 3)
    )
    assert own["unattributed"].cash_usd == Decimal("-0.03")
    assert CASH not in books.holdings
