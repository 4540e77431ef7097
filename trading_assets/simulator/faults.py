"""Faults on demand: how the next matching answers go wrong, one rule a kind."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT = "simulator.transport"
"""Where the server leaves the connection in the ASGI scope, so that a fault can break it."""


class FaultKind(StrEnum):
    """What goes wrong."""

    TOO_MANY_REQUESTS = "429"
    SERVER_ERROR = "500"
    SLOW = "slow"
    RESET_AFTER_ACCEPT = "reset_after_accept"
    HTML_504 = "html_504"
    TRUNCATED = "truncated"


@dataclass
class Fault:
    """A rule: the next ``times`` requests whose path (and query) matches ``match`` fail with ``kind``."""

    match: str
    kind: FaultKind
    times: int = 1
    method: str | None = None
    retry_after: float = 1.0
    seconds: float = 5.0
    used: int = 0

    def hits(self, method: str, target: str) -> bool:
        """Say whether this rule still applies to a request."""
        allowed = self.method is None or self.method.upper() == method
        return allowed and self.used < self.times and re.search(self.match, target) is not None


class Faults:
    """The rules that are switched on, oldest first."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []

    def take(self, method: str, target: str) -> Fault | None:
        """Return the first rule that hits, and count it as used."""
        for rule in self.rules:
            if rule.hits(method, target):
                rule.used += 1
                return rule
        return None

    def listing(self) -> list[dict[str, object]]:
        """List the rules as plain data."""
        return [asdict(rule) for rule in self.rules]


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
        target = scope["path"] + (f"?{query}" if query else "")
        fault = self.faults.take(scope["method"], target)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
        elif fault.kind in {FaultKind.RESET_AFTER_ACCEPT, FaultKind.TRUNCATED}:
            await self._break(fault.kind, scope, receive, send)
        else:
            await _refuse(fault, scope["path"], send)

    async def _break(self, kind: FaultKind, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        transport = scope[TRANSPORT]
        if kind is FaultKind.TRUNCATED:
            body = b"".join(message.get("body", b"") for message in answer[1:])
            await send(answer[0])
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            transport.close()
            return
        connection = transport.get_extra_info("socket")
        if connection is not None:
            # linger of zero makes the close a reset, as when a load balancer dies
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


def _too_many(path: str) -> tuple[bytes, str]:
    if path.startswith(("/v7/", "/v8/", "/v10/", "/ws/")):
        return b"Too Many Requests\r\n", "text/html"
    if path.startswith(("/v3/", "/v2/aggs", "/v1/marketstatus")):
        body = {
            "status": "ERROR",
            "request_id": "00000000000000000000000000000429",
            "error": "You've exceeded the maximum requests per minute, please wait or upgrade your subscription "
            "to continue. https://polygon.io/pricing",
        }
        return orjson.dumps(body), "application/json"
    return orjson.dumps({"code": 42910000, "message": "too many requests."}), "application/json"


async def _refuse(fault: Fault, path: str, send: Send) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if fault.kind is FaultKind.TOO_MANY_REQUESTS:
        status = 429
        body, content_type = _too_many(path)
        headers = [
            (b"retry-after", str(round(fault.retry_after)).encode()),
            (b"x-ratelimit-limit", b"200"),
            (b"x-ratelimit-remaining", b"0"),
        ]
    elif fault.kind is FaultKind.HTML_504:
        status, content_type = 504, "text/html"
        body = b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 Gateway Time-out</h1></center>\r\n</body>\r\n</html>\r\n"
    else:
        status, content_type = 500, "application/json"
        body = orjson.dumps({"code": 50010000, "message": "internal server error occurred"})
    headers += [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
