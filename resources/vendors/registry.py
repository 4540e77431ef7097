"""Sources: the configured vendors of bars, actions and listings. The only module that knows the vendors' hosts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from resources.clock import Clock
from resources.raw.store import PackedResponses
from resources.vendors.endpoints import alpaca_keys, endpoints, polygon_key
from resources.vendors.http.gates import gate_for
from resources.vendors.listings import with_flags
from resources.vendors.protocol import (
    ActionSource,
    CompanySource,
    Fetched,
    MarketSource,
    Progress,
    ReferenceSource,
)
from trading_assets.errors import ConfigurationError
from trading_assets.sessions import latest_closed_session
from trading_assets.settings import Settings, SourceName

if TYPE_CHECKING:
    from resources.vendors.alpaca.source import AlpacaSource
    from resources.vendors.polygon.source import PolygonSource
    from resources.vendors.yahoo.source import YahooSource


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
    from resources.vendors.alpaca.source import AlpacaAssets

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
    from resources.vendors.yahoo.company import YahooCompanies

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
    from resources.vendors.polygon.source import PolygonSource

    key = polygon_key(settings)
    return PolygonSource(
        endpoints(settings, simulator_url).polygon,
        key,
        gate=gate_for("polygon", settings, (key,)),
        clock=clock,
        delay=settings.data_delay,
    )


def _yahoo(settings: Settings, simulator_url: str | None, clock: Clock) -> YahooSource:
    from resources.vendors.yahoo.source import YahooSource

    return YahooSource(
        endpoints(settings, simulator_url).yahoo,
        gate=gate_for("yahoo", settings),
        clock=clock,
        cache=settings.data / "cache" / "yfinance",
        delay=settings.data_delay,
    )


def _alpaca(settings: Settings, simulator_url: str | None, clock: Clock) -> AlpacaSource:
    from resources.vendors.alpaca.source import AlpacaSource

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
