"""Planned intents become orders, orders become fills, and fills agree with the broker, over the real protocol."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import pytest

from resources.vendors.alpaca.broker import AlpacaBroker
from trading_assets.errors import (
    ConfigurationError,
    ReconciliationError,
    UnknownOutcomeError,
)
from trading_assets.execution.fills import ingest_fills
from trading_assets.execution.halts import engage_halt
from trading_assets.execution.reconciliation import reconcile
from trading_assets.execution.trading_account import open_account
from trading_assets.execution.waiting import broker_news, waiting_batches
from trading_assets.orders import OrderRequest, Side
from trading_assets.sessions import next_session, session_close, session_open

AFTER_CLOSE = "2024-05-01T16:30:00-04:00"


@pytest.fixture(scope="module")
def quiet(start_simulator):
    """A market after the close, whose clock stands still: orders queue and nothing fills."""
    return start_simulator(symbols=30, years=0.5, at=AFTER_CLOSE)


@pytest.fixture
def desk(open_desk, quiet):
    return open_desk(quiet)


@pytest.fixture
def trading_desk(open_desk, start_simulator):
    """A desk with a market of its own, which may be moved on."""
    return open_desk(start_simulator(symbols=30, years=0.5, at=AFTER_CLOSE))


def at_open(desk) -> None:
    desk.clock.advance_to(session_open(next_session(desk.session)) + timedelta(minutes=2))


@pytest.mark.smoke
def test_a_session_goes_from_targets_to_reconciled_positions_and_the_next_one_sells(trading_desk) -> None:
    desk = trading_desk
    first, second, third = desk.symbols[:3]
    desk.aim({first: 10, second: 5})
    assert desk.plan().inserted == 2
    report = desk.submit()
    assert len(report.sent) == 2
    assert desk.states() == {first: "acknowledged", second: "acknowledged"}
    assert desk.events(first) == ["planned", "claimed", "accepted"]
    waiting = reconcile(desk.trading(), desk.session)
    assert waiting.is_match
    assert broker_news(desk.database, desk.broker) == []

    at_open(desk)
    (news,) = broker_news(desk.database, desk.broker)
    assert news.session == desk.session
    fills = ingest_fills(desk.trading())
    assert (fills.new, fills.sessions, fills.open_orders, fills.pending) == (2, (desk.session,), 0, ())
    assert broker_news(desk.database, desk.broker) == []
    rows = desk.database.fetch("select distinct session, executed_session from fills")
    assert rows == [(desk.session, next_session(desk.session))]
    settled = reconcile(desk.trading(), desk.session)
    assert settled.is_match
    assert {item.item: item.ours for item in settled.items if item.item != "cash"} == {first: 10, second: 5}
    assert desk.halts() == []

    desk.clock.advance_to(session_close(next_session(desk.session)) + timedelta(hours=1))
    desk.session = next_session(desk.session)
    desk.aim({first: 0, third: 7}, current={first: 10})
    desk.plan()
    placed = desk.submit().sent
    assert [name.split("-")[2:4] for name in placed] == [[first, "sell"], [third, "buy"]]
    at_open(desk)
    assert ingest_fills(desk.trading()).new == 2
    assert reconcile(desk.trading(), desk.session).is_match


def test_the_same_session_again_sends_and_changes_nothing(desk) -> None:
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    desk.submit()
    before = desk.database.fetch("select * from order_intents"), len(desk.placed())
    again = desk.plan()
    assert (again.inserted, again.updated, again.unchanged, again.conflicts) == (0, 0, 1, ())
    assert desk.submit().sent == ()
    assert (desk.database.fetch("select * from order_intents"), len(desk.placed())) == before


def test_a_corrected_session_keeps_what_was_sent_and_says_so_once(desk) -> None:
    sent, unsent, dropped = desk.symbols[:3]
    desk.aim({sent: 3})
    desk.plan()
    desk.submit()
    desk.aim({sent: 3, unsent: 4, dropped: 5})
    desk.plan()
    desk.aim({sent: 9, unsent: 6})
    report = desk.plan()
    assert (report.updated, report.superseded, len(report.conflicts)) == (1, 1, 1)
    assert desk.plan().conflicts == report.conflicts
    assert desk.events(sent).count("plan_conflict") == 1
    desk.submit()
    assert {order["symbol"]: order["qty"] for order in desk.placed()} == {sent: "3", unsent: "6"}
    assert desk.states() == {sent: "acknowledged", unsent: "acknowledged", dropped: "abandoned"}


def test_an_expired_intent_is_never_sent(desk) -> None:
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    desk.database.execute("update order_intents set valid_until = %s", (desk.clock.now(),))
    assert len(desk.submit().expired) == 1
    assert desk.placed() == []


def test_a_refusal_is_final_and_does_not_stop_the_others(desk) -> None:
    broke, fine = desk.symbols[:2]
    desk.aim({broke: 100_000_000, fine: 1})
    desk.plan()
    report = desk.submit()
    assert [reason.split(":")[0] for _, reason in report.refused] == ["40310000"]
    assert desk.states() == {broke: "refused", fine: "acknowledged"}
    assert desk.submit().refused == ()
    assert [order["symbol"] for order in desk.placed()] == [fine]


@pytest.mark.parametrize(
    ("level", "sent"), [("entries", {"close", "reduce"}), ("flatten", {"close"}), ("orders", set())]
)
def test_the_kill_switch_is_enforced_where_orders_leave(desk, level, sent) -> None:
    purposes = dict(zip(desk.symbols, ["open", "increase", "reduce", "close"], strict=False))
    current = {
        symbol: {"open": 0, "increase": 1, "reduce": 5, "close": 3}[kind] for symbol, kind in purposes.items()
    }
    target = {
        symbol: {"open": 2, "increase": 3, "reduce": 2, "close": 0}[kind] for symbol, kind in purposes.items()
    }
    desk.aim(target, current=current)
    desk.plan()
    with desk.database.connection() as connection:
        engage_halt(connection, desk.account, level, "a reason", engaged_by="tester", now=desk.clock.now())
    held = {name.split("-")[2] for name, _ in desk.submit().held}
    assert {purposes[symbol] for symbol in held} == set(purposes.values()) - sent
    assert {desk.states()[symbol] for symbol in held} == {"planned"}
    waiting = waiting_batches(desk.database, desk.clock.now())
    assert waiting == []
    desk.database.execute("update trading_halts set released_at = engaged_at")
    assert len(desk.submit().held) == 0


def test_a_halt_cancels_what_is_still_open(desk) -> None:
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    desk.submit()
    with desk.database.connection() as connection:
        engage_halt(connection, desk.account, "orders", "a reason", engaged_by="tester", now=desk.clock.now())
    assert len(desk.submit().cancelled) == 1
    assert [order["status"] for order in desk.placed()] == ["canceled"]
    assert desk.database.fetch("select status from orders") == [("canceled",)]


@pytest.mark.parametrize("kind", ["429", "500", "html_504", "reset_after_accept", "truncated"])
def test_a_fault_on_the_way_ends_in_exactly_one_order(desk, kind) -> None:
    desk.aim({desk.symbols[0]: 3, desk.symbols[1]: 4})
    desk.plan()
    desk.simulated.fault("^/v2/orders$", kind, method="POST", retry_after=3)
    report = desk.submit()
    assert sorted(order["qty"] for order in desk.placed()) == ["3", "4"]
    assert set(desk.states().values()) == {"acknowledged"}
    is_accepted_unseen = kind in {"reset_after_accept", "truncated"}
    assert len(report.adopted) == is_accepted_unseen
    if kind == "429":
        assert desk.waited == [3.0]
    elif not is_accepted_unseen:
        assert desk.waited == [2.0, 2.0]


def test_an_answer_that_comes_too_late_ends_in_exactly_one_order(open_desk, quiet) -> None:
    desk = open_desk(quiet, timeout_seconds=0.3)
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    desk.simulated.fault("^/v2/orders$", "slow", method="POST", seconds=0.8)

    def wait(seconds: float) -> None:
        time.sleep(0.4)

    desk.submit(wait=wait)
    assert [order["qty"] for order in desk.placed()] == ["3"]
    assert set(desk.states().values()) == {"acknowledged"}


def test_nothing_is_sent_while_an_outcome_is_open(desk) -> None:
    first, second = desk.symbols[:2]
    desk.aim({first: 3, second: 4})
    desk.plan()
    desk.simulated.fault("^/v2/orders$", "500", method="POST")
    desk.simulated.fault("by_client_order_id", "500", times=50)
    for _ in range(2):
        with pytest.raises(UnknownOutcomeError):
            desk.submit()
    assert desk.states() == {first: "unknown", second: "planned"}
    assert desk.placed() == []
    desk.simulated.clear_faults()
    desk.submit()
    assert sorted(order["qty"] for order in desk.placed()) == ["3", "4"]


def test_an_unknown_outcome_past_its_time_is_given_up_and_watched(desk) -> None:
    (symbol,) = desk.symbols[:1]
    desk.aim({symbol: 3})
    desk.plan()
    desk.simulated.fault("^/v2/orders$", "500", method="POST")
    desk.simulated.fault("by_client_order_id", "500", times=5)
    with pytest.raises(UnknownOutcomeError):
        desk.submit()
    desk.database.execute("update order_intents set valid_until = %s", (desk.clock.now(),))
    assert len(desk.submit().abandoned) == 1
    ((name,),) = desk.database.fetch("select client_order_id from order_intents")
    desk.broker.submit(OrderRequest(name, symbol, Side.BUY, Decimal(3)))
    assert desk.submit().adopted == (name,)
    assert desk.states() == {symbol: "acknowledged"}
    assert [level for level, _ in desk.halts()] == ["orders"]


def test_another_order_under_our_id_stops_trading(desk) -> None:
    (symbol,) = desk.symbols[:1]
    desk.aim({symbol: 3})
    desk.plan()
    ((name,),) = desk.database.fetch("select client_order_id from order_intents")
    desk.broker.submit(OrderRequest(name, symbol, Side.BUY, Decimal(4)))
    with pytest.raises(ReconciliationError, match="quantity"):
        desk.submit()
    assert [level for level, _ in desk.halts()] == ["orders"]
    assert len(desk.placed()) == 1


def test_a_duplicate_of_our_own_is_adopted(desk) -> None:
    class Blind(AlpacaBroker):
        def orders(self, since):
            return []  # the list lags behind, as lists do

    (symbol,) = desk.symbols[:1]
    desk.aim({symbol: 3})
    desk.plan()
    ((name,),) = desk.database.fetch("select client_order_id from order_intents")
    desk.broker.submit(OrderRequest(name, symbol, Side.BUY, Decimal(3)))
    report = desk.submit(broker=Blind(desk.simulated.base_url, api_key="k", secret_key="s"))
    assert report.adopted == (name,)
    assert desk.events(symbol) == ["planned", "claimed", "duplicate", "adopted"]


def test_orders_of_other_hands_are_reported_and_never_adopted(desk) -> None:
    desk.broker.submit(OrderRequest(f"by-hand-{desk.strategy}", desk.symbols[0], Side.BUY, Decimal(1)))
    assert f"by-hand-{desk.strategy}" in desk.submit().foreign
    desk.submit()
    query = "select count(*) from order_events where kind = 'foreign_order' and client_order_id = %s"
    assert desk.database.fetch(query, (f"by-hand-{desk.strategy}",)) == [(1,)]
    assert desk.database.fetch("select count(*) from orders") == [(0,)]


def test_an_intent_of_another_mode_or_account_is_not_sent(desk) -> None:
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    with pytest.raises(ConfigurationError):
        desk.submit(mode="paper")
    with pytest.raises(ConfigurationError):
        desk.submit(number="ANOTHER")
    assert desk.placed() == []


def test_fills_that_contradict_their_order_stop_trading_until_a_person_has_looked(trading_desk) -> None:
    desk = trading_desk
    desk.aim({desk.symbols[0]: 3})
    desk.plan()
    desk.submit()
    at_open(desk)
    ingest_fills(desk.trading())
    desk.database.execute("update fills set quantity = 4")
    report = ingest_fills(desk.trading())
    assert "fills of 4 shares, but the order reports 3" in report.contradictions[0]
    assert [level for level, _ in desk.halts()] == ["orders"]
    desk.database.execute("update trading_halts set released_at = engaged_at")
    ingest_fills(desk.trading())
    assert desk.halts() == []


def test_an_account_that_holds_something_is_not_opened(trading_desk) -> None:
    desk = trading_desk
    desk.broker.submit(OrderRequest("by-hand", desk.symbols[0], Side.BUY, Decimal(1)))
    at_open(desk)
    desk.database.execute("delete from accounts")
    with pytest.raises(ConfigurationError, match="holds positions"):
        open_account(desk.database, desk.broker, desk.clock, mode="sim")


def test_a_trade_by_other_hands_is_a_difference_that_stops_trading(trading_desk) -> None:
    desk = trading_desk
    mine, other = desk.symbols[:2]
    desk.aim({mine: 10})
    desk.plan()
    desk.submit()
    desk.broker.submit(OrderRequest("by-hand", other, Side.BUY, Decimal(1)))
    at_open(desk)
    report = reconcile(desk.trading(), desk.session)
    assert {item.item for item in report.differences} == {"cash", other}
    assert [level for level, _ in desk.halts()] == ["orders"]
    assert desk.database.fetch("select symbol from fills") == [(mine,)]
    reconcile(desk.trading(), desk.session)
    assert len(desk.halts()) == 1


def test_partial_fills_add_up_and_are_explained_by_the_open_order(open_desk, start_simulator) -> None:
    desk = open_desk(start_simulator(symbols=30, years=0.5, at=AFTER_CLOSE, cash=10**11))
    symbol = desk.symbols[0]
    bars = desk.get("/v2/stocks/bars", symbols=symbol, timeframe="1Day", start=str(desk.session))
    desk.aim({symbol: bars["bars"][symbol][-1]["v"] // 4})
    desk.plan()
    desk.submit()
    at_open(desk)
    settled = reconcile(desk.trading(), desk.session)
    assert settled.is_match
    assert settled.items[1].explanation.startswith("equal; buy order partially_filled")
    desk.clock.advance_to(session_close(next_session(desk.session)) - timedelta(minutes=1))
    assert reconcile(desk.trading(), desk.session).is_match
    ((fills, quantity),) = desk.database.fetch("select count(*), sum(quantity) from fills")
    ((filled,),) = desk.database.fetch("select filled_quantity from orders")
    assert fills > 1
    assert quantity == filled
