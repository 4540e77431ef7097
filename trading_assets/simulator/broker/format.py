"""How Alpaca writes numbers and instants: decimals as plain strings, UTC with a Z, New York in clock and ids."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from trading_assets.sessions import NEW_YORK


def number(value: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros: "10", "0.5", "0"."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def cents(value: Decimal) -> str:
    """Return an amount of money rounded to cents, as the account shows it."""
    return number(value.quantize(Decimal("0.01")))


def optional_number(value: Decimal | None) -> str | None:
    """Return ``number`` of a value that may be absent."""
    return None if value is None else number(value)


def stamp(at: datetime) -> str:
    """Return an instant as Alpaca writes it: UTC, fraction without trailing zeros, Z."""
    text = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{at.microsecond:06d}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def optional_stamp(at: datetime | None) -> str | None:
    """Return ``stamp`` of an instant that may be absent."""
    return None if at is None else stamp(at)


def activity_prefix(at: datetime) -> str:
    """Return the front half of an activity's id: New York wall-clock time to the millisecond."""
    local = at.astimezone(NEW_YORK)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}"


def parse_instant(text: str, *, zone: ZoneInfo = NEW_YORK) -> datetime:
    """Read an RFC 3339 instant, or a date, which means its midnight in ``zone``; raises ValueError."""
    value = text.strip().replace(" ", "+") if "T" in text else text.strip()
    if len(value) == 10:
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    at = datetime.fromisoformat(value)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
