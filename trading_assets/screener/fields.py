"""Screener fields: what a filter may name; one entry per column of the features table, with unit and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from trading_assets.schemas import DAILY_FEATURES


@dataclass(frozen=True)
class ScreenerField:
    """A column that filters and sorts may use."""

    name: str
    kind: Literal["number", "text"]
    unit: str
    description: str


FIELDS: dict[str, ScreenerField] = {
    name: ScreenerField(
        name, "number" if column.dtype.is_numeric() else "text", column.unit, column.description
    )
    for name, column in DAILY_FEATURES.columns.items()
    if name != "session"
}


def known_field(name: str, kind: Literal["number", "text"]) -> str:
    """Return ``name`` if there is such a field of that kind.

    Raises
    ------
    ValueError
        Otherwise, with the nearest names.
    """
    found = FIELDS.get(name)
    if found is None:
        near = get_close_matches(name, FIELDS, n=3)
        raise ValueError(f"no field {name!r}{': did you mean ' + ', '.join(near) + '?' if near else ''}")
    if found.kind != kind:
        raise ValueError(f"field {name!r} holds {found.kind}, not {kind}")
    return name
