"""YAML with its lines: the values of a document, and where each key stands, so that a mistake is named with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from trading_assets.errors import ConfigurationError

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A mapping that was read from YAML; ``lines`` has the line of each key by its path."""

    name: str
    values: Mapping[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a key, or of the nearest one around it that is there."""
        at = tuple(path)
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def error(self, path: Sequence[str | int], message: str) -> ConfigurationError:
        """Return the error about a key, which leads to its line."""
        where = ".".join(str(part) for part in path)
        return ConfigurationError(f"{self.name}:{self.line(path)}: {f'{where}: ' if where else ''}{message}")


def read(text: str, name: str, *, entry: str = "key: value") -> Document:
    """Read a document whose top is a mapping; ``name`` is what the file is called in messages, ``entry`` what a line is.

    Raises
    ------
    ConfigurationError
        The text is no YAML, no mapping, or gives a key twice; names the line.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}:{line}: this is not YAML: {error.problem}") from error
    if node is None:
        return Document(name, {}, {})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError(f"{name}:{_line(node)}: write `{entry}` lines")
    lines: dict[Path, int] = {}
    _collect(node, (), name, lines)
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:  # such as a value that is no date although it looks like one
        raise ConfigurationError(f"{name}: this is not YAML: {error}") from error
    return Document(name, values, lines)


def _collect(node: yaml.Node, path: Path, name: str, lines: dict[Path, int]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            lines[*path, place] = _line(item)
            _collect(item, (*path, place), name, lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        at = (*path, str(key.value))
        if at in lines:
            raise ConfigurationError(
                f"{name}:{_line(key)}: {key.value} is given twice, first in line {lines[at]}"
            )
        lines[at] = _line(key)
        _collect(value, at, name, lines)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
