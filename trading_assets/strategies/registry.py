"""Strategy registry: one line per built-in strategy; built from a name and parameters as they stand in the configuration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.strategies.contract import Strategy, StrategyParameters
from trading_assets.strategies.ma_crossover import MovingAverageCrossover, MovingAverageCrossoverParameters
from trading_assets.strategies.mean_reversion import MeanReversion, MeanReversionParameters
from trading_assets.strategies.momentum import Momentum, MomentumParameters
from trading_assets.strategies.plug_ins import load, package_of, plug_ins
from trading_assets.strategies.screen import ScreenParameters, ScreenStrategy

BUILT_IN = "built in"


@dataclass(frozen=True)
class Registered:
    """A strategy's constructor and the model of its parameters."""

    build: Callable[..., Strategy]
    parameters: type[StrategyParameters]

    @classmethod
    def of(cls, kind: type[Any]) -> Registered:
        """Register a class by the type of its field ``parameters``.

        Raises
        ------
        ConfigurationError
            If it has no such field, or not one of a ``StrategyParameters``.
        """
        try:
            model = get_type_hints(kind).get("parameters")
        except NameError as error:
            raise ConfigurationError(
                f"Strategy {kind.name}: the type of a field is unknown: {error}"
            ) from error
        if not (isinstance(model, type) and issubclass(model, StrategyParameters)):
            raise ConfigurationError(
                f"Strategy {kind.name}: give the class a field `parameters` with a StrategyParameters as its type"
            )
        return cls(kind, model)

    @property
    def description(self) -> str:
        """First line of its docstring."""
        return (inspect.getdoc(self.build) or "").partition("\n")[0].replace("``", "")


STRATEGIES: dict[str, Registered] = {
    Momentum.name: Registered(Momentum, MomentumParameters),
    MeanReversion.name: Registered(MeanReversion, MeanReversionParameters),
    MovingAverageCrossover.name: Registered(MovingAverageCrossover, MovingAverageCrossoverParameters),
    ScreenStrategy.name: Registered(ScreenStrategy, ScreenParameters),
}


@dataclass(frozen=True)
class StrategyKind:
    """A strategy that a plan may name.

    ``feature_columns`` and ``lookback_sessions`` are those of its default parameters, None where they depend on what has
    to be given. ``problem`` says why a plug-in cannot be used.
    """

    name: str
    source: str
    description: str = ""
    feature_columns: tuple[str, ...] | None = None
    lookback_sessions: int | None = None
    problem: str = ""


def strategy_names() -> list[str]:
    """Name every strategy, built in or plugged in; loads none."""
    return sorted({*STRATEGIES, *plug_ins()})


def registered(name: str) -> Registered:
    """Look a strategy up: the built-in one, or else the plug-in of that name, which is loaded now.

    Raises
    ------
    ConfigurationError
        If there is no such strategy, or the plug-in is broken.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    points = plug_ins()
    if name not in points:
        raise ConfigurationError(
            f"No strategy {name!r}; there are {', '.join(sorted({*STRATEGIES, *points}))}"
        )
    return Registered.of(load(name, points[name]))


def build_strategy(name: str, parameters: Mapping[str, object] | None = None) -> Strategy:
    """Make a strategy out of its name and parameters.

    Raises
    ------
    ConfigurationError
        If there is no such strategy, a parameter is unknown or out of range (named), or its class cannot be made with them.
    """
    found = registered(name)
    try:
        return _made(name, found, found.parameters.model_validate(dict(parameters or {})))
    except ValidationError as error:
        wrong = "; ".join(_told(item["loc"], item["msg"]) for item in error.errors())
        raise ConfigurationError(f"Parameters of strategy {name}: {wrong}") from error


def strategy_kinds() -> list[StrategyKind]:
    """List every strategy with what it reads, by name; a broken plug-in with its problem."""
    points = plug_ins()
    own = [_described(name, BUILT_IN, found) for name, found in STRATEGIES.items()]
    others = [_plugged_in(name, ", ".join(map(package_of, found))) for name, found in points.items()]
    return sorted([*own, *others], key=lambda kind: kind.name)


def _plugged_in(name: str, source: str) -> StrategyKind:
    if name in STRATEGIES:
        problem = f"{name} is a built-in strategy, whose name is reserved: give yours another"
        return StrategyKind(name, source, problem=problem)
    try:
        return _described(name, source, registered(name))
    except ConfigurationError as error:
        return StrategyKind(name, source, problem=str(error))


def _described(name: str, source: str, found: Registered) -> StrategyKind:
    try:
        usual = _made(name, found, found.parameters())
    except ValidationError:  # a parameter has to be given
        return StrategyKind(name, source, found.description)
    columns, sessions = usual.feature_columns, usual.lookback_sessions
    return StrategyKind(name, source, found.description, tuple(columns), sessions)


def _made(name: str, found: Registered, parameters: StrategyParameters) -> Strategy:
    try:
        strategy = found.build(parameters)
        columns, sessions = strategy.feature_columns, strategy.lookback_sessions
    except Exception as error:  # whatever the code of a plug-in raises
        raise ConfigurationError(
            f"Strategy {name} cannot be made: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(columns, tuple) or not all(isinstance(column, str) for column in columns):
        raise ConfigurationError(f"Strategy {name}: feature_columns is {columns!r}, not a tuple of names")
    if not isinstance(sessions, int) or sessions < 0:
        raise ConfigurationError(
            f"Strategy {name}: lookback_sessions is {sessions!r}, not a number of sessions from 0 on"
        )
    return strategy


def _told(place: tuple[int | str, ...], message: str) -> str:
    words = message.removeprefix("Value error, ")
    return f"{'.'.join(map(str, place))}: {words}" if place else words
