"""The broker books spin-offs, ticker changes and ends of listings at the open, and fills nothing during a halt."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from trading_assets.sessions import session_open
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.broker.order_listings import ActivityQuery

MON, TUE, WED = date(2024, 3, 11), date(2024, 3, 12), date(2024, 3, 13)
FLAT = (100.0, 100.0, 100.0, 100.0, 100_000.0)


class Account:
    def __init__(self, market, folder):
        self.clock = session_open(MON) - timedelta(hours=2)
        self.engine = Engine(market, folder, lambda: self.clock, Decimal(100_000))

    def at(self, instant: datetime):
        self.clock = instant
        self.engine.advance(instant)
        return self

    def order(self, **fields):
        body = {"side": "buy", "type": "market", "time_in_force": "day", "qty": "10", **fields}
        return str(self.engine.submit(body)["id"])

    def read(self, order_id):
        return json.loads(self.engine.ledger.order_body(order_id=order_id) or b"{}")

    def activities(self):
        query = ActivityQuery((), None, None, None, None, ascending=True, page_token=None, page_size=100)
        rows = json.loads(self.engine.ledger.activity_bodies(query) or b"")
        return [
            (row["activity_type"], row["symbol"], Decimal(row["qty"]), Decimal(row["net_amount"]))
            for row in rows
            if row["activity_type"] != "FILL"
        ]

    def positions(self):
        held = self.engine.account.positions
        return {symbol: (held[symbol].shares, held[symbol].average_price) for symbol in held}


@pytest.fixture
def holder(bar_market, tmp_path):
    """Ten shares (or ten short) bought on Monday at 100 and one event on Tuesday."""

    def build(side="buy", bars=None, **event):
        symbols = ("OLD", "NEW")
        prices = {(symbol, day): FLAT for symbol in symbols for day in (MON, TUE, WED)} | (bars or {})
        market = bar_market(prices, actions=[{"symbol": "OLD", "ex_date": TUE, **event}])
        account = Account(market, tmp_path).at(session_open(MON) + timedelta(minutes=30))
        account.order(symbol="OLD", side=side)
        return account.at(session_open(MON) + timedelta(hours=1))

    return build


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_a_spin_off_brings_shares_and_takes_its_part_of_the_cost_along(holder, side, sign):
    account = holder(side, kind="spin_off", new_symbol="NEW", share_ratio=0.5, price_factor=0.8)
    account.at(session_open(TUE))
    assert account.positions() == {
        "OLD": (10 * sign, Decimal(80)),
        "NEW": (5 * sign, Decimal(40)),
    }
    assert account.activities() == [("SPIN", "NEW", 5 * sign, 0)]


def test_an_order_that_was_working_before_a_spin_off_gets_its_price_reduced(holder):
    account = holder(kind="spin_off", new_symbol="NEW", share_ratio=0.5, price_factor=0.8)
    working = account.order(symbol="OLD", side="sell", type="limit", limit_price="150", time_in_force="gtc")
    account.at(session_open(TUE) - timedelta(hours=1))
    fresh = account.order(symbol="NEW", type="limit", limit_price="50", time_in_force="gtc")
    account.at(session_open(TUE))
    assert account.read(working)["limit_price"] == "120"
    assert account.read(fresh)["limit_price"] == "50"


def test_a_new_ticker_takes_over_the_position_and_ends_the_orders(holder):
    account = holder(kind="symbol_change", new_symbol="NEW")
    order = account.order(symbol="OLD", side="sell", type="limit", limit_price="150", time_in_force="gtc")
    account.at(session_open(TUE))
    assert account.positions() == {"NEW": (10, Decimal(100))}
    assert account.read(order)["status"] == "canceled"
    assert account.activities() == [("NC", "OLD", -10, 0), ("NC", "NEW", 10, 0)]


@pytest.mark.parametrize(
    ("terms", "left", "booked"),
    [
        ({"cash_usd": 103.5}, {}, [("MA", "OLD", -10, 1035)]),
        ({"new_symbol": "NEW", "share_ratio": 0.25}, {"NEW": (Decimal(2), Decimal(400))},
         [("MA", "OLD", -10, 0), ("MA", "NEW", 2, 0), ("CIL", "NEW", Decimal("0.5"), 50)]),
        ({"new_symbol": "NEW", "share_ratio": 0.5, "cash_usd": 50.0}, {"NEW": (Decimal(5), Decimal(100))},
         [("MA", "OLD", -10, 500), ("MA", "NEW", 5, 0)]),
        ({}, {}, [("REORG", "OLD", -10, 0)]),
    ],
)  # fmt: skip
def test_the_end_of_a_listing_pays_cash_shares_both_or_nothing(holder, terms, left, booked):
    account = holder(kind="delisting", **terms)
    before = account.engine.account.cash_usd
    account.at(session_open(TUE))
    assert account.positions() == left
    assert account.activities() == booked
    assert account.engine.account.cash_usd == before + sum(net for *_, net in booked)


def test_events_survive_a_restart_and_happen_once(holder, tmp_path):
    account = holder(kind="symbol_change", new_symbol="NEW")
    account.at(session_open(TUE))
    account.engine.close()
    market = account.engine.quotes._market
    account.engine = Engine(market, tmp_path, lambda: account.clock, Decimal(1))
    account.at(session_open(WED))
    assert account.positions() == {"NEW": (10, Decimal(100))}
    assert len(account.activities()) == 2


def test_nothing_is_filled_while_trading_is_halted(bar_market, tmp_path):
    # the price falls from 100 to 80 in the first third of the session, through 90 at 10:35
    falling = (100.0, 110.0, 80.0, 105.0, 100_000.0)
    halts = {("AAA", TUE): (10 * 3600, 11 * 3600)}
    market = bar_market({("AAA", MON): FLAT, ("AAA", TUE): falling}, halts=halts)
    account = Account(market, tmp_path)
    limit = account.at(session_open(MON) + timedelta(hours=8)).order(
        symbol="AAA", type="limit", limit_price="90"
    )
    halted = session_open(TUE) + timedelta(minutes=30)
    during = account.at(halted + timedelta(minutes=20)).order(symbol="AAA")
    account.at(halted + timedelta(minutes=59))
    assert [account.read(order)["status"] for order in (limit, during)] == ["new", "new"]
    account.at(halted + timedelta(minutes=61))
    orders = [account.read(order) for order in (limit, during)]
    assert [order["status"] for order in orders] == ["filled", "filled"]
    resumed = halted + timedelta(minutes=60)
    assert {datetime.fromisoformat(order["filled_at"]) for order in orders} == {resumed}
    assert (
        Decimal(orders[1]["filled_avg_price"]) == account.engine.quotes.day("AAA", TUE).price_at(resumed) < 90
    )
