"""A copy of the product, to which a test adds what a contributor would, and which it then runs as a program of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("app", "data", "resources", "sensors", "trading_assets")
IS_THE_COPY = (
    "import trading_assets; assert trading_assets.__file__.startswith({folder!r}), trading_assets.__file__\n"
)


@dataclass(frozen=True)
class ProductCopy:
    """The product's packages in a folder of their own; ``environment`` makes the variables of a child in it."""

    folder: Path
    environment: Callable[..., dict[str, str]]

    def add(self, name: str, text: str) -> None:
        """Write a file that is not there yet."""
        path = self.folder / name
        assert not path.exists(), name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def append(self, name: str, text: str) -> None:
        """Write at the end of a file."""
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def edit(self, name: str, *edits: tuple[str, str]) -> None:
        """Write something else in place of a text that a file has once."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        for before, after in edits:
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")

    def run(self, script: str, **variables: str) -> Any:
        """Run a script of Python and return the JSON of the last line that it prints."""
        told = self._end_of("-c", IS_THE_COPY.format(folder=str(self.folder)) + script, **variables)
        return json.loads(told.splitlines()[-1])

    def command(self, *arguments: str, exit_code: int = 0, **variables: str) -> str:
        """Run a command of the product and return what it prints."""
        return self._end_of("-m", "trading_assets", *arguments, exit_code=exit_code, **variables)

    def _end_of(self, *arguments: str, exit_code: int = 0, **variables: str) -> str:
        # the folder that it starts in comes first on the path
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.folder, env=self.environment(PYTHONPATH=str(self.folder), **variables),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == exit_code, done.stderr
        return done.stdout + done.stderr if exit_code else done.stdout


@pytest.fixture
def product(tmp_path, make_installation) -> ProductCopy:
    """A copy of the product; its data folder is beside the packages and empty."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=_run_time_state)
    return ProductCopy(tmp_path, make_installation(tmp_path / "installation").environment)


def _run_time_state(folder: str, names: list[str]) -> list[str]:
    # data/ is also the home of whoever runs the product here
    kept = {"__init__.py", "migrations", "views"}
    return [name for name in names if Path(folder) == ROOT / "data" and name not in kept]


@pytest.fixture(scope="session")
def guide() -> Callable[[str], str]:
    """Return what CONTRIBUTING.md says under a heading, such as ``How to add a vendor``."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    def section(heading: str) -> str:
        return text.partition(f"## {heading}\n")[2].partition("\n## ")[0].partition("\n### ")[0]

    return section
