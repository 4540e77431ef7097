"""The file of thresholds: YAML to limits, every mistake named with its line and the fix; and back, with descriptions."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.quality.checks import ALL_CHECKS
from trading_assets.quality.thresholds import QualityThresholds


def parse_thresholds(text: str, name: str) -> QualityThresholds:
    """Read thresholds from YAML; ``name`` is what the file is called in messages.

    Raises
    ------
    ConfigurationError
        On an unknown key or a bad value; names file, line and the fix.
    """
    lines = _key_lines(text, name)
    for key, line in lines.items():
        if key not in QualityThresholds.model_fields:
            close = difflib.get_close_matches(key, QualityThresholds.model_fields, n=1)
            hint = f"did you mean {close[0]}?" if close else "see: trading-assets quality thresholds"
            raise ConfigurationError(f"{name}:{line}: there is no threshold {key}; {hint}")
    given: dict[str, Any] = yaml.safe_load(text) or {}
    try:
        thresholds = QualityThresholds.model_validate(given)
    except ValidationError as error:
        problem = error.errors()[0]
        key = str(problem["loc"][0])
        told = f"{name}:{lines.get(key, 1)}: {key}: {problem['msg']}, not {problem['input']!r}"
        raise ConfigurationError(f"{told}; it is: {description(key)}") from error
    strangers = sorted(thresholds.warn_only - {*ALL_CHECKS})
    if strangers:
        raise ConfigurationError(
            f"{name}:{lines['warn_only']}: there is no check {', '.join(strangers)}; checks are {', '.join(ALL_CHECKS)}"
        )
    return thresholds


def description(key: str) -> str:
    """Say what a threshold means, with its unit."""
    return QualityThresholds.model_fields[key].description or ""


def as_yaml(thresholds: QualityThresholds) -> str:
    """Write thresholds as a file that reads back the same, each with its meaning as a comment."""
    return "\n".join(_entries(thresholds))


def _entries(thresholds: QualityThresholds) -> Iterator[str]:
    defaults = QualityThresholds()
    for key in QualityThresholds.model_fields:
        value, default = getattr(thresholds, key), getattr(defaults, key)
        yield from textwrap.wrap(description(key), 118, initial_indent="# ", subsequent_indent="# ")
        line = f"{key}: {_written(value)}"
        yield line if value == default else f"{line}  # default: {_written(default)}"
        yield ""


def _written(value: object) -> str:
    return json.dumps(sorted(value) if isinstance(value, frozenset) else value)


def _key_lines(text: str, name: str) -> dict[str, int]:
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{name}:{line}: this is not YAML: {error.problem}") from error
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError(f"{name}:{node.start_mark.line + 1}: write `threshold: value` lines")
    lines: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.value in lines:
            raise ConfigurationError(
                f"{name}:{line}: {key.value} is given twice, first in line {lines[key.value]}"
            )
        lines[key.value] = line
    return lines
