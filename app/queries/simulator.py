"""Simulator: what it does wrong at present, and switching that on and off; in ``sim`` mode only, and never cached.

The one place where the app posts to something. Product tables and files stay out of its reach.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.queries.installation import installation, settings
from resources.services.simulator_admin import PlantedRules, SimulatorAdmin, SimulatorHealth, Subject
from trading_assets.errors import ConfigurationError, TransientError


def is_offered() -> bool:
    """Say whether there is a simulator to switch."""
    return settings().mode == "sim"


def health() -> SimulatorHealth:
    """Return the simulator's clock and market; ``TransientError`` if it does not answer."""
    return _admin().health()


def planted(subject: Subject) -> PlantedRules:
    """Return the kinds there are and the rules that are switched on."""
    return _admin().planted(subject)


def plant(subject: Subject, rule: Mapping[str, object]) -> None:
    """Switch a rule on; ``VendorRefusedError`` says in the simulator's words what is wrong with it."""
    _admin().plant(subject, rule)


def clean(subject: Subject, number: int | None = None) -> None:
    """Switch one rule off, or all."""
    _admin().clean(subject, number)


def _admin() -> SimulatorAdmin:
    if not is_offered():
        raise ConfigurationError("There is a simulator in TRADING_MODE=sim only", mode=settings().mode)
    url = installation().simulator_url
    if url is None:
        raise TransientError("The market simulator cannot be started")
    return SimulatorAdmin(url)
