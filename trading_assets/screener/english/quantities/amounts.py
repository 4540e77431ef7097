"""Amounts: numbers with units as they are typed and written, exact to the last bit in both directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading_assets.screener.fields import FIELDS, number_in_range

AmountUnit = Literal["", "$", "%", "bps", "x"]
MAGNITUDES: dict[str, int] = {
    "k": 3, "thousand": 3, "m": 6, "mm": 6, "mn": 6, "mil": 6, "mill": 6, "mio": 6, "million": 6,
    "b": 9, "bn": 9, "bil": 9, "bln": 9, "billion": 9, "t": 12, "tn": 12, "tril": 12, "trillion": 12,
}  # fmt: skip
_WRITTEN_MAGNITUDES = ((12, "T"), (9, "B"), (6, "M"))
_SHIFTS = {"%": -2, "bps": -4}
_PLAIN_DIGITS = 17


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as typed: its digits with the magnitude, and its unit."""

    number: Decimal
    unit: AmountUnit = ""
    magnitude: int = 0


class AmountError(ValueError):
    """An amount that the field cannot be compared with, and what may have been meant."""

    def __init__(self, message: str, suggestions: tuple[str, ...] = ()) -> None:
        self.suggestions = suggestions
        super().__init__(message)


def is_fraction(field: str) -> bool:
    """Say whether values of the field are fractions, which people write in percent."""
    return FIELDS[field].unit.startswith("fraction")


def value_of(amount: Amount, field: str) -> float:
    """Return an amount as a value of a field.

    Raises
    ------
    AmountError
        If the unit is not the field's, if a number could be a fraction as well as percent, or out of the range.
    """
    label, unit = FIELDS[field].label, FIELDS[field].unit
    if is_fraction(field):
        value = _fraction(amount, label)
    elif amount.unit in _SHIFTS:
        raise AmountError(f"{label} is not in percent but {_measured(unit)}: write a number without %")
    elif amount.unit == "$" and unit != "USD":
        raise AmountError(f"{label} is not in dollars but {_measured(unit)}: leave the $ out")
    elif amount.unit == "x" and unit != "ratio":
        raise AmountError(f"{label} is no ratio: how many times what? Name a field", (f"2 x {label}",))
    else:
        _check_digits(amount, field)
        value = _shifted(amount.number, amount.magnitude)
    try:
        return number_in_range(field, value)
    except ValueError as error:
        raise AmountError(str(error)) from error


def multiple_of(amount: Amount) -> float:
    """Return an amount (2 x, 95 %) as a factor."""
    return _shifted(amount.number, amount.magnitude + _SHIFTS.get(amount.unit, 0))


def changed_by(amount: Amount, sign: int) -> float:
    """Return the factor of "so many percent above" (``sign`` 1) or below (-1), without rounding."""
    return float(1 + sign * amount.number.scaleb(_SHIFTS[amount.unit]))


def written(value: float, field: str, *, in_full: bool = False) -> str:
    """Write a value of a field, so that `value_of` gives it back to the last bit; ``in_full`` without M, B and T.

    Examples
    --------
    >>> written(0.035, "dividend_yield"), written(10e9, "market_cap"), written(30.0, "rsi_14")
    ('3.5%', '$10B', '30')
    """
    unit = FIELDS[field].unit
    if is_fraction(field):
        return f"{_digits(_exact(value, 2))}%"
    number = _exact(value, 0)
    text = _with_magnitude(number, in_full=in_full) if unit in {"USD", "shares"} else _digits(number)
    if unit != "USD" or value == 0:
        return text
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def written_limits(low: float, high: float, field: str) -> tuple[str, str]:
    """Write two values of a field: with M, B or T both or neither, so that "between 2 and 10B" is never said."""
    short = written(low, field), written(high, field)
    if low and high and short[0][-1].isdigit() == short[1][-1].isdigit():
        return short
    return written(low, field, in_full=True), written(high, field, in_full=True)


