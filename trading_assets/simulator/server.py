"""The simulator's server: every protocol on one loopback port, with a clean end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import HANDLED_SIGNALS

from trading_assets.same_origin import SameOrigin
from trading_assets.simulator.faults.dirt import DirtMiddleware
from trading_assets.simulator.faults.fault_answers import TRANSPORT, FaultMiddleware
from trading_assets.simulator.simulation import Simulation


class ConnectionProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that shows the application its connection, so that faults can break it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required, typeddict-unknown-key, unused-ignore]  # ours


def application(simulation: Simulation, protocols: Sequence[BaseRoute]) -> Starlette:
    """Build the application from the routes of the protocols."""
    return Starlette(
        routes=protocols,
        middleware=[
            Middleware(SameOrigin),
            Middleware(FaultMiddleware, faults=simulation.faults),
            Middleware(DirtMiddleware, dirt=simulation.dirt),
        ],
    )


class Server(uvicorn.Server):
    """uvicorn that writes its port once it listens, and returns instead of dying on a signal."""

    def __init__(self, app: Starlette, port_file: Path | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=ConnectionProtocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_level="error",  # curl offers HTTP/2 with each request, which is worth no line
                timeout_keep_alive=600,
                timeout_graceful_shutdown=3,
            )
        )
        self._port_file = port_file

    def listen(self, port: int) -> None:
        """Serve on 127.0.0.1 until SIGTERM or SIGINT; port 0 takes a free one."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            try:
                self.run(sockets=[listener])
            finally:
                if self._port_file is not None:
                    self._port_file.unlink(missing_ok=True)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say where."""
        await super().startup(sockets)
        if self._port_file is not None and sockets:
            half = self._port_file.with_name(f"{self._port_file.name}.{os.getpid()}")
            half.write_text(str(sockets[0].getsockname()[1]))
            half.replace(self._port_file)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals while serving; unlike uvicorn's, does not raise them again afterwards."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
