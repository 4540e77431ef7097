"""Strategy registry: one line per strategy; built from a name and parameters as they stand in the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.strategies.contract import Strategy, StrategyParameters
from trading_assets.strategies.mean_reversion import MeanReversion, MeanReversionParameters
from trading_assets.strategies.momentum import Momentum, MomentumParameters


@dataclass(frozen=True)
class Registered:
    """A strategy's constructor and the model of its parameters."""

    build: Callable[..., Strategy]
    parameters: type[StrategyParameters]


STRATEGIES: dict[str, Registered] = {
    Momentum.name: Registered(Momentum, MomentumParameters),
    MeanReversion.name: Registered(MeanReversion, MeanReversionParameters),
}


def build_strategy(name: str, parameters: Mapping[str, object] | None = None) -> Strategy:
    """Make a strategy out of its name and parameters.

    Raises
    ------
    ConfigurationError
        If there is no such strategy, or a parameter is unknown or out of range; names the parameter.
    """
    if name not in STRATEGIES:
        raise ConfigurationError(f"No strategy {name!r}; there are {', '.join(sorted(STRATEGIES))}")
    registered = STRATEGIES[name]
    try:
        return registered.build(registered.parameters.model_validate(dict(parameters or {})))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigurationError(f"Parameters of strategy {name}: {wrong}") from error
