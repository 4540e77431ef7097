"""What the broker booked is booked here too, and what nothing explains is numbered, released or accepted; over the real protocol."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from resources.vendors.alpaca.answers import parse_activity
from trading_assets.books.bookings import Action
from trading_assets.errors import ConfigurationError
from trading_assets.execution.acceptance import accept
from trading_assets.execution.activities import ingest_activities
from trading_assets.execution.halts import release_halts
from trading_assets.execution.reconciliation import reconcile, verify_books
from trading_assets.orders import OrderRequest, Side
from trading_assets.sessions import next_session, session_open

AFTER_CLOSE = "2024-05-01T16:30:00-04:00"


@pytest.fixture
def desk(open_desk, start_simulator):
    return open_desk(start_simulator(symbols=30, years=0.5, at=AFTER_CLOSE))


def buy(desk, shares):
    desk.aim(shares)
    desk.plan()
    desk.submit()
    desk.clock.advance_to(session_open(next_session(desk.session)) + timedelta(minutes=2))


def resume(desk, reason):
    with desk.database.connection() as connection:
        release_halts(connection, desk.account, reason=reason, released_by="somebody", now=desk.clock.now())


def numbers(desk):
    return dict(
        desk.database.fetch(
            "select item, difference_id from book_differences where state in ('open', 'released')"
        )
    )


@pytest.mark.parametrize("is_known", [True, False], ids=["known action", "the broker's word alone"])
def test_a_split_of_what_is_held_halts_nothing(open_desk, start_simulator, is_known) -> None:
    # THL splits five for one on 2024-05-30 in this market
    split = Action("THL", date(2024, 5, 30), "split", split_ratio=5.0)
    desk = open_desk(start_simulator(symbols=120, years=0.5, at="2024-05-28T16:30:00-04:00"))
    buy(desk, {"THL": 3})
    desk.clock.advance_to(session_open(split.ex_date) + timedelta(minutes=1))
    report = reconcile(desk.trading(), desk.session, actions=[split] if is_known else [])
    assert {item.item: (item.ours, item.brokers) for item in report.items}["THL"] == (15, 15)
    assert report.is_match
    assert desk.halts() == []
    ((kind, symbol, activities, ex_date),) = desk.database.fetch(
        "select kind, symbol, activities, action_ex_date from bookings where kind = 'split'"
    )
    assert (kind, symbol, ex_date) == ("split", "THL", split.ex_date if is_known else None)
    assert desk.database.fetch("select kind, shares from account_activities") == [("SPLIT", 12)]
    assert activities == [
        name for (name,) in desk.database.fetch("select activity_id from account_activities")
    ]


def test_a_difference_halts_once_and_no_more_after_a_person_let_trading_go_on(desk) -> None:
    mine, other = desk.symbols[:2]
    desk.broker.submit(OrderRequest("by-hand", other, Side.BUY, Decimal(3)))
    buy(desk, {mine: 10})
    first = reconcile(desk.trading(), desk.session)
    assert {item.item for item in first.differences} == {"cash", other}
    assert all(f"number {numbers(desk)[item.item]}: " in item.explanation for item in first.differences)
    ((level, reason),) = desk.halts()
    assert level == "orders"
    assert f"{other} -3 (number {numbers(desk)[other]})" in reason
    resume(desk, "my own trade")
    for _ in range(2):
        assert {item.item for item in reconcile(desk.trading(), desk.session).differences} == {"cash", other}
        assert verify_books(desk.trading())
    assert desk.halts() == [], "a person has looked at exactly these"
    desk.broker.submit(OrderRequest("by-hand-again", other, Side.BUY, Decimal(1)))
    desk.clock.advance_to(desk.clock.now() + timedelta(minutes=2))
    reconcile(desk.trading(), desk.session)
    assert f"{other} -4" in desk.halts()[0][1], "another amount is another difference"


def test_an_accepted_difference_is_booked_audited_and_no_profit(desk) -> None:
    mine, other = desk.symbols[:2]
    desk.broker.submit(OrderRequest("by-hand", other, Side.BUY, Decimal(3)))
    buy(desk, {mine: 10})
    reconcile(desk.trading(), desk.session)
    found = numbers(desk)
    with pytest.raises(ConfigurationError, match=r"Difference 99 does not stand: .* What stands: difference"):
        accept(desk.trading(), desk.session, 99, reason="?", accepted_by="somebody")
    for item in (other, "cash"):
        _, report = accept(
            desk.trading(), desk.session, found[item], reason="my own trade", accepted_by="somebody"
        )
    assert report.is_match
    assert numbers(desk) == {}
    assert [
        (action, actor, reason)
        for action, actor, reason in desk.database.fetch(
            "select action, actor, reason from audit_log order by 1"
        )
        if action == "accept_difference"
    ] == [("accept_difference", "somebody", "my own trade")] * 2
    bookings = desk.database.fetch(
        "select kind, symbol, shares, note from bookings order by symbol nulls last"
    )
    assert bookings == [
        ("correction", other, 3, "accepted by somebody: my own trade"),
        ("correction", None, 0, "accepted by somebody: my own trade"),
    ]
    ((price,),) = desk.database.fetch("select price_usd from book_differences where item = %s", (other,))
    assert price == pytest.approx(
        Decimal(desk.get("/v2/positions/" + other)["avg_entry_price"]), abs=Decimal("0.01")
    )
    assert len(desk.halts()) == 1, "trading goes on when a person says so"
    resume(desk, "explained")
    assert reconcile(desk.trading(), desk.session).is_match
    assert desk.halts() == []


def test_an_activity_that_the_broker_cancels_moves_nothing_any_more(desk, monkeypatch) -> None:
    paid = {
        "id": "20240502000000000::1",
        "activity_type": "CSD",
        "date": "2024-05-02",
        "net_amount": "500",
        "qty": None,
    }
    answers = [{**paid, "status": "executed"}, {**paid, "status": "canceled"}]
    monkeypatch.setattr(type(desk.broker), "activities", lambda *_: [parse_activity(answers[0])])
    assert [ingest_activities(desk.trading()) for _ in range(2)] == [1, 0]
    assert desk.database.fetch("select cash_usd from account_activities") == [(500,)]
    answers.pop(0)
    assert [ingest_activities(desk.trading()) for _ in range(2)] == [1, 0]
    assert desk.database.fetch("select cash_usd, body ->> 'status' from account_activities") == [
        (0, "canceled")
    ]
