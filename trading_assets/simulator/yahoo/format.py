"""Yahoo's printed form of numbers: 391.04B, and the objects that carry a number with it."""

from __future__ import annotations

from typing import Any

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def compact(value: float) -> str:
    """Return a number as Yahoo prints it: two decimals and a letter."""
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:.2f}{letter}"
    return f"{value:.2f}"


def wrapped(value: int) -> dict[str, Any]:
    """Return a whole number with its short and its long printed form; zero has no short one."""
    return {"raw": value, "fmt": compact(value) if value else None, "longFmt": f"{value:,}"}
