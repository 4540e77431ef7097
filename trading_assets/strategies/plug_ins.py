"""Plug-ins: strategies of other packages, one entry point of the group ``trading_assets.strategies`` each, loaded when named."""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from trading_assets.errors import ConfigurationError

GROUP = "trading_assets.strategies"
NEEDED = ("name", "feature_columns", "lookback_sessions", "signals")


def plug_ins() -> dict[str, list[EntryPoint]]:
    """Return the entry points by the name of their strategy, and load none; more than one of a name is a mistake."""
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, []).append(point)
    return dict(sorted(found.items()))


def package_of(point: EntryPoint) -> str:
    """Name the package of an entry point, with its version."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.module


def load(name: str, points: list[EntryPoint]) -> type[Any]:
    """Import the class of a plugged-in strategy.

    Raises
    ------
    ConfigurationError
        If it cannot be imported, is no strategy, or two packages have one of that name; names package and reason.
    """
    if len(points) > 1:
        packages = ", ".join(package_of(point) for point in points)
        raise ConfigurationError(f"Strategy {name} is in several packages, {packages}: uninstall all but one")
    (point,) = points
    where = f"Strategy {name} of the package {package_of(point)}"
    try:
        kind = point.load()
    except (Exception, SystemExit) as error:  # whatever the code of a plug-in raises
        raise ConfigurationError(
            f"{where} cannot be imported: {type(error).__name__}: {error}. Mend or uninstall it"
        ) from error
    is_class = inspect.isclass(kind)
    if not is_class:
        raise ConfigurationError(f"{where}: {point.value} is no class")
    lacks = [item for item in NEEDED if not hasattr(kind, item)]
    if lacks:
        raise ConfigurationError(f"{where}: {point.value} lacks {', '.join(lacks)}")
    if kind.name != name:
        raise ConfigurationError(
            f"{where} calls itself {kind.name!r}: entry point and class need the same name"
        )
    return cast("type[Any]", kind)
