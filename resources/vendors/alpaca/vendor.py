"""Alpaca as a vendor of data: what the registry knows of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from resources.clock import Clock
from resources.vendors.alpaca.access import DATA_HOST, alpaca_keys, trading_host
from resources.vendors.endpoints import Reach, host
from resources.vendors.http.gates import gate_for
from resources.vendors.probing import SourceProbes
from resources.vendors.protocol import ReferenceSource
from resources.vendors.vendor import Vendor
from trading_assets.settings import Settings

if TYPE_CHECKING:
    from resources.vendors.alpaca.source import AlpacaSource


def _source(settings: Settings, reach: Reach, clock: Clock) -> AlpacaSource:
    from resources.vendors.alpaca.source import AlpacaSource

    keys = alpaca_keys(settings)
    return AlpacaSource(
        host(reach, DATA_HOST),
        *keys,
        gate=gate_for("alpaca", settings, keys),
        clock=clock,
        delay=settings.data_delay,
        feed=settings.alpaca_feed,
    )


def broker_assets(settings: Settings, reach: Reach, clock: Clock) -> ReferenceSource:
    """Build the broker's own list of what it trades today, with its flags."""
    from resources.vendors.alpaca.source import AlpacaAssets

    keys = alpaca_keys(settings)
    gate = gate_for("alpaca", settings, keys)
    return AlpacaAssets(trading_host(settings, reach), *keys, gate=gate, clock=clock)


def _probes(settings: Settings, reach: Reach, session: date, now: datetime) -> SourceProbes:
    from resources.vendors.alpaca.probes import AlpacaProbes

    return AlpacaProbes(settings, reach, session, now)


ALPACA = Vendor(
    name="alpaca",
    keys="ALPACA_API_KEY and ALPACA_SECRET_KEY",
    credentials=alpaca_keys,
    bars=_source,
    probes=_probes,
    actions=_source,
)
