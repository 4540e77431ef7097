"""Screens as JSON, to be shared: one document per screen, with its format's number."""

from __future__ import annotations

import json

from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.screener.filters import Query, Screen

FORMAT = 1


def write_screen(screen: Screen) -> str:
    """Return a screen as a JSON document that ``read_screen`` reads back into the same screen."""
    return json.dumps(screen.model_dump(mode="json"), indent=2) + "\n"


def read_screen(text: str) -> Screen:
    """Read a screen from a JSON document.

    Raises
    ------
    ConfigurationError
        If it is no such document; says what is wrong, and what to do about a format of a later version.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"A screen is a JSON document, and this is none: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError("A screen is a JSON object with name, where, sort and top")
    if content.get("format", FORMAT) != FORMAT:
        raise ConfigurationError(
            f"The screen has format {content['format']!r}, and this version reads format {FORMAT}: update Trading Assets, "
            "or save the screen again with the version that made it for this one"
        )
    try:
        return Screen.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"The screen does not fit: {wrong_parts(error)}") from None


def named(query: Query, name: str, description: str = "") -> Screen:
    """Return a query as a screen of that name.

    Raises
    ------
    ConfigurationError
        If the name or the description cannot be one.
    """
    try:
        return Screen(name=name, description=description, where=query.where, sort=query.sort, top=query.top)
    except ValidationError as error:
        raise ConfigurationError(
            f"{name!r} cannot be saved: a name has small letters, digits and _, such as my_screen ({wrong_parts(error)})"
        ) from None


def wrong_parts(error: ValidationError) -> str:
    """Say in one line what of a screen or filter was refused, and where."""
    said = []
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        said.append(f"{place}: {item['msg']}" if place else item["msg"])
    return "; ".join(said)
