"""Servers on loopback answer programs and their own pages, and no other web page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from trading_assets.same_origin import SameOrigin

HOST = "127.0.0.1:3000"
JSON = {"content-type": "application/json"}
EVIL = {"origin": "http://evil.example"}


async def served(scope: Any, _: Any, send: Any) -> None:
    """Answer everything with 200, and take every conversation."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def ask(kind: str, method: str, path: str, headers: dict[str, str], body: str | None) -> list[Any]:
    """Return what the guarded server sends."""
    address, _, question = path.partition("?")
    sent: list[Any] = []
    length = {"content-length": str(len(body))} if body else {}
    scope = {
        "type": kind, "method": method, "path": address, "query_string": question.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in {"host": HOST, **length, **headers}.items()],
    }  # fmt: skip

    async def receive() -> Any:
        return {
            "type": f"{kind}.request" if kind == "http" else "websocket.connect",
            "body": (body or "").encode(),
        }

    async def send(message: Any) -> None:
        sent.append(message)

    # by hand: nothing in it waits, and a loop of the browser's tests may be running in this process
    with suppress(StopIteration):
        SameOrigin(served, posted_only=frozenset({"/graphql"}))(scope, receive, send).send(None)
        pytest.fail("it waited for something")
    return sent


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/", {}, None),
        ("GET", "/", {"host": "localhost:3000"}, None),
        ("GET", "/", {"host": "[::1]:3000"}, None),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, None),
        ("GET", "/graphql", {"accept": "text/html"}, None),
        ("GET", "/graphql?query={a}", {"accept": "text/html,*/*"}, None),
        ("POST", "/graphql", JSON | {"origin": f"http://{HOST}"}, "{}"),
        ("POST", "/graphql", {"content-type": "application/json; charset=utf-8"}, "{}"),
        ("POST", "/", {}, None),
        ("DELETE", "/", {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}, None),
    ],
)
def test_programs_and_its_own_pages_are_served(method, path, headers, body):
    assert [message.get("status") for message in ask("http", method, path, headers, body)] == [200, None]


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("GET", "/", EVIL, None),
        ("GET", "/", {"origin": "null"}, None),
        ("GET", "/", {"origin": "http://127.0.0.1:8501"}, None),
        ("GET", "/", {"host": "evil.example"}, None),
        ("GET", "/", {"host": "127.0.0.1.evil.example:3000"}, None),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, None),
        ("GET", "/graphql?query=mutation{launchRun}", {}, None),
        ("GET", "/graphql/?query=mutation{launchRun}", {"accept": "image/*"}, None),
        ("POST", "/graphql", JSON | EVIL, "{}"),
        ("POST", "/graphql", {"content-type": "text/plain"}, "{}"),
        ("POST", "/graphql", {"content-type": "application/x-www-form-urlencoded"}, "query=x"),
        ("POST", "/", {}, "{}"),
        ("POST", "/graphql?query=mutation{launchRun}", {}, None),
        ("DELETE", "/", EVIL, None),
    ],
)
def test_another_web_page_is_refused_with_the_reason(method, path, headers, body):
    start, told = ask("http", method, path, headers, body)
    assert (start["status"], told["body"][:9]) == (403, b"Refused: ")


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({"origin": f"http://{HOST}"}, "websocket.accept"),
        ({}, "websocket.accept"),
        (EVIL, "websocket.close"),
        ({"host": "evil.example"}, "websocket.close"),
    ],
)
def test_a_conversation_is_with_its_own_pages(headers, answer):
    assert [message["type"] for message in ask("websocket", "GET", "/graphql", headers, None)] == [answer]
