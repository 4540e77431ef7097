"""One installation: settings, services, lake, database, vendors and broker, opened once a process and shared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from resources.broker import Broker
from resources.clock import Clock, SimulatorClock, SystemClock
from resources.database.database import Database
from resources.database.migrations import migrate
from resources.database.server import PostgresEndpoint, postgres_for
from resources.lake.lake import Lake
from resources.lake.locks import PostgresLocks
from resources.leftovers import remove_leftovers
from resources.local_services import starting_services
from resources.raw.batches import RawBatches
from resources.raw.store import RawStore
from resources.services.simulator import simulator_for
from resources.vendors.http.gates import open_gates
from resources.vendors.protocol import (
    ActionSource,
    CompanySource,
    MarketSource,
    ReferenceSource,
)
from resources.vendors.usage import Counts, record_usage
from trading_assets.errors import TradingError
from trading_assets.progress import Progress, Recorder
from trading_assets.sessions import latest_closed_session
from trading_assets.settings import Settings, SourceName, load_settings


@dataclass
class Platform:
    """Everything that an asset, a sensor or a command may need; vendors and the broker are made on first use."""

    settings: Settings
    simulator_url: str | None
    postgres: PostgresEndpoint
    database: Database
    clock: Clock
    lake: Lake
    raw: RawStore
    progress: Progress = field(default_factory=Recorder)

    @cached_property
    def bar_sources(self) -> dict[SourceName, MarketSource]:
        """Vendors of daily and hourly bars, in order of priority."""
        from resources.vendors.registry import sources_for

        return sources_for(self.settings, self.simulator_url, self.clock)

    @cached_property
    def raw_batches(self) -> RawBatches:
        """Vendors' bodies with their records."""
        return RawBatches(self.database, self.raw)

    @cached_property
    def action_sources(self) -> dict[SourceName, ActionSource]:
        """Vendors of corporate actions, in order of priority."""
        from resources.vendors.registry import action_sources

        return action_sources(self.settings, self.simulator_url, self.clock)

    @cached_property
    def reference_source(self) -> ReferenceSource:
        """Vendor of the listed universe."""
        from resources.vendors.registry import reference_source

        return reference_source(self.settings, self.simulator_url, self.clock)

    @cached_property
    def company_source(self) -> CompanySource:
        """Vendor of company data."""
        from resources.vendors.registry import company_source

        return company_source(self.settings, self.simulator_url, self.clock)

    @cached_property
    def broker(self) -> Broker:
        """The broker's account that orders go to."""
        from resources.vendors.alpaca.broker import broker_for

        return broker_for(self.settings, self.simulator_url)

    def latest_session(self) -> date:
        """Return the newest session whose bars are final now."""
        return latest_closed_session(self.clock.now(), delay=self.settings.data_delay)


@contextmanager
def open_platform(settings: Settings) -> Iterator[Platform]:
    """Open one installation, starting its local services if nobody has, and release them at the end."""
    with starting_services(settings), ExitStack() as stack:
        remove_leftovers(settings.data)
        simulator_url = stack.enter_context(simulator_for(settings))
        postgres = stack.enter_context(postgres_for(settings))
        url = postgres.url()
        migrate(url)
        database = stack.enter_context(Database(url))
        clock: Clock = SimulatorClock(simulator_url) if simulator_url else SystemClock()
        platform = Platform(
            settings=settings,
            simulator_url=simulator_url,
            postgres=postgres,
            database=database,
            clock=clock,
            lake=Lake(settings.lake_root, PostgresLocks(database)),
            raw=RawStore(settings.data / "raw"),
        )
        stack.callback(_record_usage, platform)
        yield platform


def _record_usage(platform: Platform) -> None:
    # what was counted since the last ingest, such as requests of one that failed; the books of vendors' quotas are
    # no reason to fail at the end
    gates = [gate for gate in open_gates(platform.settings) if gate.usage.counts() != Counts()]
    if gates:
        with suppress(TradingError):
            record_usage(platform.database, gates, platform.clock.now())


_lock = threading.Lock()
_shared: list[Platform] = []


@contextmanager
def shared_platform(settings: Settings | None = None) -> Iterator[Platform]:
    """Return the platform that this process has open already, or open one for the time of the block."""
    with _lock:
        existing = _shared[-1] if _shared else None
    if existing is not None:
        yield existing
        return
    with open_platform(settings or load_settings()) as platform:
        with _lock:
            _shared.append(platform)
        try:
            yield platform
        finally:
            with _lock:
                _shared.remove(platform)
