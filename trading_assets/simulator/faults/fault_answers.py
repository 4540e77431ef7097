"""Faulty answers: one way to go wrong for each kind of fault, in the words of the vendor whose path is asked for."""

from __future__ import annotations

import asyncio
import socket
import struct

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trading_assets.simulator.faults.empty_answers import emptied
from trading_assets.simulator.faults.rules import Fault, FaultKind, Faults
from trading_assets.simulator.wire import JSON_TYPE, vendor_of

TRANSPORT = "simulator.transport"
"""Where the server leaves the connection in the ASGI scope, so that a fault can break it."""
_DROPS_PER_SECOND = 20
_HTML = "text/html"
_GATEWAY_PAGE = (
    b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n"
    b"<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"
)
_MAINTENANCE_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Scheduled maintenance</title></head>\n"
    b"<body><p>We will be back soon.</p></body></html>\n"
)


class FaultMiddleware:
    """Lets the application answer, or stops it, as the rules say."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not self.faults.rules or scope["path"].startswith("/sim/"):
            await self.app(scope, receive, send)
            return
        query = scope["query_string"].decode("latin-1")
        fault = self.faults.take(scope["method"], scope["path"] + (f"?{query}" if query else ""))
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        elif fault.kind is FaultKind.RESET:
            await _reset(scope, receive)
        elif fault.kind in _REFUSALS or fault.kind is FaultKind.WRONG_CONTENT_TYPE:
            await _refuse(fault, scope["path"], send)
        else:
            await self._spoil(fault, scope, receive, send)

    async def _spoil(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        start, body = answer[0], b"".join(message.get("body", b"") for message in answer[1:])
        if fault.kind is FaultKind.RESET_AFTER_ACCEPT:
            await _reset(scope, receive)
        elif fault.kind is FaultKind.TRUNCATED:
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            scope[TRANSPORT].close()
            await _disconnected(receive)
        elif fault.kind is FaultKind.SLOW_BODY:
            await send(start)
            await _drip(body, fault.seconds, send)
        else:
            empty = fault.kind is FaultKind.EMPTY
            body = emptied(scope["path"], body) if empty else body[: len(body) // 2]
            changed = {b"content-length", *([b"set-cookie"] if empty else [])}
            headers = [(name, value) for name, value in start["headers"] if name.lower() not in changed]
            headers.append((b"content-length", str(len(body)).encode()))
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": body})


async def _drip(body: bytes, seconds: float, send: Send) -> None:
    drops = max(1, min(len(body), round(seconds * _DROPS_PER_SECOND)))
    size = -(-len(body) // drops)
    for start in range(0, len(body), size or 1):
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
        await asyncio.sleep(seconds / drops)
    await send({"type": "http.response.body", "body": b""})


async def _reset(scope: Scope, receive: Receive) -> None:
    transport = scope[TRANSPORT]
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # linger of zero makes the close a reset, as when a load balancer dies
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _disconnected(receive)


async def _disconnected(receive: Receive) -> None:
    # the server is not told off for an answer without an end once it knows that nobody is there
    while (await receive())["type"] != "http.disconnect":
        pass


_WORDS = {
    429: "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. "
    "https://polygon.io/pricing",
    500: "internal server error occurred",
}


def _complaint(status: int, path: str) -> tuple[bytes, str]:
    vendor = vendor_of(path)
    if vendor == "yahoo":
        words = {429: b"Too Many Requests\r\n", 500: b"Internal Server Error\r\n"}
        return words[status], _HTML
    if vendor == "polygon":
        body = {"status": "ERROR", "request_id": f"{status:032d}", "error": _WORDS[status]}
        return orjson.dumps(body), JSON_TYPE
    message = "too many requests." if status == 429 else _WORDS[500]
    return orjson.dumps({"code": status * 100_000 + 10_000 * (status == 429), "message": message}), JSON_TYPE


_REFUSALS = {
    FaultKind.TOO_MANY_REQUESTS: 429,
    FaultKind.TOO_MANY_REQUESTS_BARE: 429,
    FaultKind.SERVER_ERROR: 500,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.UNAVAILABLE_BARE: 503,
    FaultKind.HTML_504: 504,
}


async def _refuse(fault: Fault, path: str, send: Send) -> None:
    status = _REFUSALS.get(fault.kind, 200)
    if status in {429, 500}:
        body, content_type = _complaint(status, path)
    else:
        pages = {503: b"", 504: _GATEWAY_PAGE, 200: _MAINTENANCE_PAGE}
        body, content_type = pages[status], _HTML
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    if fault.kind in {FaultKind.TOO_MANY_REQUESTS, FaultKind.UNAVAILABLE}:
        headers.append((b"retry-after", str(round(fault.retry_after)).encode()))
    if fault.kind is FaultKind.TOO_MANY_REQUESTS:
        headers += [(b"x-ratelimit-limit", b"200"), (b"x-ratelimit-remaining", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
