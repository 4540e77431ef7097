"""Polygon as a vendor: what the registry knows of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from resources.clock import Clock
from resources.vendors.endpoints import Reach, host
from resources.vendors.http.gates import gate_for
from resources.vendors.polygon.access import HOST, polygon_keys
from resources.vendors.probing import SourceProbes
from resources.vendors.vendor import Vendor
from trading_assets.settings import Settings

if TYPE_CHECKING:
    from resources.vendors.polygon.source import PolygonSource


def _source(settings: Settings, reach: Reach, clock: Clock) -> PolygonSource:
    from resources.vendors.polygon.source import PolygonSource

    keys = polygon_keys(settings)
    return PolygonSource(
        host(reach, HOST),
        *keys,
        gate=gate_for("polygon", settings, keys),
        clock=clock,
        delay=settings.data_delay,
    )


def _probes(settings: Settings, reach: Reach, session: date, now: datetime) -> SourceProbes:
    from resources.vendors.polygon.probes import PolygonProbes

    return PolygonProbes(settings, reach, session, now)


POLYGON = Vendor(
    name="polygon",
    keys="POLYGON_API_KEY",
    credentials=polygon_keys,
    bars=_source,
    probes=_probes,
    actions=_source,
    listings=_source,
)
