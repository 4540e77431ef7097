"""Fixtures that every test folder may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data; tests that need it are skipped on a clone that has none beside it."""
    if not SHARED.is_dir():
        pytest.skip("real market data is not beside this clone (../shared/data)")
    return SHARED
