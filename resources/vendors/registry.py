"""Registry: one line a vendor, and the sources that the configured ones make."""

from __future__ import annotations

from datetime import date, timedelta

from resources.clock import Clock
from resources.raw.store import PackedResponses
from resources.vendors.alpaca.vendor import ALPACA, broker_assets
from resources.vendors.endpoints import reach_of
from resources.vendors.listings import with_flags
from resources.vendors.polygon.vendor import POLYGON
from resources.vendors.protocol import (
    ActionSource,
    CompanySource,
    Fetched,
    MarketSource,
    Progress,
    ReferenceSource,
)
from resources.vendors.vendor import Vendor
from resources.vendors.yahoo.vendor import YAHOO
from trading_assets.errors import ConfigurationError
from trading_assets.sessions import latest_closed_session
from trading_assets.settings import Settings, SourceName

VENDORS: dict[SourceName, Vendor] = {vendor.name: vendor for vendor in (POLYGON, YAHOO, ALPACA)}


def configured(settings: Settings) -> list[Vendor]:
    """Return the vendors of TRADING_SOURCES, in order of priority."""
    return [VENDORS[name] for name in settings.sources]


def require_keys(settings: Settings) -> None:
    """Refuse settings that lack a key of a configured vendor or of the broker, before anything is started.

    Raises
    ------
    ConfigurationError
        Names the key.
    """
    for vendor in [*configured(settings), ALPACA]:  # orders go to Alpaca, whoever tells the prices
        vendor.credentials(settings)


def sources_for(
    settings: Settings, simulator_url: str | None, clock: Clock
) -> dict[SourceName, MarketSource]:
    """Build the configured bar sources, in order of priority.

    Raises
    ------
    ConfigurationError
        If a source's key is missing; names the key.
    """
    reach = reach_of(settings, simulator_url)
    return {vendor.name: vendor.bars(settings, reach, clock) for vendor in configured(settings)}


def action_sources(
    settings: Settings, simulator_url: str | None, clock: Clock
) -> dict[SourceName, ActionSource]:
    """Build the vendors of corporate actions among the configured sources, in order of priority.

    One that tells them along with its bars is none of them.
    """
    reach = reach_of(settings, simulator_url)
    return {
        vendor.name: vendor.actions(settings, reach, clock)
        for vendor in configured(settings)
        if vendor.actions
    }


def reference_source(settings: Settings, simulator_url: str | None, clock: Clock) -> ReferenceSource:
    """Build the source of listings: the best vendor's with the broker's flags, or else the broker's own list."""
    reach = reach_of(settings, simulator_url)
    assets = broker_assets(settings, reach, clock)
    for vendor in configured(settings):
        if vendor.listings:
            listings = vendor.listings(settings, reach, clock)
            return FlaggedListings(vendor.name, listings, assets, clock, settings.data_delay)
    return assets


def company_vendor(settings: Settings) -> Vendor | None:
    """Return the best configured vendor of company data; ``None`` if there is none."""
    return next((vendor for vendor in configured(settings) if vendor.companies), None)


def company_source(settings: Settings, simulator_url: str | None, clock: Clock) -> CompanySource:
    """Build the vendor of company data.

    Raises
    ------
    ConfigurationError
        If none is configured.
    """
    vendor = company_vendor(settings)
    if vendor is None or vendor.companies is None:
        known = " or ".join(vendor.name for vendor in VENDORS.values() if vendor.companies)
        raise ConfigurationError(f"Company data need {known} in TRADING_SOURCES")
    return vendor.companies(settings, reach_of(settings, simulator_url), clock)


class FlaggedListings:
    """Point-in-time listings of one vendor with the broker's flags.

    The broker only tells its flags of today. They are joined to the newest session that closed at least ``delay`` ago,
    which is the one that is run, and stay null on older ones: what could be borrowed then is not known.
    """

    def __init__(
        self,
        name: SourceName,
        reference: ReferenceSource,
        broker: ReferenceSource,
        clock: Clock,
        delay: timedelta,
    ) -> None:
        self.name = name
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
