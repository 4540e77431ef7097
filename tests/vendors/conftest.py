"""A local HTTP server that answers as told, well or badly, and a gate whose sleeping is only counted."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import curl_cffi.requests
import pytest

from resources.clock import ManualClock
from resources.vendors.http.policy import HttpGate, HttpPolicy

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
        self.crumb = Answer(b"crumb", content_type="text/plain")
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
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                request = Request(parts.path, query, dict(self.headers))
                if parts.path in {"/", "/v1/test/getcrumb"}:
                    return self._send(server.crumb)
                server.requests.append(request)
                answer = server.script.pop(0) if server.script else server.respond(request)
                time.sleep(answer.delay_seconds)
                return self._send(answer)

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
    """Real time plus what was slept, which takes none."""

    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)


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
        limits = {"connect_seconds": 0.2, "read_seconds": 0.3, "total_seconds": 0.5, "attempts": 2, **policy}
        return HttpGate(
            HttpPolicy(vendor, **limits),
            secrets=secrets,
            sleep=fake_time.sleep,
            monotonic=fake_time.monotonic,
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


SESSIONS = [date(2016, 7, 1), date(2016, 7, 5)]


def good_answer(request: Request) -> Answer:
    """Answer every endpoint of bars with A at close 2.0 on both sessions, in the vendor's own format."""
    if "/grouped/" in request.path:
        day = date.fromisoformat(request.path.rpartition("/")[2])
        if day not in SESSIONS:
            return Answer.of({"status": "OK", "resultsCount": 0, "queryCount": 0})
        end = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
        bar = {"T": "A", "o": 1.5, "h": 2.5, "l": 1, "c": 2, "v": 100, "vw": 1.9, "n": 7}
        return Answer.of(
            {"status": "OK", "resultsCount": 1, "results": [{**bar, "t": int(end.timestamp() * 1000)}]}
        )
    if "/chart/" in request.path:
        times = [int(datetime(d.year, d.month, d.day, 13, 30, tzinfo=UTC).timestamp()) for d in SESSIONS]
        prices = {
            "open": [1.5, 1.5],
            "high": [2.5, 2.5],
            "low": [1, 1],
            "close": [2, 2],
            "volume": [100, 100],
        }
        meta = {"symbol": request.path.rpartition("/")[2], "exchangeTimezoneName": "America/New_York"}
        result = {"meta": meta, "timestamp": times, "indicators": {"quote": [prices]}}
        return Answer.of({"chart": {"result": [result], "error": None}})
    if request.path == "/v2/stocks/bars":
        bar = {"o": 1.5, "h": 2.5, "l": 1, "c": 2, "v": 100, "vw": 1.9, "n": 7}
        bars = [{"t": f"{day}T04:00:00Z", **bar} for day in SESSIONS]
        return Answer.of({"bars": {"A": bars}, "next_page_token": None})
    return Answer(b"not found", 404)


@pytest.fixture
def good() -> Callable[[Request], Answer]:
    return good_answer


@pytest.fixture
def sessions() -> list[date]:
    """Two sessions around Independence Day."""
    return list(SESSIONS)


@pytest.fixture
def make_source(
    vendor_server: VendorServer,
    make_gate: Callable[..., HttpGate],
    after_close: ManualClock,
    tmp_path: Path,
    planted: tuple[str, str],
) -> Callable[..., Any]:
    """Build one of the three sources against the local server, with planted keys."""

    def build(name: str, **policy: object) -> Any:
        gate = make_gate(name, secrets=planted, **policy)
        key, secret = planted
        url = vendor_server.url
        if name == "polygon":
            from resources.vendors.polygon.source import PolygonSource

            return PolygonSource(url, key, gate=gate, clock=after_close, workers=1)
        if name == "yahoo":
            from resources.vendors.yahoo.source import YahooSource

            return YahooSource(url, gate=gate, clock=after_close, cache=tmp_path / "yf", workers=1)
        from resources.vendors.alpaca.source import AlpacaSource

        return AlpacaSource(url, key, secret, gate=gate, clock=after_close, workers=1)

    return build


class ToSimulator(curl_cffi.requests.Session):
    """yfinance's own kind of session, which sends every request to the simulator, whichever host it names."""

    def __init__(self, base_url: str) -> None:
        super().__init__(impersonate="chrome")
        self._host = urlsplit(base_url).netloc

    def request(self, method: Any, url: str, **options: Any) -> Any:
        url = urlsplit(url)._replace(scheme="http", netloc=self._host).geturl()
        return super().request(method, url, **options)


@pytest.fixture(scope="session")
def to_simulator() -> type[ToSimulator]:
    """Make yfinance sessions that reach the simulator at a base URL."""
    return ToSimulator
