"""What the product writes is for its user alone, by whichever entry point it was started."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from trading_assets import definitions
from trading_assets.simulator import __main__ as simulator

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """A shell's usual mask, under which everybody may read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_the_simulator_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_to_others: Callable[[Path], list[str]]
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(simulator, "simulate", lambda options: written(options.state))
    assert simulator.main(["--state", str(data)]) == 0
    assert open_to_others(data) == []


def test_dagsters_own_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_to_others: Callable[[Path], list[str]]
) -> None:
    monkeypatch.setattr(definitions, "load_settings", lambda: None)
    monkeypatch.setattr(definitions, "build_definitions", lambda _: dg.Definitions())
    definitions.defs()
    written(tmp_path / "data")
    assert open_to_others(tmp_path / "data") == []


def test_the_list_knows_what_is_open_to_others(
    tmp_path: Path, open_to_others: Callable[[Path], list[str]]
) -> None:
    data = tmp_path / "data"
    written(data)
    assert open_to_others(data) == ["drwxr-xr-x .", "drwxr-xr-x folder", "-rw-r--r-- folder/file"]


def written(folder: Path) -> None:
    """Write as the product does where it leaves modes to the process."""
    (folder / "folder").mkdir(parents=True)
    (folder / "folder" / "file").write_text("books")
