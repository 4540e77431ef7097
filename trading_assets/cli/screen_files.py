"""Where commands take a screen from: its name, or a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trading_assets.cli.opened import saved_screens
from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from trading_assets.screener.filters import Screen
    from trading_assets.settings import Settings


def named_screen(settings: Settings, name: str) -> Screen:
    """Return a shipped or saved screen; Postgres is asked for saved ones only."""
    from trading_assets.screener.presets import SCREENS

    if name in SCREENS:
        return SCREENS[name]
    with saved_screens(settings) as store:
        return store.get(name)


def read_text(file: Path) -> str:
    """Return what is in a file, or on standard input for ``-``."""
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from None
