"""Guard of the servers on loopback: other web pages, open in the same browser, can neither command nor read them.

A page anywhere may send requests to this machine: they arrive with its ``Origin``, with a ``Host`` of its own that resolves
to 127.0.0.1, or, as an image, with neither. Programs send no origin and are let through.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
POLICY_VIOLATION = 1008
"""WebSocket's code for a connection that is not wanted."""


class SameOrigin:
    """ASGI middleware that refuses what did not come from this machine's programs or from the server's own pages.

    Parameters
    ----------
    app
        What is guarded.
    posted_only
        Paths whose questions do things: asked with GET, only their page is shown.
    """

    def __init__(self, app: ASGIApp, *, posted_only: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._posted_only = posted_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or refuse it with 403 and the reason."""
        reason = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(f"Refused: {reason}\n", 403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host, origin, method = headers.get("host", ""), headers.get("origin"), scope.get("method", "GET")
        if urlsplit(f"//{host}").hostname not in LOOPBACK:
            return "only 127.0.0.1 and localhost are served here"
        if origin is not None and urlsplit(origin).netloc != host:
            return f"{origin} is another web page's origin"
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return "another web page asked"
        has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        is_asked = scope["path"].rstrip("/") in self._posted_only
        if method in CHANGING and (has_body or is_asked) and _media_type(headers) != "application/json":
            return "the body must be application/json"
        if method == "GET" and is_asked and _asks(scope, headers):
            return "ask with POST and application/json"
        return None


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _asks(scope: Scope, headers: Headers) -> bool:
    # what accepts HTML gets a page, which does nothing by itself
    return bool(scope.get("query_string")) and "text/html" not in headers.get("accept", "")
