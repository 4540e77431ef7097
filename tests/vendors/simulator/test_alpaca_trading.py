"""The simulated broker through Alpaca's own client: bodies, states, refusals and fills."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import requests
import uvicorn
from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.models import NonTradeActivity, TradeActivity
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
)
from starlette.applications import Starlette

from trading_assets.sessions import session_close, session_open
from trading_assets.simulator.alpaca.trading_routes import routes
from trading_assets.simulator.broker.engine import Engine

MON, TUE, WED = date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)
EVENING = datetime(2024, 3, 4, 22, 30, tzinfo=UTC)
RISING = (100.0, 110.0, 90.0, 106.0, 10_000.0)  # open, low, high, close along the path
FALLING = (100.0, 110.0, 90.0, 94.0, 10_000.0)  # open, high, low, close
KEYS = {"APCA-API-KEY-ID": "key", "APCA-API-SECRET-KEY": "secret"}

# The keys of bodies recorded from a real paper account.
ORDER_KEYS = {
    "asset_class",
    "asset_id",
    "canceled_at",
    "client_order_id",
    "created_at",
    "expired_at",
    "expires_at",
    "extended_hours",
    "failed_at",
    "filled_at",
    "filled_avg_price",
    "filled_qty",
    "hwm",
    "id",
    "legs",
    "limit_price",
    "notional",
    "order_class",
    "order_type",
    "position_intent",
    "qty",
    "replaced_at",
    "replaced_by",
    "replaces",
    "side",
    "source",
    "status",
    "stop_price",
    "submitted_at",
    "subtag",
    "symbol",
    "time_in_force",
    "trail_percent",
    "trail_price",
    "type",
    "updated_at",
}
FILL_KEYS = {
    "activity_type",
    "cum_qty",
    "id",
    "leaves_qty",
    "order_id",
    "order_status",
    "price",
    "qty",
    "side",
    "symbol",
    "transaction_time",
    "type",
}
POSITION_KEYS = {
    "asset_class",
    "asset_id",
    "asset_marginable",
    "avg_entry_price",
    "change_today",
    "cost_basis",
    "current_price",
    "exchange",
    "lastday_price",
    "market_value",
    "qty",
    "qty_available",
    "side",
    "symbol",
    "unrealized_intraday_pl",
    "unrealized_intraday_plpc",
    "unrealized_pl",
    "unrealized_plpc",
}


@dataclass
class Broker:
    """A served account whose clock the test moves."""

    market: object
    folder: Path
    clock: datetime
    options: dict = field(default_factory=dict)

    def start(self) -> Broker:
        self.engine = Engine(self.market, self.folder, lambda: self.clock, 100_000, **self.options)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(Starlette(routes=routes(self.engine)), log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([listener],), daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.002)
        self.client = TradingClient("key", "secret", url_override=self.url)
        self.client._retry = 0
        self.raw = TradingClient("key", "secret", url_override=self.url, raw_data=True)
        self.raw._retry = 0
        return self

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.engine.close()

    def at(self, instant: datetime) -> Broker:
        self.clock = instant
        return self

    def post(self, **body: object) -> dict:
        given = {"symbol": "AAA", "side": "buy", "type": "market", "time_in_force": "day", **body}
        return self.raw.post("/orders", given)

    def refusal(self, **body: object) -> tuple[int, dict]:
        with pytest.raises(APIError) as refused:
            self.post(**body)
        return refused.value.status_code, json.loads(str(refused.value))

    def order(self, posted: dict) -> dict:
        return self.raw.get(f"/orders/{posted['id']}")

    def fills(self, **query: object) -> list[dict]:
        return self.raw.get("/account/activities/FILL", {"direction": "asc", **query})

    def cash(self) -> Decimal:
        return Decimal(self.raw.get("/account")["cash"])


@pytest.fixture
def serve(tmp_path: Path, bar_market: Callable) -> Iterator[Callable[..., Broker]]:
    """Serve a market of AAA (and others), on the Monday evening before two sessions."""
    started: list[Broker] = []

    def start(bars: dict | None = None, *, actions: list | None = None, **options: object) -> Broker:
        days = {("AAA", MON): RISING, ("AAA", TUE): RISING, ("AAA", WED): FALLING, **(bars or {})}
        instruments = {"NOFRAC": {"is_fractionable": False}, "HARD": {"is_easy_to_borrow": False}}
        instruments["GONE"] = {"delisted": date(2024, 2, 1)}
        instruments["SOON"] = {"listed": date(2030, 1, 2)}
        for symbol in instruments:
            days[symbol, MON] = (50.0, 50.0, 50.0, 50.0, 10_000.0)
        market = bar_market(days, actions=actions, **instruments)
        started.append(Broker(market, tmp_path / "state", EVENING, options).start())
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


def hours(session: date, hours: float) -> datetime:
    return session_open(session) + timedelta(hours=hours)


def test_the_client_reads_a_new_account(serve: Callable) -> None:
    broker = serve()
    account = broker.client.get_account()
    assert (account.cash, account.equity, account.buying_power) == ("100000", "100000", "200000")
    assert (account.multiplier, account.status.value, account.last_equity) == ("2", "ACTIVE", "100000")
    assert broker.client.get_account_configurations().no_shorting is False
    assert broker.client.get_all_positions() == []
    assert broker.client.get_orders() == []


def test_the_clock_and_calendar_follow_the_exchange_with_its_half_days(serve: Callable) -> None:
    broker = serve()
    clock = broker.client.get_clock()
    assert (clock.is_open, clock.next_open, clock.next_close) == (
        False,
        session_open(TUE),
        session_close(TUE),
    )
    assert clock.timestamp.utcoffset() == timedelta(hours=-5)
    assert broker.at(hours(TUE, 1)).client.get_clock().is_open
    days = broker.client.get_calendar(GetCalendarRequest(start=date(2024, 7, 1), end=date(2024, 7, 5)))
    assert [(day.date.day, day.close.hour) for day in days] == [(1, 16), (2, 16), (3, 13), (5, 16)]


def test_assets_are_those_listed_today(serve: Callable) -> None:
    broker = serve()
    by_symbol = {asset.symbol: asset for asset in broker.client.get_all_assets()}
    assert set(by_symbol) == {"AAA", "GONE", "HARD", "NOFRAC"}
    assert not by_symbol["GONE"].tradable
    assert not by_symbol["NOFRAC"].fractionable
    active = broker.client.get_all_assets(GetAssetsRequest(status="active", asset_class="us_equity"))
    assert {asset.symbol for asset in active} == {"AAA", "HARD", "NOFRAC"}
    assert broker.client.get_asset(by_symbol["AAA"].id).symbol == "AAA"
    with pytest.raises(APIError, match="asset not found for SOON"):
        broker.client.get_asset("SOON")


def test_an_evening_market_order_is_accepted_and_fills_at_the_official_open(serve: Callable) -> None:
    broker = serve()
    request = MarketOrderRequest(
        symbol="AAA", qty=10, side="buy", time_in_force="day", client_order_id="mine"
    )
    assert broker.client.submit_order(request).status.value == "accepted"
    broker.at(hours(TUE, -0.001))
    assert broker.client.get_order_by_client_id("mine").filled_qty == "0"
    broker.at(hours(TUE, 1 / 30))
    order = broker.client.get_order_by_client_id("mine")
    assert (order.status.value, order.filled_avg_price, order.filled_at) == (
        "filled",
        "100",
        session_open(TUE),
    )
    (fill,) = broker.fills()
    assert fill["id"].startswith("20240305093000000::")  # New York time
    assert (fill["price"], fill["qty"], fill["cum_qty"], fill["leaves_qty"]) == ("100", "10", "10", "0")
    assert broker.cash() == Decimal(99000)


def test_bodies_have_the_keys_of_recorded_ones_and_fit_the_clients_models(serve: Callable) -> None:
    broker = serve()
    posted = broker.post(qty="10")
    broker.at(hours(TUE, 1))
    assert set(posted) == ORDER_KEYS
    assert set(broker.order(posted)) == ORDER_KEYS
    assert set(broker.fills()[0]) == FILL_KEYS
    assert set(broker.raw.get("/positions")[0]) == POSITION_KEYS
    account_id = broker.raw.get("/account")["id"]  # the model is the broker API's, which names the account
    assert TradeActivity(**broker.fills()[0], account_id=account_id).cum_qty == 10
    assert posted["order_class"] == ""
    assert posted["expires_at"] == "2024-03-05T21:00:00Z"


def test_an_order_in_market_hours_answers_pending_new_and_is_filled_at_once(serve: Callable) -> None:
    broker = serve().at(hours(TUE, 6.5 / 6))  # half of the way from the open to the low
    posted = broker.post(qty="10")
    assert (posted["status"], posted["filled_qty"]) == ("pending_new", "0")
    order = broker.order(posted)
    assert (order["status"], order["filled_avg_price"]) == ("filled", "95")


@pytest.mark.parametrize(
    ("session", "body", "price", "hour"),
    [
        (TUE, {"type": "limit", "limit_price": 95}, "95", 6.5 / 6),
        (TUE, {"type": "limit", "limit_price": 104}, "100", 0),
        (TUE, {"type": "limit", "limit_price": 89}, None, None),
        (TUE, {"type": "stop", "stop_price": 108}, "108", 6.5 * (1 / 3 + 18 / 60)),
        (TUE, {"type": "stop", "stop_price": 98}, "100", 0),
        (TUE, {"type": "stop_limit", "stop_price": 108, "limit_price": 107}, "107", 6.5 / 3 * (2 + 3 / 4)),
        (TUE, {"type": "trailing_stop", "trail_price": 5}, "95", 6.5 / 3 * (1 + 5 / 20)),
        (TUE, {"type": "trailing_stop", "trail_percent": 10}, "99", 6.5 / 3 * (1 + 9 / 20)),
        (TUE, {"time_in_force": "opg"}, "100", 0),
        (TUE, {"time_in_force": "cls"}, "106", 6.5),
        (TUE, {"type": "limit", "limit_price": 105, "time_in_force": "cls"}, None, None),
        (WED, {"type": "limit", "limit_price": 95}, "95", 6.5 / 3 * (1 + 15 / 20)),
        (WED, {"type": "stop", "stop_price": 108}, "108", 6.5 / 3 * 0.8),
    ],
)
def test_a_buy_order_fills_where_the_days_path_reaches_its_price(
    serve: Callable, session: date, body: dict, price: str | None, hour: float | None
) -> None:
    broker = serve().at(EVENING + (session - TUE) + timedelta(hours=3))
    posted = broker.post(qty="10", **body)
    broker.at(hours(session, 12))
    order = broker.order(posted)
    if price is None:
        assert (order["status"], order["filled_qty"]) == ("expired", "0")
        return
    assert (order["status"], order["filled_avg_price"]) == ("filled", price)
    expected = hours(session, hour)
    assert abs(datetime.fromisoformat(order["filled_at"]) - expected) < timedelta(seconds=1)


def test_a_gap_through_a_buy_stop_leaves_the_order_behind_its_collar(serve: Callable) -> None:
    gap = (120.0, 121.0, 119.0, 120.0, 10_000.0)
    broker = serve({("AAA", TUE): gap})
    posted = broker.post(qty="10", type="stop", stop_price=110, time_in_force="gtc")
    broker.at(hours(TUE, 10))
    assert broker.order(posted)["status"] == "new"  # its limit is 110 + 2.5 %
    broker.at(hours(WED, 10))
    assert broker.order(posted)["filled_avg_price"] == "100"


def test_stops_remember_over_night_that_they_were_hit_and_the_best_price_they_saw(serve: Callable) -> None:
    lower = (100.0, 101.0, 90.0, 95.0, 10_000.0)
    broker = serve({("AAA", WED): lower, ("BBB", MON): RISING, ("BBB", TUE): RISING, ("BBB", WED): lower})
    hit = broker.post(qty="1", type="stop_limit", stop_price=108, limit_price=91, time_in_force="gtc")
    broker.post(symbol="BBB", qty="1")
    broker.at(hours(TUE, 1))
    trailing = broker.post(
        symbol="BBB", qty="1", side="sell", type="trailing_stop", trail_price=15, time_in_force="gtc"
    )
    broker.at(hours(TUE, 10))
    assert (broker.order(hit)["status"], broker.order(trailing)["hwm"]) == ("new", "110")
    broker.at(hours(WED, 10))
    assert broker.order(hit)["filled_avg_price"] == "91"
    assert broker.order(trailing)["filled_avg_price"] == "95"


def test_a_symbol_that_does_not_trade_fills_nothing_and_the_day_order_expires(serve: Callable) -> None:
    broker = serve({("LATE", MON): RISING, ("LATE", WED): RISING})
    day = broker.post(symbol="LATE", qty="1")
    gtc = broker.post(symbol="LATE", qty="1", time_in_force="gtc")
    broker.at(hours(TUE, 6.4))
    assert broker.order(day)["status"] == "new"
    broker.at(hours(TUE, 7))
    assert (broker.order(day)["status"], broker.order(day)["expired_at"]) == (
        "expired",
        "2024-03-05T21:00:00Z",
    )
    broker.at(hours(WED, 1))
    assert (broker.order(gtc)["status"], broker.order(gtc)["filled_avg_price"]) == ("filled", "100")


def test_a_large_order_fills_in_parts_and_what_is_left_expires_at_the_close(serve: Callable) -> None:
    broker = serve({("THIN", MON): RISING, ("THIN", TUE): (10.0, 10.0, 10.0, 10.0, 500.0)})
    small = broker.post(symbol="THIN", qty="120")
    large = broker.post(symbol="THIN", qty="1000", type="limit", limit_price=10)
    broker.at(hours(TUE, 0.5))
    assert (broker.order(small)["status"], broker.order(small)["filled_qty"]) == ("partially_filled", "50")
    broker.at(hours(TUE, 8))
    parts = [
        (row["qty"], row["type"], row["leaves_qty"])
        for row in broker.fills()
        if row["order_id"] == small["id"]
    ]
    assert parts == [("50", "partial_fill", "70"), ("50", "partial_fill", "20"), ("20", "fill", "0")]
    assert (broker.order(large)["status"], broker.order(large)["filled_qty"]) == ("expired", "350")


def test_immediate_orders_take_what_is_there_and_cancel_the_rest(serve: Callable) -> None:
    broker = serve({("THIN", MON): RISING, ("THIN", TUE): (10.0, 10.0, 10.0, 10.0, 500.0)}).at(hours(TUE, 1))
    taken = broker.post(symbol="THIN", qty="120", time_in_force="ioc")
    killed = broker.post(symbol="THIN", qty="120", time_in_force="fok")
    assert (broker.order(taken)["status"], broker.order(taken)["filled_qty"]) == ("canceled", "50")
    assert (broker.order(killed)["status"], broker.order(killed)["filled_qty"]) == ("canceled", "0")


def test_a_notional_order_buys_the_shares_that_its_money_pays_for(serve: Callable) -> None:
    broker = serve({("AAA", TUE): (87.03, 88.0, 86.0, 87.0, 10_000.0)})
    posted = broker.post(notional="5")
    assert (posted["qty"], posted["notional"]) == (None, "5")
    broker.at(hours(TUE, 1))
    order = broker.order(posted)
    assert (order["status"], order["filled_qty"]) == ("filled", "0.057451453")
    assert broker.cash() == Decimal(99995)


def test_a_client_order_id_is_unique_for_ever(serve: Callable) -> None:
    broker = serve()
    duplicate = (422, {"code": 40010001, "message": "client_order_id must be unique"})
    posted = broker.post(qty="1", client_order_id="once")
    assert broker.refusal(qty="1", client_order_id="once") == duplicate
    broker.client.cancel_order_by_id(posted["id"])
    assert broker.refusal(qty="1", client_order_id="once") == duplicate
    broker.post(qty="1", client_order_id="x" * 128)
    broker.at(hours(WED, 1))
    assert broker.refusal(qty="1", client_order_id="x" * 128) == duplicate
    assert broker.refusal(qty="1", client_order_id="x" * 129)[0] == 422
    assert len(broker.post(qty="1")["client_order_id"]) == 36
    assert broker.client.get_order_by_client_id("once").status.value == "canceled"
    with pytest.raises(APIError) as missing:
        broker.client.get_order_by_client_id("never")
    assert (missing.value.status_code, missing.value.code) == (404, 40410000)


@pytest.mark.parametrize(
    ("body", "status", "code", "message"),
    [
        (
            {"qty": "1", "type": "limit", "limit_price": "41.085"},
            422,
            42210000,
            "invalid limit_price 41.085. sub-penny",
        ),
        ({"qty": "1", "symbol": "NONE"}, 422, 42210000, 'asset "NONE" not found'),
        ({"qty": "1", "symbol": "SOON"}, 422, 42210000, 'asset "SOON" not found'),
        ({"qty": "1", "symbol": "GONE"}, 422, 42210000, 'asset "GONE" is not active'),
        ({"qty": "0.5", "symbol": "NOFRAC"}, 403, 40310000, 'asset "NOFRAC" is not fractionable'),
        ({"qty": "0.5", "time_in_force": "gtc"}, 422, 42210000, "fractional orders must be DAY orders"),
        ({"qty": "0.5", "side": "sell"}, 403, 40310000, "fractional orders cannot be sold short"),
        ({"qty": "1", "side": "sell", "symbol": "HARD"}, 403, 40310000, 'asset "HARD" cannot be sold short'),
        ({"notional": "0.5"}, 403, 40310000, "cost basis must be >= minimal amount of order 1"),
        ({"notional": "5.001"}, 422, 42210000, "notional value must be limited to 2 decimal places"),
        ({}, 422, 40010001, "qty or notional is required"),
        ({"qty": "1", "notional": "5"}, 422, 40010001, "only one of qty or notional"),
        ({"qty": "-1"}, 422, 40010001, "qty must be > 0"),
        ({"qty": "many"}, 422, 40010001, "qty must be a number"),
        ({"qty": "1", "side": "hold"}, 422, 40010001, "invalid side: hold"),
        ({"qty": "1", "type": "limit"}, 422, 40010001, "limit orders require a limit price"),
        ({"qty": "1", "limit_price": 5}, 422, 40010001, "market orders require no limit price"),
        ({"qty": "1", "time_in_force": "ioc"}, 422, 42210000, "only accepted during market hours"),
        ({"qty": "1", "order_class": "bracket"}, 422, 40010001, "bracket is not supported"),
        ({"qty": "1", "extended_hours": True}, 422, 42210000, "extended hours order must be"),
    ],
)
def test_refusals_have_alpacas_status_code_and_words(
    serve: Callable, body: dict, status: int, code: int, message: str
) -> None:
    broker = serve()
    refused, answer = broker.refusal(**body)
    assert (refused, answer["code"]) == (status, code)
    assert message in answer["message"]
    assert broker.raw.get("/orders", {"status": "all"}) == []


def test_auction_orders_are_refused_when_it_is_too_late_for_them(serve: Callable) -> None:
    broker = serve()  # 17:30 in New York
    assert broker.refusal(qty="1", time_in_force="opg")[1]["code"] == 42210000
    broker.at(session_open(TUE) - timedelta(minutes=1))
    assert broker.refusal(qty="1", time_in_force="opg")[0] == 422
    assert broker.post(qty="1", time_in_force="cls")["status"] == "accepted"
    broker.at(session_close(TUE) - timedelta(minutes=9))
    assert broker.refusal(qty="1", time_in_force="cls")[0] == 422


def test_shares_promised_to_one_order_cannot_be_sold_by_another(serve: Callable) -> None:
    broker = serve()
    broker.post(qty="10")
    broker.at(hours(TUE, 1)).post(qty="4", side="sell", type="limit", limit_price=200)
    status, answer = broker.refusal(qty="7", side="sell", type="limit", limit_price=200)
    assert status == 403
    assert answer == {
        "available": "6",
        "code": 40310000,
        "existing_qty": "10",
        "held_for_orders": "4",
        "message": "insufficient qty available for order (requested: 7, available: 6)",
        "symbol": "AAA",
    }
    assert broker.client.get_open_position("AAA").qty_available == "6"


def test_opposite_orders_that_could_meet_are_a_wash_trade(serve: Callable) -> None:
    broker = serve()
    resting = broker.post(qty="1", type="limit", limit_price=90)
    status, answer = broker.refusal(qty="1", side="sell", type="limit", limit_price=90)
    assert (status, answer["existing_order_id"]) == (403, resting["id"])
    assert "wash trade" in answer["message"]
    assert broker.refusal(qty="1", side="sell")[0] == 403
    assert broker.post(qty="1", side="sell", type="limit", limit_price=95)["status"] == "accepted"


def test_buying_power_is_twice_the_equity_less_open_orders_and_comes_back_when_sold(serve: Callable) -> None:
    broker = serve({("AAA", day): (100.0, 100.0, 100.0, 100.0, 1e6) for day in (MON, TUE, WED)})

    def buying_power() -> str:
        return broker.client.get_account().buying_power

    status, answer = broker.refusal(qty="2001")
    assert status == 403
    assert answer == {
        "buying_power": "200000",
        "code": 40310000,
        "cost_basis": "200100",
        "message": "insufficient buying power",
    }
    first = broker.post(qty="1500")
    assert buying_power() == "50000"
    assert broker.refusal(qty="501")[0] == 403
    broker.client.cancel_order_by_id(first["id"])
    assert buying_power() == "200000"
    broker.post(qty="1500")
    broker.at(hours(TUE, 1))
    account = broker.client.get_account()
    assert (account.cash, account.long_market_value, account.buying_power) == ("-50000", "150000", "50000")
    broker.at(hours(TUE, 8)).post(qty="1000", side="sell")
    assert buying_power() == "50000"
    broker.at(hours(WED, 1))
    assert buying_power() == "150000"


def test_a_short_position_costs_margin_and_is_bought_back(serve: Callable) -> None:
    broker = serve()
    assert broker.post(qty="100", side="sell")["position_intent"] == "sell_to_open"
    broker.at(hours(TUE, 10))
    position = broker.client.get_open_position("AAA")
    assert (position.side.value, position.qty, position.market_value) == ("short", "-100", "-10600")
    assert position.unrealized_pl == "-600"
    assert broker.client.get_account().equity == "99400"
    assert broker.refusal(qty="101")[1]["message"].startswith("insufficient qty available")
    assert broker.post(qty="100")["position_intent"] == "buy_to_close"
    broker.at(hours(WED, 1))
    assert broker.client.get_all_positions() == []
    assert broker.cash() == Decimal(100_000)


def test_cancelling_says_what_can_no_longer_be_cancelled(serve: Callable) -> None:
    broker = serve()
    filled, resting = (
        broker.post(qty="1"),
        broker.post(qty="1", type="limit", limit_price=1, time_in_force="gtc"),
    )
    broker.at(hours(TUE, 1))
    with pytest.raises(APIError) as refused:
        broker.client.cancel_order_by_id(filled["id"])
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)
    assert refused.value.message == 'order is already in "filled" state'
    answer = requests.delete(f"{broker.url}/v2/orders/{resting['id']}", headers=KEYS, timeout=5)
    assert (answer.status_code, answer.content) == (204, b"")
    assert broker.order(resting)["canceled_at"] is not None
    with pytest.raises(APIError) as missing:
        broker.client.cancel_order_by_id("00000000-0000-0000-0000-000000000000")
    assert missing.value.status_code == 404
    others = [broker.post(qty="1", type="limit", limit_price=price)["id"] for price in (1, 2)]
    answer = requests.delete(f"{broker.url}/v2/orders", headers=KEYS, timeout=5)
    assert answer.status_code == 207
    assert [(row["id"], row["status"]) for row in answer.json()] == [(order, 200) for order in others]


def test_replacing_makes_a_new_order_linked_to_the_old_one(serve: Callable) -> None:
    broker = serve()
    old = broker.post(qty="5", type="limit", limit_price=80, client_order_id="a")
    change = ReplaceOrderRequest(qty=7, limit_price=95, client_order_id="b")
    new = broker.client.replace_order_by_id(old["id"], change)
    assert (str(new.replaces), new.qty, new.limit_price, new.client_order_id) == (old["id"], "7", "95", "b")
    seen = broker.order(old)
    assert (seen["status"], seen["replaced_by"]) == ("replaced", str(new.id))
    with pytest.raises(APIError, match="client_order_id must be unique"):
        broker.client.replace_order_by_id(str(new.id), ReplaceOrderRequest(qty=8, client_order_id="a"))
    with pytest.raises(APIError, match="sub-penny"):
        broker.client.replace_order_by_id(str(new.id), ReplaceOrderRequest(limit_price=95.005))
    with pytest.raises(APIError, match="already in"):
        broker.client.replace_order_by_id(old["id"], ReplaceOrderRequest(qty=8))
    broker.at(hours(TUE, 8))
    assert broker.client.get_order_by_client_id("b").filled_qty == "7"


def test_positions_are_closed_in_part_by_percentage_or_all_together(serve: Callable) -> None:
    broker = serve({("BBB", MON): RISING, ("BBB", TUE): RISING})
    broker.post(qty="10")
    broker.post(symbol="BBB", qty="8")
    broker.at(hours(TUE, 1))
    part = broker.client.close_position("AAA", ClosePositionRequest(percentage="25"))
    assert (part.side.value, part.qty) == ("sell", "2.5")
    broker.post(qty="7.5", side="sell", type="limit", limit_price=200)
    results = {row.symbol: row for row in broker.client.close_all_positions()}
    assert (results["AAA"].status, results["AAA"].body.code) == (403, 40310000)
    assert (results["BBB"].status, results["BBB"].body.qty) == (200, "8")
    results = broker.client.close_all_positions(cancel_orders=True)
    assert [(row.symbol, row.status) for row in results] == [("AAA", 200)]
    assert broker.client.get_all_positions() == []
    with pytest.raises(APIError) as missing:
        broker.client.close_position("AAA")
    assert (missing.value.status_code, missing.value.code) == (404, 40410000)


def test_activities_page_in_both_directions_without_gap_or_overlap(serve: Callable) -> None:
    broker = serve()
    for _ in range(7):
        broker.post(qty="1")
    broker.at(hours(TUE, 1)).post(qty="1")
    every = broker.fills()
    assert len(every) == 8
    for direction, expected in (("asc", every), ("desc", every[::-1])):
        seen: list[dict] = []
        while page := broker.fills(
            direction=direction, page_size=3, **({"page_token": seen[-1]["id"]} if seen else {})
        ):
            seen += page
        assert seen == expected
    later = broker.raw.get("/account/activities", {"after": session_open(TUE).isoformat()})
    assert [row["id"] for row in later] == [every[-1]["id"]]  # strictly after
    assert len(broker.fills(date="2024-03-05")) == 8
    assert broker.fills(date="2024-03-06") == []
    assert broker.fills(until=session_open(TUE).isoformat()) == []
    for query in ({"page_size": 101}, {"page_token": "none"}, {"date": "2024-03-05", "after": "2024-03-01"}):
        with pytest.raises(APIError) as refused:
            broker.fills(**query)
        assert refused.value.status_code == 422


def test_orders_are_listed_by_state_time_symbol_and_side(serve: Callable) -> None:
    broker = serve({("BBB", MON): RISING, ("BBB", TUE): RISING})
    first = broker.post(qty="1")
    broker.at(EVENING + timedelta(seconds=1))
    second = broker.post(symbol="BBB", qty="1", type="limit", limit_price=1, time_in_force="gtc")
    broker.at(hours(TUE, 1))
    third = broker.post(qty="1", side="sell")

    def listed(**query: object) -> list[str]:
        return [str(order.id) for order in broker.client.get_orders(GetOrdersRequest(**query))]

    everything = [third["id"], second["id"], first["id"]]
    assert listed() == [second["id"]]
    assert listed(status="closed") == [third["id"], first["id"]]
    assert listed(status="all") == everything
    assert listed(status="all", direction="asc", limit=2) == everything[:0:-1]
    assert listed(status="all", symbols=["BBB"]) == [second["id"]]
    assert listed(status="all", side="sell") == [third["id"]]
    assert listed(status="all", after=EVENING) == [third["id"], second["id"]]
    assert listed(status="all", until=EVENING + timedelta(seconds=1)) == [first["id"]]
    with pytest.raises(APIError, match="limit must be between 1 and 500"):
        listed(limit=501)


def test_a_split_changes_the_position_and_older_orders_at_the_ex_date(serve: Callable) -> None:
    after = (50.0, 55.0, 45.0, 53.0, 10_000.0)
    split = {"symbol": "AAA", "ex_date": WED, "kind": "split", "split_ratio": 2.0}
    broker = serve({("AAA", WED): after}, actions=[split])
    broker.post(qty="10")
    broker.at(hours(TUE, 1))
    old = broker.post(qty="4", side="sell", type="limit", limit_price=200, time_in_force="gtc")
    broker.at(hours(TUE, 10))
    queued = broker.post(qty="2", side="sell")
    assert broker.client.get_open_position("AAA").qty == "10"
    broker.at(hours(WED, 1))
    position = broker.client.get_open_position("AAA")
    assert (position.qty, position.avg_entry_price, position.qty_available) == ("18", "50", "10")
    assert (broker.order(old)["qty"], broker.order(old)["limit_price"]) == ("8", "100")
    assert broker.order(queued)["filled_qty"] == "2"
    (activity,) = broker.raw.get("/account/activities/SPLIT")
    assert (activity["qty"], activity["net_amount"], activity["date"]) == ("10", "0", "2024-03-06")
    assert NonTradeActivity(**activity, account_id=broker.raw.get("/account")["id"]).symbol == "AAA"


def test_a_reverse_split_cancels_what_would_sell_shares_that_are_gone(serve: Callable) -> None:
    split = {"symbol": "AAA", "ex_date": WED, "kind": "split", "split_ratio": 0.1}
    broker = serve({("AAA", WED): (1000.0, 1010.0, 990.0, 1000.0, 1e4)}, actions=[split])
    broker.post(qty="10")
    broker.at(hours(TUE, 10))
    queued = broker.post(qty="10", side="sell")
    broker.at(hours(WED, 1))
    assert broker.order(queued)["status"] == "canceled"
    assert broker.client.get_open_position("AAA").qty == "1"


@pytest.mark.parametrize(("pays", "cash"), [(False, "99000"), (True, "99002.5")])
def test_dividends_are_paid_only_if_asked_for(serve: Callable, pays: bool, cash: str) -> None:
    dividend = {"symbol": "AAA", "ex_date": WED, "kind": "cash_dividend", "cash_usd": 0.25}
    broker = serve(actions=[dividend], pay_dividends=pays)
    broker.post(qty="10")
    broker.at(hours(WED, 1))
    assert broker.cash() == Decimal(cash)
    assert [row["net_amount"] for row in broker.raw.get("/account/activities/DIV")] == ["2.5"] * pays


def test_the_portfolio_history_has_one_point_a_session(serve: Callable) -> None:
    broker = serve()
    broker.post(qty="10")
    broker.at(hours(WED, 10))
    history = broker.client.get_portfolio_history(GetPortfolioHistoryRequest(period="1M", timeframe="1D"))
    assert history.timestamp == [int(session_open(day).timestamp()) for day in (TUE, WED)]
    assert (history.equity, history.profit_loss) == ([100_060.0, 99_940.0], [60.0, -60.0])
    assert broker.client.get_account().last_equity == "100060"


def test_a_half_day_ends_at_one_in_new_york(serve: Callable) -> None:
    half = date(2024, 7, 3)
    broker = serve({("AAA", half): RISING, ("AAA", date(2024, 7, 2)): RISING})
    broker.at(session_open(half) - timedelta(hours=1))
    closing = broker.post(qty="1", time_in_force="cls")
    broker.at(session_open(half) + timedelta(hours=5))
    assert broker.order(closing)["filled_at"] == "2024-07-03T17:00:00Z"


def test_suspended_or_long_only_accounts_refuse(serve: Callable) -> None:
    broker = serve()
    broker.raw.patch("/account/configurations", {"no_shorting": True})
    assert broker.refusal(qty="1", side="sell")[1]["message"] == "account is not allowed to short"
    broker.raw.patch("/account/configurations", {"suspend_trade": True})
    assert broker.refusal(qty="1")[0] == 403
    assert broker.client.get_account().trade_suspended_by_user is True


def test_every_answer_names_its_request_and_the_rate_limit_and_wants_keys(serve: Callable) -> None:
    broker = serve()
    answer = requests.get(f"{broker.url}/v2/account", timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (401, 40110000)
    first, second = (
        requests.get(f"{broker.url}/v2/clock", headers=KEYS, timeout=5).headers for _ in range(2)
    )
    assert first["X-Request-ID"] != second["X-Request-ID"]
    assert first["X-Ratelimit-Limit"] == "200"
    assert int(first["X-Ratelimit-Reset"]) > EVENING.timestamp()
    garbled = requests.post(f"{broker.url}/v2/orders", data="{", headers=KEYS, timeout=5)
    assert (garbled.status_code, garbled.json()["code"]) == (400, 40010000)


def test_the_account_goes_on_where_it_was_after_a_restart(serve: Callable) -> None:
    broker = serve()
    broker.post(qty="10", client_order_id="kept")
    resting = broker.client.submit_order(
        LimitOrderRequest(symbol="AAA", qty=1, side="buy", time_in_force="gtc", limit_price=50)
    )
    before = broker.raw.get("/orders", {"status": "all"}), broker.raw.get("/account")
    broker.stop()
    broker.start()
    assert (broker.raw.get("/orders", {"status": "all"}), broker.raw.get("/account")) == before
    assert broker.refusal(qty="1", client_order_id="kept")[0] == 422
    broker.at(hours(TUE, 1))
    assert broker.client.get_order_by_client_id("kept").filled_qty == "10"
    assert broker.client.get_order_by_id(resting.id).status.value == "new"


def test_an_accepted_order_survives_the_kill_of_the_process(start_simulator: Callable) -> None:
    simulator = start_simulator(symbols=5, years=0.2, at="2024-03-04T17:30:00-05:00")
    symbol = requests.get(f"{simulator.base_url}/v2/assets", headers=KEYS, timeout=30).json()[0]["symbol"]
    body = {"symbol": symbol, "qty": "3", "side": "buy", "type": "market", "time_in_force": "day"}
    for number in range(20):
        order = {**body, "client_order_id": f"kept-{number}"}
        answer = requests.post(f"{simulator.base_url}/v2/orders", json=order, headers=KEYS, timeout=30)
        assert answer.json()["status"] == "accepted"
    simulator.kill()
    again = start_simulator(state=simulator.state, symbols=5, years=0.2, clock="fixed")
    listed = requests.get(f"{again.base_url}/v2/orders?limit=500", headers=KEYS, timeout=30).json()
    assert {order["client_order_id"] for order in listed} == {f"kept-{number}" for number in range(20)}
    again.advance_to(hours(TUE, 1 / 30))
    again.kill()
    last = start_simulator(state=simulator.state, symbols=5, years=0.2, clock="fixed")
    fills = requests.get(f"{last.base_url}/v2/account/activities/FILL", headers=KEYS, timeout=30).json()
    assert len({fill["order_id"] for fill in fills}) == 20
    assert {fill["transaction_time"] for fill in fills} == {"2024-03-05T14:30:00Z"}
