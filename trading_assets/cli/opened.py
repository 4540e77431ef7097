"""What commands open that need a part of the installation only: the database without vendors, broker and clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resources.database.database import Database
    from trading_assets.screens.saved import SavedScreens
    from trading_assets.settings import Settings


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
