"""Each answer of Alpaca's trading API is taken for what it proves, and a request leaves exactly once."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from resources.broker import Outcome
from resources.vendors.alpaca.broker import AlpacaBroker
from trading_assets.errors import (
    ConfigurationError,
    RateLimitedError,
    TradingError,
    TransientError,
    UnknownOutcomeError,
    VendorDataError,
    VendorRefusedError,
)
from trading_assets.orders import OrderRequest, Side

KEY, SECRET = "PLANTED-KEY-a1b2c3d4", "PLANTED-SECRET-e5f6a7b8"
NOON = datetime(2026, 1, 5, 17, tzinfo=UTC)
ORDER = OrderRequest("ta-20260105-AAPL-buy-x", "AAPL", Side.BUY, Decimal("10.500000000"))


def order_body(number: int = 1, at: datetime = NOON, **changes: object) -> dict[str, object]:
    stamp = at.isoformat().replace("+00:00", "Z")
    body = {
        "id": f"order-{number}", "client_order_id": f"client-{number}", "created_at": stamp, "updated_at": stamp,
        "submitted_at": stamp, "symbol": "AAPL", "qty": "10.5", "filled_qty": "0", "filled_avg_price": None,
        "type": "market", "side": "buy", "time_in_force": "day", "limit_price": None, "status": "pending_new",
    }  # fmt: skip
    return {**body, **changes}


def fill_body(number: int) -> dict[str, object]:
    return {
        "id": f"20260105120000000::{number:05d}", "activity_type": "FILL", "order_id": "order-1", "symbol": "AAPL",
        "side": "buy", "qty": "1", "price": "100.25", "transaction_time": "2026-01-05T17:00:00.123456789Z",
    }  # fmt: skip


@dataclass
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> Reply:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(json.dumps(value).encode(), status, named)


class Trading:
    """A server that answers as told and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.answer: Callable[[str, dict[str, str]], Reply] = lambda path, query: Reply.of({})
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append((self.command, parts.path, query, json.loads(sent) if sent else None))
                reply = server.answer(parts.path, query)
                if reply.fault == "silent":
                    time.sleep(1)
                if reply.fault == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body) * (2 if reply.fault == "cut" else 1)))
                for name, text in reply.headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(reply.body)
                self.close_connection = self.close_connection or reply.fault == "cut"

            do_GET = do_POST = do_DELETE = respond  # noqa: N815 (the names that http.server looks for)

            def date_time_string(self, timestamp: float | None = None) -> str:
                return "Mon, 05 Jan 2026 17:00:00 GMT"

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ValueError):
                    self.close_connection = True

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def trading() -> Iterator[Trading]:
    server = Trading()
    yield server
    server.http.shutdown()
    server.http.server_close()
    server.thread.join(5)


def broker(trading: Trading, **options: Any) -> AlpacaBroker:
    url = f"http://127.0.0.1:{trading.http.server_address[1]}"
    return AlpacaBroker(url, api_key=KEY, secret_key=SECRET, timeout_seconds=0.3, **options)


DUPLICATE = {"code": 40010001, "message": "client_order_id must be unique"}


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply.of(order_body()), Outcome.ACCEPTED),
        (Reply.of(DUPLICATE, 422), Outcome.DUPLICATE),
        (Reply.of({"code": 40010001, "message": "qty is required"}, 422), Outcome.REFUSED),
        (Reply.of({"code": 42210000, "message": "invalid limit_price"}, 422), Outcome.REFUSED),
        (Reply.of({"code": 40310000, "message": "insufficient buying power"}, 403), Outcome.REFUSED),
        (Reply.of({"code": 42910000, "message": "too many requests."}, 429), Outcome.RATE_LIMITED),
        (Reply.of({"code": 40110000, "message": "request is not authorized"}, 401), Outcome.UNAUTHORISED),
        (Reply.of({"message": "forbidden."}, 403), Outcome.UNAUTHORISED),
        (Reply.of({"code": 50010000, "message": "internal server error"}, 500), Outcome.AMBIGUOUS),
        (Reply(b"<html>504 Gateway Time-out</html>", 504), Outcome.AMBIGUOUS),
        (Reply(b"<html>proxy says no</html>", 404), Outcome.AMBIGUOUS),
        (Reply.of({"code": 40810000, "message": "timeout"}, 408), Outcome.AMBIGUOUS),
        (Reply(b"", 302, {"Location": "/elsewhere"}), Outcome.AMBIGUOUS),
        (Reply(b"<html>all is well</html>"), Outcome.AMBIGUOUS),
        (Reply(b""), Outcome.AMBIGUOUS),
        (Reply.of({"status": "ok"}), Outcome.AMBIGUOUS),
        (Reply.of(order_body(qty="NaN")), Outcome.AMBIGUOUS),
        (Reply(json.dumps(order_body()).encode(), fault="cut"), Outcome.AMBIGUOUS),
        (Reply(fault="reset"), Outcome.AMBIGUOUS),
        (Reply(fault="silent"), Outcome.AMBIGUOUS),
    ],
    ids=lambda value: (
        value if isinstance(value, str) else f"{value.status} {value.body[:40]!r} {value.fault}"
    ),
)
def test_a_submission_is_sent_once_and_its_answer_classified(trading, reply, outcome) -> None:
    trading.answer = lambda path, query: reply
    result = broker(trading).submit(ORDER)
    assert result.outcome == outcome
    assert (result.order is not None) == (outcome == Outcome.ACCEPTED)
    assert len(trading.asked) == 1
    method, path, _, sent = trading.asked[0]
    assert (method, path) == ("POST", "/v2/orders")
    assert sent == {
        "symbol": "AAPL", "qty": "10.5", "side": "buy", "type": "market", "time_in_force": "day",
        "client_order_id": ORDER.client_order_id,
    }  # fmt: skip


