"""Screener fields: what a filter may name, with unit, meaning and words for it; made from the registries of the features."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from trading_assets.indicators.feature import ANY, POSITIVE, Range, Scale
from trading_assets.indicators.registry import FEATURES
from trading_assets.tables.fundamentals import AGE_COLUMN, FUNDAMENTALS

Kind = Literal["number", "text"]
Group = Literal["technical", "fundamental", "descriptive"]


@dataclass(frozen=True)
class ScreenerField:
    """A column that filters and sorts may use.

    ``aliases`` are words for it, the first one being how it is written; its name is understood as well. ``scale``
    says what brings a value of an earlier session into the scale of a later one: its prices, its shares, or nothing.
    """

    name: str
    kind: Kind
    group: Group
    unit: str
    description: str
    aliases: tuple[str, ...]
    valid_range: Range = ANY
    scale: Scale = "none"

    @property
    def label(self) -> str:
        """How it is written in a sentence and above a column."""
        return self.aliases[0] if self.aliases else self.name


_RAW_SCALES: dict[str, Scale] = {"close": "price", "volume": "shares"}

# fmt: off
_TEXTS = (
    ScreenerField("symbol", "text", "descriptive", "", "Ticker", ("symbol", "ticker")),
    ScreenerField("name", "text", "descriptive", "", "Company or fund name", ("name", "company name")),
    ScreenerField("sector", "text", "descriptive", "", "Sector, one of eleven", ("sector",)),
    ScreenerField("industry", "text", "descriptive", "", "Industry, in the vendor's words", ("industry",)),
    ScreenerField("exchange", "text", "descriptive", "", "Primary exchange (MIC)", ("exchange",)),
    ScreenerField("asset_type", "text", "descriptive", "", "CS common stock, ETF, ADRC, ...", ("asset type",)),
)
_AGE = ScreenerField(AGE_COLUMN, "number", "fundamental", "days", "Calendar days since the snapshot that the fundamental ratios come from", ("fundamentals age", "age of fundamentals"), POSITIVE)
# fmt: on

FIELDS: dict[str, ScreenerField] = {
    field.name: field
    for field in (
        *_TEXTS,
        *(
            ScreenerField(
                item.name,
                "number",
                "technical",
                item.unit,
                item.description,
                item.aliases,
                item.valid_range,
                _RAW_SCALES.get(item.name, item.scale),
            )
            for item in FEATURES.values()
        ),
        *(
            ScreenerField(
                item.name,
                "number",
                "fundamental",
                item.unit,
                item.description,
                item.aliases,
                item.valid_range,
            )
            for item in FUNDAMENTALS.values()
        ),
        _AGE,
    )
}
"""Every field by name."""


def known_field(name: str, kind: Kind) -> str:
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


def kind_of(field: ScreenerField) -> str:
    """Say in words what the values of a number field are."""
    if field.scale == "price":
        return "a price"
    return {
        "USD": "an amount in USD",
        "fraction": "a percentage",
        "fraction per year": "a percentage a year",
    }.get(field.unit, field.unit)


def is_comparable(name: str, other: str) -> bool:
    """Say whether values of two fields mean the same kind of thing: prices, amounts, shares, fractions, ..."""
    field, against = FIELDS[name], FIELDS[other]
    return field.kind == against.kind and (field.unit, field.scale) == (against.unit, against.scale)


def number_in_range(name: str, value: float) -> float:
    """Return ``value`` if the field can have it.

    Raises
    ------
    ValueError
        Otherwise, with the range.
    """
    field = FIELDS[name]
    low, high = field.valid_range
    if (low is None or value >= low) and (high is None or value <= high):
        return value
    raise ValueError(f"{field.label} is always {range_in_words(name)}")


def range_in_words(name: str) -> str:
    """Say which values a number field can have, as in ``between 0 and 100``; ``anything`` where there is no limit."""
    field = FIELDS[name]
    low, high = field.valid_range
    shown = [
        f"{limit * 100:g}%" if field.unit.startswith("fraction") else f"{limit:g}"
        for limit in (low, high)
        if limit is not None
    ]
    if not shown:
        return "anything"
    if len(shown) > 1:
        return f"between {shown[0]} and {shown[1]}"
    return f"{shown[0]} or {'more' if high is None else 'less'}"
