"""A strategy of one's own from a template: a package of one module with its entry point, and its test beside it."""

from __future__ import annotations

import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

from trading_assets.errors import ConfigurationError
from trading_assets.strategies.registry import strategy_names

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FILES = {
    "pyproject.toml": "pyproject.toml.tmpl",
    "{name}.py": "strategy.py.tmpl",
    "test_{name}.py": "test_strategy.py.tmpl",
}


def write_strategy(name: str, folder: Path) -> list[Path]:
    """Write the package of a new strategy.

    Parameters
    ----------
    name
        Of strategy, module and entry point.
    folder
        Made if it is not there; files that are there are never replaced.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    ConfigurationError
        If the name cannot be one or is taken, or a file is there.
    """
    _check_name(name)
    words = {
        "name": name,
        "package": f"{name.replace('_', '-')}-strategy",
        "class_name": "".join(word.capitalize() for word in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
    }
    templates = files("trading_assets.research") / "strategy_template"
    texts = {
        folder / target.format(name=name): Template(
            templates.joinpath(template).read_text(encoding="utf-8")
        ).substitute(words)
        for target, template in _FILES.items()
    }
    there = [str(path) for path in texts if path.exists()]
    if there:
        raise ConfigurationError(f"{', '.join(there)} is there already: give another name or --folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written to: {error.strerror}") from error
    return list(texts)


def next_steps(name: str, folder: Path) -> list[str]:
    """Say what to do with a package that was written."""
    return [
        "Next:",
        f"  1. say when to buy and what to hold: {folder / name}.py",
        f"  2. test it: {sys.executable} -m pytest {folder}",
        f"  3. install it, in the folder of Trading Assets: python make.py strategy {folder.resolve()}",
        f"  4. check it on the stored features: trading-assets check-strategy {name}",
        "  5. give it capital in a plan: docs/strategies.md",
    ]


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigurationError(
            f"{name!r} cannot be the name of a strategy: it begins with a small letter and has at most 40 small letters, digits "
            "and _, such as my_breakout"
        )
    if name in strategy_names():
        raise ConfigurationError(
            f"There is a strategy {name} already: give yours another name, such as my_{name}"
        )
    if find_spec(name) is not None:
        raise ConfigurationError(
            f"There is a Python module {name} already, which it would hide: give it another name, such as my_{name}"
        )
