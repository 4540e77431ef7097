"""Yahoo as a vendor: what the registry knows of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from resources.clock import Clock
from resources.vendors.endpoints import Reach
from resources.vendors.http.gates import gate_for
from resources.vendors.probing import SourceProbes
from resources.vendors.vendor import Vendor
from resources.vendors.yahoo.access import cache_folder
from trading_assets.settings import Settings

if TYPE_CHECKING:
    from resources.vendors.yahoo.company import YahooCompanies
    from resources.vendors.yahoo.source import YahooSource


def _source(settings: Settings, reach: Reach, clock: Clock) -> YahooSource:
    from resources.vendors.yahoo.source import YahooSource

    return YahooSource(
        reach(None),
        gate=gate_for("yahoo", settings),
        clock=clock,
        cache=cache_folder(settings),
        delay=settings.data_delay,
    )


def _companies(settings: Settings, reach: Reach, clock: Clock) -> YahooCompanies:
    from resources.vendors.yahoo.company import YahooCompanies

    return YahooCompanies(
        reach(None), gate=gate_for("yahoo", settings), clock=clock, cache=cache_folder(settings)
    )


def _probes(settings: Settings, reach: Reach, session: date, now: datetime) -> SourceProbes:
    from resources.vendors.yahoo.probes import YahooProbes

    return YahooProbes(settings, reach, session, now)


YAHOO = Vendor(
    name="yahoo",
    keys="nothing: Yahoo needs no key",
    bars=_source,
    probes=_probes,
    companies=_companies,
    tells_actions_with_bars=True,
)
