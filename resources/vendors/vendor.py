"""A vendor: one record of what it offers and how each of it is built; a new one is a folder, a line and its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from resources.clock import Clock
from resources.vendors.endpoints import Reach
from resources.vendors.probing import SourceProbes
from resources.vendors.protocol import ActionSource, CompanySource, MarketSource, ReferenceSource
from trading_assets.settings import Settings, SourceName


def _no_keys(_settings: Settings) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Vendor:
    """What the registry knows of one vendor; builders import the vendor's client only when they are called.

    Parameters
    ----------
    name
        As TRADING_SOURCES has it, and the tables of what it reports.
    keys
        Settings that hold its keys, in words for people.
    bars
        Builds the source of its daily and hourly bars.
    probes
        Builds one small request a kind of data, for a past session and the present.
    actions
        Builds the source of its corporate actions; ``None`` if it has none, or tells them along with its bars.
    listings
        Builds the source of what was listed at any session; ``None`` if it knows the present only.
    companies
        Builds the source of company data.
    credentials
        Returns its keys from the settings, or raises `ConfigurationError`, which names the missing one.
    tells_actions_with_bars
        Its answers about bars hold splits and dividends too.
    """

    name: SourceName
    keys: str
    bars: Callable[[Settings, Reach, Clock], MarketSource]
    probes: Callable[[Settings, Reach, date, datetime], SourceProbes]
    actions: Callable[[Settings, Reach, Clock], ActionSource] | None = None
    listings: Callable[[Settings, Reach, Clock], ReferenceSource] | None = None
    companies: Callable[[Settings, Reach, Clock], CompanySource] | None = None
    credentials: Callable[[Settings], tuple[str, ...]] = _no_keys
    tells_actions_with_bars: bool = False
