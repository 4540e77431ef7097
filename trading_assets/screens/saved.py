"""Saved screens: every version of what people saved under a name; the newest one is in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from psycopg.types.json import Jsonb

from resources.database.database import Database
from resources.database.writes import insert
from trading_assets.errors import ConfigurationError
from trading_assets.screener.evaluate import screen_version
from trading_assets.screener.filters import Screen
from trading_assets.screener.presets import SCREENS
from trading_assets.screener.screen_file import read_screen
from trading_assets.tables.screens import SAVED_SCREENS

VERSIONS = """
select name, version, screen::text, saved_at, saved_by from saved_screens where name = %s order by version
"""
IN_FORCE = """
select distinct on (name) name, version, screen::text, saved_at, saved_by from saved_screens
where %s::timestamptz is null or saved_at <= %s order by name, version desc
"""
NEWEST = (
    "select version, screen::text, saved_at from saved_screens where name = %s order by version desc limit 1"
)


@dataclass(frozen=True)
class SavedScreen:
    """One version of a saved screen; ``screen`` is None if it was removed, or if this version cannot read it.

    ``problem`` says why it cannot be read: it names a field that there is no more, or was saved by a later version.
    """

    name: str
    version: int
    saved_at: datetime
    saved_by: str
    screen: Screen | None
    problem: str = ""


class SavedScreens:
    """The screens that people saved, in Postgres; the command line, the app and the assets share it.

    Parameters
    ----------
    database
        Database of the product.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, screen: Screen, *, by: str, now: datetime) -> SavedScreen:
        """Save a screen as the newest version of its name; what is in force already is not saved again.

        Raises
        ------
        ConfigurationError
            If the name is that of a shipped screen.
        """
        if screen.name in SCREENS:
            raise ConfigurationError(
                f"{screen.name} is a shipped screen, whose name is reserved: save yours under another name, such as "
                f"my_{screen.name}"
            )
        return self._add(screen.name, screen, by=by, now=now)

    def remove(self, name: str, *, by: str, now: datetime) -> SavedScreen:
        """Take a screen away; its versions stay on record.

        Raises
        ------
        ConfigurationError
            If there is none of that name, or it is a shipped one.
        """
        if name in SCREENS:
            raise ConfigurationError(f"{name} is a shipped screen: it cannot be removed")
        if not any(item.name == name for item in self._in_force(None)):
            raise ConfigurationError(self._unknown(name))
        return self._add(name, None, by=by, now=now)

    def all(self, *, as_of: datetime | None = None) -> list[SavedScreen]:
        """List the screens in force, now or at an instant, by name; with ``problem`` those that cannot be read."""
        return self._in_force(as_of)

    def get(self, name: str, *, as_of: datetime | None = None) -> Screen:
        """Return a shipped or saved screen by its name.

        Raises
        ------
        ConfigurationError
            If there is none, with the nearest names, or it cannot be read.
        """
        if name in SCREENS:
            return SCREENS[name]
        for item in self._in_force(as_of):
            if item.name == name:
                if item.screen is None:
                    raise ConfigurationError(f"The saved screen {name} cannot be read: {item.problem}")
                return item.screen
        raise ConfigurationError(self._unknown(name))

    def version_at(self, name: str, instant: datetime) -> str | None:
        """Return the fingerprint of the version that was in force at an instant; None if there was none.

        It is empty if it cannot be told: of a version that cannot be read any more, and of shipped screens, which were
        always in force, but whose versions of the past are not on record.
        """
        if name in SCREENS:
            return ""
        found = next((item for item in self._in_force(instant) if item.name == name), None)
        return None if found is None else screen_version(found.screen) if found.screen else ""

    def versions(self, name: str) -> list[SavedScreen]:
        """List every version saved under a name, removals included, oldest first."""
        return [_saved(*row) for row in self._database.fetch(VERSIONS, (name,))]

    def _in_force(self, as_of: datetime | None) -> list[SavedScreen]:
        rows = [_saved(*row) for row in self._database.fetch(IN_FORCE, (as_of, as_of))]
        return [item for item in rows if item.screen or item.problem]

    def _add(self, name: str, screen: Screen | None, *, by: str, now: datetime) -> SavedScreen:
        with self._database.connection() as connection:
            connection.execute("lock table saved_screens in share row exclusive mode")
            row = connection.execute(NEWEST, (name,)).fetchone()
            version, stored, before = row or (0, None, None)
            if version and _read(stored)[0] == screen and (screen is not None or stored is None):
                return SavedScreen(name, version, before or now, by, screen)
            # versions of a name are in the order of their instants, whatever clocks say
            at = max(now, before) if before else now
            content = None if screen is None else Jsonb(screen.model_dump(mode="json"))
            saved = {"name": name, "version": version + 1, "screen": content, "saved_at": at, "saved_by": by}
            insert(connection, SAVED_SCREENS, {**saved, "is_removed": screen is None})
        return SavedScreen(name, version + 1, at, by, screen)

    def _unknown(self, name: str) -> str:
        names = [*SCREENS, *(item.name for item in self._in_force(None))]
        near = get_close_matches(name, names, n=3)
        known = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(names)}"
        return f"There is no screen {name!r}: {known}"


def _saved(name: str, version: int, text: str | None, saved_at: datetime, saved_by: str) -> SavedScreen:
    screen, problem = _read(text)
    return SavedScreen(name, version, saved_at, saved_by, screen, problem)


def _read(text: Any) -> tuple[Screen | None, str]:
    if text is None:
        return None, ""
    try:
        return read_screen(text), ""
    except ConfigurationError as error:
        return None, error.message
