"""Sources: the configured vendors of bars, actions and listings. The only module that knows the vendors' hosts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from resources.clock import Clock
from resources.gates import gate_for
from resources.raw_store import PackedResponses
from resources.vendor_listings import with_flags
from resources.vendors import ActionSource, CompanySource, Fetched, MarketSource, Progress, ReferenceSource
from trading_assets.errors import ConfigurationError
from trading_assets.sessions import latest_closed_session
from trading_assets.settings import Settings, SourceName

if TYPE_CHECKING:
    from resources.alpaca_data import AlpacaSource
    from resources.polygon import PolygonSource
    from resources.yahoo import YahooSource

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


def sources_for(
    settings: Settings, simulator_url: str | None, clock: Clock
) -> dict[SourceName, MarketSource]:
    """Build the configured bar sources, in order of priority.

    Raises
    ------
    ConfigurationError
        If a source's key is missing; names the key.
    """
    return {name: _build(name, settings, simulator_url, clock) for name in settings.sources}


def action_sources(
    settings: Settings, simulator_url: str | None, clock: Clock
) -> dict[SourceName, ActionSource]:
    """Build the vendors of corporate actions among the configured sources, in order of priority.

    Yahoo is none: it tells them symbol by symbol, along with its bars.
    """
    builders: dict[SourceName, Callable[[Settings, str | None, Clock], ActionSource]] = {
        "polygon": _polygon,
        "alpaca": _alpaca,
    }
    return {
        name: builders[name](settings, simulator_url, clock) for name in settings.sources if name in builders
    }


def reference_source(settings: Settings, simulator_url: str | None, clock: Clock) -> ReferenceSource:
    """Build the vendor of listings: Polygon's with the broker's flags, or the broker's own list without Polygon."""
    from resources.alpaca_data import AlpacaAssets

    key, secret = alpaca_keys(settings)
    assets = AlpacaAssets(
        endpoints(settings, simulator_url).alpaca_trading,
        key,
        secret,
        gate=gate_for("alpaca", settings, (key, secret)),
        clock=clock,
    )
    if "polygon" not in settings.sources:
        return assets
    delay = settings.data_delay
    return FlaggedListings(_polygon(settings, simulator_url, clock), assets, clock, delay)


def company_source(settings: Settings, simulator_url: str | None, clock: Clock) -> CompanySource:
    """Build the vendor of company data.

    Raises
    ------
    ConfigurationError
        If Yahoo, the only one, is not configured.
    """
    if "yahoo" not in settings.sources:
        raise ConfigurationError("Company data need yahoo in TRADING_SOURCES")
    from resources.yahoo_company import YahooCompanies

    return YahooCompanies(
        endpoints(settings, simulator_url).yahoo,
        gate=gate_for("yahoo", settings),
        clock=clock,
        cache=settings.data / "cache" / "yfinance",
    )


class FlaggedListings:
    """Point-in-time listings of one vendor with the broker's flags.

    The broker only tells its flags of today. They are joined to the newest session that closed at least ``delay`` ago,
    which is the one that is run, and stay null on older ones: what could be borrowed then is not known.
    """

    name: SourceName = "polygon"

    def __init__(
        self, reference: ReferenceSource, broker: ReferenceSource, clock: Clock, delay: timedelta
    ) -> None:
        self._reference = reference
        self._broker = broker
        self._clock = clock
        self._delay = delay

    def listings(self, as_of: date, *, progress: Progress | None = None) -> Fetched:
        """Fetch what was listed on ``as_of``."""
        listed = self._reference.listings(as_of, progress=progress)
        if as_of < latest_closed_session(self._clock.now(), delay=self._delay):
            return listed
        flags = self._broker.listings(as_of)
        return Fetched(
            with_flags(listed.frame, flags.frame), PackedResponses.joined(listed.responses, flags.responses)
        )


def _build(name: SourceName, settings: Settings, simulator_url: str | None, clock: Clock) -> MarketSource:
    if name == "polygon":
        return _polygon(settings, simulator_url, clock)
    if name == "yahoo":
        return _yahoo(settings, simulator_url, clock)
    return _alpaca(settings, simulator_url, clock)


def _polygon(settings: Settings, simulator_url: str | None, clock: Clock) -> PolygonSource:
    from resources.polygon import PolygonSource

    key = polygon_key(settings)
    return PolygonSource(
        endpoints(settings, simulator_url).polygon,
        key,
        gate=gate_for("polygon", settings, (key,)),
        clock=clock,
        delay=settings.data_delay,
    )


def _yahoo(settings: Settings, simulator_url: str | None, clock: Clock) -> YahooSource:
    from resources.yahoo import YahooSource

    return YahooSource(
        endpoints(settings, simulator_url).yahoo,
        gate=gate_for("yahoo", settings),
        clock=clock,
        cache=settings.data / "cache" / "yfinance",
        delay=settings.data_delay,
    )


def _alpaca(settings: Settings, simulator_url: str | None, clock: Clock) -> AlpacaSource:
    from resources.alpaca_data import AlpacaSource

    key, secret = alpaca_keys(settings)
    return AlpacaSource(
        endpoints(settings, simulator_url).alpaca_data,
        key,
        secret,
        gate=gate_for("alpaca", settings, (key, secret)),
        clock=clock,
        delay=settings.data_delay,
        feed=settings.alpaca_feed,
    )
