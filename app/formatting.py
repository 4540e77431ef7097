"""Formatting: numbers, changes and instants as people read them; a sign and an arrow wherever there is a colour."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

Number = float | Decimal | int
NOTHING = "n/a"
WHOLE = {"shares", "trades", "sessions", "positions"}


def usd(value: Number | None, digits: int = 2) -> str:
    """Write an amount of dollars, e.g. ``$1,234.50`` or ``-$3.00``."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{'-' if value < 0 else ''}${abs(value):,.{digits}f}"


def headline_usd(value: Number | None) -> str:
    """Write an amount for a tile: cents only below a thousand dollars."""
    return usd(value, 2 if value is None or abs(float(value)) < 1000 else 0)


def large_usd(value: Number | None) -> str:
    """Write a large amount in its largest unit, e.g. ``$1.23 B``."""
    if value is None or math.isnan(value):
        return NOTHING
    number, unit = float(value), ""
    for larger in ("k", "M", "B", "T"):
        if abs(number) < 1000:
            break
        number, unit = number / 1000, f" {larger}"
    return f"{usd(number)}{unit}"


def signed_usd(value: Number) -> str:
    """Write a gain or loss for a tile with its sign, e.g. ``+$12.50``."""
    return f"{'+' if value > 0 else ''}{headline_usd(value)}"


def signed_percent(value: float) -> str:
    """Write a fraction as a percentage with its sign, e.g. ``+1.25 %``."""
    return f"{value:+.2%}".replace("%", " %")


def change_usd(value: Number | None) -> str:
    """Write a gain or loss with arrow and sign, e.g. ``▲ +1,234.50``."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{arrow(value)}{value:+,.2f}" if round(float(value), 2) else "0.00"


def change_frac(value: float | None) -> str:
    """Write a fraction as a signed percentage with arrow, e.g. ``▼ -1.25 %``."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{arrow(value)}{value:+.2%}".replace("%", " %") if round(value, 4) else "0.00 %"


def arrow(value: Number) -> str:
    """Return the arrow that repeats the sign."""
    return "▲ " if value > 0 else "▼ " if value < 0 else ""


def percent(value: float | None, digits: int = 1) -> str:
    """Write a fraction as a percentage."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.{digits}%}".replace("%", " %")


def share_down(value: float | None, digits: int = 2) -> str:
    """Write a fraction as a percentage that is rounded down: only what is whole reads ``100.00 %``."""
    if value is None or math.isnan(value):
        return NOTHING
    steps = 10 ** (digits + 2)
    return percent(math.floor(value * steps) / steps, digits)


def quantity(value: Number | None, unit: str) -> str:
    """Write a value of the schemas in its unit."""
    if value is None or math.isnan(value):
        return NOTHING
    number = float(value)
    if unit.startswith("fraction"):
        return f"{percent(number, 2)}{unit.removeprefix('fraction')}"
    if unit in WHOLE or abs(number) >= 1e6:
        return f"{number:,.0f}"
    return f"{number:,.2f}" if abs(number) >= 0.01 or number == 0 else f"{number:.3g}"


def instant(value: datetime | None, zone: ZoneInfo) -> str:
    """Write an instant in the user's zone, with the zone."""
    return NOTHING if value is None else f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def day(value: date | None) -> str:
    """Write a session."""
    return NOTHING if value is None else f"{value:%a %d %b %Y}"


def size(count: int) -> str:
    """Write a number of bytes."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
