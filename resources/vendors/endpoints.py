"""Endpoints: whether a vendor is reached at its own host or at the simulator, and that no key leaves for the latter."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr

from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings

SIMULATOR_KEY = "simulator"
"""Sent to the simulator instead of the user's keys, which never leave for a local server."""

Reach = Callable[[str | None], str | None]
"""From a vendor's own host to where it is reached; ``None`` stays where the vendor's client knows its hosts itself."""


def reach_of(settings: Settings, simulator_url: str | None) -> Reach:
    """Return where vendors are reached in this mode.

    Raises
    ------
    ConfigurationError
        If ``sim`` mode lacks a simulator, or another mode is given one.
    """
    if settings.mode == "sim":
        if not simulator_url:
            raise ConfigurationError("TRADING_MODE=sim needs a running simulator")
        url = simulator_url.rstrip("/")
        return lambda _host: url
    if simulator_url:
        raise ConfigurationError("The simulator must not be used in this mode", TRADING_MODE=settings.mode)
    return lambda host: host


def host(reach: Reach, own: str) -> str:
    """Return where a vendor with that host of its own is reached."""
    return reach(own) or own


def keys_of(settings: Settings, mend: str, *keys: SecretStr | None) -> tuple[str, ...]:
    """Return the values of a vendor's keys; in ``sim`` mode placeholders.

    Raises
    ------
    ConfigurationError
        If one is missing, with ``mend``.
    """
    if settings.mode == "sim":
        return (SIMULATOR_KEY,) * len(keys)
    known = [key.get_secret_value() for key in keys if key]
    if len(known) < len(keys):
        raise ConfigurationError(mend, TRADING_MODE=settings.mode)
    return tuple(known)
