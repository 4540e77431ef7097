"""A local HTTP server that answers as told, well or badly, and a gate whose sleeping is only counted."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from resources.clock import ManualClock
from resources.http import HttpGate, HttpPolicy

MONEY_KEY = "PLANTED-KEY-a1b2c3d4"
MONEY_SECRET = "PLANTED-SECRET/e5f6+g7"


@dataclass
class Answer:
    """One answer of the server. ``fault``: cut (fewer bytes than promised), reset, drip (a byte now and then)."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay_seconds: float = 0.0
    fault: str = ""

    @classmethod
    def of(cls, value: object, **options: object) -> Answer:
        return cls(json.dumps(value).encode(), **options)


@dataclass
class Request:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class VendorServer:
    """``respond`` maps a request to an answer; ``script`` holds answers that come first, in order."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Answer] = []
        self.respond: Callable[[Request], Answer] = lambda _: Answer(b"not found", 404)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    def _handler(server) -> type[BaseHTTPRequestHandler]:  # noqa: N805 (the handler class has its own self)
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                request = Request(parts.path, query, dict(self.headers))
                if parts.path in {"/", "/v1/test/getcrumb"}:
                    return self._send(Answer(b"crumb", content_type="text/plain"))
                server.requests.append(request)
                answer = server.script.pop(0) if server.script else server.respond(request)
                time.sleep(answer.delay_seconds)
                return self._send(answer)

            do_POST = do_GET

            def _send(self, answer: Answer) -> None:
                if answer.fault == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.fault == "cut":
                    self.wfile.write(answer.body[: len(answer.body) // 2])
                    self.close_connection = True
                elif answer.fault == "drip":
                    for byte in answer.body:
                        self.wfile.write(bytes([byte]))
                        self.wfile.flush()
                        time.sleep(0.05)
                else:
                    self.wfile.write(answer.body)

            def handle(self) -> None:
                try:
                    super().handle()
                except (OSError, ValueError):
                    self.close_connection = True  # the client went away, or the answer was a reset

            def finish(self) -> None:
                try:
                    super().finish()
                except (OSError, ValueError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                return

        return Handler


@dataclass
class FakeTime:
    """Monotonic time that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def vendor_server() -> Iterator[VendorServer]:
    server = VendorServer()
    yield server
    server.close()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def make_gate(fake_time: FakeTime) -> Callable[..., HttpGate]:
    """Build a gate that never really sleeps, with short time limits."""

    def build(vendor: str = "vendor", *, secrets: tuple[str, ...] = (), **policy: object) -> HttpGate:
        limits = {"connect_seconds": 1.0, "read_seconds": 0.3, "total_seconds": 0.5, "attempts": 3, **policy}
        return HttpGate(
            HttpPolicy(vendor, **limits),
            secrets=secrets,
            sleep=fake_time.sleep,
            monotonic=time.monotonic if "pace" not in policy else fake_time.monotonic,
            jitter=lambda: 0.0,
            wall_clock=lambda: datetime(2026, 7, 1, tzinfo=UTC),
        )

    return build


@pytest.fixture
def planted() -> tuple[str, str]:
    """A key and a secret that must not show anywhere."""
    return MONEY_KEY, MONEY_SECRET


@pytest.fixture
def after_close() -> ManualClock:
    """The evening of 2016-07-05, the session after Independence Day."""
    return ManualClock(datetime(2016, 7, 5, 22, 0, tzinfo=UTC))
