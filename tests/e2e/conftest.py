"""The running app in a real Chromium: served on a free port, every complaint of the browser collected."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "app" / "streamlit_app.py"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Streamlit looks for itself below the page's path first; Vega warns while the rows are still on their way.
HARMLESS = ("Infinite extent", "/_stcore/")


@dataclass
class Served:
    """The app as a process."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Visit:
    """One page in a browser, and what went wrong in it."""

    page: object
    complaints: list[str] = field(default_factory=list)

    def open(self, url: str) -> None:
        self.page.goto(url)
        self.page.locator("h1").first.wait_for(timeout=60_000)

    def settle(self) -> None:
        """Wait until the page has answered."""
        self.page.wait_for_timeout(200)
        self.page.wait_for_function(IDLE, timeout=30_000)

    def becomes(self, read: Callable[[], object], expected: object) -> None:
        """Wait until the page says what is expected; it may be busy, or not have begun yet."""
        deadline = time.monotonic() + 30
        while read() != expected and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        self.settle()
        assert read() == expected

    def charts(self, count: int) -> list[dict[str, int]]:
        """Wait until so many charts are drawn; return size and painted pixels of each."""
        canvases = self.page.locator("[data-testid=stVegaLiteChart] canvas")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = canvases.evaluate_all(PAINTED)
            if len(found) == count and all(chart["painted"] > 300 for chart in found):
                return found
            self.page.wait_for_timeout(100)
        pytest.fail(f"{count} charts expected, seen: {canvases.evaluate_all(PAINTED)}")


IDLE = "document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state') === 'notRunning'"
PAINTED = """canvases => canvases.map(canvas => {
  const copy = new OffscreenCanvas(Math.max(1, canvas.width), Math.max(1, canvas.height))
  const context = copy.getContext('2d', {willReadFrequently: true})
  context.drawImage(canvas, 0, 0)
  const pixels = context.getImageData(0, 0, copy.width, copy.height).data
  let painted = 0
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) painted++
  const box = canvas.closest('[data-testid=stVegaLiteChart]')
  return {painted, width: canvas.clientWidth, room: box.clientWidth, height: canvas.clientHeight}
})"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def chromium():
    """A browser; the tests are skipped without one, unless REQUIRE_BROWSER is set."""
    from playwright.sync_api import sync_playwright

    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser for the tests of the app: install one of {', '.join(BROWSERS)}"
        if os.environ.get("REQUIRE_BROWSER"):  # noqa: TID251 (an order to the tests, not a setting of the product)
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[dict[str, str]], Served]]:
    """Serve the app in an environment, as `trading-assets up` does; stopped at the end of the test run."""
    served: list[Served] = []

    def start(environment: dict[str, str]) -> Served:
        folder = tmp_path_factory.mktemp("served")
        port = free_port()
        command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), "--server.port", str(port)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--server.headless", "true"],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        app = Served(f"http://127.0.0.1:{port}", process, folder / "log")
        served.append(app)
        wait_for(app)
        return app

    yield start
    for app in served:
        app.process.terminate()
    for app in served:
        app.process.wait(60)


@pytest.fixture(scope="session")
def app(chromium, traded, serve) -> Served:
    """The app on an installation that traded."""
    return serve(traded.environment())


def wait_for(app: Served) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if app.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(f"the app does not answer:\n{app.log.read_text()}")


@pytest.fixture
def visit(chromium) -> Iterator[Callable[..., Visit]]:
    """Open browser windows; a test fails at its end if one of them complained or asked another host for anything."""
    visits: list[Visit] = []
    contexts = []

    def start(theme: str = "light", *, height: int = 800) -> Visit:
        context = chromium.new_context(color_scheme=theme, viewport={"width": 1280, "height": height})
        contexts.append(context)
        window = Visit(context.new_page())
        visits.append(window)
        window.page.on("pageerror", lambda error: window.complaints.append(f"error on the page: {error}"))
        window.page.on("console", lambda message: complain(window, message))
        window.page.on("request", lambda request: watch(window, request.url))
        return window

    yield start
    for context in contexts:
        context.close()
    assert not [complaint for window in visits for complaint in window.complaints]


def complain(window: Visit, message: object) -> None:
    text = f"{message.text} {message.location.get('url', '')}"
    if message.type in {"error", "warning"} and not any(words in text for words in HARMLESS):
        window.complaints.append(f"console {message.type}: {text}")


def watch(window: Visit, url: str) -> None:
    if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
        window.complaints.append(f"request to another host: {url}")
