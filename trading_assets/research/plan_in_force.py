"""The trading plan in force: that of the file that TRADING_STRATEGIES names, or the shipped one."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from trading_assets.decision.plan import TradingPlan
from trading_assets.decision.plan_file import DEFAULT_NAME, parse_plan
from trading_assets.errors import ConfigurationError


def default_text() -> str:
    """Return the shipped file, with a comment at each key."""
    return files("trading_assets.decision").joinpath(DEFAULT_NAME).read_text(encoding="utf-8")


def load_plan(path: Path | None) -> TradingPlan:
    """Read the plan; the shipped one without a file.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or something in it is wrong; names file, line and the fix.
    """
    return parse_plan(plan_text(path), DEFAULT_NAME if path is None else str(path))


def plan_text(path: Path | None) -> str:
    """Return the text of the file in force."""
    if path is None:
        return default_text()
    try:
        return path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"TRADING_STRATEGIES: {path} cannot be read: {told}") from error
