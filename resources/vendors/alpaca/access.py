"""Access to Alpaca: its hosts, and the keys that data and the broker share."""

from __future__ import annotations

from resources.vendors.endpoints import Reach, host, keys_of
from trading_assets.settings import Settings

DATA_HOST = "https://data.alpaca.markets"
PAPER_HOST, LIVE_HOST = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"


def alpaca_keys(settings: Settings) -> tuple[str, str]:
    """Return Alpaca's key and secret; in ``sim`` mode a placeholder."""
    mend = "Set ALPACA_API_KEY and ALPACA_SECRET_KEY"
    key, secret = keys_of(settings, mend, settings.alpaca_api_key, settings.alpaca_secret_key)
    return key, secret


def trading_host(settings: Settings, reach: Reach) -> str:
    """Return where the broker is reached: the live account in ``live`` mode only."""
    return host(reach, LIVE_HOST if settings.mode == "live" else PAPER_HOST)
