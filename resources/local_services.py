"""The local services of one installation, started side by side: each takes a second of somebody else's time to start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from resources.atomic_files import replace_text_if_changed
from resources.database.server import embedded_service
from resources.services.shared import SharedService
from resources.services.simulator import simulator_service
from trading_assets.errors import ConfigurationError
from trading_assets.settings import Settings


def local_services(settings: Settings) -> list[SharedService]:
    """Return the services that an installation with these settings runs on this machine, without starting them."""
    services = []
    if settings.mode == "sim" and not settings.sim_url:
        services.append(simulator_service(settings))
    if settings.database_url is None:
        services.append(embedded_service(settings))
    return services


def data_folder(settings: Settings) -> Path:
    """Return the data folder, made for its user alone if it is not there."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return settings.data


@contextmanager
def starting_services(settings: Settings) -> Iterator[None]:
    """Hold the local services while the block runs, without waiting until they serve: whoever opens them does.

    A command begins with this, so that services start while it imports what it needs.

    Raises
    ------
    ConfigurationError
        If the data folder holds market data of the other kind; then nothing is started.
    ServiceError
        If one cannot be started; the message says what to do.
    """
    claim_folder(settings)
    with ExitStack() as stack:
        for service in local_services(settings):
            service.begin()
            stack.callback(service.release)
        yield


def claim_folder(settings: Settings) -> None:
    """Mark the data folder as holding simulated or real data, or refuse to mix the two.

    Raises
    ------
    ConfigurationError
        If the folder was used with the other kind before.
    """
    kind = "simulated" if settings.mode == "sim" else "real"
    mark = data_folder(settings) / "market.txt"
    known = mark.read_text(encoding="utf-8").strip() if mark.exists() else kind
    if known != kind:
        raise ConfigurationError(
            f"{settings.data} holds {known} market data and must not be used in {settings.mode} mode: set TRADING_DATA to "
            "another folder"
        )
    replace_text_if_changed(mark, f"{kind}\n")
