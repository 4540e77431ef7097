"""Screens as JSON, to be shared: one document per screen, with its format's number."""

from __future__ import annotations

import json
import re

from pydantic import ValidationError

from trading_assets.errors import ConfigurationError
from trading_assets.screener.filters import Query, Screen

FORMATS = (1, 2)
"""Formats that are read. A screen is written in the lowest that can say it: 2 has conditions on each of several sessions."""
NAME_LENGTH = 63
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{NAME_LENGTH - 1}}}")
_HOW_TO_MAKE = "`trading-assets screens export NAME --out FILE` writes such a file, and so does --json"
UNNAMED = "my_screen"
"""Name of a screen that is made from a query without one."""


def write_screen(screen: Screen) -> str:
    """Return a screen as a JSON document that ``read_screen`` reads back into the same screen."""
    return json.dumps(screen.model_dump(mode="json"), indent=2) + "\n"


def read_screen(text: str) -> Screen:
    """Read a screen from a JSON document: one of ``write_screen``, or results with the ``query`` that they answer.

    Raises
    ------
    ConfigurationError
        If it is no such document; says what is wrong, and what to do about a format of a later version.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"A screen is a JSON document, and this is none: {error}. {_HOW_TO_MAKE}"
        ) from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"A screen is a JSON object with name, where, sort and top. {_HOW_TO_MAKE}")
    if isinstance(content.get("query"), dict) and "where" not in content:
        kept = {key: content[key] for key in ("name", "description", "format") if key in content}
        content = {"name": UNNAMED, **kept, **content["query"]}
    if content.get("format", FORMATS[0]) not in FORMATS:
        raise ConfigurationError(
            f"The screen has format {content['format']!r}, and this version reads formats {' and '.join(map(str, FORMATS))}: update Trading Assets, "
            "or save the screen again with the version that made it for this one"
        )
    try:
        return Screen.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"The screen does not fit: {wrong_parts(error)}. {_HOW_TO_MAKE}") from None


def named(query: Query, name: str, description: str = "") -> Screen:
    """Return a query as a screen of that name.

    Raises
    ------
    ConfigurationError
        If the name or the description cannot be one.
    """
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} cannot be saved: a name begins with a small letter and has at most {NAME_LENGTH} small letters, "
            f"digits and _, such as {nearest_name(name)}"
        )
    try:
        return Screen(name=name, description=description, where=query.where, sort=query.sort, top=query.top)
    except ValidationError as error:
        raise ConfigurationError(f"{name} cannot be saved: {wrong_parts(error)}") from None


def nearest_name(text: str) -> str:
    """Return the name that is most like a text.

    Examples
    --------
    >>> nearest_name("my-first"), nearest_name("My Screen!"), nearest_name("52 week highs"), nearest_name("")
    ('my_first', 'my_screen', 'my_52_week_highs', 'my_screen')
    """
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    if not words:
        return UNNAMED
    return (words if words[0].isalpha() else f"my_{words}")[:NAME_LENGTH].rstrip("_")


def wrong_parts(error: ValidationError) -> str:
    """Say in one line what of a screen or filter was refused, and where."""
    said = []
    for item in error.errors(include_url=False):
        place = ".".join(str(part) for part in item["loc"])
        said.append(f"{place}: {item['msg']}" if place else item["msg"])
    return "; ".join(said)
