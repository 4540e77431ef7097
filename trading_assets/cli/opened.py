"""What commands open: the whole installation, or the database without vendors, broker and clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from trading_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from resources.database.database import Database
    from resources.lake.lake import Lake
    from resources.platform import Platform
    from trading_assets.screens.saved import SavedScreens
    from trading_assets.settings import Settings

NEEDED_BY_RUNS = ("trading_assets.runs.session", "dagster_postgres", "alpaca.trading.client", "numba")
"""Modules that a run imports at the latest where it first needs them; nothing is lost by it while services start."""


@contextmanager
def opened_platform(settings: Settings | None = None, *, with_dagster: bool = False) -> Iterator[Platform]:
    """Open the installation, or join what this process has open; what takes long to import is, while services start.

    Parameters
    ----------
    settings
        Default: those of the environment.
    with_dagster
        Import Dagster and what it runs as well.
    """
    from resources.local_services import starting_services
    from trading_assets.settings import load_settings

    settings = settings or load_settings()
    with starting_services(settings):
        from resources.platform import shared_platform

        if with_dagster:
            for module in NEEDED_BY_RUNS:
                import_module(module)
        with shared_platform(settings) as platform:
            yield platform


def stored_lake(settings: Settings) -> Lake:
    """Return the lake, to be read without Postgres; one that is not there yet is refused.

    Raises
    ------
    ConfigurationError
        Says what to run first.
    """
    from resources.lake.lake import Lake
    from resources.lake.locks import FileLocks

    if not settings.lake_root.is_dir():
        raise ConfigurationError(f"There is no {settings.lake_root} yet: run `trading-assets run` first")
    return Lake(settings.lake_root, FileLocks(settings.data / "run" / "cli"))  # never taken: this only reads


@contextmanager
def opened_database(settings: Settings) -> Iterator[Database]:
    """Open the database, starting Postgres if nobody has."""
    from resources.database.database import Database
    from resources.database.migrations import migrate
    from resources.database.server import postgres_for

    with postgres_for(settings) as postgres, Database(postgres.url()) as database:
        migrate(postgres.url())
        yield database


@contextmanager
def saved_screens(settings: Settings) -> Iterator[SavedScreens]:
    """Open the store of saved screens, starting Postgres if nobody has."""
    from trading_assets.screens.saved import SavedScreens

    with opened_database(settings) as database:
        yield SavedScreens(database)
