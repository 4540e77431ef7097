"""Reading Yahoo's values: numbers, fractions, dates and instants, plain or wrapped with their printed form."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from resources.vendors.yahoo.company_fields import KNOWN, Field, Fields
from trading_assets.sessions import NEW_YORK

NOT_NUMBERS = frozenset({"Infinity", "-Infinity", "NaN", ""})
OTHER_CURRENCY = "amount in another currency than USD, or in one that is not named"
MIXED_CURRENCIES = "ratio between two currencies"
DAY_SECONDS = 86_400


@dataclass
class Reader:
    """Reads the fields of one symbol; counts what it leaves out, by reason.

    Parameters
    ----------
    zone
        Time zone of the exchange.
    price_currency, book_currency
        Currencies of the prices and of the company's books, ``None`` if the answer does not name them; an amount is
        only stored as dollars if it is said to be one.
    """

    zone: ZoneInfo = NEW_YORK
    price_currency: str | None = None
    book_currency: str | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def row(self, values: object, fields: Fields, module: str) -> dict[str, Any]:
        """Read the fields of one object into a row of columns.

        Raises
        ------
        ValueError
            If it is no object, or a value is not of the kind that the field has.
        """
        if not isinstance(values, Mapping):
            raise ValueError(f"{module} is not an object")  # noqa: TRY004 (the caller turns it into a data error)
        self.count_unknown(values, fields, module)
        return {
            what.column: self.read(values.get(name), what, f"{module}.{name}")
            for name, what in fields.items()
        }

    def count_unknown(self, values: Mapping[str, Any], fields: Fields, module: str) -> None:
        """Count the fields that nobody has told us what to do with."""
        for name in values.keys() - fields.keys() - KNOWN[module]:
            self.left_out[f"unknown field {module}.{name}"] += 1

    def read(self, value: object, what: Field, where: str) -> Any:
        """Read one value; null where the vendor has none."""
        value = plain(value)
        if value is None:
            return None
        try:
            return self._read(value, what)
        except (ValueError, TypeError, OverflowError, OSError) as cause:
            raise ValueError(f"{where} is not a {what.kind}: {value!r:.60}") from cause

    def _read(self, value: object, what: Field) -> Any:
        if what.kind == "date":
            return self.day(value)
        plainly = _CONVERSIONS.get(what.kind)
        return plainly(value) if plainly else self._amount(number(value), what)

    def _amount(self, found: float | None, what: Field) -> float | None:
        reason = ""
        if what.kind == "usd" and self.price_currency != "USD":
            reason = OTHER_CURRENCY
        if what.kind == "mixed" and (not self.price_currency or self.price_currency != self.book_currency):
            reason = MIXED_CURRENCIES
        if found is None:
            return None
        if reason:
            self.left_out[reason] += 1
            return None
        return found / 100.0 if what.kind == "percent" else found

    def day(self, value: object) -> date:
        """Return the date of seconds since 1970: UTC's at its midnight, else the exchange's."""
        seconds = number(value)
        if seconds is None:
            raise ValueError("no seconds")
        zone = UTC if seconds % DAY_SECONDS == 0 else self.zone
        return datetime.fromtimestamp(seconds, UTC).astimezone(zone).date()


def plain(value: object) -> object:
    """Return a value without its printed form: ``{"raw": 1, "fmt": "1"}`` is 1, ``{}`` is null."""
    if isinstance(value, Mapping):
        if value and "raw" not in value:
            raise ValueError("an object without its raw value")
        return value.get("raw")
    return value


def number(value: object) -> float | None:
    """Return a number; null for infinity and the like, which Yahoo writes as text."""
    if isinstance(value, str) and value in NOT_NUMBERS:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("number")
    return float(value) if math.isfinite(value) else None


def text(value: object) -> str | None:
    """Return text with its spaces made plain; null if there is nothing in it."""
    if not isinstance(value, str):
        raise TypeError("text")
    return " ".join(value.split()) or None


def instant(value: object) -> datetime:
    """Return the instant of seconds since 1970."""
    seconds = number(value)
    if seconds is None:
        raise ValueError("no seconds")
    return datetime.fromtimestamp(seconds, UTC)


def split_ratio(value: str | None) -> float | None:
    """Return new shares per old share of a text such as 4:1."""
    if value is None:
        return None
    new, separator, old = value.replace("/", ":").partition(":")
    if not separator:
        raise ValueError("no ratio")
    ratio = float(new) / float(old) if float(old) else 0.0
    if not 0.0 < ratio < math.inf:
        raise ValueError("no positive ratio")
    return ratio


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise TypeError("flag")
    return value


def integer(value: object) -> int | None:
    """Return a whole number."""
    found = number(value)
    if found is not None and found != int(found):
        raise ValueError("not whole")
    return None if found is None else int(found)


_CONVERSIONS: Mapping[str, Callable[[object], Any]] = {
    "text": text,
    "flag": flag,
    "integer": integer,
    "instant": instant,
    "ratio": lambda value: split_ratio(text(value)),
}
