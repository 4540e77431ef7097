"""Access to Polygon: its host and key."""

from __future__ import annotations

from resources.vendors.endpoints import keys_of
from trading_assets.settings import Settings

HOST = "https://api.polygon.io"


def polygon_keys(settings: Settings) -> tuple[str, ...]:
    """Return Polygon's one key; in ``sim`` mode a placeholder."""
    mend = "Set POLYGON_API_KEY, or take polygon out of TRADING_SOURCES"
    return keys_of(settings, mend, settings.polygon_api_key)
