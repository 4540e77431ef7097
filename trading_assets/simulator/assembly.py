"""Assembly: from the options of the command line to a running simulation."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from starlette.routing import BaseRoute

from trading_assets.errors import ConfigurationError
from trading_assets.sessions import NEW_YORK
from trading_assets.simulator import admin, dirt_routes
from trading_assets.simulator.alpaca import data_routes, trading_routes
from trading_assets.simulator.broker.engine import Engine
from trading_assets.simulator.clock import MODE, ClockMode, SimulationClock
from trading_assets.simulator.market.replay import ReplayMarket
from trading_assets.simulator.market.synthetic import SyntheticMarket
from trading_assets.simulator.market.tape import TapeMarket, publication
from trading_assets.simulator.polygon import routes as polygon
from trading_assets.simulator.server import Server, application
from trading_assets.simulator.simulation import Simulation
from trading_assets.simulator.state import StateStore
from trading_assets.simulator.yahoo import routes as yahoo

FIRST_SESSION = "first_session"


@dataclass(frozen=True)
class Options:
    """What a simulator is started with; see the command line's help."""

    state: Path
    port: int = 0
    port_file: Path | None = None
    seed: int = 7
    symbols: int = 500
    years: float = 3.0
    replay: Path | None = None
    at: datetime | None = None
    begin: datetime | None = None
    cash: Decimal = Decimal(100_000)
    clock: ClockMode | None = None
    speed: float = 60.0


def simulate(options: Options) -> None:
    """Serve a simulation until a signal comes."""
    with contextlib.closing(StateStore(options.state)) as store:
        simulation = assemble(options, store)
        with contextlib.closing(_broker(options, simulation)) as engine:
            simulation.engine = engine
            simulation.settle()
            routes = [*protocols(simulation), *trading_routes.routes(engine)]
            Server(application(simulation, routes), options.port_file).listen(options.port)


def assemble(options: Options, store: StateStore) -> Simulation:
    """Build the market, clock and account that the options and the stored state describe."""
    market: TapeMarket | None = None
    start = options.at
    if options.replay is not None:
        market, recorded_until = _replayed(options.replay, store)
        start = start or recorded_until
    mode = options.clock or _mode_before(store) or _first_mode(options, start)
    if mode is ClockMode.CATCHING_UP:
        clock = SimulationClock(mode, store, start=options.begin, present=start)
    else:
        clock = SimulationClock(mode, store, start=start, speed=options.speed)
    if market is None:
        market = _synthetic(options, store, clock.now())
    for correction in store.corrections():
        market.correct(correction)
    return Simulation(market, clock, store)


def protocols(simulation: Simulation) -> list[BaseRoute]:
    """Return the routes of every vendor's protocol."""
    return [
        *polygon.routes(simulation.as_shown_by("polygon")),
        *yahoo.routes(simulation.as_shown_by("yahoo")),
        *data_routes.routes(simulation.as_shown_by("alpaca")),
        *admin.routes(simulation),
        *dirt_routes.routes(simulation),
    ]


def _first_mode(options: Options, start: datetime | None) -> ClockMode:
    if options.begin is not None:
        return ClockMode.CATCHING_UP
    return ClockMode.REAL if start is None else ClockMode.FIXED


def _mode_before(store: StateStore) -> ClockMode | None:
    # a restart without a wish goes on as before: a real clock would carry a past simulation to today
    mode = store.fact(MODE)
    return None if mode is None else ClockMode(mode)


def _broker(options: Options, simulation: Simulation) -> Engine:
    return Engine(simulation.market, options.state, simulation.now, options.cash, pay_dividends=True)


def _replayed(path: Path, store: StateStore) -> tuple[ReplayMarket, datetime]:
    market = ReplayMarket(path)
    if market.unread:
        sys.stderr.write(
            f"simulator: no dividend or split can be read from the adjusted closes of {', '.join(market.unread)}: each was "
            "collected without the session before or after it\n"
        )
    store.claim(market.identity)
    # the recording's last day, when all of it is known
    return market, publication(market.last_collection)


def _synthetic(options: Options, store: StateStore, now: datetime) -> TapeMarket:
    if not 1 <= options.symbols <= 20_000 or not 0 < options.years <= 27:
        raise ConfigurationError("A synthetic market has 1 to 20,000 symbols and up to 27 years")
    store.claim({"kind": "synthetic", "seed": options.seed, "symbols": options.symbols})
    stored = store.fact(FIRST_SESSION)
    if stored is None:
        # fixed at the first start, so that the history does not lose its beginning as time goes by
        begin = now.astimezone(NEW_YORK).date() - timedelta(days=round(options.years * 365.25))
        store.remember(FIRST_SESSION, begin.isoformat())
    else:
        begin = datetime.fromisoformat(stored).date()
    return SyntheticMarket(options.seed, options.symbols, begin)
