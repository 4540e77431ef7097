"""The app without a browser: its script run by Streamlit's own test harness on a data folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

SCRIPT = Path(__file__).resolve().parents[2] / "app" / "streamlit_app.py"
PAGES = {
    "Portfolio": None,
    "Analysis": "views/analysis.py",
    "Screener": "views/screener.py",
    "Operations": "views/operations.py",
}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., AppTest]]:
    """Open a page on a data folder; further keywords are query parameters."""
    from app.queries.installation import reopen

    def run(page: str, data: Path, *, variables: dict[str, str] | None = None, **query: str) -> AppTest:
        present = os.environ  # noqa: TID251 (what the developer has set must not matter)
        for name in [name for name in present if name.startswith("TRADING_")]:
            monkeypatch.delenv(name)
        for name, value in {"TRADING_DATA": str(data), **(variables or {})}.items():
            monkeypatch.setenv(name, value)
        app = AppTest.from_file(str(SCRIPT), default_timeout=60)
        app.query_params.update(query)
        app.run()
        if PAGES[page]:
            app.switch_page(PAGES[page]).run()
        return app

    monkeypatch.chdir(tmp_path)  # the .env of whoever runs the tests is out of reach
    yield run
    reopen()
