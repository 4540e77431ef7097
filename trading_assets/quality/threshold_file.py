"""The file of thresholds: YAML to limits, every mistake named with its line and the fix; and back, with descriptions."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterator

from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.quality.checks import ALL_CHECKS
from trading_assets.quality.thresholds import QualityThresholds
from trading_assets.yaml_lines import read


def parse_thresholds(text: str, name: str) -> QualityThresholds:
    """Read thresholds from YAML; ``name`` is what the file is called in messages.

    Raises
    ------
    ConfigurationError
        On an unknown key or a bad value; names file, line and the fix.
    """
    document = read(text, name, entry="threshold: value")
    for (key, *_rest), line in document.lines.items():
        if key not in QualityThresholds.model_fields:
            close = difflib.get_close_matches(str(key), QualityThresholds.model_fields, n=1)
            hint = f"did you mean {close[0]}?" if close else "see: trading-assets quality thresholds"
            raise ConfigurationError(f"{name}:{line}: there is no threshold {key}; {hint}")
    try:
        thresholds = QualityThresholds.model_validate(document.values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = str(problem["loc"][0])
        message = f"{problem['msg']}, not {problem['input']!r}; it is: {description(key)}"
        raise document.error((key,), message) from error
    strangers = sorted(thresholds.warn_only - {*ALL_CHECKS})
    if strangers:
        told = f"there is no check {', '.join(strangers)}; checks are {', '.join(ALL_CHECKS)}"
        raise ConfigurationError(f"{name}:{document.line(('warn_only',))}: {told}")
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
