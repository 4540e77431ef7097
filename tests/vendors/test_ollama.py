"""Ollama over HTTP: a service that answers well, badly, slowly, in drops, or not at all."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from trading_assets.errors import TransientError, VendorDataError, VendorRefusedError
from trading_assets.screener.filters import Comparison, Query
from trading_assets.screens.local_model import POLICY, LocalModel, over_http

QUERY = Query(where=Comparison(field="rsi_14", operator="<", value=30))
QUICK = replace(POLICY, connect_seconds=0.5, read_seconds=0.5, total_seconds=0.5)
Answer = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int, content: object) -> Answer:
    def send(request: BaseHTTPRequestHandler) -> None:
        body = json.dumps(content).encode()
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return send


def said(text: str) -> Answer:
    return reply(200, {"message": {"role": "assistant", "content": text}})


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(1.0)


def in_drops(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("content-length", "1000")
    request.end_headers()
    for _ in range(20):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.1)


@pytest.fixture
def service() -> Iterator[Callable[[Answer], tuple[str, list[dict]]]]:
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> tuple[str, list[dict]]:
        asked: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                asked.append({"path": self.path, "body": json.loads(body)})
                try:
                    answer(self)
                except OSError:
                    self.close_connection = True  # the caller gave up: that is what is tested

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_good_answer_becomes_a_query(service):
    url, asked = service(said(QUERY.model_dump_json()))
    assert LocalModel("small-model", url).suggest("shares that fell too far") == QUERY
    assert [request["path"] for request in asked] == ["/api/chat"]
    assert asked[0]["body"]["messages"][1]["content"] == "shares that fell too far"


def test_a_model_that_chats_instead_is_refused(service):
    url, asked = service(said("I would buy them all."))
    with pytest.raises(VendorDataError, match="not a query"):
        LocalModel("small-model", url).suggest("shares that fell too far")
    assert len(asked) == 1


def test_a_model_that_was_not_fetched_is_said_how_to_fetch(service):
    url, _ = service(reply(404, {"error": "model 'small-model' not found"}))
    with pytest.raises(VendorRefusedError, match="ollama pull small-model"):
        LocalModel("small-model", url).suggest("shares that fell too far")


@pytest.mark.parametrize("answer", [silent, in_drops, reply(500, {"error": "out of memory"})])
def test_a_slow_or_broken_service_is_given_up_after_one_attempt(service, answer):
    url, asked = service(answer)
    started = time.monotonic()
    with pytest.raises(TransientError, match="is Ollama running"):
        LocalModel("small-model", url, over_http(QUICK)).suggest("shares that fell too far")
    assert time.monotonic() - started < 3
    assert len(asked) == 1


def test_nobody_listening_is_said_plainly():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TransientError, match="is Ollama running"):
            LocalModel("small-model", url, over_http(QUICK)).suggest("shares that fell too far")


def test_the_user_waits_ten_seconds_at_most():
    assert POLICY.attempts == 1
    assert POLICY.total_seconds == POLICY.read_seconds == 10