def test_a_broker_that_is_not_there_leaves_the_outcome_open(trading) -> None:
    trading.http.shutdown()
    trading.http.server_close()
    assert broker(trading).submit(ORDER).outcome == Outcome.AMBIGUOUS


def test_the_wait_after_429_comes_from_the_brokers_own_clock(trading) -> None:
    reset = int((NOON + timedelta(seconds=17)).timestamp())
    trading.answer = lambda path, query: Reply.of(
        {"code": 42910000, "message": "too many requests."},
        429,
        X_Ratelimit_Reset=str(reset),
    )
    assert broker(trading).submit(ORDER).retry_after_seconds == 17
    with pytest.raises(RateLimitedError):
        broker(trading).positions()


def test_only_a_plain_not_found_means_that_there_is_no_order(trading) -> None:
    subject = broker(trading)
    trading.answer = lambda path, query: Reply.of({"code": 40410000, "message": "order not found"}, 404)
    assert subject.order_by_client_id("x") is None
    trading.answer = lambda path, query: Reply(b"<html>not here</html>", 404)
    with pytest.raises(VendorRefusedError):
        subject.order_by_client_id("x")
    trading.answer = lambda path, query: Reply(b"<html></html>")
    with pytest.raises(VendorDataError):
        subject.order_by_client_id("x")
    trading.answer = lambda path, query: Reply(fault="reset")
    with pytest.raises(TransientError):
        subject.order_by_client_id("x")


def test_fills_are_read_to_the_last_page(trading) -> None:
    rows = [fill_body(number) for number in range(250)]

    def answer(path: str, query: dict[str, str]) -> Reply:
        ids = [row["id"] for row in rows]
        start = ids.index(query["page_token"]) + 1 if "page_token" in query else 0
        return Reply.of(rows[start : start + int(query["page_size"])])

    trading.answer = answer
    fills = broker(trading).fills(NOON)
    assert [fill.activity_id for fill in fills] == [row["id"] for row in rows]
    assert fills[0].executed_at == datetime(2026, 1, 5, 17, 0, 0, 123456, tzinfo=UTC)
    assert fills[0].price_usd == Decimal("100.25")


def test_orders_are_paged_by_time_without_losing_those_of_one_instant(trading) -> None:
    rows = [order_body(number, NOON + timedelta(seconds=number // 3)) for number in range(1200)]

    def answer(path: str, query: dict[str, str]) -> Reply:
        after = datetime.fromisoformat(query["after"])
        later = [row for row in rows if datetime.fromisoformat(str(row["submitted_at"])) > after]
        return Reply.of(later[: int(query["limit"])])

    trading.answer = answer
    found = broker(trading).orders(NOON - timedelta(days=1))
    assert [order.broker_order_id for order in found] == [row["id"] for row in rows]


def test_short_positions_are_negative_shares(trading) -> None:
    rows = [
        {"symbol": "AAPL", "qty": "5", "side": "long", "avg_entry_price": "10"},
        {"symbol": "MSFT", "qty": "-3", "side": "short", "avg_entry_price": "20"},
    ]
    trading.answer = lambda path, query: Reply.of(rows)
    assert [position.quantity for position in broker(trading).positions()] == [Decimal(5), Decimal(-3)]


def test_a_cancel_says_when_it_is_too_late_and_when_it_does_not_know(trading) -> None:
    subject = broker(trading)
    trading.answer = lambda path, query: Reply(b"", 204)
    assert subject.cancel("order-1")
    trading.answer = lambda path, query: Reply.of({"code": 42210000, "message": "order is filled"}, 422)
    assert not subject.cancel("order-1")
    trading.answer = lambda path, query: Reply(fault="reset")
    with pytest.raises(UnknownOutcomeError):
        subject.cancel("order-1")


def test_live_trading_refuses_any_account_but_the_configured_one(trading) -> None:
    body = {"account_number": "777", "cash": "1", "equity": "1", "buying_power": "1"}
    trading.answer = lambda path, query: Reply.of(body)
    assert broker(trading, live_account="777").account().account == "777"
    with pytest.raises(ConfigurationError):
        broker(trading, live_account="778").account()


def test_keys_show_in_no_error(trading) -> None:
    subject = broker(trading)
    seen = [repr(subject), str(vars(subject.submit(ORDER)))]
    for reply in (
        Reply.of({"message": "forbidden."}, 403),
        Reply(fault="reset"),
        Reply(b"<html>"),
        Reply(b"x", 500),
    ):
        trading.answer = lambda path, query, reply=reply: reply
        for call in (subject.account, subject.positions, lambda: subject.cancel("x")):
            try:
                call()
            except TradingError as error:
                seen += ["".join(traceback.format_exception(error)), repr(error.facts)]
        seen.append(str(vars(subject.submit(ORDER))))
    assert len(seen) > 15
    assert not [text for text in seen if KEY in text or SECRET in text]
