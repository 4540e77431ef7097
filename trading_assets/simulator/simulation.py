"""One running simulation: a market, a clock, an account, and the faults and dirt that are switched on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from trading_assets.simulator.clock import SimulationClock
from trading_assets.simulator.faults.dirt import Dirt
from trading_assets.simulator.faults.rules import Faults
from trading_assets.simulator.faults.vendor_tape import VendorTape
from trading_assets.simulator.market.tape import TapeMarket
from trading_assets.simulator.state import StateStore


class Advancing(Protocol):
    """What fills orders as time passes."""

    def advance(self, now: datetime) -> None:
        """Do everything that happens up to ``now``."""
        ...


@dataclass(eq=False)
class Simulation:
    """What every protocol answers from."""

    market: TapeMarket
    clock: SimulationClock
    store: StateStore
    engine: Advancing | None = None
    faults: Faults = field(init=False)
    dirt: Dirt = field(init=False)

    def __post_init__(self) -> None:
        """Switch on again what was switched on before a restart."""
        self.faults = Faults(self.store)
        self.dirt = Dirt(self.store)

    def now(self) -> datetime:
        """Return the present simulated instant."""
        return self.clock.now()

    def as_shown_by(self, vendor: str) -> Simulation:
        """Return this simulation with the market as one vendor shows it."""
        shown = copy.copy(self)
        shown.market = VendorTape(self.market, vendor, self.dirt)
        return shown

    def settle(self) -> datetime:
        """Let everything happen that is due at the present instant, and return that instant."""
        now = self.clock.now()
        if self.engine is not None:
            self.engine.advance(now)
        return now
