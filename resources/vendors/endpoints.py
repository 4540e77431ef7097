"""Endpoints: where each vendor is reached in a mode, and with which keys. The only module that knows their hosts."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings

SIMULATOR_KEY = "simulator"
"""Sent to the simulator instead of the user's keys, which never leave for a local server."""


@dataclass(frozen=True)
class Endpoints:
    """Base URL of each vendor. ``yahoo`` is ``None`` for its real hosts, which yfinance knows itself."""

    polygon: str
    yahoo: str | None
    alpaca_data: str
    alpaca_trading: str


def endpoints(settings: Settings, simulator_url: str | None) -> Endpoints:
    """Return where each vendor is reached in this mode.

    Raises
    ------
    ConfigurationError
        If ``sim`` mode lacks a simulator, or another mode is given one.
    """
    if settings.mode == "sim":
        if not simulator_url:
            raise ConfigurationError("TRADING_MODE=sim needs a running simulator")
        url = simulator_url.rstrip("/")
        return Endpoints(url, url, url, url)
    if simulator_url:
        raise ConfigurationError("The simulator must not be used in this mode", TRADING_MODE=settings.mode)
    return Endpoints(
        polygon="https://api.polygon.io",
        yahoo=None,
        alpaca_data="https://data.alpaca.markets",
        alpaca_trading=(
            "https://api.alpaca.markets" if settings.mode == "live" else "https://paper-api.alpaca.markets"
        ),
    )


def alpaca_keys(settings: Settings) -> tuple[str, str]:
    """Return Alpaca's key and secret; in ``sim`` mode a placeholder."""
    if settings.mode == "sim":
        return SIMULATOR_KEY, SIMULATOR_KEY
    if not (settings.alpaca_api_key and settings.alpaca_secret_key):
        raise ConfigurationError("Set ALPACA_API_KEY and ALPACA_SECRET_KEY", TRADING_MODE=settings.mode)
    return settings.alpaca_api_key.get_secret_value(), settings.alpaca_secret_key.get_secret_value()


def polygon_key(settings: Settings) -> str:
    """Return Polygon's key; in ``sim`` mode a placeholder."""
    if settings.mode == "sim":
        return SIMULATOR_KEY
    if not settings.polygon_api_key:
        raise ConfigurationError(
            "Set POLYGON_API_KEY, or take polygon out of TRADING_SOURCES", TRADING_MODE=settings.mode
        )
    return settings.polygon_api_key.get_secret_value()
