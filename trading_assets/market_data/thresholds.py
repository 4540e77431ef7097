"""The thresholds in force: those of the file that TRADING_QUALITY names, or the defaults."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from trading_assets.errors import ConfigurationError
from trading_assets.quality.threshold_file import parse_thresholds
from trading_assets.quality.thresholds import QualityThresholds


@lru_cache(maxsize=8)
def load_thresholds(path: Path | None) -> QualityThresholds:
    """Read the thresholds of a file; the defaults without one.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or holds an unknown key or a bad value; names file, line and the fix.
    """
    if path is None:
        return QualityThresholds()
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"TRADING_QUALITY: {path} cannot be read: {error.strerror}") from error
    return parse_thresholds(text, str(path))