def written_factor(factor: float) -> str:
    """Write a factor before a field: ``95% of``, ``2 x``, nothing for 1."""
    if factor == 1:
        return ""
    if abs(factor) < 2:
        return f"{_digits(_exact(factor, 2))}% of "
    return f"{_digits(_exact(factor, 0))} x "


def _check_digits(amount: Amount, field: str) -> None:
    # what a point or a missing letter may have been meant as
    size, unit = abs(amount.number), FIELDS[field].unit
    if amount.magnitude or unit not in {"USD", "shares"}:
        return
    sign, label = "$" if unit == "USD" else "", FIELDS[field].label
    if amount.number.as_tuple().exponent == -3 and 1 <= size < 1000:
        meant = (f"{sign}{int(size * 1000):,}", f"{sign}{_digits(size)}{'' if size == int(size) else '0'}")
        raise AmountError(f"{label}: {meant[0]} or {meant[1]}?", meant)
    if unit == "USD" and FIELDS[field].scale == "none" and not amount.unit and 0 < size < 1000:
        plain, millions, billions = (f"${_digits(size)}{letter}" for letter in ("", "M", "B"))
        raise AmountError(f"{label}: {plain}, {millions} or {billions}?", (plain, millions, billions))


def _fraction(amount: Amount, label: str) -> float:
    if amount.unit == "x":
        raise AmountError(f"{label} is in percent, not a number of times")
    if amount.unit == "$" or amount.magnitude:
        raise AmountError(f"{label} is in percent", (f"{_digits(amount.number)}%",))
    if amount.unit:
        return _shifted(amount.number, _SHIFTS[amount.unit])
    if 0 < abs(amount.number) < 1:
        meant = tuple(f"{_digits(_shift(amount.number, by))}%" for by in (0, 2))
        raise AmountError(f"{label} is in percent: {meant[0]} or {meant[1]}?", meant)
    return _shifted(amount.number, -2)


def _measured(unit: str) -> str:
    return {"USD": "in dollars", "shares": "in shares", "ratio": "a ratio", "days": "in days"}.get(
        unit,
        f"measured in {unit}"
        if unit == "deviations"
        else f"runs from {unit.replace('-', ' to ', 1)}"
        if unit[0].isdigit()
        else f"runs from {unit}",
    )


def _shift(number: Decimal, places: int) -> Decimal:
    sign, digits, exponent = number.as_tuple()
    return Decimal((sign, digits, int(exponent) + places))


def _shifted(number: Decimal, places: int) -> float:
    value = float(_shift(number, places))
    if math.isinf(value):
        raise AmountError("this number is too large")
    return value


def _exact(value: float, places: int) -> Decimal:
    # The shortest digits that are this float and no other, shifted: no rounding on the way
    return _shift(Decimal(repr(value)), places)


def _digits(number: Decimal) -> str:
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits))
    trimmed = text.rstrip("0") or "0"
    exponent = int(exponent) + len(text) - len(trimmed) if trimmed != "0" else 0
    lead = "-" if sign else ""
    if not -_PLAIN_DIGITS < exponent <= _PLAIN_DIGITS:
        return f"{lead}{trimmed}e{exponent}"
    return lead + format(Decimal((0, tuple(map(int, trimmed)), exponent)), "f")


def _with_magnitude(number: Decimal, *, in_full: bool) -> str:
    for places, letter in () if in_full else _WRITTEN_MAGNITUDES:
        text = _digits(_shift(number, -places))
        if abs(number) >= Decimal(10) ** places and "e" not in text and len(text.partition(".")[2]) <= 3:
            return text + letter
    text = _digits(number)
    whole, point, part = text.partition(".")
    if len(part) == 3 and "e" not in text and 1 <= abs(number) < 1000:
        part += "0"  # 1.234 could be read as a thousand
    return text if "e" in text else f"{int(whole):,}{point}{part}" if int(whole) else text
