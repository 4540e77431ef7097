"""Alpaca's trading REST protocol (``/v2/account``, ``/v2/orders``, ...) over the engine, for its own clients."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trading_assets.sessions import NEW_YORK, last_session
from trading_assets.simulator.broker.account_view import (
    account_body,
    history_body,
    position_bodies,
    position_body,
)
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.broker.matching import SHARE_STEP
from trading_assets.simulator.broker.order_entry import amount
from trading_assets.simulator.broker.query_parameters import activity_query, day, history_span, order_query
from trading_assets.simulator.broker.reference_view import (
    CALENDAR_START,
    asset_body,
    calendar_json,
    clock_body,
    is_listed,
)
from trading_assets.simulator.broker.refusals import (
    MALFORMED,
    UNAUTHORIZED,
    Refused,
    bad_parameter,
    not_found,
)

REQUESTS_PER_MINUTE = 200

Handler = Callable[[Request], Awaitable[Response]]
Body = Callable[[Request], Awaitable[object]]


class TradingProtocol:
    """The handlers of one engine.

    Parameters
    ----------
    engine
        The broker behind.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._minute = 0
        self._requests = 0

    def routes(self) -> list[Route]:
        """List the routes, most specific first."""
        return [
            self._route("/v2/account", self.account),
            self._route("/v2/account/activities", self.activities),
            self._route("/v2/account/activities/{kind}", self.activities),
            self._route("/v2/account/configurations", self.configuration),
            self._route("/v2/account/configurations", self.configure, "PATCH"),
            self._route("/v2/account/portfolio/history", self.history),
            self._route("/v2/assets", self.assets),
            self._route("/v2/assets/{symbol_or_id:path}", self.asset),
            self._route("/v2/clock", self.clock),
            self._route("/v2/calendar", self.calendar),
            self._route("/v2/orders:by_client_order_id", self.order_by_client_order_id),
            self._route("/v2/orders", self.orders),
            self._route("/v2/orders", self.submit, "POST"),
            self._route("/v2/orders", self.cancel_all, "DELETE", status=207),
            self._route("/v2/orders/{order_id}", self.order),
            self._route("/v2/orders/{order_id}", self.replace, "PATCH"),
            self._route("/v2/orders/{order_id}", self.cancel, "DELETE", status=204),
            self._route("/v2/positions", self.positions),
            self._route("/v2/positions", self.close_all, "DELETE", status=207),
            self._route("/v2/positions/{symbol_or_id:path}", self.position),
            self._route("/v2/positions/{symbol_or_id:path}", self.close, "DELETE"),
        ]

    async def account(self, _: Request) -> object:
        with self._engine.settled() as at:
            return account_body(self._engine, at)

    async def activities(self, request: Request) -> object:
        query = activity_query(request)
        with self._engine.settled():
            found = self._engine.ledger.activity_bodies(query)
        if found is None:
            raise bad_parameter("invalid page_token")
        return found

    async def configuration(self, _: Request) -> object:
        return self._engine.configuration

    async def configure(self, request: Request) -> object:
        changes = await _json(request)
        if not isinstance(changes, dict):
            raise Refused(400, MALFORMED, "request body format is invalid")
        return self._engine.configure(changes)

    async def history(self, request: Request) -> object:
        with self._engine.settled() as at:
            start, end = history_span(request, at)
            return history_body(self._engine, start, end)

    async def assets(self, request: Request) -> object:
        wanted = {name: request.query_params.get(name) for name in ("status", "asset_class", "exchange")}
        with self._engine.settled() as at:
            today = at.astimezone(NEW_YORK).date()
            bodies = [
                asset_body(instrument, today)
                for instrument in self._engine.quotes.instruments()
                if is_listed(instrument, today)
            ]
        return [
            body
            for body in bodies
            if wanted["status"] in {None, body["status"], "all"}
            and wanted["asset_class"] in {None, body["class"]}
            and wanted["exchange"] in {None, body["exchange"]}
        ]

    async def asset(self, request: Request) -> object:
        wanted = request.path_params["symbol_or_id"]
        with self._engine.settled() as at:
            today = at.astimezone(NEW_YORK).date()
            instrument = self._engine.quotes.instrument(wanted)
        if instrument is None or not is_listed(instrument, today):
            raise not_found(f"asset not found for {wanted}")
        return asset_body(instrument, today)

    async def clock(self, _: Request) -> object:
        return clock_body(self._engine.now())

    async def calendar(self, request: Request) -> object:
        last = last_session()
        start = day(request, "start") or CALENDAR_START
        end = min(day(request, "end") or last, last - timedelta(days=14))
        return calendar_json(start, end)

    async def orders(self, request: Request) -> object:
        query = order_query(request)
        with self._engine.settled():
            return self._engine.ledger.order_bodies(query)

    async def order(self, request: Request) -> object:
        order_id = request.path_params["order_id"]
        with self._engine.settled():
            return _found(self._engine.ledger.order_body(order_id=order_id), order_id)

    async def order_by_client_order_id(self, request: Request) -> object:
        client_order_id = request.query_params.get("client_order_id", "")
        with self._engine.settled():
            return _found(self._engine.ledger.order_body(client_order_id=client_order_id), client_order_id)

    async def submit(self, request: Request) -> object:
        return self._engine.submit(await _json(request))

    async def replace(self, request: Request) -> object:
        return self._engine.replace(request.path_params["order_id"], await _json(request))

    async def cancel(self, request: Request) -> object:
        self._engine.cancel(request.path_params["order_id"])
        return b""

    async def cancel_all(self, _: Request) -> object:
        return self._engine.cancel_all()

    async def positions(self, _: Request) -> object:
        with self._engine.settled() as at:
            return position_bodies(self._engine, at)

    async def position(self, request: Request) -> object:
        with self._engine.settled() as at:
            symbol = self._held_symbol(request)
            return position_body(self._engine, self._engine.account.positions[symbol], at)

    async def close(self, request: Request) -> object:
        with self._engine.settled():
            symbol = self._held_symbol(request)
            held = abs(self._engine.account.shares(symbol))
            qty = amount(request.query_params, "qty")
            percentage = amount(request.query_params, "percentage")
            if qty is not None and percentage is not None:
                raise bad_parameter("only one of qty or percentage is accepted")
            if percentage is not None:
                qty = (held * percentage / 100).quantize(SHARE_STEP, ROUND_DOWN)
            return self._engine.close_position(symbol, held if qty is None else qty)

    async def close_all(self, request: Request) -> object:
        with self._engine.settled():
            if request.query_params.get("cancel_orders", "").lower() == "true":
                self._engine.cancel_all()
            results: list[dict[str, object]] = []
            for symbol in sorted(self._engine.account.positions):
                shares = abs(self._engine.account.shares(symbol))
                results.append(self._close_one(symbol, shares))
            return results

    def _close_one(self, symbol: str, shares: Decimal) -> dict[str, object]:
        try:
            body = self._engine.close_position(symbol, shares)
        except Refused as refusal:
            return {"symbol": symbol, "status": refusal.status, "body": refusal.body}
        return {"symbol": symbol, "order_id": body["id"], "status": 200, "body": body}

    def _held_symbol(self, request: Request) -> str:
        instrument = self._engine.quotes.instrument(request.path_params["symbol_or_id"])
        if instrument is None or instrument.symbol not in self._engine.account.positions:
            raise not_found("position does not exist")
        return instrument.symbol

    def _route(self, path: str, body: Body, method: str = "GET", *, status: int = 200) -> Route:
        return Route(path, self._handler(body, status), methods=[method], name=f"{method} {path}")

    def _handler(self, body: Body, status: int) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                _check_keys(request)
                result = await body(request)
            except Refused as refusal:
                return self._answer(refusal.body, refusal.status)
            return self._answer(result, status)

        return handle

    def _answer(self, body: object, status: int) -> Response:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        media_type = "application/json" if content else None
        return Response(content, status, headers=self._headers(), media_type=media_type)

    def _headers(self) -> dict[str, str]:
        # Counted by real minutes and shown, not enforced: refusals are made by the fault injection.
        minute, second = divmod(int(time.monotonic()), 60)
        if minute != self._minute:
            self._minute, self._requests = minute, 0
        self._requests += 1
        return {
            "X-Request-ID": uuid.uuid4().hex,
            "X-Ratelimit-Limit": str(REQUESTS_PER_MINUTE),
            "X-Ratelimit-Remaining": str(max(REQUESTS_PER_MINUTE - self._requests, 0)),
            "X-Ratelimit-Reset": str(int(self._engine.now().timestamp()) + 60 - second),
        }


def routes(engine: Engine) -> list[Route]:
    """List the routes of Alpaca's trading API over an engine."""
    return TradingProtocol(engine).routes()


def _check_keys(request: Request) -> None:
    headers = request.headers
    has_keys = headers.get("APCA-API-KEY-ID") and headers.get("APCA-API-SECRET-KEY")
    if not has_keys and not headers.get("Authorization"):
        raise Refused(401, UNAUTHORIZED, "request is not authorized")


async def _json(request: Request) -> object:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Refused(400, MALFORMED, "request body format is invalid") from None


def _found(body: bytes | None, wanted: str) -> bytes:
    if body is None:
        raise not_found(f"order not found for {wanted}")
    return body
