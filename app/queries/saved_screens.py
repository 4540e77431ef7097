"""Saved screens: the shipped ones, and those that people saved, which is the one thing that the app writes into Postgres."""

from __future__ import annotations

import getpass

import psycopg

from app.queries.installation import installation, now
from trading_assets.errors import ConfigurationError, TransientError
from trading_assets.screener.filters import Screen
from trading_assets.screens.saved import SavedScreen, SavedScreens


def saved() -> list[SavedScreen]:
    """Return the saved screens in force, by name.

    Raises
    ------
    TransientError
        If Postgres does not answer.
    ConfigurationError
        If its tables are of an earlier version.
    """
    try:
        return SavedScreens(installation().database).all()
    except psycopg.errors.UndefinedTable as error:
        raise ConfigurationError(
            "The database has no table of saved screens yet: run `trading-assets up`"
        ) from error


def save(screen: Screen) -> SavedScreen:
    """Save a screen as the newest version of its name; ``ConfigurationError`` says why it cannot have that name."""
    instant = now()
    if instant is None:
        raise TransientError("The clock does not answer: a screen cannot be saved without the time")
    return SavedScreens(installation().saving).save(screen, by=getpass.getuser(), now=instant)


def remove(name: str) -> None:
    """Take a saved screen away; its versions stay on record."""
    instant = now()
    if instant is None:
        raise TransientError("The clock does not answer: a screen cannot be removed without the time")
    SavedScreens(installation().saving).remove(name, by=getpass.getuser(), now=instant)
