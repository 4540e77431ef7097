"""Access to Yahoo: no key, hosts that yfinance knows itself, and the folder of its cookies."""

from __future__ import annotations

from pathlib import Path

from trading_assets.settings import Settings


def cache_folder(settings: Settings) -> Path:
    """Return where yfinance keeps its cookies and time zones."""
    return settings.data / "cache" / "yfinance"
