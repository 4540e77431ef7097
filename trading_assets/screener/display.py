"""Values as people read them: one text per value, by the unit of its field; and what a field means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_assets.screener.english.words import TEXT_VALUES
from trading_assets.screener.fields import FIELDS

if TYPE_CHECKING:
    import polars as pl

_WRITTEN = {(field, value): words.partition(" | ")[0] for field, value, words in TEXT_VALUES}
_RATIOS_OF_ADJUSTED = {"distance_high_252", "gap", "bb_position", "zscore_20"}
_LARGE = ((1e12, "T"), (1e9, "B"), (1e6, "M"))


def shown(field: str, value: float | None) -> str:
    """Write a field's value: fractions as percent, large amounts with a letter; empty if it is missing.

    Examples
    --------
    >>> shown("close", 1234.5), shown("market_cap", 2.5e9), shown("return_5", -0.0312), shown("rsi_14", None)
    ('1,234.50', '2.50B', '-3.12%', '')
    """
    if value is None or value != value:  # noqa: PLR0124 (NaN is missing too)
        return ""
    unit = FIELDS[field].unit
    if unit.startswith("fraction"):
        return f"{value * 100:,.2f}%"
    for size, letter in _LARGE:
        if unit in {"USD", "shares"} and abs(value) >= size:
            return f"{value / size:,.2f}{letter}"
    if unit in {"shares", "days"}:
        return f"{value:,.0f}"
    if unit == "USD" and abs(value) < 1:
        return f"{value:,.4f}"
    return f"{value:,.2f}"


def bound(field: str, value: float) -> str:
    """Write a number that a field is compared with: as ``shown``, without zeros at the end.

    Examples
    --------
    >>> bound("rsi_14", 30), bound("market_cap", 1e10), bound("return_5", 0.05)
    ('30', '10B', '5%')
    """
    text = shown(field, value)
    digits = text.rstrip("%BMT")
    suffix = text[len(digits) :]
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + suffix


def written(field: str, value: str | None) -> str:
    """Write a value of a text field in the words that a sentence has for it; empty if it is missing.

    Examples
    --------
    >>> written("exchange", "XNAS"), written("asset_type", "CS"), written("sector", "Energy"), written("sector", None)
    ('Nasdaq', 'common stock', 'Energy', '')
    """
    return "" if value is None else _WRITTEN.get((field, value), value)


def explained(field: str) -> str:
    """Say what a field means, and for prices whether they are adjusted.

    Examples
    --------
    >>> explained("close")
    'Raw close of the session: as traded, not adjusted'
    >>> explained("high_252")
    'Highest high of 252 sessions; of prices adjusted for splits, dividends and spin-offs'
    """
    about = FIELDS[field]
    if field == "close":
        return f"{about.description}: as traded, not adjusted"
    if about.scale == "price" or field in _RATIOS_OF_ADJUSTED:
        return f"{about.description}; of prices adjusted for splits, dividends and spin-offs"
    return about.description


def tells_names(rows: pl.DataFrame) -> bool:
    """Say whether the column ``name`` of results holds more than nothing, or than the symbols again."""
    names = rows["name"]
    return not (names.is_null() | (names == rows["symbol"])).all()
